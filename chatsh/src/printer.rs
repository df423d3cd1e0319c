//! The one way to the terminal while somebody types there: a queue, and a thread that
//! hands its lines to rustyline, which draws them above the line being typed.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use rustyline::ExternalPrinter;
use smol::Timer;
use smol::future::FutureExt;

use crate::floor::Floor;

/// How many texts wait for the terminal.
///
/// When there are more we stop listening to the server, which is what a terminal that is
/// stopped (Ctrl-S) has to come to.
const QUEUE_LEN_MAX: usize = 1024;

/// How many bytes are drawn at once, but for the last text: a line that is being typed is
/// drawn anew after each time, and a flood of texts would draw nothing else.
const BATCH_BYTES: usize = 16 * 1024;

/// How long we wait at the end for what is still in the queue.
const DRAIN_WAIT: Duration = Duration::from_secs(1);

/// How long a prompt waits for what is still in the queue.
///
/// That takes no time, unless rustyline took a text just when the line was finished: then
/// it shows that text, and those after it, when it reads again.
const SETTLE_WAIT: Duration = Duration::from_millis(20);

/// A bell, on no line of its own.
const BELL: &str = "\x07\x1b[A\n";

/// Up and down again: below another text nothing is seen of it.
const NOTHING: &str = "\x1b[A\n";

/// Prints above the line being typed.
pub(crate) struct Printer {
    queue: Sender<Item>,
    /// What the queue had no place for, in order.
    late: VecDeque<String>,
    /// Is there no line editor?
    is_linear: bool,
    is_stuck: Arc<AtomicBool>,
}

enum Item {
    Text(String),
    /// Answered when all before it is on the terminal.
    Mark(Sender<()>),
}

impl Printer {
    /// A printer that writes by rustyline's, or, on a terminal that cannot do that, below what
    /// is `standing` there.
    pub(crate) fn start(
        external: Option<impl ExternalPrinter + Send + 'static>,
        standing: Standing,
        floor: Floor,
    ) -> io::Result<Printer> {
        let (queue, items) = async_channel::bounded(QUEUE_LEN_MAX);
        let is_stuck = Arc::new(AtomicBool::new(false));
        let is_linear = external.is_none();
        let is_shared = Arc::clone(&is_stuck);
        let thread = Thread { items, external, standing, floor, is_stuck: is_shared };
        // It may block for ever, when nobody reads the terminal: so it is a thread, and
        // nobody joins it.
        thread::Builder::new().name("printer".into()).spawn(move || thread.print_all())?;
        Ok(Printer { queue, late: VecDeque::new(), is_linear, is_stuck })
    }

    /// Prints `text` and the end of its line, now or later.
    ///
    /// It does not wait: the thread may print nothing before there is a prompt, and who
    /// waits for it would not notice that the line has ended and another prompt is due.
    pub(crate) fn print(&mut self, text: &str) {
        self.queue_up(format!("{text}\n"));
    }

    /// Draws the line that is being typed once more.
    pub(crate) fn redraw(&self) -> impl Fn() + Send + 'static {
        let queue = self.queue.clone();
        // If the queue is full, there will be something to draw it below.
        move || drop(queue.try_send(Item::Text(NOTHING.into())))
    }

    /// Shows the prompt once more where the interrupt key does not do it.
    pub(crate) fn prompt_again(&mut self) {
        if self.is_linear {
            self.queue_up(String::new());
        }
    }

    /// Rings the bell of the terminal.
    pub(crate) fn ring(&mut self) {
        self.queue_up(BELL.into());
    }

    fn queue_up(&mut self, text: String) {
        if self.is_behind() {
            return self.late.push_back(text);
        }
        if let Err(error) = self.queue.try_send(Item::Text(text))
            && let Item::Text(text) = error.into_inner()
        {
            self.late.push_back(text);
        }
    }

    /// Was there more to print than there is place for? Then it is time to catch up.
    pub(crate) fn is_behind(&self) -> bool {
        !self.late.is_empty()
    }

    /// Does rustyline have a text that it has not shown? While nobody types it will not
    /// show it, and none behind it either.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::SeqCst)
    }

    /// Queues one of the texts that are late; never ends if none is. It can be given up.
    pub(crate) async fn catch_up(&mut self) {
        let Some(text) = self.late.front() else { return std::future::pending().await };
        let _ = self.queue.send(Item::Text(text.clone())).await;
        self.late.pop_front();
    }

    /// Waits until all is shown, but not for ever.
    pub(crate) async fn drain(&self) {
        self.wait(DRAIN_WAIT).await;
    }

    /// Waits before a prompt, so that it stands under all that came before it.
    pub(crate) async fn settle(&self) {
        if !self.is_stuck() {
            self.wait(SETTLE_WAIT).await;
        }
    }

    async fn wait(&self, time: Duration) {
        let reached = async {
            let (reached, is_reached) = async_channel::bounded(1);
            let _ = self.queue.send(Item::Mark(reached)).await;
            let _ = is_reached.recv().await;
        };
        let patience = async {
            Timer::after(time).await;
        };
        reached.or(patience).await;
    }
}

/// The prompt that stands on the terminal while a line is typed. Where nothing can be drawn
/// above it, what others say goes below, and the prompt once more.
#[derive(Clone, Default)]
pub(crate) struct Standing(Arc<Mutex<Option<String>>>);

impl Standing {
    /// A line is asked for behind this prompt.
    pub(crate) fn begin(&self, prompt: &str) {
        *self.lock() = Some(prompt.to_owned());
    }

    /// Shows the prompt where no editor does.
    pub(crate) fn show(&self) {
        write(&self.prompt().unwrap_or_default());
    }

    /// From now on it is `new`, if it is `old`.
    pub(crate) fn change(&self, old: &str, new: &str) {
        if let Some(prompt) = self.lock().as_mut().filter(|prompt| *prompt == old) {
            new.clone_into(prompt);
        }
    }

    /// What it is now.
    pub(crate) fn prompt(&self) -> Option<String> {
        self.lock().clone()
    }

    /// The line behind the prompt is here.
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    fn print(&self, text: &str) {
        // Not under the lock: a terminal that is stopped takes nothing, for as long as it likes.
        match self.prompt() {
            Some(prompt) if text != "\x07" => write(&format!("\n{text}{prompt}")),
            _ => write(text),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

struct Thread<E> {
    items: Receiver<Item>,
    external: Option<E>,
    standing: Standing,
    floor: Floor,
    is_stuck: Arc<AtomicBool>,
}

impl<E: ExternalPrinter> Thread<E> {
    fn print_all(mut self) {
        while let Ok(item) = self.items.recv_blocking() {
            match item {
                Item::Mark(reached) => {
                    let _ = reached.try_send(());
                }
                Item::Text(text) => {
                    let (batch, mark) = self.batch(text);
                    self.print(batch);
                    if let Some(reached) = mark {
                        let _ = reached.try_send(());
                    }
                }
            }
        }
    }

    /// `text` with those that wait behind it, and the mark that ends them.
    fn batch(&self, mut text: String) -> (String, Option<Sender<()>>) {
        while text.len() < BATCH_BYTES {
            match self.items.try_recv() {
                Ok(Item::Text(next)) => text.push_str(&next),
                Ok(Item::Mark(reached)) => return (text, Some(reached)),
                Err(_) => break,
            }
        }
        (text, None)
    }

    fn print(&mut self, text: String) {
        // A terminal that is gone ends the editor, and chatsh with it.
        let Some(external) = &mut self.external else {
            return self.standing.print(&text.replace(BELL, "\x07"));
        };
        let by_editor = || {
            self.is_stuck.store(true, Ordering::SeqCst);
            let _ = external.print(text.clone());
            // Rustyline has room for one text that it has not shown yet, and takes this one when
            // it has. So what comes later does not come before, unless the line ends between
            // these two: then this one goes straight to the terminal.
            let _ = external.print(NOTHING.into());
            self.is_stuck.store(false, Ordering::SeqCst);
        };
        self.floor.print(by_editor, || write(&text));
    }
}
