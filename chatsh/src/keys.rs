//! Keys of the line editor that are ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, Helper, KeyCode, KeyEvent,
    Modifiers, RepeatCount,
};

/// Which of them were pressed while a line is typed.
#[derive(Default)]
pub(crate) struct Pressed {
    /// The key that begins another line of the same message: then all of it is one message.
    further_line: AtomicBool,
    /// Something was pasted.
    paste: AtomicBool,
    /// The interrupt key: then the line is none.
    interrupt: AtomicBool,
}

impl Pressed {
    /// A line begins: none of them was pressed.
    pub(crate) fn begin(&self) {
        for key in [&self.further_line, &self.paste, &self.interrupt] {
            key.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn has_further_line(&self) -> bool {
        self.further_line.load(Ordering::Relaxed)
    }

    pub(crate) fn has_paste(&self) -> bool {
        self.paste.load(Ordering::Relaxed)
    }

    pub(crate) fn has_interrupt(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }
}

/// Binds the keys.
pub(crate) fn bind<H: Helper, I: rustyline::history::History>(
    rustyline: &mut rustyline::Editor<H, I>,
) -> Arc<Pressed> {
    let pressed = Arc::<Pressed>::default();
    let further_line = FurtherLine(Arc::clone(&pressed));
    let alt_enter = KeyEvent(KeyCode::Enter, Modifiers::ALT);
    rustyline.bind_sequence(alt_enter, EventHandler::Conditional(Box::new(further_line)));
    let paste = Paste(Arc::clone(&pressed));
    let paste_begins = KeyEvent(KeyCode::BracketedPasteStart, Modifiers::NONE);
    rustyline.bind_sequence(paste_begins, EventHandler::Conditional(Box::new(paste)));
    let interrupt = Interrupt(Arc::clone(&pressed));
    rustyline.bind_sequence(KeyEvent::ctrl('C'), EventHandler::Conditional(Box::new(interrupt)));
    pressed
}

/// Begins another line of the same message.
struct FurtherLine(Arc<Pressed>);

impl ConditionalEventHandler for FurtherLine {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.further_line.store(true, Ordering::Relaxed);
        Some(Cmd::Newline)
    }
}

/// Takes note; what is pasted goes into the line.
struct Paste(Arc<Pressed>);

impl ConditionalEventHandler for Paste {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.paste.store(true, Ordering::Relaxed);
        None
    }
}

/// Ends the line as the return key does. By itself rustyline would leave the hint behind the
/// line as if it had been typed, and lose the keys that came in one piece with this one.
struct Interrupt(Arc<Pressed>);

impl ConditionalEventHandler for Interrupt {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.interrupt.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}
