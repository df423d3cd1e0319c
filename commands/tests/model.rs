//! Whatever people do, in whatever order: the sessions are where a tiny model says.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use proto::{Caps, Id, Incoming, State, Status};
use serde_json::{Value, json};

use world::{CATALOGUE, Fate, Stage};

/// Three people with four connections, and one who watches from the lobby.
const LABELS: [&str; 4] = ["ann", "ann.2", "bob", "eve"];
const WATCHER: &str = "zoe";
const ROOMS: [&str; 2] = ["attic", "cellar"];

fn account(label: &str) -> &str {
    label.split('.').next().expect("a label begins with an account")
}

/// What one of them does.
#[derive(Debug, Clone)]
enum Act {
    Register,
    Login { knows_password: bool },
    List,
    Create(usize),
    Enter(usize),
    Exit,
    Logout,
    Quit,
    Lose,
    Say,
    Tell(usize),
    Forge,
    Ping,
    Unknown,
    Spoiled,
    NoRequest,
}

fn acts() -> impl Strategy<Value = Act> {
    use Act::*;
    prop_oneof![
        2 => Just(Register),
        6 => Just(Login { knows_password: true }),
        1 => Just(Login { knows_password: false }),
        2 => Just(List),
        2 => (0..ROOMS.len()).prop_map(Create),
        6 => (0..ROOMS.len()).prop_map(Enter),
        3 => Just(Exit),
        1 => Just(Logout),
        1 => Just(Quit),
        1 => Just(Lose),
        4 => Just(Say),
        4 => (0..LABELS.len()).prop_map(Tell),
        1 => Just(Forge),
        1 => Just(Ping),
        1 => Just(Unknown),
        2 => Just(Spoiled),
        1 => Just(NoRequest),
    ]
}

impl Act {
    /// The body that one sends, if it sends one.
    fn body(&self, label: &str, id: i64) -> Option<Vec<u8>> {
        let name = account(label);
        let (kind, data) = match self {
            Act::Register => ("register", json!({"username": name, "password": "1234"})),
            Act::Login { knows_password } => {
                let password = if *knows_password { "1234" } else { "4321" };
                ("login", json!({"username": name, "password": password}))
            }
            Act::List => ("list", Value::Null),
            Act::Create(room) => ("create", json!({"room": ROOMS[*room]})),
            Act::Enter(room) => ("enter", json!({"room": ROOMS[*room]})),
            Act::Exit => ("exit", Value::Null),
            Act::Logout => ("logout", Value::Null),
            Act::Quit => ("quit", Value::Null),
            Act::Say => ("msg", json!({"to": "public", "text": "hello"})),
            Act::Tell(to) => ("msg", json!({"to": account(LABELS[*to]), "text": "psst"})),
            Act::Forge => ("msg", json!({"to": "public", "text": "hello", "from": "zoe"})),
            Act::Ping => ("ping", Value::Null),
            Act::Unknown => ("fly", Value::Null),
            Act::Spoiled => ("enter", json!({"room": "attic", "color": "red"})),
            Act::NoRequest => return Some(b"hello?".to_vec()),
            Act::Lose => return None,
        };
        Some(json!({"type": kind, "data": data, "id": id}).to_string().into())
    }
}

/// Where everybody is.
#[derive(Default)]
struct Model {
    registered: BTreeSet<&'static str>,
    rooms: BTreeSet<&'static str>,
    /// Who is not here is not logged in; `None` is the lobby.
    places: BTreeMap<&'static str, Option<&'static str>>,
}

impl Model {
    fn state(&self, label: &str) -> State {
        match self.places.get(label) {
            None => State::Auth,
            Some(None) => State::Lobby,
            Some(Some(_)) => State::Chat,
        }
    }

    /// What the lobby lists.
    fn listing(&self) -> Value {
        let mut rows = BTreeMap::from([("lobby", BTreeSet::from([WATCHER]))]);
        rows.extend(self.rooms.iter().map(|room| (*room, BTreeSet::new())));
        for (label, place) in &self.places {
            rows.entry(place.unwrap_or("lobby")).or_default().insert(account(label));
        }
        json!(rows)
    }

    /// Who else receives a message.
    fn hearers(&self, label: &str, act: &Act) -> Vec<&'static str> {
        let is_meant = |other: &str| match act {
            Act::Tell(to) => [account(LABELS[*to]), account(label)].contains(&account(other)),
            _ => true,
        };
        let mates = self.places.iter().filter(|(_, place)| *place == &self.places[label]);
        mates.map(|(other, _)| *other).filter(|other| *other != label && is_meant(other)).collect()
    }

    /// What one is told, and what then is.
    fn act(&mut self, label: &'static str, act: &Act) -> &'static str {
        let name = account(label);
        match (act, self.state(label)) {
            (Act::Register, State::Auth) => match self.registered.insert(name) {
                true => "ok",
                false => "name_taken",
            },
            (Act::Login { knows_password }, State::Auth) => {
                if !*knows_password || !self.registered.contains(name) {
                    return "unauthorized";
                }
                self.places.insert(label, None);
                "ok"
            }
            (Act::List, State::Lobby | State::Chat) | (Act::Ping, _) => "ok",
            (Act::Create(room), State::Lobby) => match self.rooms.insert(ROOMS[*room]) {
                true => "ok",
                false => "room_exists",
            },
            (Act::Enter(room), State::Lobby) => {
                if !self.rooms.contains(ROOMS[*room]) {
                    return "no_such_room";
                }
                self.places.insert(label, Some(ROOMS[*room]));
                "ok"
            }
            (Act::Exit, State::Chat) => {
                self.places.insert(label, None);
                "ok"
            }
            (Act::Logout, State::Lobby) | (Act::Quit | Act::Lose, _) => {
                self.places.remove(label);
                "ok"
            }
            (Act::Say, State::Chat) => "ok",
            (Act::Tell(to), State::Chat) => {
                let place = self.places[label];
                let to = account(LABELS[*to]);
                let is_here =
                    |(other, at): (&&str, &Option<&str>)| account(other) == to && *at == place;
                if self.places.iter().any(is_here) { "ok" } else { "not_in_room" }
            }
            (Act::Forge, State::Chat) | (Act::Spoiled, State::Lobby) => "bad_request",
            (Act::Unknown, _) => "unknown_command",
            (Act::NoRequest, _) => "bad_frame",
            _ => "wrong_state",
        }
    }
}

/// The failing case is kept beside this file, and tried first from then on.
fn config(cases: u32) -> ProptestConfig {
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::with_cases(cases)
    }
}

fn outcome(frame: &Incoming) -> &str {
    frame.code.as_deref().unwrap_or("ok")
}

fn message_of(frame: &Incoming) -> (&str, &Value) {
    (frame.data["text"].as_str().expect("a text"), &frame.data["seq"])
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn the_sessions_are_where_the_model_says(
        steps in prop::collection::vec((prop::sample::select(&LABELS[..]), acts()), 1..60)
    ) {
        let mut stage = Stage::new();
        let mut model = Model::default();
        stage.put(WATCHER, "lobby", Caps::default());
        for label in LABELS {
            stage.connect(label, Caps::default());
        }
        for (id, (label, act)) in steps.iter().enumerate() {
            let hearers = match act {
                Act::Say | Act::Tell(_) if model.state(label) == State::Chat => model.hearers(label, act),
                _ => Vec::new(),
            };
            let expected = model.act(label, act);
            if let Some(body) = act.body(label, id as i64) {
                let mut frames = stage.ask_all(label, body);
                let own = frames.remove(*label).expect("it is connected");
                prop_assert_eq!(own.len(), 1, "{}: {:?}", id, own);
                prop_assert_eq!(outcome(&own[0]), expected, "{}: {:?}", id, own);
                let is_request = !matches!(act, Act::NoRequest);
                prop_assert_eq!(&own[0].id, &is_request.then_some(Id::Number(id as i64)));
                for (other, frames) in frames {
                    let hears = expected == "ok" && hearers.contains(&&*other);
                    prop_assert_eq!(frames.len(), usize::from(hears), "{}: {:?}", other, frames);
                    for frame in &frames {
                        prop_assert_eq!(message_of(frame), message_of(&own[0]));
                    }
                }
            }
            if matches!(act, Act::Quit | Act::Lose) {
                stage.connect(label, Caps::default());
            }
            for label in LABELS {
                prop_assert_eq!(stage.state(label), model.state(label), "{}: {}", id, label);
                let room = stage.people[label].session().room().map(|room| room.name.to_string());
                prop_assert_eq!(room.as_deref(), model.places.get(label).copied().flatten());
            }
            let list = stage.ask(WATCHER, r#"{"type":"list"}"#).remove(0);
            prop_assert_eq!(Value::Object(list.data), model.listing(), "{}", id);
        }
    }
}

/// What happens while the ledger takes its time.
#[derive(Debug, Clone)]
enum Event {
    Does(&'static str, Act),
    Lands,
    Refuses,
    IsUnsure,
    Drops,
    IsFull(bool),
}

fn events() -> impl Strategy<Value = Event> {
    let people = prop::sample::select(&LABELS[..]);
    let acts = prop_oneof![
        8 => Just(Act::Say),
        3 => (0..LABELS.len()).prop_map(Act::Tell),
        1 => Just(Act::Forge),
        1 => Just(Act::List),
        1 => Just(Act::Exit),
        2 => (0..ROOMS.len()).prop_map(Act::Enter),
        1 => Just(Act::Unknown),
    ];
    prop_oneof![
        12 => (people, acts).prop_map(|(label, act)| Event::Does(label, act)),
        6 => Just(Event::Lands),
        1 => Just(Event::Refuses),
        1 => Just(Event::IsUnsure),
        1 => Just(Event::Drops),
        1 => any::<bool>().prop_map(Event::IsFull),
    ]
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn every_request_has_one_reply_in_order_and_a_room_has_one_order(
        events in prop::collection::vec(events(), 1..80)
    ) {
        let mut stage = Stage::new();
        stage.room("attic");
        stage.room("cellar");
        for label in LABELS {
            stage.put(label, "attic", Caps::default());
        }
        stage.play("* the ledger waits");
        let mut sent: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let mut seen: BTreeMap<String, Vec<Incoming>> = BTreeMap::new();
        for (id, event) in events.iter().enumerate() {
            let id = id as i64;
            match event {
                Event::Does(label, act) => {
                    let body = act.body(label, id).expect("each of these is a request");
                    sent.entry(label).or_default().push(id);
                    let frames = stage.ask_all(label, body);
                    frames.into_iter().for_each(|(l, frames)| seen.entry(l).or_default().extend(frames));
                }
                Event::Lands => {
                    stage.ledger.land(&stage.world.hall);
                }
                Event::Refuses => {
                    let refusal = proto::Refusal::new(proto::Code::ServerBusy, "not now");
                    stage.ledger.decide(Fate::Refuse(refusal));
                }
                Event::IsUnsure => stage.ledger.decide(Fate::Unknown),
                Event::Drops => stage.ledger.decide(Fate::Drop),
                Event::IsFull(is_full) => stage.ledger.set_full(*is_full),
            }
        }
        // A ping of everyone waits for all that was asked before it.
        for label in LABELS {
            sent.entry(label).or_default().push(-1);
            stage.people.values_mut().for_each(|person| person.set_reads(false));
            stage.send(label, br#"{"type":"ping","id":-1}"#.to_vec());
        }
        stage.play("* the ledger goes on");
        stage.people.values_mut().for_each(|person| person.set_reads(true));
        stage.read_all().into_iter().for_each(|(l, frames)| seen.entry(l).or_default().extend(frames));

        let mut messages: BTreeMap<i64, String> = BTreeMap::new();
        for (label, frames) in &seen {
            let replies: Vec<_> = frames.iter().filter_map(|frame| frame.id.clone()).collect();
            let asked: Vec<_> = sent[label.as_str()].iter().copied().map(Id::Number).collect();
            prop_assert_eq!(replies, asked, "{}", label);
            let mut last = 0;
            for frame in frames.iter().filter(|frame| frame.kind == "msg" && frame.status == Status::Ok) {
                let seq = frame.data["seq"].as_i64().expect("a number");
                prop_assert!(seq > last, "{}: {} after {}", label, seq, last);
                last = seq;
                let data = format!("{:?}", frame.data);
                prop_assert_eq!(messages.entry(seq).or_insert(data.clone()), &data);
            }
        }
    }
}

/// Anything that is JSON.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(&["public", "ann", "attic", "1234"][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys(), inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    let args = CATALOGUE.commands.iter().flat_map(|command| &command.args);
    let fields: Vec<String> = args.map(|arg| arg.name.clone()).collect();
    prop_oneof![4 => prop::sample::select(fields), 1 => any::<String>()]
}

fn kinds() -> impl Strategy<Value = Value> {
    let names = CATALOGUE.commands.iter().map(|command| Value::from(&*command.spec.name));
    prop_oneof![9 => prop::sample::select(names.collect::<Vec<_>>()), 1 => values()]
}

/// Sends a body from everywhere: it is answered once, and nobody else hears of it.
fn answers_once(body: &[u8]) -> Result<(), TestCaseError> {
    let mut stage = Stage::new();
    for place in ["outside", "lobby", "attic"] {
        stage.put("ann", place, Caps::default());
        let frames = stage.ask("ann", body);
        prop_assert_eq!(frames.len(), 1, "{}: {:?}", place, frames);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn any_bytes_are_answered_once(body in prop::collection::vec(any::<u8>(), 0..200)) {
        answers_once(&body)?;
    }

    #[test]
    fn any_json_is_answered_once(
        kind in kinds(), data in values(), id in values(), other in (any::<String>(), values())
    ) {
        answers_once(json!({"type": kind, "data": data, "id": id, (other.0): other.1}).to_string().as_bytes())?;
        answers_once(json!({"type": kind, "data": data}).to_string().as_bytes())?;
    }
}

/// The model is only as good as its reach: of many steps each outcome is met.
#[test]
fn the_model_meets_every_outcome() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let step = (prop::sample::select(&LABELS[..]), acts());
    let mut model = Model::default();
    let mut met = BTreeSet::new();
    for _ in 0..5000 {
        let (label, act) = step.new_tree(&mut runner).expect("no filter refuses").current();
        met.insert(model.act(label, &act));
    }
    expect!["bad_frame bad_request name_taken no_such_room not_in_room ok room_exists unauthorized unknown_command wrong_state"].assert_eq(&met.into_iter().collect::<Vec<_>>().join(" "));
}
