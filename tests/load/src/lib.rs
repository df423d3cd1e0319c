//! Load for chatd and for IRC servers over TLS 1.3, and what it cost them.
//!
//! One thread plays all clients, so that it fits on one core beside the server, and says
//! how busy it was: a generator that is busy all the time measures itself. What it sends
//! is numbered, and every member checks that nothing is lost, doubled or out of order.

mod accounts;
mod chart;
mod chat;
mod check;
mod client;
mod crowd;
mod disk;
mod entrance;
mod history;
mod idle;
mod irc;
mod latency;
mod mark;
mod meter;
mod options;
mod page;
mod report;
mod run;
mod runs;
mod speaker;
mod storm;
mod talk;
mod target;
mod tongue;

pub use options::Options;
pub use report::Report;
pub use run::run;
