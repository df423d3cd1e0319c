//! Writes for connections that have something to send: one record each in turn.
//!
//! A write to a socket costs 2 us whatever its size, so fewer writes is what counts.
//! Whoever queues the first frame of a connection puts it on the list; what gathers
//! while others are served goes out in one record. There is no timer.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::connection::{Connection, Flow};

/// Connections served before other tasks of the thread have a turn: about 100 us.
const TURN_MAX: usize = 128;

/// The list of one executor thread.
#[derive(Default)]
pub struct Flusher {
    dirty: Mutex<Dirty>,
}

#[derive(Default)]
struct Dirty {
    list: Vec<Arc<Connection>>,
    waker: Option<Waker>,
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
            // Those who filled the queues have a turn, so that more gathers.
            smol::future::yield_now().await;
        }
    }

    fn dirty(&self) -> std::sync::MutexGuard<'_, Dirty> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
