//! The one way to the terminal while somebody types there: a queue, and a thread that
//! hands its lines to rustyline, which draws them above the line being typed.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use rustyline::ExternalPrinter;
use smol::Timer;
use smol::future::FutureExt;

/// How many texts wait for the terminal.
///
/// When it is full we stop listening to the server, which is what a terminal that is
/// stopped (Ctrl-S) has to come to.
const QUEUE_LEN_MAX: usize = 1024;

/// How long we wait at the end for what is still in the queue.
const DRAIN_WAIT: Duration = Duration::from_secs(1);

/// Prints above the line being typed.
pub(crate) struct Printer {
    queue: Sender<Item>,
}

enum Item {
    Text(String),
    /// Answered when all before it is printed.
    Mark(Sender<()>),
}

impl Printer {
    /// A printer that writes by rustyline's, or, on a terminal that cannot do that, straight.
    pub(crate) fn start(
        external: Option<impl ExternalPrinter + Send + 'static>,
    ) -> io::Result<Printer> {
        let (queue, items) = async_channel::bounded(QUEUE_LEN_MAX);
        // It may block for ever, when nobody reads the terminal: so it is a thread, and
        // nobody joins it.
        thread::Builder::new().name("printer".into()).spawn(move || print_all(&items, external))?;
        Ok(Printer { queue })
    }

    /// Prints `text` and the end of its line.
    pub(crate) async fn print(&self, text: &str) {
        let _ = self.queue.send(Item::Text(format!("{text}\n"))).await;
    }

    /// Would [`Printer::print`] wait? Then the thread may be waiting for the next prompt.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    /// Waits until all is printed, but not for ever.
    pub(crate) async fn drain(&self) {
        let drained = async {
            let (mark, reached) = async_channel::bounded(1);
            let _ = self.queue.send(Item::Mark(mark)).await;
            let _ = reached.recv().await;
        };
        let patience = async {
            Timer::after(DRAIN_WAIT).await;
        };
        drained.or(patience).await;
    }
}

fn print_all(items: &Receiver<Item>, mut external: Option<impl ExternalPrinter>) {
    while let Ok(item) = items.recv_blocking() {
        match (item, &mut external) {
            // A terminal that is gone ends the editor, and chatsh with it.
            (Item::Text(text), Some(external)) => drop(external.print(text)),
            (Item::Text(text), None) => drop(io::stdout().write_all(text.as_bytes())),
            (Item::Mark(reached), _) => drop(reached.try_send(())),
        }
    }
}
