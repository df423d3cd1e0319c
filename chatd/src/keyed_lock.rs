//! One at a time for each key: whoever comes later waits.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, Weak};

use async_lock::{Mutex, MutexGuardArc};

/// A lock for each key that is held or waited for; the others are forgotten when one is taken.
pub struct KeyedLock<K>(std::sync::Mutex<HashMap<K, Weak<Mutex<()>>>>);

impl<K: Hash + Eq> KeyedLock<K> {
    /// With nobody at it.
    pub fn new() -> KeyedLock<K> {
        KeyedLock(std::sync::Mutex::default())
    }

    /// Waits until nobody else has `key`, which is the caller's until the guard is dropped.
    pub async fn take(&self, key: K) -> MutexGuardArc<()> {
        self.of(key).lock_arc().await
    }

    fn of(&self, key: K) -> Arc<Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = locks.get(&key).and_then(Weak::upgrade).unwrap_or_default();
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use smol::future::{block_on, poll_once};

    use super::*;

    #[test]
    fn one_has_a_key_and_the_next_one_waits() {
        let lock = KeyedLock::new();
        block_on(async {
            let ann = lock.take("ann").await;
            let _bob = lock.take("bob").await;
            let mut next = std::pin::pin!(lock.take("ann"));
            assert!(poll_once(&mut next).await.is_none());
            drop(ann);
            assert!(poll_once(&mut next).await.is_some());
        });
    }

    #[test]
    fn keys_that_nobody_has_are_forgotten() {
        let lock = KeyedLock::new();
        for key in 0..10 {
            drop(block_on(lock.take(key)));
        }
        assert_eq!(lock.0.lock().unwrap().len(), 1);
    }
}
