//! Where the frames for one connection wait until it reads.

use std::sync::{Arc, Mutex, MutexGuard};

use commands::Outbox;
use proto::{Frame, Refusal};

/// Frames in order; whether each is a list that a newer one replaces.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Vec<(Frame, bool)>>>, Arc<Mutex<Option<Refusal>>>);

impl Mailbox {
    fn frames(&self) -> MutexGuard<'_, Vec<(Frame, bool)>> {
        self.0.lock().expect("nobody panics while the mailbox is open")
    }

    /// Why the connection has to end, if it has.
    pub(crate) fn end(&self) -> Option<Refusal> {
        self.1.lock().expect("nobody panics here").clone()
    }

    /// In how many pieces that waits which waits.
    pub(crate) fn pieces(&self) -> usize {
        self.frames().len()
    }

    /// Reads all that waits.
    pub(crate) fn take(&self) -> Vec<Frame> {
        self.frames().drain(..).flat_map(|(frames, _)| split(&frames)).collect()
    }
}

/// The frames in one piece of what is sent.
fn split(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(header) = bytes.first_chunk() {
        let (frame, rest) =
            bytes.split_at(proto::HEADER_BYTES + u32::from_be_bytes(*header) as usize);
        frames.push(frame.into());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "a piece is whole frames");
    frames
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

    fn end(&self, why: Refusal) {
        *self.1.lock().expect("nobody panics here") = Some(why);
    }
}
