//! One file per command. A new one is a file here and a line below; a test holds the
//! files against the registry.

mod ban;
mod commands;
mod create;
mod delete;
mod deop;
mod edit;
mod enter;
mod exit;
mod hello;
mod history;
mod inbox;
mod invite;
mod kick;
mod list;
mod login;
mod logout;
mod msg;
mod mute;
mod op;
mod passwd;
pub(crate) mod ping;
mod quit;
mod redact;
mod register;
mod resume;
mod retention;
mod room;
mod sessions;
mod tell;
mod topic;
mod unban;
mod unmute;
mod unregister;
mod whois;
