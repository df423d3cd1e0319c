//! What waits to be sent on one connection: bounded in bytes, drained in records.

use std::collections::VecDeque;

use proto::Frame;

/// The most that goes into one TLS record, in bytes: what the record can carry.
pub(crate) const RECORD_BYTES_MAX: usize = 16_384;

/// Frames that wait, oldest first.
#[derive(Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Frame>,
    /// How much of the first frame has gone already.
    gone: usize,
    /// The newest list, behind everything else.
    list: Option<Frame>,
    /// Bytes of `frames` that have not gone.
    bytes: usize,
    /// Bytes that went into a record which the socket has not taken whole.
    backlog: usize,
}

/// More waits than may wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.list.is_none()
    }

    /// Queues a frame. One that is larger than the bound still fits if nothing else
    /// waits.
    pub(crate) fn put(&mut self, frame: Frame, bytes_max: usize) -> Result<(), Full> {
        self.check_room(frame.len(), bytes_max)?;
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// Puts a list in the place of the one that waits. There is only one, so it needs no
    /// bound: however many rooms there are, whoever arrives among them may read.
    pub(crate) fn put_list(&mut self, list: Option<Frame>) {
        self.list = list;
    }

    fn check_room(&self, len: usize, bytes_max: usize) -> Result<(), Full> {
        let waiting = self.bytes + self.backlog;
        match bytes_max > 0 && waiting > 0 && waiting + len > bytes_max {
            true => Err(Full),
            false => Ok(()),
        }
    }

    /// Remembers how much of the last record the socket has not taken.
    pub(crate) fn set_backlog(&mut self, bytes: usize) {
        self.backlog = bytes;
    }

    /// Forgets what has not begun to go, so that the stream stays whole frames.
    pub(crate) fn clear(&mut self) {
        self.list = None;
        self.frames.truncate(usize::from(self.gone > 0));
        self.bytes = self.frames.front().map_or(0, |frame| frame.len() - self.gone);
    }

    /// Moves up to a record's worth of bytes into `record`.
    pub(crate) fn drain_into(&mut self, record: &mut Vec<u8>) {
        if self.frames.is_empty()
            && let Some(list) = self.list.take()
        {
            self.bytes += list.len();
            self.frames.push_back(list);
        }
        while let Some(frame) = self.frames.front() {
            let free = RECORD_BYTES_MAX - record.len();
            let rest = &frame[self.gone..];
            if rest.len() > free {
                record.extend_from_slice(&rest[..free]);
                self.gone += free;
                self.bytes -= free;
                return;
            }
            record.extend_from_slice(rest);
            self.bytes -= rest.len();
            self.gone = 0;
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(len: usize) -> Frame {
        vec![b'x'; len].into()
    }

    #[test]
    fn more_than_the_bound_does_not_wait() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.put(frame(100), 200), Ok(()));
        assert_eq!(outbox.put(frame(100), 200), Ok(()));
        assert_eq!(outbox.put(frame(1), 200), Err(Full));
        assert_eq!(outbox.put(frame(1), 0), Ok(()));
    }

    #[test]
    fn a_frame_larger_than_the_bound_fits_into_an_empty_outbox() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.put(frame(1000), 200), Ok(()));
        assert_eq!(outbox.put(frame(1), 200), Err(Full));
    }

    #[test]
    fn a_newer_list_takes_the_place_of_one_that_waits() {
        let mut outbox = Outbox::default();
        outbox.put_list(Some(vec![1].into()));
        outbox.put(vec![2].into(), 0).unwrap();
        outbox.put_list(Some(vec![3].into()));
        let mut record = Vec::new();
        outbox.drain_into(&mut record);
        assert_eq!(record, [2]);
        record.clear();
        outbox.drain_into(&mut record);
        assert_eq!(record, [3]);
        outbox.put_list(Some(vec![4].into()));
        outbox.put_list(None);
        assert!(outbox.is_empty());
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn a_frame_that_has_begun_to_go_is_not_forgotten() {
        let mut outbox = Outbox::default();
        outbox.put(frame(RECORD_BYTES_MAX + 5), 0).unwrap();
        outbox.put(frame(3), 0).unwrap();
        let mut record = Vec::new();
        outbox.drain_into(&mut record);
        outbox.clear();
        record.clear();
        outbox.drain_into(&mut record);
        assert_eq!(record.len(), 5);
        assert_eq!(outbox.bytes, 0);
    }

    proptest! {
        #[test]
        fn all_that_is_put_in_comes_out_in_order(
            lens in prop::collection::vec(1..40_000usize, 0..12),
        ) {
            let mut outbox = Outbox::default();
            let mut expected: Vec<u8> = Vec::new();
            for (i, len) in lens.iter().enumerate() {
                let bytes = vec![i as u8; *len];
                expected.extend_from_slice(&bytes);
                outbox.put(bytes.into(), 0).unwrap();
            }
            let mut seen = Vec::new();
            while !outbox.is_empty() {
                let mut record = Vec::new();
                outbox.drain_into(&mut record);
                prop_assert!(record.len() <= RECORD_BYTES_MAX && !record.is_empty());
                seen.extend(record);
            }
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(outbox.bytes, 0);
        }
    }
}
