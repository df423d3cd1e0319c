//! What chatsh knows of the session: the commands there are, where it is, and whom and
//! what it has heard of. The prompt, completion, checks and scripts all read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::{
    Catalogue, Description, Incoming, Kind, NameKey, RoomName, State, States, Status, UserName,
};
use serde_json::{Map, Value};

use crate::style::Style;
use crate::{local, safe, show};

/// How many names of each kind are kept for completion.
///
/// A server tells as many as it likes; nobody picks one out of more than this.
const NAMES_MAX: usize = 4096;

/// Names that were heard of, each once, as they are written.
type Names = BTreeMap<NameKey, String>;

/// The book of one connection.
#[derive(Debug)]
pub(crate) struct Book {
    /// The server's commands and our own.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Where the session is.
    pub(crate) state: State,
    /// Who is logged in.
    pub(crate) user: Option<String>,
    /// The room, in [`State::Chat`].
    pub(crate) room: Option<String>,
    rooms: Names,
    users: Names,
    /// The number of what the user said last in this room.
    pub(crate) own_seq: Option<i64>,
}

impl Book {
    /// The book of a new connection, with the commands of chatd as it is shipped.
    pub(crate) fn new() -> Book {
        Book {
            catalogue: with_our_own(Catalogue::shipped()),
            state: State::Auth,
            user: None,
            room: None,
            rooms: Names::new(),
            users: Names::new(),
            own_seq: None,
        }
    }

    /// Begins again with another connection; what was heard of stays.
    pub(crate) fn begin_again(&mut self) {
        (self.state, self.user, self.room) = (State::Auth, None, None);
    }

    /// Takes the commands that the server told, if it told any.
    ///
    /// One that this version does not understand is left out, not the others with it.
    pub(crate) fn adopt(&mut self, data: &Map<String, Value>) {
        let Some(told) = data.get("commands").and_then(Value::as_array) else { return };
        let read = |command| serde_json::from_value::<Description>(command).ok();
        let commands: Vec<_> =
            told.iter().cloned().filter_map(read).filter_map(presentable).collect();
        if !commands.is_empty() {
            self.catalogue =
                with_our_own(Catalogue { version: proto::VERSION, commands, pushes: Vec::new() });
        }
    }

    /// Takes note of a reply or a push: where it leads, and which names it tells.
    pub(crate) fn hear(&mut self, message: &Incoming) {
        if message.status != Status::Ok {
            return;
        }
        self.learn(&message.data);
        self.note_own(&message.data);
        let catalogue = Arc::clone(&self.catalogue);
        let Some(command) = catalogue.find(&message.kind) else { return };
        if !command.spec.states.contains(self.state) {
            return;
        }
        let field = |name| message.data.get(name).and_then(Value::as_str);
        let room = field("room").or(field("chatroom")).filter(|room| *room != "lobby");
        let Some(target) = target(command.spec.leads_to, room.is_some()) else { return };
        if self.state == State::Auth {
            self.user = field("username").map(Into::into);
        }
        self.room = room.filter(|_| target == State::Chat).map(Into::into);
        self.own_seq = None;
        self.state = target;
    }

    /// Takes note of the names in a request that was fulfilled.
    pub(crate) fn hear_fulfilled(&mut self, kind: &str, data: &Map<String, Value>) {
        let catalogue = Arc::clone(&self.catalogue);
        let Some(command) = catalogue.find(kind) else { return };
        let of_kind = |wanted| {
            let name = move |arg: &proto::Arg| match arg.kind == wanted {
                true => data.get(&arg.name).and_then(Value::as_str),
                false => None,
            };
            command.args.iter().filter_map(name).collect::<Vec<_>>()
        };
        let (rooms, users) = (of_kind(Kind::RoomName), of_kind(Kind::UserName));
        if command.spec.irreversible {
            // What it names is no more.
            rooms.iter().for_each(|room| drop(self.rooms.remove(&NameKey::of(room))));
            return;
        }
        // As it was typed: the server's own way to write it counts more.
        for room in rooms {
            if !self.rooms.contains_key(&NameKey::of(room)) {
                keep_room(&mut self.rooms, room);
            }
        }
        for user in users {
            if !self.users.contains_key(&NameKey::of(user)) {
                keep_user(&mut self.users, user);
            }
        }
    }

    /// The rooms that were heard of, by name.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &str> {
        sorted(&self.rooms)
    }

    /// The users that were heard of, by name.
    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        sorted(&self.users)
    }

    /// `HOST> `, `ann@lobby> ` or `ann#attic> `.
    pub(crate) fn prompt(&self, host: &str) -> String {
        let user = self.user.as_deref().unwrap_or("?");
        let place = match (self.state, &self.room) {
            (State::Auth | State::Ended, _) => host.to_owned(),
            (State::Lobby, _) => format!("{user}@lobby"),
            (State::Chat, room) => format!("{user}#{}", room.as_deref().unwrap_or("?")),
        };
        format!("{}> ", safe::one_line(&place, Style::NONE))
    }

    fn note_own(&mut self, data: &Map<String, Value>) {
        let field = |name| data.get(name).and_then(Value::as_str);
        let is_own = self.user.is_some() && field("from") == self.user.as_deref();
        if is_own && self.room.is_some() && field("room") == self.room.as_deref() {
            self.own_seq = data.get("seq").and_then(Value::as_i64);
        }
    }

    fn learn(&mut self, data: &Map<String, Value>) {
        // With the lobby it is the list of all rooms: what is not there is gone.
        if self.state == State::Lobby && data.contains_key("lobby") && show::names(data).is_some() {
            self.rooms.clear();
        }
        for (room, users) in show::names(data).into_iter().flatten() {
            keep_room(&mut self.rooms, room);
            users.into_iter().for_each(|user| keep_user(&mut self.users, user));
        }
        for (key, value) in data {
            match (key.as_str(), value) {
                ("room" | "chatroom", Value::String(name)) => keep_room(&mut self.rooms, name),
                ("rooms", Value::Object(counts)) => {
                    counts.keys().for_each(|name| keep_room(&mut self.rooms, name));
                }
                ("from" | "to" | "username", Value::String(name)) => {
                    keep_user(&mut self.users, name);
                }
                _ => {}
            }
        }
    }
}

fn sorted(names: &Names) -> impl Iterator<Item = &str> {
    let mut names: Vec<_> = names.values().map(String::as_str).collect();
    names.sort_unstable();
    names.into_iter()
}

/// Only what can be a name is kept; so nothing has to be made safe later.
fn keep_room(rooms: &mut Names, name: &str) {
    if let Ok(room) = RoomName::new(name) {
        keep(rooms, room.key(), name);
    }
}

fn keep_user(users: &mut Names, name: &str) {
    if let Ok(user) = UserName::new(name) {
        keep(users, user.key(), name);
    }
}

fn keep(names: &mut Names, key: NameKey, name: &str) {
    if names.len() < NAMES_MAX || names.contains_key(&key) {
        names.insert(key, name.into());
    }
}

/// Where a command led that may lead to `targets`: the reply tells whether into a room.
fn target(targets: States, has_room: bool) -> Option<State> {
    let mut all = targets.iter();
    match (all.next(), all.next()) {
        (target, None) => target,
        _ if has_room && targets.contains(State::Chat) => Some(State::Chat),
        _ if targets.contains(State::Lobby) => Some(State::Lobby),
        (first, _) => first,
    }
}

/// Our own commands stand in place of those of the same name: `quit` ends chatsh, too.
fn with_our_own(mut catalogue: Catalogue) -> Arc<Catalogue> {
    let ours = local::commands();
    catalogue.commands.retain(|theirs| ours.iter().all(|own| own.spec.name != theirs.spec.name));
    catalogue.commands.extend(ours);
    Arc::new(catalogue)
}

/// A server's command with texts that are safe to show; none if it cannot be typed.
fn presentable(mut command: Description) -> Option<Description> {
    let is_word = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    if !is_word(&command.spec.name) || !command.args.iter().all(|arg| is_word(&arg.name)) {
        return None;
    }
    let safe = |text: &str| safe::one_line(text, Style::NONE);
    command.spec.summary = safe(&command.spec.summary).into();
    command.spec.example = safe(&command.spec.example).into();
    for arg in &mut command.args {
        arg.summary = safe(&arg.summary);
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn book() -> Book {
        let mut book = Book::new();
        let told = serde_json::to_value(testing::catalogue()).unwrap();
        book.adopt(told.as_object().unwrap());
        book
    }

    fn hear(book: &mut Book, kind: &str, status: &str, data: Value) {
        let frame = json!({ "type": kind, "status": status, "data": data });
        book.hear(&serde_json::from_value(frame).unwrap());
    }

    #[test]
    fn the_prompt_follows_the_replies() {
        let mut book = book();
        let mut check = |kind: &str, status: &str, data: Value, prompt: &str| {
            hear(&mut book, kind, status, data);
            assert_eq!(book.prompt("127.0.0.1"), prompt, "{kind}");
        };
        let ann = json!({ "username": "ann", "chatroom": "lobby" });
        check("register", "ok", ann.clone(), "127.0.0.1> ");
        check("login", "error", json!({}), "127.0.0.1> ");
        check("login", "ok", ann, "ann@lobby> ");
        check("enter", "error", json!({}), "ann@lobby> ");
        check("list", "ok", json!({ "attic": ["bob"] }), "ann@lobby> ");
        check("enter", "ok", json!({ "username": "ann", "room": "attic" }), "ann#attic> ");
        check("exit", "ok", json!({}), "ann@lobby> ");
        check("exit", "ok", json!({}), "ann@lobby> ");
        check("logout", "ok", json!({}), "127.0.0.1> ");
        check("resume", "ok", json!({ "username": "ann", "chatroom": "attic" }), "ann#attic> ");
        check("exit", "ok", json!({ "room": "attic", "by": "eve" }), "ann@lobby> ");
    }

    #[test]
    fn where_resume_leads_is_told_by_its_reply() {
        let mut book = book();
        hear(&mut book, "resume", "ok", json!({ "username": "ann", "chatroom": "lobby" }));
        assert_eq!(book.prompt("h"), "ann@lobby> ");
    }

    #[test]
    fn names_are_learned_from_lists_messages_and_fulfilled_requests() {
        let mut book = book();
        hear(&mut book, "list", "ok", json!({ "lobby": ["ann"], "attic": ["bob", "x\u{1b}y"] }));
        hear(&mut book, "msg", "ok", json!({ "from": "eve", "to": "public", "text": "hi" }));
        let data = json!({ "room": "cellar" });
        book.hear_fulfilled("create", data.as_object().unwrap());
        // The same name may be typed in another way.
        for (typed, name) in [("Bob", "bob"), ("Zoe", "zoe")] {
            let data = json!({ "username": typed });
            book.hear_fulfilled("kick", data.as_object().unwrap());
            hear(&mut book, "msg", "ok", json!({ "from": name, "to": "public", "text": "hi" }));
            book.hear_fulfilled("kick", data.as_object().unwrap());
        }
        assert_eq!(book.rooms().collect::<Vec<_>>(), ["attic", "cellar"]);
        assert_eq!(book.users().collect::<Vec<_>>(), ["ann", "bob", "eve", "zoe"]);
    }

    #[test]
    fn a_room_that_was_deleted_is_no_name_any_more() {
        let mut book = Book::new();
        book.state = State::Lobby;
        hear(&mut book, "list", "ok", json!({ "lobby": ["ann"], "attic": [], "cellar": [] }));
        hear(&mut book, "delete", "ok", json!({ "room": "attic" }));
        book.hear_fulfilled("delete", json!({ "room": "Attic" }).as_object().unwrap());
        assert_eq!(book.rooms().collect::<Vec<_>>(), ["cellar"]);
    }

    #[test]
    fn a_command_of_tomorrow_does_not_hide_the_others() {
        let mut book = book();
        let mut told = serde_json::to_value(testing::catalogue()).unwrap();
        let commands = told["commands"].as_array_mut().unwrap();
        commands[0]["states"] = json!(["auth", "attic"]);
        let gone = commands[0]["name"].as_str().unwrap().to_owned();
        commands[1]["name"] = json!("a b");
        commands[2]["summary"] = json!("\u{1b}[2J");
        let cleaned = commands[2]["name"].as_str().unwrap().to_owned();
        let len = commands.len();
        book.adopt(told.as_object().unwrap());
        assert!(book.catalogue.find(&gone).is_none());
        assert_eq!(book.catalogue.find(&cleaned).unwrap().spec.summary, r"\u{1b}[2J");
        assert_eq!(book.catalogue.commands.len(), len - 2 + local::commands().len());
    }
}
