//! What the end-to-end tests share: real servers, clients on real TLS, real terminals.
//!
//! Every server has a port and a data folder of its own, so all tests run at once.
//! Nothing sleeps: a test waits for the event, and fails after [`PATIENCE`].

#![allow(clippy::unwrap_used, missing_docs)]

mod cable;
mod chance;
mod client;
mod disk;
mod home;
mod insister;
mod member;
mod proxy;
mod server;
mod terminal;
mod truth;

use std::path::PathBuf;
use std::time::Duration;

pub use cable::Cable;
pub use chance::Chance;
pub use client::{Client, End, dial, eventually, framed};
pub use disk::SmallDisk;
pub use home::{Home, Run, outcome};
pub use insister::{Account, Sender, listen};
pub use member::Member;
pub use proxy::Proxy;
pub use server::{Server, chatd_with, chatsh, run_chatd};
pub use terminal::Terminal;
pub use truth::{Said, Truth};

/// How long a test waits for what must happen: far beyond what it takes, since the
/// machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Does the developer have time for the long form of a test?
pub fn is_slow() -> bool {
    std::env::var_os("SLOW").is_some_and(|slow| slow == "1")
}

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
