//! The client of the original Python Chat Room, which is sent the lists that it shows.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, Server};

/// A server for clients of the original, which say no `hello`.
fn server() -> Server {
    Server::with(&[r#"default_caps=["list-push"]"#, "limits.commands_burst=0"])
}

/// Claims that the next frame is this list.
fn is_shown(client: &mut Client, kind: &str, list: Value) {
    let expected = json!({ "type": kind, "status": "ok", "data": list });
    assert_eq!(client.next(), expected);
}

/// Claims that this list comes next, after others of the same type that were true for
/// a moment.
fn ends_up_with(client: &mut Client, kind: &str, list: &Value) {
    loop {
        let message = client.next();
        assert_eq!(message["type"], kind, "{message} came, not {list}");
        if message["data"] == *list {
            return;
        }
    }
}

#[test]
fn default_caps_are_those_of_who_says_no_hello() {
    let server = server();
    let mut ann = server.connect();
    assert_eq!(ann.register("ann")["status"], "ok");
    ann.login("ann");
    is_shown(&mut ann, "list", json!({ "lobby": ["ann"], "general": [] }));

    let mut bob = server.connect();
    bob.register("bob");
    bob.login("bob");
    let both = json!({ "lobby": ["ann", "bob"], "general": [] });
    is_shown(&mut bob, "list", both.clone());
    is_shown(&mut ann, "list", both);

    assert_eq!(ann.ask("create", json!({ "room": "tech_talk" }))["type"], "create");
    let with_room = json!({ "lobby": ["ann", "bob"], "general": [], "tech_talk": [] });
    is_shown(&mut ann, "list", with_room.clone());
    is_shown(&mut bob, "list", with_room.clone());

    assert_eq!(ann.enter("tech_talk")["type"], "enter");
    is_shown(&mut ann, "list_room", json!({ "tech_talk": ["ann"] }));
    is_shown(&mut bob, "list", json!({ "lobby": ["bob"], "general": [], "tech_talk": ["ann"] }));

    assert_eq!(bob.enter("tech_talk")["type"], "enter");
    let both = json!({ "tech_talk": ["ann", "bob"] });
    is_shown(&mut bob, "list_room", both.clone());
    is_shown(&mut ann, "list_room", both.clone());

    // The reply to `list` in a room is of that type, too.
    ann.send(&json!({ "type": "list", "id": 5 }));
    assert_eq!(ann.next(), json!({ "type": "list_room", "status": "ok", "data": both, "id": 5 }));
    let said = bob.say("hello");
    assert_eq!(ann.next(), said);

    let left = ann.ask("exit", json!({}));
    assert_eq!(left["message"], "Exited chatroom, returned to lobby");
    let lobby = json!({ "lobby": ["ann"], "general": [], "tech_talk": ["bob"] });
    is_shown(&mut ann, "list", lobby.clone());
    is_shown(&mut bob, "list_room", json!({ "tech_talk": ["bob"] }));
    let list = ann.ask("list", json!({}));
    assert_eq!((&list["type"], &list["data"]), (&json!("list"), &lobby));

    // One who has gone without a word is off the lists, too.
    drop(bob);
    ends_up_with(&mut ann, "list", &json!({ "lobby": ["ann"], "general": [], "tech_talk": [] }));
    assert_eq!(ann.ask("logout", json!({}))["status"], "ok");
    let _eve = server.user("eve");
    ann.hears_nothing();
}

#[test]
fn one_who_has_said_hello_without_it_is_shown_no_lists() {
    let server = server();
    let mut ann = server.connect();
    let hello = ann.ask("hello", json!({ "caps": ["resume", "unheard-of"] }));
    assert_eq!(hello["data"]["caps"], json!(["resume"]));
    ann.register("ann");
    ann.login("ann");
    let _bob = server.user("bob");
    ann.hears_nothing();
    ann.enter("general");
    let list = ann.ask("list", json!({}));
    assert_eq!((&list["type"], &list["data"]), (&json!("list"), &json!({ "general": ["ann"] })));
}

#[test]
fn a_storm_of_changes_makes_few_lists_and_the_last_one_is_true() {
    let server = server();
    let mut watcher = server.connect();
    watcher.register("watcher");
    watcher.login("watcher");
    let began = Instant::now();
    let mut restless = server.connect();
    restless.register("restless");
    restless.login("restless");
    let enter = json!({ "type": "enter", "data": { "room": "general" } });
    for number in 0..201 {
        let request = if number % 2 == 0 { enter.clone() } else { json!({ "type": "exit" }) };
        restless.send(&request);
        // Past the lists that come to it as well.
        while restless.next()["type"] != request["type"] {}
    }
    let took = began.elapsed();
    let last = json!({ "lobby": ["watcher"], "general": ["restless"] });
    // The moves are done; before the last list there may be one that is older.
    let mut lists = 1;
    while watcher.next()["data"] != last {
        lists += 1;
    }
    let most = 4 + took.as_millis() / 200;
    assert!(lists <= most, "{lists} lists in {took:?}");
}

#[test]
fn lists_come_at_most_five_times_a_second() {
    let server = server();
    let mut watcher = server.connect();
    watcher.register("watcher");
    watcher.login("watcher");
    watcher.next();
    let mut times = Vec::new();
    let mut restless = server.connect();
    restless.register("restless");
    for _ in 0..3 {
        restless.login("restless");
        watcher.next();
        times.push(Instant::now());
        restless.send(&json!({ "type": "logout" }));
        while restless.next()["type"] != "logout" {}
        watcher.next();
        times.push(Instant::now());
    }
    for pair in times.windows(2) {
        // Less a little, for the way from the server to here may take its time.
        let pause = pair[1] - pair[0];
        assert!(pause > Duration::from_millis(150), "{pause:?}");
    }
}
