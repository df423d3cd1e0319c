//! A small catalogue for the tests: the commands of the first document, and one that
//! a server may have beyond it.

use proto::{Arg, Catalogue, Description, Kind, Spec, State, States};
use serde_json::Value;

const AUTH: States = States::of(&[State::Auth]);
const LOBBY: States = States::of(&[State::Lobby]);
const CHAT: States = States::of(&[State::Chat]);
const INSIDE: States = States::of(&[State::Lobby, State::Chat]);

pub(crate) fn catalogue() -> Catalogue {
    let lobby = [State::Lobby];
    let commands = vec![
        command(spec("register", AUTH), "username! password!"),
        command(spec("login", AUTH).leads_to(&lobby), "username! password!"),
        command(spec("resume", AUTH).leads_to(&[State::Lobby, State::Chat]), "token! room after"),
        command(spec("logout", LOBBY).leads_to(&[State::Auth]), ""),
        command(spec("list", INSIDE), ""),
        command(spec("create", LOBBY), "room! private"),
        command(spec("enter", LOBBY).leads_to(&[State::Chat]), "room!"),
        command(spec("msg", CHAT).pipelined().bare("public"), "to! text! key"),
        command(spec("exit", CHAT).leads_to(&lobby), ""),
        command(spec("roll", States::ANY), "sides"),
        command(spec("past", CHAT), "before after limit search"),
        command(spec("mail", INSIDE), "after read"),
    ];
    Catalogue { version: proto::VERSION, commands, pushes: Vec::new() }
}

fn spec(name: &'static str, states: States) -> Spec {
    Spec::new(name, states, "", "")
}

/// `args` are names; those with a `!` are required.
fn command(spec: Spec, args: &str) -> Description {
    let arg = |word: &str| {
        let name = word.trim_end_matches('!');
        let kind = match name {
            "username" => Kind::UserName,
            "room" => Kind::RoomName,
            "password" => Kind::Password,
            "token" => Kind::Token,
            "to" => Kind::Addressee,
            "text" => Kind::Text,
            "private" => Kind::Boolean,
            "before" | "after" | "limit" | "sides" => Kind::Integer,
            _ => Kind::String,
        };
        let (required, rest) = (word != name, kind == Kind::Text);
        Arg { name: name.into(), kind, required, rest, summary: String::new() }
    };
    let args = args.split_whitespace().map(arg).collect();
    Description { spec, args, request: Value::Null, reply: Value::Null }
}
