//! Whatever becomes of what is sent: each connection receives, frame by frame, what a small
//! model of the hall and the ledger says, and the ledger keeps what it says.
//!
//! Three people and two rooms. The ledger takes its time, refuses, does not know, keeps
//! without a word, or gives out twice; connections are lost; the server is killed with
//! some of what waited kept. People send under few keys, so that they repeat them, and
//! resume, page by page, while others go on.

#![allow(clippy::unwrap_used)]

mod model;
mod real;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeSet;

use expect_test::expect;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use model::Model;
use real::Real;

pub(crate) const PEOPLE: [&str; 3] = ["ann", "bob", "eve"];
pub(crate) const ROOMS: [&str; 2] = ["attic", "cellar"];

/// Messages of a page of history.
pub(crate) const LIMIT: usize = 3;

/// What happens.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Asks(usize, Ask),
    /// The next page for one who catches up.
    Page(usize),
    /// The connection is lost; there is a new one at once.
    Lose(usize),
    Land,
    Decide(Luck),
    Fill(bool),
    /// So many of what waits are kept.
    Crash(usize),
}

/// What one asks for.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Say { key: Option<usize>, text: usize },
    Resume { room: usize, from_start: bool },
    Enter(usize),
    Exit,
    History,
}

/// What becomes of the draft that is next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Luck {
    Refuse,
    Unknown,
    Drop,
    KeepInSilence,
    Double,
}

fn events() -> impl Strategy<Value = Event> {
    let who = 0..PEOPLE.len();
    let room = 0..ROOMS.len();
    let key = prop_oneof![1 => Just(None), 3 => (0..4_usize).prop_map(Some)];
    // Under a key it is mostly the same.
    let text = prop_oneof![6 => Just(0), 1 => Just(1_usize)];
    let ask = prop_oneof![
        12 => (key, text).prop_map(|(key, text)| Ask::Say { key, text }),
        6 => (room.clone(), prop::bool::weighted(0.2))
            .prop_map(|(room, from_start)| Ask::Resume { room, from_start }),
        2 => room.prop_map(Ask::Enter),
        1 => Just(Ask::Exit),
        2 => Just(Ask::History),
    ];
    let luck = prop_oneof![
        Just(Luck::Refuse),
        Just(Luck::Unknown),
        Just(Luck::Drop),
        Just(Luck::KeepInSilence),
        Just(Luck::Double),
    ];
    prop_oneof![
        16 => (who.clone(), ask).prop_map(|(who, ask)| Event::Asks(who, ask)),
        4 => who.clone().prop_map(Event::Page),
        2 => who.prop_map(Event::Lose),
        10 => Just(Event::Land),
        3 => luck.prop_map(Event::Decide),
        1 => any::<bool>().prop_map(Event::Fill),
        1 => (0..4_usize).prop_map(Event::Crash),
    ]
}

/// The failing case is kept beside this file, and tried first from then on.
fn config() -> ProptestConfig {
    let is_slow = std::env::var_os("SLOW").is_some_and(|slow| slow == "1");
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::with_cases(if is_slow { 10_000 } else { 500 })
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn everyone_receives_what_the_model_says_whatever_becomes_of_what_is_sent(
        events in prop::collection::vec(events(), 1..120)
    ) {
        let mut model = Model::new();
        let mut real = Real::new();
        // In the end everything lands, and all who catch up have done so.
        let end = std::iter::repeat_n(Event::Land, events.len())
            .chain((0..2 * PEOPLE.len()).map(|turn| Event::Page(turn % PEOPLE.len())));
        for (id, event) in events.iter().cloned().chain(end).enumerate() {
            let id = id as i64;
            let request = match &event {
                Event::Asks(who, ask) => Some(model.request(*who, ask)),
                _ => None,
            };
            real.happen(id, &event, request.as_ref());
            model.happen(id, &event);
            prop_assert_eq!(real.take_got(), model.take_got(), "{}: {:?}", id, event);
        }
        let kept: Vec<_> = model.kept.iter().map(|kept| {
            let author = real.0.accounts.find(PEOPLE[kept.author]).expect("it is registered");
            (kept.seq, author.id, kept.text.clone())
        }).collect();
        prop_assert_eq!(real.0.ledger.said(), kept);
    }
}

/// The model is only as good as its reach: of many steps each outcome is met.
#[test]
fn the_model_meets_every_outcome() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = events();
    let mut model = Model::new();
    let mut met = BTreeSet::new();
    for id in 0..20_000 {
        let event = strategy.new_tree(&mut runner).expect("no filter refuses").current();
        model.happen(id, &event);
        for line in model.take_got().concat() {
            let words: Vec<&str> = line.split(' ').collect();
            let is_reply = line.starts_with('#');
            met.insert(if is_reply { words[1..3].join(" ") } else { words[0].to_owned() });
        }
    }
    expect![[r#"
        enter ok
        enter wrong_state
        exit ok
        exit wrong_state
        history ok
        history wrong_state
        msg bad_request
        msg ok
        msg server_busy
        msg unknown_outcome
        msg wrong_state
        push
        replay
        resume ok
        resume wrong_state"#]]
    .assert_eq(&met.into_iter().collect::<Vec<_>>().join("\n"));
}
