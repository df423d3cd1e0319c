//! Coming back to a room: everything that was missed, in order, and on without a seam.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tests::{Client, Server};

/// A client that can resume, in a room; its token.
fn resuming(server: &Server, name: &str, room: &str) -> (Client, Value) {
    let mut client = server.connect();
    client.ask("hello", json!({ "caps": ["resume"] }));
    client.register(name);
    let token = client.login(name)["data"]["token"].clone();
    client.enter(room);
    (client, token)
}

fn resume(server: &Server, data: Value) -> (Client, Value) {
    let mut client = server.connect();
    let resumed = client.ask("resume", data);
    assert_eq!(resumed["status"], "ok", "{resumed}");
    (client, resumed["data"].clone())
}

#[test]
fn what_was_missed_comes_again_in_order_and_then_what_is_new() {
    let server = Server::start();
    let (mut ann, token) = resuming(&server, "ann", "general");
    let mut bob = server.member("bob", "general");
    let had = bob.say("heard")["data"]["seq"].clone();
    assert_eq!(ann.next()["data"]["text"], "heard");
    drop(ann);
    bob.say("missed");
    let server = server.again();
    let mut bob = server.connect();
    bob.login("bob");
    bob.enter("general");
    let last = bob.say("missed too")["data"]["seq"].clone();
    let (mut ann, resumed) =
        resume(&server, json!({ "token": token, "room": "general", "after": had }));
    assert_eq!(resumed["chatroom"], "general");
    assert_eq!(resumed["last_seq"], last);
    assert_eq!(resumed.get("truncated"), None);
    for text in ["missed", "missed too"] {
        let replayed = ann.next();
        assert_eq!(replayed["data"]["text"], text);
        assert_eq!(replayed["data"]["replay"], true);
    }
    bob.say("new");
    let new = ann.next();
    assert_eq!((&new["data"]["text"], new["data"].get("replay")), (&json!("new"), None));
    assert_eq!(ann.say("I am back")["data"]["text"], "I am back");
}

#[test]
fn a_ledger_that_is_older_than_the_client_says_so() {
    let server = Server::start();
    let (_ann, token) = resuming(&server, "ann", "general");
    let (_, resumed) = resume(&server, json!({ "token": token, "room": "general", "after": 999 }));
    assert_eq!(resumed["truncated"], true);
}

/// Much more than any outbox holds was missed, others go on meanwhile, and the outbox is
/// smaller than a page: still nobody is too slow, and nothing is missing or double.
#[test]
fn however_much_was_missed_there_is_no_gap_and_no_double_while_others_go_on() {
    let server = Server::with(&["limits.commands_per_s=0", "limits.outbox_bytes=8192"]);
    let (ann, token) = resuming(&server, "ann", "general");
    drop(ann);
    let mut bob = server.member("bob", "general");
    let say = |bob: &mut Client, number: usize| {
        let text = format!("{number} {}", "x".repeat(300));
        bob.ask("msg", json!({ "to": "public", "text": text }))["data"]["seq"].as_i64().unwrap()
    };
    let mut said: Vec<i64> = (0..600).map(|number| say(&mut bob, number)).collect();
    let is_over = AtomicBool::new(false);
    let heard = std::thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let mut number = 600;
            let mut seqs = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                seqs.push(say(&mut bob, number));
                number += 1;
            }
            (seqs, bob)
        });
        let (mut ann, _) =
            resume(&server, json!({ "token": token, "room": "general", "after": 0 }));
        let mut heard = Vec::new();
        loop {
            let message = ann.next();
            assert_eq!(message["type"], "msg", "{message}");
            heard.push(message["data"]["seq"].as_i64().unwrap());
            if message["data"].get("replay").is_none() {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let (seqs, mut bob) = talking.join().unwrap();
        said.extend(seqs);
        said.push(say(&mut bob, 0));
        while heard.last() < said.last() {
            heard.push(ann.next()["data"]["seq"].as_i64().unwrap());
        }
        heard
    });
    assert_eq!(heard, said);
}
