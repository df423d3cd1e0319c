//! What is done in rooms and to accounts lasts, and what is taken back is gone: across
//! restarts, and on the disk.

#![allow(clippy::unwrap_used, missing_docs)]

use serde_json::{Value, json};
use tests::{Client, Server};

fn ok(reply: Value) -> Value {
    assert_eq!(reply["status"], "ok", "{reply}");
    reply
}

/// A user in a room of its own.
fn owner(server: &Server, name: &str, room: Value) -> Client {
    let mut client = server.user(name);
    ok(client.ask("create", room.clone()));
    client.enter(room["room"].as_str().unwrap());
    client
}

fn login(server: &Server, name: &str) -> Client {
    let mut client = server.connect();
    ok(client.login(name));
    client
}

fn with_password(client: &mut Client, password: &str) -> Value {
    client.ask("login", json!({ "username": "ann", "password": password }))
}

#[test]
fn what_keepers_did_outlives_a_kill() {
    let server = Server::start();
    let mut ann = owner(&server, "ann", json!({ "room": "attic", "private": true }));
    for name in ["bob", "eve", "zoe", "max"] {
        server.user(name);
        ok(ann.ask("invite", json!({ "username": name })));
    }
    ok(ann.ask("topic", json!({ "text": "gears" })));
    ok(ann.ask("op", json!({ "username": "bob" })));
    ok(ann.ask("ban", json!({ "username": "eve", "reason": "spam" })));
    ok(ann.ask("mute", json!({ "username": "zoe", "minutes": 60 })));
    let server = server.again();
    let mut bob = login(&server, "bob");
    let entered = ok(bob.ask("enter", json!({ "room": "attic" })));
    assert_eq!(entered["data"]["topic"], "gears");
    ok(bob.ask("topic", json!({ "text": "bolts" })));
    assert_eq!(
        login(&server, "eve").ask("enter", json!({ "room": "attic" }))["code"],
        "no_such_room"
    );
    let mut zoe = login(&server, "zoe");
    zoe.enter("attic");
    assert_eq!(zoe.say("hello")["code"], "forbidden");
    let mut nobody = server.user("nobody");
    assert_eq!(nobody.ask("list", json!({}))["data"].get("attic"), None);
    let mut max = login(&server, "max");
    assert!(max.ask("list", json!({}))["data"].get("attic").is_some());
    assert_eq!(max.ask("delete", json!({ "room": "attic" }))["code"], "forbidden");
    ok(login(&server, "ann").ask("delete", json!({ "room": "attic" })));
    let server = server.again();
    assert_eq!(
        login(&server, "bob").ask("enter", json!({ "room": "attic" }))["code"],
        "no_such_room"
    );
    // The name is free, and the new room has nothing of the old one.
    let mut eve = owner_again(&server, "eve", "attic");
    assert_eq!(eve.ask("history", json!({}))["data"]["messages"], json!([]));
}

fn owner_again(server: &Server, name: &str, room: &str) -> Client {
    let mut client = login(server, name);
    ok(client.ask("create", json!({ "room": room })));
    client.enter(room);
    client
}

/// Does any file of the data folder have these bytes?
fn is_on_disk(server: &Server, bytes: &str) -> bool {
    let files = std::fs::read_dir(server.data()).unwrap().map(|file| file.unwrap().path());
    let read = files.filter(|file| file.is_file()).map(|file| std::fs::read(file).unwrap());
    read.into_iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes.as_bytes()))
}

#[test]
fn what_was_taken_back_is_gone_from_the_disk_and_from_the_search() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    let seq = ann.say("the password is swordfish")["data"]["seq"].clone();
    // Also from the index of words.
    let found = ann.ask("history", json!({ "search": "swordfish" }));
    assert_eq!(found["data"]["messages"].as_array().unwrap().len(), 1);
    ok(ann.ask("edit", json!({ "seq": seq, "text": "it is barracuda, not swordfish" })));
    let found = ann.ask("history", json!({ "search": "barracuda" }));
    assert_eq!(found["data"]["messages"][0]["text"], "it is barracuda, not swordfish");
    assert!(is_on_disk(&server, "barracuda"));
    ok(ann.ask("redact", json!({ "seq": seq })));
    for word in ["barracuda", "swordfish"] {
        assert!(!is_on_disk(&server, word), "{word}");
        let found = ann.ask("history", json!({ "search": word }));
        assert_eq!(found["data"]["messages"], json!([]), "{word}");
    }
    let server = server.again();
    let mut ann = login(&server, "ann");
    ann.enter("general");
    let message = ann.ask("history", json!({}))["data"]["messages"][0].clone();
    assert_eq!((&message["text"], &message["redacted"]["by"]), (&json!(""), &json!("ann")));
    assert!(!is_on_disk(&server, "swordfish"));
}

#[test]
fn private_messages_wait_for_their_owner_across_a_restart() {
    let server = Server::start();
    let mut ann = server.user("ann");
    server.user("bob");
    let told = ok(ann.ask("tell", json!({ "to": "bob", "text": "call me", "key": "k1" })));
    let server = server.again();
    let mut ann = login(&server, "ann");
    assert_eq!(ann.ask("tell", json!({ "to": "bob", "text": "call me", "key": "k1" })), told);
    let mut bob = login(&server, "bob");
    let inbox = ok(bob.ask("inbox", json!({})));
    assert_eq!(inbox["data"]["messages"], json!([told["data"]]));
    ok(bob.ask("inbox", json!({ "read": told["data"]["seq"] })));
    let server = server.again();
    let inbox = ok(login(&server, "bob").ask("inbox", json!({})));
    assert_eq!(
        (&inbox["data"]["messages"], &inbox["data"]["read"]),
        (&json!([]), &told["data"]["seq"])
    );
}

#[test]
fn an_account_that_was_deleted_stays_deleted_and_its_connections_end() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    ann.say("hello");
    let mut elsewhere = login(&server, "ann");
    ok(elsewhere.ask("unregister", json!({ "password": "1234" })));
    let (said, _) = ann.rest();
    assert_eq!(said.last().unwrap()["code"], "unauthorized", "{said:?}");
    let server = server.again();
    let mut ann = server.connect();
    assert_eq!(with_password(&mut ann, "1234")["code"], "unauthorized");
    assert_eq!(ann.register("ann")["code"], "name_taken");
    let mut bob = server.member("bob", "general");
    assert_eq!(bob.ask("history", json!({}))["data"]["messages"][0]["from"], "ann");
    let listed = tests::run_chatd(&server.data(), &["user", "list"], "");
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "bob\n");
}

#[test]
fn another_password_opens_the_account_and_the_old_one_does_not() {
    let server = Server::start();
    let mut ann = server.user("ann");
    let short = ann.ask("passwd", json!({ "old": "1234", "new": "1" }));
    assert_eq!((&short["code"], &short["data"]["field"]), (&json!("bad_request"), &json!("new")));
    assert_eq!(ann.ask("passwd", json!({ "old": "4321", "new": "5678" }))["code"], "unauthorized");
    ok(ann.ask("passwd", json!({ "old": "1234", "new": "5678" })));
    let server = server.again();
    let mut ann = server.connect();
    assert_eq!(with_password(&mut ann, "1234")["code"], "unauthorized");
    ok(with_password(&mut ann, "5678"));
}
