//! Whose the terminal is: rustyline has it while a line is typed, the printer between two lines.
//!
//! Rustyline decides for each text whether to keep it for the line being typed or to write it
//! at once, and begins or ends to read meanwhile: then the text stood on the row of the prompt,
//! or the prompt was drawn over it. So the printer waits in these moments. (Of a line that ends
//! with Ctrl-D rustyline does not tell us; that one is not covered.)

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the printer waits at most: both moments take less than a millisecond, and if we
/// should not hear of their end it is better to print than to say nothing.
const CHANGE_WAIT: Duration = Duration::from_millis(200);

/// How long the end of a line waits for a text that is just being handed over. If rustyline has
/// no place for it now, it has taken note of it, and shows it with the next line.
const HAND_OVER_WAIT: Duration = Duration::from_millis(5);

/// The floor, as the editor and the printer share it.
#[derive(Clone, Default)]
pub(crate) struct Floor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    held: Mutex<Held>,
    has_changed: Condvar,
}

#[derive(Default)]
struct Held {
    by: Holder,
    /// Is a text being handed over to the editor?
    is_handing_over: bool,
    /// Was anything printed, or handed over, since the editor began to end?
    has_printed: bool,
}

#[derive(Default, PartialEq, Eq)]
enum Holder {
    /// Nobody types.
    #[default]
    Printer,
    /// The editor begins or ends to read.
    Nobody,
    /// A line is being typed.
    Editor,
}

impl Floor {
    /// The editor begins or ends to read.
    pub(crate) fn change(&self) {
        self.when_handed_over().by = Holder::Nobody;
    }

    /// The same, unless a text is still being handed over: the editor will draw the line once
    /// more, below that text.
    pub(crate) fn try_change(&self) -> bool {
        let mut held = self.when_handed_over();
        if held.is_handing_over {
            return false;
        }
        (held.by, held.has_printed) = (Holder::Nobody, false);
        true
    }

    fn when_handed_over(&self) -> MutexGuard<'_, Held> {
        let is_due = |held: &mut Held| held.is_handing_over;
        let waited = self.0.has_changed.wait_timeout_while(self.lock(), HAND_OVER_WAIT, is_due);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes away what stands on the terminal since the editor ended. Not if something that
    /// somebody said stands below it: `erase` is told.
    pub(crate) fn take_away(&self, erase: impl FnOnce(bool)) {
        let held = self.lock();
        erase(!held.has_printed);
    }

    /// The editor reads, and draws the line.
    pub(crate) fn is_read_from(&self) {
        self.set(Holder::Editor);
    }

    /// The editor does not read any more.
    pub(crate) fn is_free(&self) {
        self.set(Holder::Printer);
    }

    /// Prints in the one way or in the other: by the editor while it has the floor, else at once,
    /// and then nobody begins to read before it is printed, however long the terminal takes.
    pub(crate) fn print(&self, by_editor: impl FnOnce(), at_once: impl FnOnce()) {
        let held = self.lock();
        let is_changing = |held: &mut Held| held.by == Holder::Nobody;
        let waited = self.0.has_changed.wait_timeout_while(held, CHANGE_WAIT, is_changing);
        let mut held = waited.unwrap_or_else(PoisonError::into_inner).0;
        held.has_printed = true;
        if held.by == Holder::Printer {
            return at_once();
        }
        held.is_handing_over = true;
        // It may wait for the editor, which has to get on.
        drop(held);
        by_editor();
        let mut held = self.lock();
        (held.is_handing_over, held.has_printed) = (false, true);
        drop(held);
        self.0.has_changed.notify_all();
    }

    fn set(&self, by: Holder) {
        self.lock().by = by;
        self.0.has_changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn what_was_said_meanwhile_is_not_taken_away() {
        let floor = Floor::default();
        let is_taken = |floor: &Floor| {
            let mut is_taken = false;
            floor.take_away(|is_last| is_taken = is_last);
            is_taken
        };
        floor.is_read_from();
        floor.print(|| {}, || {});
        assert!(floor.try_change());
        assert!(is_taken(&floor));
        // The printer does not wait for ever.
        floor.print(|| {}, || {});
        assert!(!is_taken(&floor));
        floor.is_read_from();
        assert!(floor.try_change());
        assert!(is_taken(&floor));
        // The editor, which has to take it, cannot wait for one that is on its way.
        floor.is_read_from();
        floor.print(|| assert!(!floor.try_change()), || {});
        assert!(floor.try_change());
    }

    #[test]
    fn the_printer_waits_while_a_line_begins_or_ends() {
        let floor = Floor::default();
        let (prints, printed) = mpsc::channel();
        let print = |floor: &Floor| {
            let (floor, prints) = (floor.clone(), prints.clone());
            thread::spawn(move || {
                let say = |way: &'static str| {
                    let prints = prints.clone();
                    move || prints.send(way).unwrap()
                };
                floor.print(say("by the editor"), say("at once"));
            })
        };
        print(&floor);
        assert_eq!(printed.recv(), Ok("at once"));
        floor.change();
        let printer = print(&floor);
        // It waits for longer than it takes to begin.
        let soon = CHANGE_WAIT / 4;
        assert_eq!(printed.recv_timeout(soon), Err(mpsc::RecvTimeoutError::Timeout));
        floor.is_read_from();
        assert_eq!(printed.recv(), Ok("by the editor"));
        printer.join().unwrap();
        floor.change();
        let printer = print(&floor);
        floor.is_free();
        assert_eq!(printed.recv(), Ok("at once"));
        printer.join().unwrap();
        // If nobody tells of the end, it does not wait for ever.
        floor.change();
        print(&floor);
        assert_eq!(printed.recv(), Ok("by the editor"));
    }
}
