//! What a room said before, and messages that are sent twice: over the wire, and
//! across restarts.

#![allow(clippy::unwrap_used, missing_docs)]

use serde_json::{Value, json};
use tests::{Client, Server};

fn texts(reply: &Value) -> Vec<&str> {
    let messages = reply["data"]["messages"].as_array().unwrap_or_else(|| panic!("{reply}"));
    messages.iter().map(|message| message["text"].as_str().unwrap()).collect()
}

fn history(client: &mut Client, data: Value) -> Value {
    client.ask("history", data)
}

#[test]
fn what_was_said_is_there_after_a_kill() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    for text in ["one", "two", "three"] {
        ann.say(text);
    }
    let server = server.again();
    let mut ann = server.connect();
    ann.login("ann");
    let entered = ann.ask("enter", json!({ "room": "general" }));
    assert_eq!(entered["data"]["last_seq"], 4);
    assert_eq!(texts(&history(&mut ann, json!({}))), ["one", "two", "three"]);
    let page = history(&mut ann, json!({ "limit": 2 }));
    assert_eq!((texts(&page), &page["data"]["more"]), (vec!["two", "three"], &json!(true)));
}

#[test]
fn words_are_found_whatever_their_case_and_their_accents() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    for text in ["Der Hund", "un gâteau", "the dog and the cat", "Cats OR dogs"] {
        ann.say(text);
    }
    for (search, found) in [
        ("hund", vec!["Der Hund"]),
        ("GATEAU", vec!["un gâteau"]),
        ("cat dog", vec!["the dog and the cat"]),
        ("or", vec!["Cats OR dogs"]),
        ("\"dog", vec!["the dog and the cat"]),
        ("dog* NEAR", vec![]),
        // What is in no index is no word.
        ("\u{1f415} dog", vec!["the dog and the cat"]),
    ] {
        let page = history(&mut ann, json!({ "search": search }));
        assert_eq!(texts(&page), found, "{search:?}");
    }
    for search in ["  ", "\u{1f415}", ":::"] {
        assert_eq!(history(&mut ann, json!({ "search": search }))["code"], "bad_request");
    }
}

#[test]
fn all_that_was_delivered_is_found_however_much_it_is() {
    let server = Server::with(&["limits.commands_per_s=0"]);
    let mut ann = server.member("ann", "general");
    for number in 0..700 {
        ann.send(&json!({ "type": "msg", "data": { "to": "public", "text": format!("needle {number}") } }));
    }
    let last = (0..700).map(|_| ann.next()).last().unwrap();
    assert_eq!(last["data"]["text"], "needle 699");
    let newest = history(&mut ann, json!({ "search": "needle", "limit": 1 }));
    assert_eq!(texts(&newest), ["needle 699"]);
    let oldest = history(&mut ann, json!({ "search": "needle", "after": 0, "limit": 200 }));
    assert_eq!(texts(&oldest).len(), 200);
    assert_eq!(texts(&oldest)[0], "needle 0");
}

#[test]
fn a_private_message_is_found_by_its_two_parties_only() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    let mut bob = server.member("bob", "general");
    let mut eve = server.member("eve", "general");
    ann.ask("msg", json!({ "to": "bob", "text": "the password is swordfish" }));
    bob.next();
    assert_eq!(texts(&history(&mut bob, json!({ "search": "swordfish" }))).len(), 1);
    assert_eq!(texts(&history(&mut ann, json!({}))).len(), 1);
    assert_eq!(texts(&history(&mut eve, json!({ "search": "swordfish" }))).len(), 0);
    assert_eq!(texts(&history(&mut eve, json!({}))).len(), 0);
}

#[test]
fn a_key_makes_a_send_safe_to_repeat_across_a_kill() {
    let server = Server::start();
    let send = |client: &mut Client, key: &str, text: &str| {
        client.ask("msg", json!({ "to": "public", "text": text, "key": key }))
    };
    let mut ann = server.member("ann", "general");
    let first = send(&mut ann, "k1", "once");
    let server = server.again();
    let mut ann = server.connect();
    ann.login("ann");
    ann.ask("enter", json!({ "room": "general" }));
    assert_eq!(send(&mut ann, "k1", "once"), first);
    assert_eq!(send(&mut ann, "k1", "twice")["code"], "bad_request");
    assert_ne!(send(&mut ann, "k2", "once")["data"]["seq"], first["data"]["seq"]);
    assert_eq!(texts(&history(&mut ann, json!({}))), ["once", "once"]);
}

#[test]
fn messages_since_a_time_are_those_and_no_others() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    let mut bob = server.user("bob");
    bob.ask("create", json!({ "room": "attic" }));
    bob.enter("attic");
    let mut times = Vec::new();
    for number in 0..40 {
        // Other rooms are in between.
        bob.say("elsewhere");
        let said = ann.say(&number.to_string());
        times.push(said["data"]["ts"].as_str().unwrap().to_owned());
        // Times have milliseconds: each message has its own.
        while ann.ask("ping", json!({}))["data"]["ts"].as_str().unwrap() <= times[number].as_str() {
        }
    }
    for (number, time) in times.iter().enumerate() {
        let page = history(&mut ann, json!({ "since": time, "limit": 200 }));
        let expected: Vec<_> = (number..40).map(|number| number.to_string()).collect();
        assert_eq!(texts(&page), expected);
    }
    let later = history(&mut ann, json!({ "since": "2999-01-01T00:00:00Z" }));
    assert_eq!(texts(&later).len(), 0);
    let refused = history(&mut ann, json!({ "since": "yesterday" }));
    assert_eq!(
        (&refused["code"], &refused["data"]["field"]),
        (&json!("bad_request"), &json!("since"))
    );
}
