//! The model: what the hall and the ledger are, without rights, threads and formats.

use std::collections::{BTreeMap, VecDeque};

use commands::PIPELINED_MAX;
use serde_json::{Value, json};

use crate::world::token;
use crate::{Ask, Event, LIMIT, Luck, PEOPLE, ROOMS};

/// A message in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) seq: i64,
    room: usize,
    pub(crate) author: usize,
    pub(crate) text: String,
}

/// A message on its way into the ledger, and who waits for it.
#[derive(Clone)]
struct Waiting {
    who: usize,
    connection: usize,
    id: i64,
    room: usize,
    key: Option<usize>,
    text: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    Lobby,
    Room(usize),
}

#[derive(Default)]
struct Person {
    connection: usize,
    place: Place,
    /// How much one has had who catches up.
    behind: Option<i64>,
    /// What was asked for and waits for its turn.
    inbox: VecDeque<(i64, Request)>,
    /// Replies that are owed.
    slots: VecDeque<(i64, Option<String>)>,
    /// The last message that came, in each room.
    seen: [i64; ROOMS.len()],
    /// What came since it was last looked at.
    got: Vec<String>,
}

/// What one asks for, made exact.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Say { key: Option<usize>, text: String },
    Resume { room: usize, after: i64 },
    Enter(usize),
    Exit,
    History { after: i64 },
}

impl Request {
    pub(crate) fn body(&self, id: i64, who: usize) -> Vec<u8> {
        let (kind, data) = match self {
            Request::Say { key, text } => {
                let key = key.map(|key| key.to_string());
                let mut data = json!({ "to": "public", "text": text });
                key.into_iter().for_each(|key| data["key"] = key.into());
                ("msg", data)
            }
            Request::Resume { room, after } => {
                let token = token(PEOPLE[who]);
                ("resume", json!({ "token": token, "room": ROOMS[*room], "after": after }))
            }
            Request::Enter(room) => ("enter", json!({ "room": ROOMS[*room] })),
            Request::Exit => ("exit", Value::Null),
            Request::History { after } => ("history", json!({ "after": after, "limit": LIMIT })),
        };
        json!({ "type": kind, "data": data, "id": id }).to_string().into()
    }

    fn kind(&self) -> &'static str {
        match self {
            Request::Say { .. } => "msg",
            Request::Resume { .. } => "resume",
            Request::Enter(_) => "enter",
            Request::Exit => "exit",
            Request::History { .. } => "history",
        }
    }
}

#[derive(Default)]
pub(crate) struct Model {
    people: [Person; PEOPLE.len()],
    pub(crate) kept: Vec<Kept>,
    /// The first message under each key.
    sent: BTreeMap<(usize, usize, usize), Kept>,
    waiting: VecDeque<Waiting>,
    luck: VecDeque<Luck>,
    is_full: bool,
    seq: i64,
    /// The last entry of each room.
    last: [i64; ROOMS.len()],
}

/// What the ledger makes of a draft.
enum Taken {
    Kept(Kept),
    Repeated(Kept),
    KeyUsed,
}

impl Model {
    pub(crate) fn new() -> Model {
        let mut model = Model::default();
        for last in &mut model.last {
            model.seq += 1;
            *last = model.seq;
        }
        model
    }

    /// What one asks for, made exact by what one has seen.
    pub(crate) fn request(&self, who: usize, ask: &Ask) -> Request {
        match ask {
            Ask::Say { key, text } => {
                let key = *key;
                let number = key.unwrap_or(9);
                Request::Say { key, text: format!("{} {number} {text}", PEOPLE[who]) }
            }
            Ask::Resume { room, from_start } => {
                let after = if *from_start { 0 } else { self.people[who].seen[*room] };
                Request::Resume { room: *room, after }
            }
            Ask::Enter(room) => Request::Enter(*room),
            Ask::Exit => Request::Exit,
            Ask::History => {
                let after = match self.people[who].place {
                    Place::Room(room) => self.people[who].seen[room],
                    _ => 0,
                };
                Request::History { after: (after - 2).max(0) }
            }
        }
    }

    fn ask(&mut self, who: usize, id: i64, request: Request) {
        self.people[who].inbox.push_back((id, request));
        self.run(who);
    }

    /// Does what one has asked for, as far as it may be done.
    fn run(&mut self, who: usize) {
        loop {
            let person = &mut self.people[who];
            let Some((_, request)) = person.inbox.front() else { return };
            let is_pipelined = matches!(request, Request::Say { .. });
            let owed = person.slots.len();
            let is_free = owed == 0 || (is_pipelined && owed < PIPELINED_MAX);
            if person.behind.is_some() || !is_free {
                return;
            }
            let (id, request) = person.inbox.pop_front().expect("there is one in front");
            person.slots.push_back((id, None));
            let connection = person.connection;
            if let Some(reply) = self.reply(who, id, &request) {
                self.fill(who, connection, id, format!("{} {reply}", request.kind()));
            }
        }
    }

    /// What one is told at once, and what then is.
    fn reply(&mut self, who: usize, id: i64, request: &Request) -> Option<String> {
        let place = self.people[who].place;
        Some(match (request, place) {
            (Request::Say { .. }, Place::Room(_)) if self.is_full => "server_busy".into(),
            (Request::Say { key, text }, Place::Room(room)) => {
                let (connection, key, text) = (self.people[who].connection, *key, text.clone());
                self.waiting.push_back(Waiting { who, connection, id, room, key, text });
                return None;
            }
            (Request::Resume { room, after }, Place::Outside) => {
                self.people[who].place = Place::Room(*room);
                self.people[who].behind = Some(*after);
                format!("ok {}", self.last[*room])
            }
            (Request::Enter(room), Place::Lobby) => {
                self.people[who].place = Place::Room(*room);
                format!("ok {}", self.last[*room])
            }
            (Request::Exit, Place::Room(_)) => {
                self.people[who].place = Place::Lobby;
                "ok".into()
            }
            (Request::History { after }, Place::Room(room)) => {
                let found: Vec<i64> = self.after(room, *after).map(|kept| kept.seq).collect();
                let page = &found[..found.len().min(LIMIT)];
                format!("ok {page:?} {}", found.len() > LIMIT)
            }
            _ => "wrong_state".into(),
        })
    }

    fn after(&self, room: usize, seq: i64) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| kept.room == room && kept.seq > seq)
    }

    /// Fills a reply in; those that wait for none before them go out.
    fn fill(&mut self, who: usize, connection: usize, id: i64, reply: String) {
        let person = &mut self.people[who];
        if person.connection != connection {
            return;
        }
        let slot = person.slots.iter_mut().find(|(of, _)| *of == id).expect("it is owed");
        slot.1 = Some(reply);
        while let Some((id, Some(reply))) = person.slots.front() {
            person.got.push(format!("#{id} {reply}"));
            person.slots.pop_front();
        }
    }

    fn hear(&mut self, who: usize, how: &str, kept: &Kept) {
        let person = &mut self.people[who];
        person.got.push(format!("{how} {} {}", kept.seq, kept.text));
        person.seen[kept.room] = person.seen[kept.room].max(kept.seq);
    }

    fn page(&mut self, who: usize) {
        let (Place::Room(room), Some(had)) = (self.people[who].place, self.people[who].behind)
        else {
            return;
        };
        if self.last[room] <= had {
            self.people[who].behind = None;
        } else {
            let missed: Vec<Kept> = self.after(room, had).cloned().collect();
            missed.iter().for_each(|kept| self.hear(who, "replay", kept));
            self.people[who].behind = Some(self.last[room]);
        }
        self.run(who);
    }

    fn lose(&mut self, who: usize) {
        let person = &mut self.people[who];
        let seen = person.seen;
        *person = Person { connection: person.connection + 1, seen, ..Person::default() };
    }

    fn take(&mut self, draft: &Waiting) -> Taken {
        let key = draft.key.map(|key| (draft.who, draft.room, key));
        if let Some(first) = key.and_then(|key| self.sent.get(&key)) {
            return match first.text == draft.text {
                true => Taken::Repeated(first.clone()),
                false => Taken::KeyUsed,
            };
        }
        self.seq += 1;
        let (room, author, text) = (draft.room, draft.who, draft.text.clone());
        let kept = Kept { seq: self.seq, room, author, text };
        self.kept.push(kept.clone());
        key.into_iter().for_each(|key| drop(self.sent.insert(key, kept.clone())));
        Taken::Kept(kept)
    }

    /// Everybody who is there hears it, but for the connection that gets it as its reply.
    fn deliver(&mut self, kept: &Kept, but: Option<(usize, usize)>) {
        self.last[kept.room] = kept.seq;
        for who in 0..PEOPLE.len() {
            let person = &self.people[who];
            let is_here = person.place == Place::Room(kept.room) && person.behind.is_none();
            if is_here && but != Some((who, person.connection)) {
                self.hear(who, "push", kept);
            }
        }
    }

    fn land(&mut self) {
        let Some(draft) = self.waiting.pop_front() else { return };
        let waits = (draft.who, draft.connection);
        let luck = self.luck.pop_front();
        let reply = match luck {
            Some(Luck::Refuse) => "server_busy".into(),
            Some(Luck::Unknown | Luck::Drop) => "unknown_outcome".into(),
            Some(Luck::KeepInSilence) => {
                if let Taken::Kept(kept) = self.take(&draft) {
                    self.deliver(&kept, None);
                }
                "unknown_outcome".into()
            }
            None | Some(Luck::Double) => match self.take(&draft) {
                Taken::Kept(kept) => {
                    self.deliver(&kept, Some(waits));
                    if self.people[draft.who].connection == draft.connection {
                        let seen = &mut self.people[draft.who].seen[kept.room];
                        *seen = (*seen).max(kept.seq);
                    }
                    format!("ok {} {}", kept.seq, kept.text)
                }
                Taken::Repeated(kept) => format!("ok {} {}", kept.seq, kept.text),
                Taken::KeyUsed => "bad_request".into(),
            },
        };
        self.fill(draft.who, draft.connection, draft.id, format!("msg {reply}"));
        if matches!(luck, Some(Luck::Double))
            && let Taken::Kept(kept) = self.take(&draft)
        {
            // Without a key it is another message.
            self.deliver(&kept, None);
        }
        self.run(draft.who);
    }

    fn crash(&mut self, kept: usize) {
        let waiting = std::mem::take(&mut self.waiting);
        for draft in waiting.iter().take(kept) {
            if let Taken::Kept(kept) = self.take(draft) {
                self.last[kept.room] = kept.seq;
            }
        }
        self.luck.clear();
        self.is_full = false;
        (0..PEOPLE.len()).for_each(|who| self.lose(who));
    }

    pub(crate) fn happen(&mut self, id: i64, event: &Event) {
        match event {
            Event::Asks(who, ask) => self.ask(*who, id, self.request(*who, ask)),
            Event::Page(who) => self.page(*who),
            Event::Lose(who) => self.lose(*who),
            Event::Land => self.land(),
            Event::Decide(luck) => self.luck.push_back(*luck),
            Event::Fill(is_full) => self.is_full = *is_full,
            Event::Crash(kept) => self.crash(*kept),
        }
    }

    pub(crate) fn take_got(&mut self) -> Vec<Vec<String>> {
        self.people.iter_mut().map(|person| std::mem::take(&mut person.got)).collect()
    }
}
