//! Keys of the line editor that are ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, Helper, KeyCode, KeyEvent,
    Modifiers, RepeatCount,
};

use crate::stopped::Stopped;

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
    stopped: Stopped,
) -> Arc<Pressed> {
    let pressed = Arc::<Pressed>::default();
    let keys = Keys(Arc::clone(&pressed), stopped);
    rustyline.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(keys)));
    pressed
}

/// Sees each key that is not the second of two.
struct Keys(Arc<Pressed>, Stopped);

impl ConditionalEventHandler for Keys {
    fn handle(
        &self,
        event: &Event,
        _: RepeatCount,
        _: bool,
        line: &EventContext<'_>,
    ) -> Option<Cmd> {
        if line.line().is_empty() {
            self.0.begin();
        }
        // Rustyline stops us next.
        self.1.set(event.get(0) == Some(&KeyEvent::ctrl('Z')));
        // Where it does not end the line, it is over with the next key.
        let is_interrupt = event.get(0) == Some(&KeyEvent::ctrl('C'));
        self.0.interrupt.store(is_interrupt, Ordering::Relaxed);
        match event.get(0)? {
            // It ends the line as the return key does. By itself rustyline would leave the hint
            // behind the line as if it had been typed, and lose the keys that came in one piece
            // with this one.
            _ if is_interrupt => Some(Cmd::AcceptLine),
            KeyEvent(KeyCode::Enter, Modifiers::ALT) => {
                self.0.further_line.store(true, Ordering::Relaxed);
                Some(Cmd::Newline)
            }
            KeyEvent(KeyCode::BracketedPasteStart, _) => {
                self.0.paste.store(true, Ordering::Relaxed);
                None
            }
            _ => None,
        }
    }
}
