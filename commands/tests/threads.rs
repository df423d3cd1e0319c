//! What holds while the ledger, the pusher of lists and a connection work at once.

mod world;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use commands::{Body, Draft, Session, World, dispatch};
use proto::{Cap, Caps, Incoming, Request, RoomName};
use serde_json::{Value, json};

use world::{Mailbox, Stage, read};

/// Enough to meet a race on two cores, and done in a moment.
const ROUNDS: usize = 200;

/// Stops the others when the one who says how long it takes is done, or has failed.
struct Flag<'a>(&'a AtomicBool);

impl Drop for Flag<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn send(world: &World, session: &mut Session, kind: &str, data: Value) {
    let body = json!({"type": kind, "data": data, "id": kind}).to_string();
    let request = Request::parse(body.as_bytes()).expect("it is a request");
    smol::block_on(dispatch(world, session, &request));
}

fn frames(mailbox: &Mailbox) -> Vec<Incoming> {
    mailbox.take().iter().map(|frame| read(frame)).collect()
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).expect("it is a name")
}

/// What a member receives begins with the entry behind `last_seq` and has no gap and no
/// double: a client that resumes counts on it.
#[test]
fn between_a_reply_and_what_follows_there_is_no_gap_and_no_double() {
    let mut stage = Stage::new();
    stage.put("bob", "lobby", Caps::default());
    stage.put("ann", "attic", Caps::default());
    let mut bob = stage.people.remove("bob").expect("he is there");
    let (session, mailbox) = bob.parts();
    mailbox.take();
    let (world, ledger, over) = (&stage.world, &stage.ledger, AtomicBool::new(false));
    // A few each round: what is heard has to be read.
    let due = AtomicUsize::new(0);
    let attic = world.hall.find(&room("attic")).expect("it is there").id;
    let author = stage.accounts.find("ann");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if due.load(Ordering::Relaxed) == 0 {
                    std::thread::yield_now();
                    continue;
                }
                due.fetch_sub(1, Ordering::Relaxed);
                let body = Body::Said { to: None, text: "again".into(), changed: None };
                ledger.keep(
                    &world.hall,
                    Draft { room: Some(attic), author: author.clone(), body, again: None },
                );
            }
        });
        let _over = Flag(&over);
        let mut heard = 0;
        for _ in 0..ROUNDS {
            due.fetch_add(20, Ordering::Relaxed);
            send(world, session, "enter", json!({"room": "attic"}));
            // Until the next message has come, or is about to.
            while due.load(Ordering::Relaxed) > 10 {
                std::thread::yield_now();
            }
            send(world, session, "exit", Value::Null);
            let frames = frames(mailbox);
            assert_eq!((&*frames[0].kind, &*frames[frames.len() - 1].kind), ("enter", "exit"));
            let mut last = frames[0].data["last_seq"].as_i64().expect("a number");
            heard += frames.len() - 2;
            for frame in &frames[1..frames.len() - 1] {
                last += 1;
                assert_eq!((&*frame.kind, frame.data["seq"].as_i64()), ("msg", Some(last)));
            }
        }
        assert!(heard > 0, "nothing was said while anybody was there");
    });
}

/// The list with the new room overtook the reply of the one who had made it.
#[test]
fn the_list_with_a_new_room_follows_the_reply_of_its_maker() {
    let mut stage = Stage::new();
    stage.put("ann", "lobby", Caps::from_iter([Cap::ListPush]));
    let mut ann = stage.people.remove("ann").expect("she is there");
    let (session, mailbox) = ann.parts();
    mailbox.take();
    let (world, ledger, over) = (&stage.world, &stage.ledger, AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut now = Instant::now() + Duration::from_secs(60);
            while !over.load(Ordering::Relaxed) {
                now += Duration::from_secs(1);
                world.hall.push_lists(now);
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                ledger.land(&world.hall);
            }
        });
        let _over = Flag(&over);
        for round in 0..ROUNDS {
            let name = format!("r{round}");
            send(world, session, "create", json!({"room": name}));
            smol::block_on(session.peer().settled(0));
            let frames = frames(mailbox);
            let mut before = frames.iter().take_while(|frame| frame.kind != "create");
            assert!(before.all(|frame| !frame.data.contains_key(&name)), "{frames:?}");
        }
    });
}
