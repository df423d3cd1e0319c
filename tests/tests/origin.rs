//! The wire of the original Python Chat Room: every frame that its description prints
//! goes and comes as printed there, and a client that knows nothing else lives here.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::{Client, Server};

/// What goes up, as the description prints it, and what comes down for it: there, and in
/// whatever order, the description prints these fields, and the server may add others.
struct Example {
    who: &'static str,
    sends: &'static str,
    gets: &'static str,
}

const fn example(who: &'static str, sends: &'static str, gets: &'static str) -> Example {
    Example { who, sends, gets }
}

/// A message that is for people, and may be any.
const ANY: &str = "Error message";

/// The frames in the order of a life. Where the description has several frames for one
/// occasion, each has its line.
const EXAMPLES: &[Example] = &[
    example(
        "harper",
        r#"{ "type": "register", "data": { "username": "harper", "password": "1234" } }"#,
        r#"{ "type": "register", "status": "ok",
             "data": { "username": "harper", "chatroom": "lobby" },
             "message": "Registration successful" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "register", "data": { "username": "harper", "password": "1234" } }"#,
        r#"{ "type": "register", "status": "error", "message": "Error message" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "login", "data": { "username": "harper", "password": "12345" } }"#,
        r#"{ "type": "login", "status": "error", "message": "Password incorrect" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "login", "data": { "username": "harper", "password": "1234" } }"#,
        r#"{ "type": "login", "status": "ok",
             "data": { "username": "harper", "chatroom": "lobby" },
             "message": "Login successful" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "list" }"#,
        r#"{ "type": "list", "status": "ok",
             "data": { "lobby": ["harper", "sender"], "general": [] } }"#,
    ),
    example(
        "harper",
        r#"{ "type": "enter", "data": { "room": "tech_talk" } }"#,
        r#"{ "type": "enter", "status": "error", "message": "Error message" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "create", "data": { "room": "tech_talk" } }"#,
        r#"{ "type": "create", "status": "ok", "message": "tech_talk created successfully" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "create", "data": { "room": "tech_talk" } }"#,
        r#"{ "type": "create", "status": "error", "message": "Error message" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "exit" }"#,
        r#"{ "type": "exit", "status": "error", "message": "Error message" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "enter", "data": { "room": "tech_talk" } }"#,
        r#"{ "type": "enter", "status": "ok",
             "data": { "username": "harper", "room": "tech_talk" },
             "message": "Welcome to the chatroom" }"#,
    ),
    example(
        "sender",
        r#"{ "type": "enter", "data": { "room": "tech_talk" } }"#,
        r#"{ "type": "enter", "status": "ok",
             "data": { "username": "sender", "room": "tech_talk" },
             "message": "Welcome to the chatroom" }"#,
    ),
    example(
        "harper",
        r#"{ "type": "list" }"#,
        r#"{ "type": "list", "status": "ok", "data": { "tech_talk": ["harper", "sender"] } }"#,
    ),
    example(
        "sender",
        r#"{ "type": "msg", "data": { "from": "sender", "to": "public", "text": "Hello everyone!" } }"#,
        r#"{ "type": "msg", "status": "ok",
             "data": { "to": "public", "from": "sender", "text": "Hello everyone!" } }"#,
    ),
    example(
        "harper",
        "",
        r#"{ "type": "msg", "status": "ok",
             "data": { "to": "public", "from": "sender", "text": "Hello everyone!" } }"#,
    ),
    example(
        "sender",
        r#"{ "type": "msg", "data": { "from": "sender", "to": "harper", "text": "Hello!" } }"#,
        r#"{ "type": "msg", "status": "ok",
             "data": { "to": "harper", "from": "sender", "text": "Hello!" } }"#,
    ),
    example(
        "harper",
        "",
        r#"{ "type": "msg", "status": "ok",
             "data": { "to": "harper", "from": "sender", "text": "Hello!" } }"#,
    ),
    example(
        "sender",
        r#"{ "type": "msg", "data": { "from": "sender", "to": "receiver", "text": "Hello everyone!" } }"#,
        r#"{ "type": "msg", "status": "error", "message": "Error message" }"#,
    ),
    example(
        "sender",
        r#"{ "type": "exit" }"#,
        r#"{ "type": "exit", "status": "ok", "message": "Exited chatroom, returned to lobby" }"#,
    ),
    example(
        "sender",
        r#"{ "type": "list" }"#,
        r#"{ "type": "list", "status": "ok",
             "data": { "lobby": ["sender"], "general": [], "tech_talk": ["harper"] } }"#,
    ),
    example(
        "sender",
        r#"{ "type": "logout" }"#,
        r#"{ "type": "logout", "status": "ok", "message": "Logged out" }"#,
    ),
    example(
        "sender",
        r#"{ "type": "list" }"#,
        r#"{ "type": "list", "status": "error", "message": "Error message" }"#,
    ),
];

#[test]
fn every_frame_of_the_document_goes_and_comes_as_printed() {
    let server = Server::start();
    let mut harper = server.connect();
    let mut sender = server.user("sender");
    for Example { who, sends, gets } in EXAMPLES {
        let client: &mut Client = if *who == "harper" { &mut harper } else { &mut sender };
        if !sends.is_empty() {
            client.send_body(sends.as_bytes()).unwrap();
        }
        let body = client.body_or_end().unwrap();
        let what = format!("{who} sends {sends}, gets {}", String::from_utf8_lossy(&body));
        let got: Value = serde_json::from_slice(&body).unwrap();
        check(&got, &serde_json::from_str(gets).unwrap(), &what);
    }
    harper.hears_nothing();
    sender.hears_nothing();
}

/// Is `got` what is `printed`, fields apart that the document does not know?
fn check(got: &Value, printed: &Value, what: &str) {
    let fields = |value: &Value| -> Vec<String> {
        let known = ["type", "status", "data", "message"];
        let object = value.as_object().unwrap();
        object.keys().filter(|key| known.contains(&key.as_str())).cloned().collect()
    };
    let is_error = printed["status"] == "error";
    // Details of an error are ours, the document prints none.
    let kept = |fields: Vec<String>| -> Vec<String> {
        fields.into_iter().filter(|field| !is_error || field != "data").collect()
    };
    assert_eq!(kept(fields(got)), kept(fields(printed)), "{what}");
    assert_eq!((&got["type"], &got["status"]), (&printed["type"], &printed["status"]), "{what}");
    assert!(got.get("id").is_none(), "{what}");
    assert_eq!(got.get("code").is_some(), is_error, "{what}");
    match printed["message"].as_str() {
        Some(ANY) => assert!(!got["message"].as_str().unwrap().is_empty(), "{what}"),
        _ => assert_eq!(got["message"], printed["message"], "{what}"),
    }
    if is_error {
        return;
    }
    let empty = serde_json::Map::new();
    let data = |value: &Value| value["data"].as_object().unwrap_or(&empty).clone();
    let (got, printed) = (data(got), data(printed));
    for (key, value) in &printed {
        assert_eq!(got.get(key), Some(value), "{what}");
    }
    let order = |key: &&String| printed.contains_key(key.as_str());
    let order: Vec<&String> = got.keys().filter(order).collect();
    assert_eq!(order, printed.keys().collect::<Vec<_>>(), "the order of the fields: {what}");
}

#[test]
fn a_list_has_the_lobby_and_the_rooms_and_nothing_else() {
    let server = Server::with(&[r#"rooms=["room1", "room2", "room3"]"#]);
    let _one = [server.member("user1", "room1"), server.member("user2", "room1")];
    let mut four = server.user("user4");
    four.send_body(br#"{ "type": "list" }"#).unwrap();
    let body = String::from_utf8(four.body_or_end().unwrap()).unwrap();
    let list = r#"{"lobby":["user4"],"room1":["user1","user2"],"room2":[],"room3":[]}"#;
    assert_eq!(body, format!(r#"{{"type":"list","status":"ok","data":{list}}}"#));
}

/// The file `origin_client.py` is written from the description and knows nothing of us.
#[test]
fn a_client_in_another_language_that_knows_only_the_document_lives_here() {
    run_python_client("TLSv1_3");
}

#[test]
fn a_client_with_an_older_tls_lives_here_too() {
    run_python_client("TLSv1_2");
}

fn run_python_client(tls: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/origin_client.py");
    let server = Server::start();
    let mut python = Command::new("python3");
    python.arg(script).args([server.address.ip().to_string(), server.address.port().to_string()]);
    let output = match python.arg(tls).output() {
        Ok(output) => output,
        Err(error) => {
            // Not `eprintln`, which nobody sees when the test is good.
            let loud = format!("NOT TESTED: there is no python3 here ({error})\n");
            std::io::stderr().write_all(loud.as_bytes()).unwrap();
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the client ended with {}:\n{said}", output.status);
}
