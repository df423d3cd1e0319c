//! What the server says, as the shell shows it.

use std::time::{Duration, Instant};

use jiff::Zoned;
use proto::{Code, Incoming, NameKey, State, States, Status, usage};
use serde_json::{Map, Value, json};

use super::Repl;
use crate::link::Received;
use crate::listener::put_out;
use crate::mention::Reader;
use crate::page::Page;
use crate::said::Said;
use crate::session::{Heard, is_replayed, object};
use crate::step;
use crate::waiting::{Awaited, Waiting};
use crate::{events, json, safe, show};

/// How long after somebody was seen in the room it may be told that they are here.
const PRESENCE_DELAY: Duration = Duration::from_secs(1);

impl Repl<'_> {
    /// Says what a room that was entered is about, and asks what was said there before.
    pub(super) async fn look_around(&mut self) {
        if self.away.is_some() || self.room == self.session.bookmark.room {
            return;
        }
        self.room.clone_from(&self.session.bookmark.room);
        self.said = Said::default();
        self.look_who_is_there().await;
        let topic = self.session.bookmark.topic.as_ref().filter(|_| !self.look.is_json);
        if let Some(topic) = topic {
            self.printer.print(&events::topic(topic, self.style()));
        }
        let before = self.session.bookmark.last_seq().filter(|_| self.room.is_some());
        let knows_history = self.session.book().catalogue.find("history").is_some();
        let is_wanted = knows_history && self.waiting.is_none() && self.recent_len > 0;
        let Some(last @ 1..) = before.filter(|_| is_wanted) else {
            return;
        };
        // What is said from now on comes by itself.
        let data = json!({ "before": last + 1, "limit": self.recent_len });
        if let Ok(id) = self.session.ask_later("history", &object(data)).await {
            let what = Awaited::Recent(id);
            self.waiting = Some(Waiting::new(what, Some(self.session.timeout())));
        }
    }

    /// Asks whether private messages wait for a user who has logged in.
    pub(super) async fn look_for_mail(&mut self) {
        if self.away.is_some() || self.user == self.session.bookmark.user {
            return;
        }
        self.user.clone_from(&self.session.bookmark.user);
        self.look_who_is_there().await;
        let knows_inbox = self.session.book().catalogue.find("inbox").is_some();
        if self.user.is_none() {
            self.last_mail = None;
        }
        // What was seen is not announced once more after a cut.
        let unseen = self.last_mail.map(|seq| ("after".to_owned(), seq.into()));
        let is_news = unseen.is_some();
        let asked = match self.user.is_some() && knows_inbox {
            true => self.session.ask_later("inbox", &unseen.into_iter().collect()).await.ok(),
            false => None,
        };
        self.mail = asked.map(|id| (id, is_news));
    }

    /// Asks what names there are here, which Tab completes; the book takes them from the reply.
    async fn look_who_is_there(&mut self) {
        let knows_list = self.session.book().catalogue.find("list").is_some();
        if self.user.is_some() && knows_list {
            // One that cannot be sent is missed by nobody.
            let _ = self.session.ask_later("list", &Map::new()).await;
        }
    }

    /// Whether what waits is news, if this is the reply to what [`Repl::look_for_mail`] asked.
    fn take_mail(&mut self, reply: &Incoming) -> Option<bool> {
        let (_, is_news) = self.mail.take_if(|(id, _)| reply.id.as_ref() == Some(id))?;
        Some(is_news)
    }

    /// Takes note of a private message beyond rooms, which is seen or announced.
    fn see_mail(&mut self, message: &Map<String, Value>) {
        if message.contains_key("to") && !message.contains_key("room") {
            self.last_mail = self.last_mail.max(message.get("seq").and_then(Value::as_i64));
        }
    }

    /// Says how many wait, or came meanwhile if that `is_news`; nothing if there is none.
    fn show_mail(&mut self, reply: &Incoming, is_news: bool) {
        let messages = reply.data.get("messages").and_then(Value::as_array);
        let user = self.user.as_deref().map(NameKey::of);
        let is_user = |message: &Value, field: &str| {
            message.get(field).and_then(Value::as_str).map(NameKey::of) == user
        };
        // What they have told themselves they know.
        let is_theirs =
            |message: &&Value| is_user(message, "to") && !(is_news && is_user(message, "from"));
        let count = messages.into_iter().flatten().filter(is_theirs).count();
        let more = reply.data.get("more").and_then(Value::as_bool) == Some(true);
        // Which is the last one is not known of more than a page.
        let told = messages.into_iter().flatten().filter_map(Value::as_object);
        told.filter(|_| !more).for_each(|message| self.see_mail(message));
        let more = if more { " or more" } else { "" };
        let new = if is_news { "new " } else { "" };
        let messages = if count == 1 { "message" } else { "messages" };
        if count > 0 {
            self.remark(&format!(
                "{count} {new}private {messages}{more}, not marked as read: /inbox"
            ));
        }
    }

    /// Shows what was held back.
    pub(super) fn release(&mut self) {
        for push in std::mem::take(&mut self.held) {
            self.push(&push);
        }
    }

    pub(super) fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Own(reply) if let Some(is_news) = self.take_mail(&reply.message) => {
                self.show_mail(&reply.message, is_news);
            }
            Heard::Own(reply) => {
                self.note_present(&reply.message);
                if self.waiting.take_if(|waiting| waiting.is_for(&reply.message)).is_some() {
                    self.show_recent(&reply.message);
                    self.release();
                }
            }
            Heard::CaughtUp(0) => {}
            // They stand above.
            Heard::CaughtUp(1) => self.remark("this one came while the connection was lost"),
            Heard::CaughtUp(missed) => {
                self.remark(&format!("these {missed} came while the connection was lost"));
            }
            // It got through before the cut; its reply will come.
            Heard::Push(push) if self.is_echo(&push.message) => {}
            Heard::Push(push) if self.waiting.as_ref().is_some_and(Waiting::is_for_recent) => {
                self.held.push(push);
            }
            Heard::Push(push) => self.push(&push),
            Heard::Reply(reply) => {
                self.given_up.retain(|(id, _)| reply.message.id.as_ref() != Some(id));
                let waiting = self.waiting.take_if(|waiting| waiting.is_for(&reply.message));
                self.replied(&reply, waiting.map(|waiting| waiting.what));
            }
        }
    }

    pub(super) fn push(&mut self, push: &Received) {
        // Whoever wants lists pushed has one of each who comes, before it is said that they have.
        if show::names(&push.message.data).is_none() {
            self.note_present(&push.message);
        }
        if self.is_seen_already(&push.message) && !self.look.is_json {
            return;
        }
        let reader = self.reader_of(&push.message);
        let text = show::push_to(&reader, &push.message, self.style());
        self.show(push, text);
        self.note_said(&push.message);
        let is_meant = reader.is_meant(&push.message.data);
        if is_meant && self.rings && !is_replayed(&push.message) {
            self.printer.ring();
        }
        if put_out(push).is_some() {
            self.drop_paste();
        }
        self.see_mail(&push.message.data);
        self.waiting.take_if(|waiting| waiting.is_for(&push.message));
    }

    /// Takes note of who was seen in the room last: who is listed there, or says something.
    fn note_present(&mut self, message: &Incoming) {
        let room = self.session.bookmark.room.as_deref();
        let listed = show::names(&message.data).into_iter().flatten();
        let listed = listed.filter(|(list, _)| Some(*list) == room).flat_map(|(_, names)| names);
        let mut seen: Vec<_> = listed.map(NameKey::of).collect();
        seen.extend(name_in(message, "from").filter(|_| !is_replayed(message)));
        if message.kind == "left" || !seen.is_empty() {
            self.present = Some((seen, Instant::now()));
        }
    }

    /// Was the one who is said to have come seen already? A server waits a moment before it tells
    /// who has come, since many only say one thing.
    fn is_seen_already(&self, message: &Incoming) -> bool {
        let (Some((present, at)), "joined") = (&self.present, &*message.kind) else { return false };
        let name = name_in(message, "username");
        name.is_some_and(|name| present.contains(&name)) && at.elapsed() < PRESENCE_DELAY
    }

    pub(super) fn show_recent(&mut self, page: &Incoming) {
        let room = self.room.as_deref().unwrap_or_default();
        let recent = show::recent(page, room, &self.reader(), self.style());
        if let Some(recent) = recent.filter(|_| !self.look.is_json) {
            self.printer.print(&recent);
        }
        self.note_said(page);
    }

    fn note_said(&mut self, message: &Incoming) {
        self.said.note(self.room.as_deref().unwrap_or_default(), &message.data);
    }

    /// Who reads here.
    pub(super) fn reader(&self) -> Reader {
        Reader::of(self.session.bookmark.user.as_deref()).at_prompt(Zoned::now(), self.has_clock)
    }

    /// The same, of what may tell of an earlier message.
    fn reader_of(&self, message: &Incoming) -> Reader {
        let target = message.data.get("target").and_then(Value::as_i64);
        self.reader().who_has_read(target.and_then(|seq| self.said.find(seq)).cloned())
    }

    pub(super) fn replied(&mut self, reply: &Received, to: Option<Awaited>) {
        let style = self.style();
        let message = &reply.message;
        if message.status == Status::Error {
            let why = message.message.as_deref().unwrap_or("the server does not say why");
            let why = self.reader().times(why);
            let code = message.code.as_deref().unwrap_or("error");
            let is_wrong_state = message.is_error(Code::WrongState);
            let place = match is_wrong_state {
                true => self.wrong_place(&message.kind),
                false => None,
            };
            let text = place.unwrap_or_else(|| format!("{}: {why} ({code})", message.kind));
            let text = self.refused(&text);
            let text = style.error(&self.folded(&text));
            self.show(reply, Some(text));
            return self.drop_rest();
        }
        let mut text = Some(show::reply_to(&self.reader_of(message), message, style));
        // One that was given up still comes.
        let asked = match &to {
            Some(Awaited::Reply { data, .. }) => data.clone(),
            _ => Map::new(),
        };
        if let Some(page) = Page::of(message) {
            text = Some(self.page(&page, &message.kind, &asked));
        }
        if let Some(Awaited::Reply { kind, data, is_bare, .. }) = to {
            self.session.book().hear_fulfilled(&kind, &data);
            if let Err(failure) = self.session.keep_renewed_token(&kind, message) {
                self.complain(&failure.message);
            }
            // The line stands there already, as it was typed; one of a file does not.
            text = text.filter(|_| !is_bare || self.source.is_some());
        }
        self.show(reply, text);
        self.note_said(message);
    }

    /// Where the command `kind` is for, and the way there, in the words of the shell.
    pub(super) fn wrong_place(&self, kind: &str) -> Option<String> {
        let (state, catalogue) = self.session.here();
        let states = catalogue.find(kind)?.spec.states;
        let places: Vec<_> = states.iter().map(place).collect();
        let way: Vec<_> =
            step::way(&catalogue, States::of(&[state]), states).into_iter().map(usage).collect();
        let here = match state {
            State::Auth => "are not logged in".to_owned(),
            state => format!("are in {}", place(state)),
        };
        let is_wrong = !states.contains(state) && !way.is_empty();
        is_wrong.then(|| {
            let (places, way) = (places.join(" or "), way.join(", then "));
            // Elsewhere it ends the program.
            let end = if kind == "exit" { "; /quit ends chatsh" } else { "" };
            format!("/{kind} is for {places}, and you {here}: {way} first{end}")
        })
    }

    /// A page that was asked for, and how to get the next one.
    fn page(&self, page: &Page<'_>, kind: &str, data: &Map<String, Value>) -> String {
        let style = self.style();
        let lines = page.numbered(&Zoned::now(), &self.reader(), style);
        let book = self.session.book();
        let command = book.catalogue.find(kind);
        let is_empty = lines.is_empty().then(|| page.emptiness(data));
        let remarks =
            is_empty.into_iter().chain(page.mark(command)).chain(page.more(command, data));
        let remarks = remarks.map(|remark| style.dim(&safe::one_line(&remark, style)));
        let lines = (!lines.is_empty()).then_some(lines);
        lines.into_iter().chain(remarks).collect::<Vec<_>>().join("\n")
    }

    /// Is `push` the line that is under way?
    pub(super) fn is_echo(&self, push: &Incoming) -> bool {
        match self.waiting.as_ref().map(|waiting| &waiting.what) {
            Some(Awaited::Reply { data, .. }) => self.session.is_echo(push, data),
            _ => false,
        }
    }

    /// Prints a frame, or what it says.
    pub(super) fn show(&mut self, received: &Received, text: Option<String>) {
        match (self.look.is_json, text) {
            (true, _) => self.printer.print(&json::line(&received.body)),
            (false, Some(text)) => self.printer.print(&text),
            (false, None) => {}
        }
    }
}

/// The user whom a field of `message` names.
fn name_in(message: &Incoming, field: &str) -> Option<NameKey> {
    message.data.get(field).and_then(Value::as_str).map(NameKey::of)
}

/// A state as a place.
fn place(state: State) -> &'static str {
    match state {
        State::Auth => "who is not logged in",
        State::Lobby => "the lobby",
        State::Chat => "a room",
        State::Ended => "the end",
    }
}
