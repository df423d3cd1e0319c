//! Writes for connections that have something to send: one record each in turn.
//!
//! A write to a socket costs 2 us whatever its size, so fewer writes is what counts.
//! Whoever queues the first frame of a connection puts it on the list; what gathers
//! while others are served goes out in one record. There is no timer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use event_listener::Event;

use crate::connection::{Connection, Flow};

/// Connections served before other tasks of the thread have a turn: about 100 us.
const TURN_MAX: usize = 128;

/// The list of one executor thread.
#[derive(Default)]
pub struct Flusher {
    dirty: Mutex<Dirty>,
    /// A pass over the list is over.
    passed: Event,
}

#[derive(Default)]
struct Dirty {
    list: Vec<Arc<Connection>>,
    waker: Option<Waker>,
    passes_begun: u64,
    passes_done: u64,
}

impl Flusher {
    /// Puts a connection that has become dirty on the list.
    pub(crate) fn add(&self, connection: Arc<Connection>) {
        let mut dirty = self.dirty();
        dirty.list.push(connection);
        if let Some(waker) = dirty.waker.take() {
            drop(dirty);
            waker.wake();
        }
    }

    /// Waits until every connection that is on the list now has had its turn.
    pub(crate) async fn pass(&self) {
        let wanted = {
            let dirty = self.dirty();
            dirty.passes_begun + u64::from(!dirty.list.is_empty())
        };
        loop {
            let passed = self.passed.listen();
            if self.dirty().passes_done >= wanted {
                return;
            }
            passed.await;
        }
    }

    /// Serves the list, for ever.
    pub async fn run(&self) {
        let mut turn = Vec::new();
        loop {
            std::future::poll_fn(|cx| {
                let mut dirty = self.dirty();
                if dirty.list.is_empty() {
                    dirty.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                dirty.passes_begun += 1;
                std::mem::swap(&mut turn, &mut dirty.list);
                Poll::Ready(())
            })
            .await;
            for (served, connection) in turn.drain(..).enumerate() {
                if served % TURN_MAX == TURN_MAX - 1 {
                    smol::future::yield_now().await;
                }
                // A record a turn: then it goes behind the others.
                if connection.flush() == Flow::Dirty {
                    self.add(connection);
                }
            }
            self.dirty().passes_done += 1;
            self.passed.notify(usize::MAX);
            // Those who fill the queues have a turn, so that more gathers.
            smol::future::yield_now().await;
        }
    }

    fn dirty(&self) -> MutexGuard<'_, Dirty> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
