//! What the end-to-end tests share: real servers, clients on real TLS, real terminals.
//!
//! Every server has a port and a data folder of its own, so all tests run at once.
//! Nothing sleeps: a test waits for the event, and fails after [`PATIENCE`].

#![allow(clippy::unwrap_used, missing_docs)]

mod client;
mod server;
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

pub use client::Client;
pub use server::{Server, chatsh, run_chatd};
pub use terminal::Terminal;

/// How long a test waits for what must happen: far beyond what it takes, since the
/// machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A program of this workspace, beside the test's own executable.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join(name);
    assert!(
        path.exists(),
        "{} is missing: `cargo test --workspace` builds it, `cargo build --workspace` too",
        path.display()
    );
    path
}
