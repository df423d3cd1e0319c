//! A server without a network, a disk or a clock: people type, and what each of them
//! receives is written down.
//!
//! [`check`] plays a script and compares. A line of a script is one of
//!
//! - `ann> /enter attic`: a connection types a shell line, or the JSON of a request.
//!   `ann.2` is another connection of the account ann; `ann#7>` gives the request the
//!   id 7. `{x*40}` stands for 40 times x, `{token ann-1}` for the first token of ann.
//! - `* …`: something happens to the world, see [`Stage::happen`].
//!
//! What a connection receives follows the line that causes it: `ann< enter ok …` (an
//! error has its code in place of `ok`).

// Every test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

mod accounts;
mod ledger;
mod outbox;
mod schema;
mod show;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use commands::{
    Body, Draft, Hall, Limits, PIPELINED_MAX, Peer, PeerId, Policy, Registration, Session, World,
    catalogue, dispatch, find, malformed,
};
use expect_test::Expect;
use proto::{
    Cap, Caps, Catalogue, Code, Id, Incoming, Line, Malformed, Refusal, Request, RoomName, State,
    UserName, read_line, request_of,
};
use serde_json::{Map, Value, json};

pub(crate) use accounts::{Book, token};
pub(crate) use ledger::{Fate, Ledger};
pub(crate) use outbox::Mailbox;
pub(crate) use schema::violation;

/// Made once: a thousand stages ask for it.
pub(crate) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(catalogue);

/// Plays `script` and compares what came of it.
#[track_caller]
pub(crate) fn check(script: &str, expected: Expect) {
    let mut stage = Stage::new();
    stage.play(script);
    expected.assert_eq(&stage.log);
}

/// A world, its people, and what they have received.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) ledger: Ledger,
    pub(crate) accounts: Book,
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) log: String,
    peers: u64,
    /// Does the ledger keep at once what it takes in?
    lands_at_once: bool,
    /// Far in the future, so that all that happens for real happened long before it.
    list_clock: Instant,
}

/// A connection, as a task of the server has it.
pub(crate) struct Person {
    session: Option<Session>,
    mailbox: Mailbox,
    reads: bool,
    /// Requests that wait for the replies to those before them.
    inbox: VecDeque<Vec<u8>>,
    /// The requests with an id that are not answered yet.
    asked: VecDeque<(String, Id)>,
}

impl Person {
    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().expect("the connection stands")
    }

    pub(crate) fn state(&self) -> State {
        self.session().state()
    }

    /// For one who plays it alone.
    pub(crate) fn parts(&mut self) -> (&mut Session, &Mailbox) {
        (self.session.as_mut().expect("the connection stands"), &self.mailbox)
    }

    /// May the next request begin, or does it wait as PROTOCOL and DESIGN say?
    fn is_free(&self, body: &[u8]) -> bool {
        // What is no request is answered in its turn.
        let is_pipelined = Request::parse(body)
            .map_or(true, |request| find(&request.kind).is_some_and(|found| found.spec.pipelined));
        let owed = self.session().peer().owed();
        owed == 0 || is_pipelined && owed < PIPELINED_MAX
    }
}

/// The policy of a server that nobody has configured, small enough to reach its limits.
fn policy() -> Policy {
    Policy {
        registration: Registration::Open,
        motd: None,
        default_caps: Caps::default(),
        limits: Limits {
            frame: 65_536,
            frame_before_login: 4_096,
            frame_from_server: 1 << 20,
            text: 16_384,
            commands_burst: 100,
            commands_per_s: 20,
            pipelined: 64,
            ping_s: 60,
            rooms_per_user: 0,
        },
    }
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let (ledger, accounts) = (Ledger::default(), Book::default());
        Stage {
            world: World {
                server: "chatd 0.1.0".into(),
                hall: Arc::new(Hall::new("e1".into(), [])),
                ledger: Arc::new(ledger.clone()),
                accounts: Arc::new(accounts.clone()),
                policy: policy(),
            },
            ledger,
            accounts,
            people: BTreeMap::new(),
            log: String::new(),
            peers: 0,
            lands_at_once: true,
            list_clock: Instant::now() + Duration::from_secs(3600),
        }
    }

    /// Plays every line of a script.
    pub(crate) fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            writeln!(self.log, "{line}").unwrap();
            if let Some(what) = line.strip_prefix("* ") {
                self.happen(what);
                continue;
            }
            let (who, typed) = line.split_once('>').expect("a line says who types it");
            let (label, id) = match who.split_once('#') {
                None => (who, None),
                Some((label, id)) => {
                    let id = id.parse().map_or_else(|_| Id::Text(id.into()), Id::Number);
                    (label, Some(id))
                }
            };
            match self.body_of(label, expanded(typed.trim_start_matches(' ')), id) {
                Ok(body) => self.send(label, body),
                Err(why) => writeln!(self.log, "{label}! {why}").unwrap(),
            }
        }
    }

    /// What happens to the world:
    fn happen(&mut self, what: &str) {
        let words: Vec<&str> = what.split_whitespace().collect();
        match &words[..] {
            // * in attic: ann, bob.2      (or: in lobby; with caps: in attic with ping, resume:)
            ["in", place, ..] | [place @ "outside:", ..] => {
                let (how, who) = what.split_once(':').expect("a colon stands before the names");
                let caps = how.split_once(" with ").map_or("", |(_, caps)| caps);
                let caps: Caps = caps
                    .split(", ")
                    .filter(|cap| !cap.is_empty())
                    .map(|cap| Cap::from_name(cap).expect("the cap exists"))
                    .collect();
                for label in who.split(',').map(str::trim) {
                    self.put(label, place.trim_end_matches(':'), caps);
                }
            }
            ["the", "ledger", "waits"] => self.lands_at_once = false,
            ["the", "ledger", "goes", "on"] => self.lands_at_once = true,
            ["the", "ledger", "lands", n] => {
                for _ in 0..n.parse().expect("a number") {
                    self.ledger.land(&self.world.hall);
                }
            }
            ["the", "ledger", "is", "full"] => self.ledger.set_full(true),
            ["the", "ledger", "has", "room"] => self.ledger.set_full(false),
            ["the", "ledger", "refuses", "one"] => {
                self.ledger
                    .decide(Fate::Refuse(Refusal::new(Code::ServerBusy, "the disk is full")));
            }
            ["the", "ledger", "is", "unsure", "of", "one"] => self.ledger.decide(Fate::Unknown),
            ["the", "ledger", "drops", "one"] => self.ledger.decide(Fate::Drop),
            ["the", "accounts", "throttle", "one"] => self.accounts.refuse_next(
                Refusal::new(Code::Throttled, "too many attempts").with("retry_after_ms", 12_000),
            ),
            ["registration", "is", "closed"] => {
                self.world.policy.registration = Registration::Closed;
            }
            ["motd", ..] => self.world.policy.motd = Some(what[5..].into()),
            ["limits.text", n] => self.world.policy.limits.text = n.parse().unwrap(),
            ["limits.rooms_per_user", n] => {
                self.world.policy.limits.rooms_per_user = n.parse().unwrap();
            }
            [label, "stops", "reading"] => self.person(label).reads = false,
            [label, "reads"] => self.person(label).reads = true,
            // The connection is lost.
            [label, "is", "gone"] => self.person(label).session = None,
            // Its lists are pushed, at a time that is made up.
            ["lists", "at", ms, "ms"] => {
                let now = self.list_clock + Duration::from_millis(ms.parse().unwrap());
                let next = self.world.hall.push_lists(now);
                self.collect(None);
                let next = next.map(|at| (at - self.list_clock).as_millis());
                let next = next.map_or("never".into(), |ms| format!("at {ms} ms"));
                return writeln!(self.log, "* next {next}").unwrap();
            }
            _ => panic!("nobody knows how to make this happen: {what}"),
        }
        self.run(None);
    }

    /// Puts somebody somewhere, without a word in the log.
    pub(crate) fn put(&mut self, label: &str, place: &str, caps: Caps) {
        let account = UserName::new(label.split('.').next().unwrap()).unwrap();
        self.connect(label, caps);
        let mut requests = Vec::new();
        if place != "outside" {
            self.accounts.add(&account, "1234");
            let data = json!({"username": account, "password": "1234"});
            requests.push(json!({"type": "login", "data": data}));
        }
        if !["outside", "lobby"].contains(&place) {
            self.room(place);
            requests.push(json!({"type": "enter", "data": {"room": place}}));
        }
        let log = self.log.len();
        for request in requests {
            self.send(label, request.to_string().into());
        }
        self.log.truncate(log);
        assert_eq!(
            self.person(label).state() == State::Chat,
            place != "lobby" && place != "outside"
        );
    }

    /// A connection that has not said anything.
    pub(crate) fn connect(&mut self, label: &str, caps: Caps) {
        self.peers += 1;
        let mailbox = Mailbox::default();
        let peer = Arc::new(Peer::new(PeerId(self.peers), Box::new(mailbox.clone()), caps));
        let session = Some(Session::new(peer, IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let (inbox, asked) = Default::default();
        let person = Person { session, mailbox, reads: true, inbox, asked };
        self.people.insert(label.into(), person);
    }

    /// A room that the operator's configuration asks for, if there is none of that name.
    pub(crate) fn room(&mut self, name: &str) {
        let name = RoomName::new(name).unwrap();
        if self.world.hall.find(&name).is_none() {
            let body = Body::Created { name, topic: None };
            self.ledger.keep(&self.world.hall, Draft { room: None, author: None, body });
        }
    }

    pub(crate) fn person(&mut self, label: &str) -> &mut Person {
        if !self.people.contains_key(label) {
            self.connect(label, self.world.policy.default_caps);
        }
        self.people.get_mut(label).expect("it is connected now")
    }

    pub(crate) fn state(&mut self, label: &str) -> State {
        self.person(label).state()
    }

    /// The body of the request that a line stands for.
    fn body_of(&mut self, label: &str, line: String, id: Option<Id>) -> Result<Vec<u8>, String> {
        if line.starts_with('{') {
            return Ok(line.into());
        }
        let (name, arguments) = match read_line(&line, false) {
            Line::Nothing => return Err("nothing is said".into()),
            Line::Command { name, arguments, .. } => (name.to_owned(), arguments.to_owned()),
            Line::Said(text) => {
                let state = self.state(label);
                let command = CATALOGUE.bare(state).ok_or("nothing is said here")?;
                let before = command.spec.bare.as_deref().unwrap_or_default();
                (command.spec.name.to_string(), format!("{before} {text}"))
            }
        };
        let data = match CATALOGUE.find(&name) {
            None => Map::new(),
            Some(command) => request_of(command, &arguments)
                .map_err(|error| format!("column {}: {error}", error.column))?,
        };
        let mut request = Map::new();
        request.insert("type".into(), name.into());
        if !data.is_empty() {
            request.insert("data".into(), data.into());
        }
        if let Some(id) = id {
            request.insert("id".into(), serde_json::to_value(id).unwrap());
        }
        Ok(Value::Object(request).to_string().into())
    }

    /// One sends the body of a frame; then all happens that can happen.
    pub(crate) fn send(&mut self, label: &str, body: Vec<u8>) {
        self.person(label).inbox.push_back(body);
        self.run(Some(label));
    }

    /// Until nobody can go on. `first` is written down first.
    fn run(&mut self, first: Option<&str>) {
        loop {
            let mut is_over = true;
            for label in self.people.keys().cloned().collect::<Vec<_>>() {
                is_over &= !self.step(&label);
            }
            if self.lands_at_once {
                while self.ledger.land(&self.world.hall) {
                    is_over = false;
                }
            }
            self.collect(first);
            if is_over {
                return;
            }
        }
    }

    /// One takes the next request, if it may.
    fn step(&mut self, label: &str) -> bool {
        let person = self.people.get_mut(label).expect("it is connected");
        if person.session.is_none() || person.inbox.front().is_none_or(|body| !person.is_free(body))
        {
            return false;
        }
        let body = person.inbox.pop_front().expect("there is one in front");
        let session = person.session.as_mut().expect("it stands");
        let asked = &mut person.asked;
        let mut note = |kind: &str, id: &Option<Id>| {
            asked.extend(id.iter().map(|id| (kind.to_owned(), id.clone())));
        };
        match Request::parse(&body) {
            Ok(request) => {
                note(&request.kind, &request.id);
                let (owed, before) = (session.peer().owed(), session.state());
                smol::block_on(dispatch(&self.world, session, &request));
                assert!(session.peer().owed() <= owed + 1, "{label}: one reply for one request");
                assert_moved(&request.kind, before, session.state());
            }
            Err(error) => {
                if let Malformed::Request { kind, id, .. } = &error {
                    note(kind, id);
                }
                malformed(session, error);
            }
        }
        true
    }

    /// Writes down what everybody who reads has received.
    fn collect(&mut self, first: Option<&str>) {
        let labels: Vec<String> = self.people.keys().cloned().collect();
        let others = labels.iter().map(String::as_str).filter(|label| Some(*label) != first);
        for label in first.into_iter().chain(others) {
            for frame in self.received(label) {
                writeln!(self.log, "{label}< {}", show::frame(&frame)).unwrap();
            }
        }
    }

    /// Takes what one has received, if it reads; all that must be true of every frame
    /// is held against it.
    fn received(&mut self, label: &str) -> Vec<Incoming> {
        let person = self.people.get_mut(label).expect("it is connected");
        if !person.reads {
            return Vec::new();
        }
        let frames: Vec<Incoming> = person.mailbox.take().iter().map(|body| read(body)).collect();
        for frame in &frames {
            let Some(id) = &frame.id else { continue };
            let (kind, asked) = person.asked.pop_front().expect("a reply follows its request");
            assert_eq!(*id, asked, "{label}: replies come in the order of their requests");
            let kinds = if kind == "list" { &["list", "list_room"][..] } else { &[&*kind] };
            assert!(kinds.contains(&&*frame.kind), "{label}: a reply has the type of its request");
        }
        frames
    }

    /// Sends one request, and gives the frames that its sender then receives.
    pub(crate) fn ask(&mut self, label: &str, body: impl Into<Vec<u8>>) -> Vec<Incoming> {
        // Not written down: kept from collect while it runs.
        self.person(label).reads = false;
        self.send(label, body.into());
        self.person(label).reads = true;
        self.received(label)
    }
}

/// A session moves only where the specification of the command leads.
fn assert_moved(kind: &str, before: State, after: State) {
    let leads_to = find(kind).map(|command| command.spec.leads_to);
    assert!(
        before == after || leads_to.is_some_and(|states| states.contains(after)),
        "{kind} led from {before} to {after}"
    );
}

/// Reads a frame as a client does, and checks what is true of every frame.
pub(crate) fn read(frame: &[u8]) -> Incoming {
    let (header, body) = frame.split_at(proto::HEADER_BYTES);
    assert_eq!(
        header,
        u32::try_from(body.len()).unwrap().to_be_bytes(),
        "the header is the length"
    );
    let json: Value = serde_json::from_slice(body).expect("a frame is JSON");
    let incoming: Incoming =
        serde_json::from_value(json.clone()).expect("a frame has its envelope");
    match incoming.status {
        proto::Status::Error => {
            let code = incoming.code.as_deref().expect("an error has a code");
            assert!(Code::ALL.iter().any(|known| known.name() == code), "{code} is no code");
            assert!(incoming.message.is_some(), "an error has a message");
            let detail = match code {
                "bad_request" => Some("field"),
                "wrong_state" => Some("states"),
                "throttled" => Some("retry_after_ms"),
                _ => None,
            };
            assert!(detail.is_none_or(|key| incoming.data.contains_key(key)), "{json}");
        }
        proto::Status::Ok => {
            assert!(incoming.code.is_none(), "{json}");
            let name = if incoming.kind == "list_room" { "list" } else { &incoming.kind };
            let command = CATALOGUE.find(name).expect("what is ok is a command");
            let data = json.get("data").unwrap_or(&Value::Null);
            let wrong = violation(&command.reply, data);
            assert!(wrong.is_none(), "{json}: {}", wrong.unwrap_or_default());
        }
    }
    incoming
}

/// A line without its abbreviations; other braces stand for themselves.
fn expanded(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('{') {
        let (before, inside) = (&rest[..at], &rest[at + 1..]);
        text.push_str(before);
        match inside.split_once('}').and_then(|(short, rest)| Some((long(short)?, rest))) {
            Some((long, after)) => {
                text.push_str(&long);
                rest = after;
            }
            None => {
                text.push('{');
                rest = inside;
            }
        }
    }
    text + rest
}

/// What an abbreviation stands for, if it is one.
fn long(short: &str) -> Option<String> {
    if let Some(name) = short.strip_prefix("token ") {
        return Some(token(name));
    }
    let (part, times) = short.split_once('*')?;
    let is_plain = !part.contains(['{', '"']);
    is_plain.then(|| times.parse().ok()).flatten().map(|times| part.repeat(times))
}
