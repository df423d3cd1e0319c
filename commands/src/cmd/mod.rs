//! One file per command. A new one is a file here and a line below; a test holds the
//! files against the registry.

mod commands;
mod create;
mod enter;
mod exit;
mod hello;
mod history;
mod list;
mod login;
mod logout;
mod msg;
pub(crate) mod ping;
mod quit;
mod register;
mod resume;
