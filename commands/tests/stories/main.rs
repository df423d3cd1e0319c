//! What people see: each test is a claim about the protocol, told as a script.

#[path = "../world/mod.rs"]
mod world;

mod accounts;
mod envelope;
mod history;
mod lists;
mod messages;
mod pipeline;
mod rooms;
