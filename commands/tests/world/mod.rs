//! A server without a network, a disk or a clock: people type, and what each of them
//! receives is written down.
//!
//! [`check`] plays a script and compares; `script.rs` says how one is written.

// Every test program uses a part of it.
#![allow(dead_code, unused_imports, clippy::unwrap_used)]

mod accounts;
mod ledger;
mod outbox;
mod schema;
mod script;
mod show;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use commands::{
    Account, Body, Draft, Hall, Limits, PIPELINED_MAX, Peer, PeerId, Policy, Registration,
    RoomPolicy, Session, World, catalogue, dispatch, find, malformed,
};
use proto::{Caps, Catalogue, Id, Incoming, Malformed, Request, RoomName, State, UserName};
use serde_json::json;

pub(crate) use accounts::{Book, token};
pub(crate) use ledger::{Fate, Ledger};
pub(crate) use outbox::Mailbox;
pub(crate) use schema::violation;
pub(crate) use script::check;
pub(crate) use wire::read;

/// Made once: a thousand stages ask for it.
pub(crate) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| catalogue().clone());

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
    /// Does one who resumes get all that was missed before anything else happens?
    catches_up_at_once: bool,
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

    /// What it does not read waits.
    pub(crate) fn set_reads(&mut self, reads: bool) {
        self.reads = reads;
    }

    /// For one who plays it alone.
    pub(crate) fn parts(&mut self) -> (&mut Session, &Mailbox) {
        (self.session.as_mut().expect("the connection stands"), &self.mailbox)
    }

    /// May the next request begin, or does it wait as the protocol says?
    fn is_free(&self, body: &[u8]) -> bool {
        // Whoever catches up does nothing else.
        if self.session().is_behind() {
            return false;
        }
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
                archive: Arc::new(ledger.clone()),
                accounts: Arc::new(accounts.clone()),
                policy: policy(),
            },
            ledger,
            accounts,
            people: BTreeMap::new(),
            log: String::new(),
            peers: 0,
            lands_at_once: true,
            catches_up_at_once: true,
            list_clock: Instant::now() + Duration::from_secs(3600),
        }
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
        self.room_of(name, None, RoomPolicy::default());
    }

    /// A room of somebody's, if there is none of that name.
    pub(crate) fn room_of(&mut self, name: &str, author: Option<Arc<Account>>, policy: RoomPolicy) {
        let name = RoomName::new(name).unwrap();
        if self.world.hall.find(&name).is_none() {
            let body = Body::Created { name, topic: None, policy };
            self.ledger.keep(&self.world.hall, Draft { room: None, author, body, again: None });
        }
    }

    /// Something happens in a room.
    pub(crate) fn keep(&mut self, room: &str, author: Arc<Account>, body: Body) {
        let room = Some(self.world.hall.find(&RoomName::new(room).unwrap()).unwrap().id);
        let draft = Draft { room, author: Some(author), body, again: None };
        self.ledger.keep(&self.world.hall, draft);
    }

    /// From now on one who resumes gets a page when [`Stage::page`] says so.
    pub(crate) fn catch_up_by_hand(&mut self) {
        self.catches_up_at_once = false;
    }

    /// Sends the next page to one who catches up; then all happens that can happen.
    pub(crate) fn page(&mut self, label: &str) {
        let person = self.people.get_mut(label).expect("it is connected");
        if let Some(session) = &mut person.session {
            smol::block_on(commands::catch_up(&self.world, session)).unwrap();
        }
        self.run(None);
    }

    /// The server is killed, and another one starts on the same ledger, which has kept the
    /// first of what waited. Nobody is connected to it.
    pub(crate) fn restart(&mut self, kept: usize) {
        self.people.clear();
        let rooms = self.ledger.crash(kept);
        self.world.hall = Arc::new(Hall::new("e1".into(), rooms));
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
                while self.catches_up_at_once && session.is_behind() {
                    smol::block_on(commands::catch_up(&self.world, session)).unwrap();
                }
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

    /// One sends a body; what everybody then receives is not written down, but given.
    pub(crate) fn ask_all(
        &mut self,
        label: &str,
        body: Vec<u8>,
    ) -> BTreeMap<String, Vec<Incoming>> {
        self.person(label);
        self.people.values_mut().for_each(|person| person.reads = false);
        self.send(label, body);
        self.people.values_mut().for_each(|person| person.reads = true);
        self.read_all()
    }

    /// All that waits to be read, by whom.
    pub(crate) fn read_all(&mut self) -> BTreeMap<String, Vec<Incoming>> {
        let labels: Vec<String> = self.people.keys().cloned().collect();
        labels.into_iter().map(|label| (label.clone(), self.received(&label))).collect()
    }

    /// One sends a body, and this is what it then receives.
    pub(crate) fn ask(&mut self, label: &str, body: impl Into<Vec<u8>>) -> Vec<Incoming> {
        self.ask_all(label, body.into()).remove(label).unwrap_or_default()
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
