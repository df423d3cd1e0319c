//! What is said arrives: once, in one order, and with those whom it is for.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smol::Async;
use smol::lock::Semaphore;
use tests::{Member, Server, dial, is_slow};

/// A room full of people wants more than the limits allow by default.
const CROWD: [&str; 4] = [
    "limits.unauthenticated=0",
    "limits.commands_burst=0",
    "limits.outbox_bytes=65536",
    "limits.stall_s=0",
];

const MEMBERS: usize = 500;

/// One in so many never reads.
const LAZY_EVERY: usize = 100;

#[test]
fn of_500_members_all_who_read_get_every_message_once_and_in_order() {
    let server = Server::with(&CROWD);
    let messages = if is_slow() { 200 } else { 60 };
    // Long enough that those who do not read are soon behind by more than may wait.
    let padding = "x".repeat(5000);
    let executor = smol::Executor::new();
    let heard = smol::block_on(executor.run(async {
        let is_lazy = |number: usize| number % LAZY_EVERY == LAZY_EVERY - 1;
        let members = gather(&executor, &server, MEMBERS, is_lazy).await;
        let mut readers = Vec::new();
        let mut lazy = Vec::new();
        for (number, mut member) in members.into_iter().enumerate() {
            if is_lazy(number) {
                lazy.push(member);
                continue;
            }
            readers.push(executor.spawn(async move {
                let mut heard = Vec::new();
                for _ in 0..messages {
                    heard.push(numbered(&member.ear.next().await));
                }
                (heard, member)
            }));
        }
        let mut sender = Member::connect(server.address, Member::config(&server)).await;
        sender.settle("sender", "general").await;
        let mut heard = vec![Vec::new()];
        let mut beat = smol::Timer::interval(Duration::from_millis(50));
        for number in 0..messages {
            smol::stream::StreamExt::next(&mut beat).await;
            let text = format!("{number} {padding}");
            let reply = sender.ask("msg", json!({ "to": "public", "text": text })).await;
            heard[0].push(numbered(&reply));
        }
        let mut still_there = vec!["sender".to_owned()];
        for (number, reader) in readers.into_iter().enumerate() {
            let (what, member) = reader.await;
            heard.push(what);
            // Not dropped before the list below.
            lazy.push(member);
            still_there.push(format!("user{}", number + number / (LAZY_EVERY - 1)));
        }
        still_there.sort();
        let list = sender.ask("list", json!({})).await;
        assert_eq!(list["data"]["general"], json!(still_there), "those who never read are gone");
        heard
    }));
    assert_eq!(heard.len(), MEMBERS - MEMBERS / LAZY_EVERY + 1);
    let numbers: Vec<usize> = heard[0].iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..messages).collect::<Vec<_>>());
    assert!(heard[0].is_sorted_by(|a, b| a.1 < b.1), "{:?}", heard[0]);
    for other in &heard[1..] {
        assert!(other == &heard[0], "{other:?} is not {:?}", heard[0]);
    }
}

/// So many members in the room `general`, of whom some have hardly a buffer.
async fn gather(
    executor: &smol::Executor<'_>,
    server: &Server,
    count: usize,
    is_lazy: impl Fn(usize) -> bool,
) -> Vec<Member> {
    let config = Member::config(server);
    // More passwords at once than that, and the server is busy.
    let turns = Arc::new(Semaphore::new(16));
    let mut members = Vec::new();
    for number in 0..count {
        let (config, turns, address) = (config.clone(), turns.clone(), server.address);
        let buffer = is_lazy(number).then_some(4096);
        members.push(executor.spawn(async move {
            let _turn = turns.acquire().await;
            let socket = Async::new(dial(address, "127.0.0.1", buffer)).unwrap();
            let mut member = Member::over(socket, config).await;
            member.settle(&format!("user{number}"), "general").await;
            member
        }));
    }
    let mut gathered = Vec::new();
    for member in members {
        gathered.push(member.await);
    }
    gathered
}

/// The number at the beginning of a message's text, and its place in the room.
fn numbered(message: &Value) -> (usize, i64) {
    assert_eq!((&message["type"], &message["status"]), (&json!("msg"), &json!("ok")));
    let text = message["data"]["text"].as_str().unwrap();
    let number = text.split(' ').next().unwrap().parse().unwrap();
    (number, message["data"]["seq"].as_i64().unwrap())
}

#[test]
fn all_see_one_order_of_what_several_say_at_once() {
    // All members share a thread here, so they read more slowly than all can send.
    let server = Server::with(&["limits.commands_burst=0", "limits.outbox_bytes=0"]);
    let (senders, each) = (16, if is_slow() { 500 } else { 60 });
    let executor = smol::Executor::new();
    let heard: Vec<Vec<Seen>> = smol::block_on(executor.run(async {
        let members = gather(&executor, &server, senders + 8, |_| false).await;
        let life = |number: usize, member: Member| async move {
            let Member { mut ear, mut mouth } = member;
            let speak = async {
                for said in 0..if number < senders { each } else { 0 } {
                    let data = json!({ "to": "public", "text": said.to_string() });
                    mouth.send(&json!({ "type": "msg", "data": data })).await.unwrap();
                }
            };
            let listen = async {
                let mut heard = Vec::new();
                for _ in 0..senders * each {
                    heard.push(seen(&ear.next().await));
                }
                heard
            };
            smol::future::zip(speak, listen).await.1
        };
        let members = members.into_iter().enumerate();
        let lives: Vec<_> = members.map(|(number, m)| executor.spawn(life(number, m))).collect();
        let mut heard = Vec::new();
        for life in lives {
            heard.push(life.await);
        }
        heard
    }));
    assert!(heard[0].is_sorted_by(|a, b| a.2 < b.2));
    assert!(heard.iter().all(|other| *other == heard[0]), "there are two orders");
    let mut of_each: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (from, text, _) in &heard[0] {
        of_each.entry(from).or_default().push(text.parse().unwrap());
    }
    assert_eq!(of_each.len(), senders);
    for (from, said) in of_each {
        assert_eq!(said, (0..each).collect::<Vec<_>>(), "{from}");
    }
}

/// Who said what, and where it stands.
type Seen = (String, String, i64);

fn seen(message: &Value) -> Seen {
    assert_eq!((&message["type"], &message["status"]), (&json!("msg"), &json!("ok")), "{message}");
    let data = &message["data"];
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("from"), text("text"), data["seq"].as_i64().unwrap())
}

#[test]
fn a_private_message_reaches_only_its_two_parties_in_this_room() {
    let server = Server::with(&[r#"rooms=["general", "attic"]"#]);
    let mut ann = server.member("ann", "general");
    let mut ann_too = server.member("ann", "general");
    let mut ann_in_attic = server.member("ann", "attic");
    let mut ann_in_lobby = server.user("ann");
    let mut bob = server.member("bob", "general");
    let mut bob_too = server.member("bob", "general");
    let mut bob_in_lobby = server.user("bob");
    let mut eve = server.member("eve", "general");
    let mut eve_in_attic = server.member("eve", "attic");

    let said = ann.ask("msg", json!({ "to": "BOB", "text": "psst" }));
    assert_eq!((&said["status"], &said["data"]["to"]), (&json!("ok"), &json!("bob")), "{said}");
    for party in [&mut ann_too, &mut bob, &mut bob_too] {
        assert_eq!(party.next(), said);
    }
    let answered = bob.ask("msg", json!({ "to": "ann", "text": "what?" }));
    for party in [&mut ann, &mut ann_too, &mut bob_too] {
        assert_eq!(party.next(), answered);
    }
    let to_self = ann.ask("msg", json!({ "to": "ann", "text": "note" }));
    assert_eq!(ann_too.next(), to_self);
    // Of all that nobody else has heard a word.
    for other in [
        &mut eve,
        &mut eve_in_attic,
        &mut ann_in_attic,
        &mut ann_in_lobby,
        &mut bob_in_lobby,
        &mut ann,
        &mut ann_too,
        &mut bob,
        &mut bob_too,
    ] {
        other.hears_nothing();
    }
    // One who is only elsewhere gets nothing here.
    assert_eq!(eve_in_attic.ask("exit", json!({}))["status"], "ok");
    let refused = ann_in_attic.ask("msg", json!({ "to": "eve", "text": "psst" }));
    assert_eq!(refused["code"], "not_in_room");
    eve_in_attic.hears_nothing();
}

#[test]
fn many_may_be_in_flight_and_their_replies_keep_their_order() {
    let server = Server::with(&["limits.commands_burst=0"]);
    let mut ann = server.member("ann", "general");
    assert_eq!(ann.ask("hello", json!({}))["data"]["limits"]["pipelined"], 64);
    let request = |id: usize| match id % 50 {
        // Others wait for the messages before them, and the messages for them.
        49 => json!({ "type": "list", "id": id }),
        20 => json!({ "type": "msg", "id": id, "data": { "to": "nobody", "text": "x" } }),
        21 => json!({ "type": "msg", "id": id, "data": { "text": "x" } }),
        _ => json!({ "type": "msg", "id": id, "data": { "to": "public", "text": id.to_string() } }),
    };
    let bytes: Vec<u8> =
        (0..500).flat_map(|id| tests::framed(request(id).to_string().as_bytes())).collect();
    ann.send_bytes(&bytes).unwrap();
    for id in 0..500 {
        let reply = ann.next();
        assert_eq!(reply["id"], id, "{reply}");
        let expected = match id % 50 {
            49 => json!({ "general": ["ann"] }),
            20 | 21 => Value::Null,
            _ => json!(id.to_string()),
        };
        let got = match id % 50 {
            49 => &reply["data"],
            _ => &reply["data"]["text"],
        };
        assert_eq!(*got, expected, "{reply}");
    }
    ann.hears_nothing();
}
