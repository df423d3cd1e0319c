//! What people see: each test is a claim about the protocol, told as a script.

#[path = "../world/mod.rs"]
mod world;

mod accounts;
mod catching_up;
mod changes;
mod envelope;
mod history;
mod keeping;
mod lists;
mod messages;
mod pipeline;
mod presence;
mod private_rooms;
mod rooms;
mod tells;
