//! The queue of the writer: bounded, filled by many who do not wait, emptied by one thread.
//!
//! A channel for tasks wakes its receiver while it holds the lock that the receiver then
//! wants: on one core that is two more changes of threads for each message that comes alone.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// One end of the queue; all ends are alike.
pub(crate) struct Queue<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    len_max: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
    /// The thread that empties it sleeps.
    is_awaited: bool,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        Queue(self.0.clone())
    }
}

impl<T> Queue<T> {
    /// An empty queue in which at most `len_max` may wait.
    pub(crate) fn new(len_max: usize) -> Queue<T> {
        let state = State { waiting: VecDeque::new(), is_closed: false, is_awaited: false };
        Queue(Arc::new(Shared { state: Mutex::new(state), filled: Condvar::new(), len_max }))
    }

    /// Puts something behind all that waits.
    ///
    /// # Errors
    /// Gives it back when the queue is full or closed.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.state();
        if state.is_closed || state.waiting.len() >= self.0.len_max {
            return Err(item);
        }
        state.waiting.push_back(item);
        let is_awaited = std::mem::take(&mut state.is_awaited);
        drop(state);
        if is_awaited {
            self.0.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for something, and takes up to `max`; nothing once the queue is closed and empty.
    pub(crate) fn take(&self, max: usize) -> Vec<T> {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.is_closed {
            state.is_awaited = true;
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = max.min(state.waiting.len());
        state.waiting.drain(..count).collect()
    }

    /// Does nothing wait?
    pub(crate) fn is_empty(&self) -> bool {
        self.state().waiting.is_empty()
    }

    /// Takes nothing more in; what waits can still be taken.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.0.filled.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_the_bound_is_given_back() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(3)));
        assert_eq!(queue.take(1), [1]);
        assert_eq!(queue.push(4), Ok(()));
        assert_eq!(queue.take(9), [2, 4]);
    }

    #[test]
    fn a_closed_queue_is_emptied_and_takes_nothing() {
        let queue = Queue::new(9);
        queue.push(1).unwrap();
        queue.close();
        assert_eq!(queue.push(2), Err(2));
        assert_eq!(queue.take(9), [1]);
        assert!(queue.take(9).is_empty());
    }

    #[test]
    fn one_who_waits_is_woken_by_what_comes_and_by_the_end() {
        let queue = Queue::new(9);
        let taker = queue.clone();
        let taking = std::thread::spawn(move || {
            let mut taken = Vec::new();
            loop {
                match taker.take(4) {
                    some if some.is_empty() => return taken,
                    some => taken.extend(some),
                }
            }
        });
        for n in 0..1000 {
            while queue.push(n).is_err() {
                std::thread::yield_now();
            }
        }
        queue.close();
        assert_eq!(taking.join().unwrap(), (0..1000).collect::<Vec<_>>());
    }
}
