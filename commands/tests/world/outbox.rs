//! Where the frames for one connection wait until it reads.

use std::sync::{Arc, Mutex, MutexGuard};

use commands::Outbox;
use proto::Frame;

/// Frames in order; whether each is a list that a newer one replaces.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Vec<(Frame, bool)>>>);

impl Mailbox {
    fn frames(&self) -> MutexGuard<'_, Vec<(Frame, bool)>> {
        self.0.lock().expect("nobody panics while the mailbox is open")
    }

    /// Reads all that waits.
    pub(crate) fn take(&self) -> Vec<Frame> {
        self.frames().drain(..).map(|(frame, _)| frame).collect()
    }
}

impl Outbox for Mailbox {
    fn put(&self, frame: Frame) {
        self.frames().push((frame, false));
    }

    fn put_list(&self, list: Option<Frame>) {
        let mut frames = self.frames();
        frames.retain(|(_, is_list)| !is_list);
        frames.extend(list.map(|list| (list, true)));
    }
}
