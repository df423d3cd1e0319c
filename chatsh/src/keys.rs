//! Keys of the line editor that are ours.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, Helper, KeyCode, KeyEvent,
    Modifiers, RepeatCount,
};

/// Was the line that is typed given a second line by its key? Then all of it is one message.
#[derive(Clone, Default)]
pub(crate) struct Whole(Arc<AtomicBool>);

impl Whole {
    /// Says so of the line that ends, for the last time.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Binds the keys.
pub(crate) fn bind<H: Helper, I: rustyline::history::History>(
    rustyline: &mut rustyline::Editor<H, I>,
) -> Whole {
    let whole = Whole::default();
    let alt_enter = KeyEvent(KeyCode::Enter, Modifiers::ALT);
    let further_line = EventHandler::Conditional(Box::new(FurtherLine(whole.clone())));
    rustyline.bind_sequence(alt_enter, further_line);
    let interrupt = EventHandler::Conditional(Box::new(Interrupt));
    rustyline.bind_sequence(KeyEvent::ctrl('C'), interrupt);
    whole
}

/// Begins another line of the same message.
struct FurtherLine(Whole);

impl ConditionalEventHandler for FurtherLine {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.0.store(true, Ordering::Relaxed);
        Some(Cmd::Newline)
    }
}

/// Takes the hint away, which rustyline leaves behind the line as if it had been typed.
struct Interrupt;

impl ConditionalEventHandler for Interrupt {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, line: &EventContext<'_>) -> Option<Cmd> {
        // A hint stands only behind the end of a line, where the cursor is.
        if line.has_hint() {
            let mut stdout = io::stdout();
            let _ = stdout.write_all(b"\x1b[J").and_then(|()| stdout.flush());
        }
        None
    }
}
