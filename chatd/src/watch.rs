//! Tasks without which the server does nothing: when one of them ends, the process does.
//!
//! A detached task that panics is only gone. A server without its flushers, or without
//! the one that hands out messages, would take connections and answer nobody, and no
//! service manager would know.

use std::panic::AssertUnwindSafe;

use async_channel::{Receiver, Sender};
use async_executor::Executor;
use smol::Task;
use smol::future::FutureExt;

/// Whoever watches, and what it is told.
pub(crate) struct Watch {
    tell: Sender<&'static str>,
    told: Receiver<&'static str>,
}

impl Watch {
    /// One that watches nothing yet.
    pub(crate) fn new() -> Watch {
        let (tell, told) = async_channel::bounded(1);
        Watch { tell, told }
    }

    /// Runs a task that ends only when the server stops.
    pub(crate) fn spawn<'a>(
        &self,
        executor: &Executor<'a>,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'a,
    ) -> Task<()> {
        let tell = self.tell.clone();
        executor.spawn(async move {
            // What it shares is behind locks that a panic leaves usable, and all of it is
            // about to end.
            let has_panicked = AssertUnwindSafe(work).catch_unwind().await.is_err();
            tracing::debug!(name, has_panicked, "a task has ended");
            // Who was told of one need not be told of another.
            let _ = tell.try_send(name);
        })
    }

    /// Waits until one of them has ended; says which.
    pub(crate) async fn ended(&self) -> &'static str {
        match self.told.recv().await {
            Ok(name) => name,
            // We have a sender ourselves.
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_panics_or_ends_is_named() {
        let executor = Executor::new();
        let watch = Watch::new();
        watch.spawn(&executor, "idle", std::future::pending()).detach();
        watch.spawn(&executor, "broken", async { panic!("as this test wants") }).detach();
        assert_eq!(smol::block_on(executor.run(watch.ended())), "broken");
        watch.spawn(&executor, "over", async {}).detach();
        assert_eq!(smol::block_on(executor.run(watch.ended())), "over");
    }
}
