//! Turns for what is dear and can wait: a step of a handshake, a connection's end.
//!
//! A step of a handshake is a tenth of a millisecond of elliptic curves. Tasks run as they were
//! woken, so when thousands come back at once, those who are in would wait for all of them
//! (measured with 10,000: 150 ms for a message, 70 ms while all were lost).

use async_lock::{Semaphore, SemaphoreGuard};

/// As many turns at a time as there are threads.
pub(crate) struct Turns(Semaphore);

impl Turns {
    /// Turns for so many threads.
    pub(crate) fn new(threads: usize) -> Turns {
        Turns(Semaphore::new(threads))
    }

    /// Waits for a turn, which lasts until it is dropped. It begins behind all who have
    /// something to do now, and should end before anything is waited for.
    pub(crate) async fn next(&self) -> SemaphoreGuard<'_> {
        let turn = self.0.acquire().await;
        smol::future::yield_now().await;
        turn
    }
}
