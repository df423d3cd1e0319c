//! Every limit of the configuration does what its key says, for those whom it is for,
//! and 0 is no limit.

#![allow(clippy::unwrap_used)]

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, End, Server, dial, eventually, framed};

/// A connection that the server has let in, or nothing.
fn let_in(server: &Server, from: &str) -> Option<Client> {
    let mut client = Client::over(dial(server.address, from, None), &server.fingerprint);
    client.shake_hands().is_ok().then_some(client)
}

#[test]
fn only_so_many_connections_are_let_in() {
    let server = Server::with(&["limits.connections=3", "limits.unauthenticated=0"]);
    let mut three: Vec<Client> =
        ["ann", "bob", "eve"].iter().map(|name| server.user(name)).collect();
    assert!(let_in(&server, "127.0.0.1").is_none());
    server.wait_for_log("limits.connections");
    three.iter_mut().for_each(Client::hears_nothing);
    // One goes, and there is room again.
    three.pop().unwrap().ask("quit", json!({}));
    eventually("there is room", || let_in(&server, "127.0.0.1").is_some());
}

#[test]
fn as_many_connections_as_are_set_have_the_files_that_they_need() {
    // Once only a limit that was not set raised the limit of open files, and the server
    // stopped letting anyone in long before its own limit.
    let server = Server::with_ulimit(
        "-S -n 80",
        &["limits.connections=200", "limits.unauthenticated=0", "limits.handshake_s=0"],
    );
    let mut clients: Vec<Client> = (0..150).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(Client::hears_nothing);
}

#[test]
fn without_a_limit_of_its_own_it_lets_in_as_many_as_there_are_files_for() {
    let server = Server::with_ulimit("-n 80", &["limits.unauthenticated=0"]);
    let mut inside: Vec<Client> = (0..16).map(|_| let_in(&server, "127.0.0.1").unwrap()).collect();
    for _ in 0..20 {
        assert!(let_in(&server, "127.0.0.1").is_none());
    }
    inside.iter_mut().for_each(Client::hears_nothing);
    assert_eq!(inside[0].register("ann")["status"], "ok");
}

#[test]
fn newcomers_are_turned_away_ever_more_often_until_some_log_in() {
    let server = Server::with(&["limits.unauthenticated=40", "limits.login_s=0"]);
    // Up to a quarter of them nobody is turned away.
    let mut inside: Vec<Client> = (0..11).map(|_| let_in(&server, "127.0.0.1").unwrap()).collect();
    let mut tries = 0;
    eventually("the place is full", || {
        tries += 1;
        inside.extend(let_in(&server, "127.0.0.1"));
        inside.len() == 40
    });
    assert!(tries > 29, "all {tries} were let in, the last of them with a chance of 1 in 30");
    for _ in 0..20 {
        assert!(let_in(&server, "127.0.0.1").is_none());
    }
    server.wait_for_log("limits.unauthenticated");
    // Whoever is inside can still log in, and makes room.
    inside[0].register("ann");
    for client in inside.iter_mut().take(30) {
        client.login("ann");
    }
    eventually("there is room again", || let_in(&server, "127.0.0.1").is_some());
}

#[test]
fn an_address_has_only_so_many_connections_that_are_not_logged_in() {
    let settings = ["limits.spare_loopback=false", "limits.unauthenticated_per_prefix=2"];
    let server = Server::with(&settings);
    let mut two: Vec<Client> = (0..2).map(|_| let_in(&server, "127.0.0.2").unwrap()).collect();
    assert!(let_in(&server, "127.0.0.2").is_none());
    server.wait_for_log("limits.unauthenticated_per_prefix");
    assert!(let_in(&server, "127.0.0.3").is_some());
    two[0].register("ann");
    two[0].login("ann");
    // The reply may be here before the server has counted again.
    eventually("there is room again", || let_in(&server, "127.0.0.2").is_some());
}

#[test]
fn an_address_has_only_so_many_connections() {
    let settings = ["limits.spare_loopback=false", "limits.connections_per_prefix=2"];
    let server = Server::with(&settings);
    let mut two: Vec<Client> = (0..2).map(|_| let_in(&server, "127.0.0.2").unwrap()).collect();
    two[0].register("ann");
    two.iter_mut().for_each(|client| drop(client.login("ann")));
    assert!(let_in(&server, "127.0.0.2").is_none());
    server.wait_for_log("limits.connections_per_prefix");
    assert!(let_in(&server, "127.0.0.3").is_some());
}

#[test]
fn loopback_is_spared_the_limits_per_address_unless_it_is_not_to_be() {
    let settings = [
        "limits.unauthenticated_per_prefix=1",
        "limits.connections_per_prefix=1",
        "limits.logins_per_min=1",
        "limits.registrations_per_hour=1",
    ];
    let server = Server::with(&settings);
    let mut clients: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let name = format!("user{number}");
        assert_eq!(client.register(&name)["status"], "ok");
        assert_eq!(wrong_login(client, "user0")["code"], "unauthorized");
    }
}

#[test]
fn faster_commands_are_taken_at_their_pace_and_none_is_refused() {
    let server = Server::with(&["limits.commands_burst=5", "limits.commands_per_s=20"]);
    let mut client = server.connect();
    let mut other = server.connect();
    other.hears_nothing();
    let bytes: Vec<u8> = (0..30)
        .flat_map(|id| framed(json!({ "type": "ping", "id": id }).to_string().as_bytes()))
        .collect();
    let began = Instant::now();
    client.send_bytes(&bytes).unwrap();
    for id in 0..30 {
        let reply = client.next();
        assert_eq!((&reply["id"], &reply["status"]), (&json!(id), &json!("ok")));
        if id == 4 {
            // The others are not held up.
            other.hears_nothing();
        }
    }
    // 25 of them at 20 a second; the clock is that of the client, so a little less.
    assert!(began.elapsed() >= Duration::from_millis(1200), "{:?}", began.elapsed());
}

fn wrong_login(client: &mut Client, name: &str) -> Value {
    client.ask("login", json!({ "username": name, "password": "wrong" }))
}

fn log_in(client: &mut Client, name: &str) -> Value {
    client.ask("login", json!({ "username": name, "password": "1234" }))
}

fn is_throttled(reply: &Value, at_most: Duration) {
    assert_eq!(reply["code"], "throttled", "{reply}");
    let wait = reply["data"]["retry_after_ms"].as_u64().unwrap();
    assert!(wait > 0 && wait <= at_most.as_millis() as u64, "{reply}");
}

#[test]
fn wrong_passwords_are_taken_only_so_often_from_one_address() {
    let server = Server::with(&["limits.spare_loopback=false", "limits.logins_per_min=2"]);
    let mut attacker = let_in(&server, "127.0.0.2").unwrap();
    let mut owner = let_in(&server, "127.0.0.3").unwrap();
    owner.register("ann");
    for _ in 0..2 {
        assert_eq!(wrong_login(&mut attacker, "ann")["code"], "unauthorized");
    }
    // Another connection, another spelling and the right password change nothing.
    let mut again = let_in(&server, "127.0.0.2").unwrap();
    is_throttled(&wrong_login(&mut again, "ann"), Duration::from_secs(30));
    is_throttled(&wrong_login(&mut again, "ANN"), Duration::from_secs(30));
    is_throttled(&log_in(&mut again, "ann"), Duration::from_secs(30));
    // The owner is elsewhere, and comes and goes as often as may be.
    for _ in 0..20 {
        assert_eq!(log_in(&mut owner, "ann")["status"], "ok");
        assert_eq!(owner.ask("logout", json!({}))["status"], "ok");
    }
}

/// Of eight jobs three were told to wait for 12 s.
#[test]
fn logins_at_once_with_the_right_password_are_not_throttled() {
    let server = Server::with(&["limits.spare_loopback=false", "limits.logins_per_min=2"]);
    let mut clients: Vec<_> = (0..8).map(|_| let_in(&server, "127.0.0.2").unwrap()).collect();
    clients[0].register("ann");
    for client in &mut clients {
        client.send(&json!({
            "type": "login", "id": 1, "data": { "username": "ann", "password": "1234" }
        }));
    }
    for client in &mut clients {
        let reply = client.next();
        assert_eq!(reply["status"], "ok", "{reply}");
    }
    // Wrong ones are as many as ever.
    let mut attackers: Vec<_> = (0..8).map(|_| let_in(&server, "127.0.0.3").unwrap()).collect();
    for client in &mut attackers {
        client.send(&json!({
            "type": "login", "id": 1, "data": { "username": "ann", "password": "wrong" }
        }));
    }
    let codes: Vec<_> = attackers.iter_mut().map(|client| client.next()["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "unauthorized").count(), 2, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "throttled").count(), 6, "{codes:?}");
}

#[test]
fn an_address_is_not_counted_for_what_was_throttled() {
    // Four times as many as for one account. Once each try that was refused counted
    // here, so one who had forgotten a password locked the whole household out.
    let server = Server::with(&["limits.spare_loopback=false", "limits.logins_per_min=2"]);
    let mut client = let_in(&server, "127.0.0.2").unwrap();
    for name in ["ann", "bob", "eve"] {
        for _ in 0..2 {
            assert_eq!(wrong_login(&mut client, name)["code"], "unauthorized", "{name}");
        }
        for _ in 0..10 {
            is_throttled(&wrong_login(&mut client, name), Duration::from_secs(30));
        }
    }
    for _ in 0..2 {
        assert_eq!(wrong_login(&mut client, "max")["code"], "unauthorized");
    }
    // These were eight.
    is_throttled(&wrong_login(&mut client, "zoe"), Duration::from_secs(8));
    let mut other = let_in(&server, "127.0.0.3").unwrap();
    assert_eq!(wrong_login(&mut other, "zoe")["code"], "unauthorized");
}

#[test]
fn tokens_are_tried_only_so_often_from_one_address() {
    let server = Server::with(&["limits.spare_loopback=false", "limits.logins_per_min=1"]);
    let mut client = let_in(&server, "127.0.0.2").unwrap();
    let token = json!({ "token": "x".repeat(43) });
    for _ in 0..4 {
        assert_eq!(client.ask("resume", token.clone())["code"], "unauthorized");
    }
    is_throttled(&client.ask("resume", token), Duration::from_secs(15));
}

#[test]
fn accounts_are_made_only_so_often_from_one_address() {
    let settings = ["limits.spare_loopback=false", "limits.registrations_per_hour=2"];
    let server = Server::with(&settings);
    let mut client = let_in(&server, "127.0.0.2").unwrap();
    assert_eq!(client.register("ann")["status"], "ok");
    // What makes no account does not count.
    for _ in 0..5 {
        assert_eq!(client.register("ann")["code"], "name_taken");
        assert_eq!(client.register("not a name")["code"], "bad_request");
    }
    assert_eq!(client.register("bob")["status"], "ok");
    is_throttled(&client.register("eve"), Duration::from_secs(1800));
    assert_eq!(let_in(&server, "127.0.0.3").unwrap().register("eve")["status"], "ok");
}

/// One who is there could throw all others out of the room, for good: no client reads a frame
/// of the server that is longer than is promised.
#[test]
fn a_text_without_a_limit_fits_into_what_the_server_sends() {
    const FRAME_BYTES_MAX: usize = 1 << 20;
    let rooms = r#"rooms=["general", "attic"]"#;
    let server = Server::with(&["limits.text=0", "limits.frame=0", rooms]);
    let (mut ann, mut bob) = (server.member("ann", "general"), server.member("bob", "attic"));
    let longest = "\"\t".repeat(32_768);
    assert_eq!(ann.say(&longest)["data"]["text"], longest);
    assert_eq!(ann.say(&format!("{longest}x"))["code"], "too_long");
    ann.ask("exit", json!({}));
    let cellar = json!({ "room": "cellar", "topic": longest });
    assert_eq!(ann.ask("create", cellar)["status"], "ok");
    ann.ask("enter", json!({ "room": "cellar" }));
    for kind in ["ban", "mute"] {
        let data = json!({ "username": "bob", "reason": longest });
        assert_eq!(ann.ask(kind, data)["status"], "ok");
    }
    for _ in 0..9 {
        assert_eq!(ann.ask("tell", json!({ "to": "bob", "text": longest }))["status"], "ok");
    }
    let reply_of = |client: &mut Client, kind: &str, data: Value| {
        client.send(&json!({ "type": kind, "data": data }));
        let body = client.body_or_end().unwrap();
        assert!(body.len() <= FRAME_BYTES_MAX, "{kind}: {}", body.len());
        let reply: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&reply["type"], &reply["status"]), (&json!(kind), &json!("ok")));
        reply
    };
    reply_of(&mut ann, "room", json!({}));
    reply_of(&mut bob, "history", json!({ "room": "general" }));
    let mail = reply_of(&mut bob, "inbox", json!({}));
    let messages = mail["data"]["messages"].as_array().unwrap().len();
    assert_eq!((messages, &mail["data"]["more"]), (7, &json!(true)));
}

#[test]
fn a_text_has_only_so_many_bytes() {
    let server = Server::with(&["limits.text=10"]);
    let mut ann = server.member("ann", "general");
    for (text, is_short) in
        [("1234567890", true), ("12345678901", false), ("äöüßé", true), ("äöüßéx", false)]
    {
        let reply = ann.say(text);
        if is_short {
            assert_eq!(reply["data"]["text"], text);
        } else {
            assert_eq!(
                (&reply["code"], &reply["data"]["field"]),
                (&json!("too_long"), &json!("text"))
            );
            assert!(reply["message"].as_str().unwrap().contains("limits.text"), "{reply}");
        }
    }
    ann.ask("exit", json!({}));
    let topic = json!({ "room": "attic", "topic": "12345678901" });
    assert_eq!(ann.ask("create", topic)["code"], "too_long");
}

#[test]
fn by_default_a_text_has_16384_bytes() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    let mut bob = server.member("bob", "general");
    let text = "x".repeat(16_384);
    assert_eq!(ann.say(&text)["data"]["text"], text);
    assert_eq!(bob.next()["data"]["text"], text);
    assert_eq!(ann.say(&"x".repeat(16_385))["code"], "too_long");
    assert_eq!(ann.say("")["code"], "bad_request");
}

#[test]
fn an_account_owns_only_so_many_rooms() {
    let server = Server::with(&["limits.rooms_per_user=2"]);
    let mut ann = server.user("ann");
    for room in ["one", "two"] {
        assert_eq!(ann.ask("create", json!({ "room": room }))["status"], "ok");
    }
    let refused = ann.ask("create", json!({ "room": "three" }));
    assert_eq!(refused["code"], "forbidden");
    assert!(refused["message"].as_str().unwrap().contains("limits.rooms_per_user"), "{refused}");
    assert_eq!(server.user("bob").ask("create", json!({ "room": "three" }))["status"], "ok");
    let server = server.again();
    assert_eq!(server.user("ann").ask("create", json!({ "room": "four" }))["code"], "forbidden");
}

/// Sixteen connections of one account, asking at once, made sixteen rooms.
#[test]
fn rooms_are_counted_however_many_ask_at_once() {
    let server = Server::with(&["limits.rooms_per_user=1"]);
    server.user("ann");
    let mut anns: Vec<Client> = (0..16).map(|_| server.connect()).collect();
    for ann in &mut anns {
        ann.login("ann");
    }
    for (number, ann) in anns.iter_mut().enumerate() {
        ann.send(&json!({ "type": "create", "data": { "room": format!("room-{number}") } }));
    }
    let replies: Vec<Value> = anns.iter_mut().map(Client::next).collect();
    let made = replies.iter().filter(|reply| reply["status"] == "ok").count();
    let refused = replies.iter().filter(|reply| reply["code"] == "forbidden").count();
    assert_eq!((made, refused), (1, 15), "{replies:?}");
}

/// A member who has next to no buffer, and does not read.
fn deaf_member(server: &Server, name: &str) -> Client {
    let mut deaf = Client::over(dial(server.address, "127.0.0.1", Some(4096)), &server.fingerprint);
    deaf.register(name);
    deaf.login(name);
    deaf.enter("general");
    deaf
}

fn who_is_there(client: &mut Client) -> Vec<String> {
    let list = client.ask("list", json!({}));
    serde_json::from_value(list["data"]["general"].clone()).unwrap()
}

#[test]
fn one_who_never_reads_is_sent_away_and_told_why() {
    let settings = ["limits.outbox_bytes=16384", "limits.stall_s=0", "limits.commands_burst=0"];
    let server = Server::with(&settings);
    let mut ann = server.member("ann", "general");
    let mut bob = server.member("bob", "general");
    let mut deaf = deaf_member(&server, "deaf");
    let text = "x".repeat(8000);
    let mut said = Vec::new();
    eventually("the deaf one is gone", || {
        said.push(ann.say(&text));
        assert_eq!(bob.next(), *said.last().unwrap());
        who_is_there(&mut ann) == ["ann", "bob"]
    });
    let (messages, end) = deaf.rest();
    let (last, before) = messages.split_last().unwrap();
    assert_eq!(last["code"], "slow_consumer", "{}", last["type"]);
    assert_eq!(last["type"], "error");
    assert!(last["message"].as_str().unwrap().contains("limits.outbox_bytes"), "{last}");
    assert_eq!(end, End::Goodbye);
    // Whole frames, from the first on, without a hole.
    is_beginning(before, &said);
}

/// What the deaf one got is the beginning of what was said, without a hole.
fn is_beginning(came: &[Value], said: &[Value]) {
    assert!(!came.is_empty() && came.len() <= said.len(), "{} of {}", came.len(), said.len());
    let differs = came.iter().zip(said).position(|(came, said)| came != said);
    assert_eq!(differs, None, "of {}", came.len());
}

/// The seconds without progress begin when the socket is full, and end.
const STALL: [&str; 3] = ["limits.outbox_bytes=0", "limits.stall_s=1", "limits.commands_burst=0"];

#[test]
fn one_who_takes_nothing_for_too_long_is_sent_away_and_told_why() {
    let server = Server::with(&STALL);
    let mut ann = server.member("ann", "general");
    let mut deaf = deaf_member(&server, "deaf");
    let began = Instant::now();
    let said: Vec<Value> = (0..20).map(|_| ann.say(&"x".repeat(16_000))).collect();
    eventually("the deaf one is gone", || who_is_there(&mut ann) == ["ann"]);
    assert!(began.elapsed() > Duration::from_millis(1000), "{:?}", began.elapsed());
    let (messages, end) = deaf.rest();
    let (last, before) = messages.split_last().unwrap();
    assert_eq!(last["code"], "slow_consumer", "{}", last["type"]);
    assert!(last["message"].as_str().unwrap().contains("limits.stall_s"), "{last}");
    is_beginning(before, &said);
    assert_eq!(end, End::Goodbye);
}

#[test]
fn nobody_says_goodbye_as_if_all_had_gone_when_something_has_not() {
    // Once TLS was ended in the proper way in the middle of a frame, and a client could
    // not tell what was cut off from what was complete.
    let server = Server::with(&STALL);
    let mut ann = server.member("ann", "general");
    // Several at once, since it takes a socket that has room at just the wrong moment.
    let mut deaf: Vec<Client> =
        (0..8).map(|number| deaf_member(&server, &format!("deaf{number}"))).collect();
    for _ in 0..60 {
        ann.say(&"x".repeat(16_000));
    }
    eventually("the deaf ones are gone", || who_is_there(&mut ann) == ["ann"]);
    let deaf: Vec<_> = deaf
        .drain(..)
        .map(|mut deaf| {
            // Too slowly for the time that last words have.
            std::thread::spawn(move || {
                let mut last = Value::Null;
                loop {
                    let pause = Instant::now() + Duration::from_millis(80);
                    match deaf.receive_or_end() {
                        Ok(message) => last = message,
                        Err(end) => return (last, end),
                    }
                    while Instant::now() < pause {
                        std::thread::park_timeout(pause - Instant::now());
                    }
                }
            })
        })
        .collect();
    for deaf in deaf {
        let (last, end) = deaf.join().unwrap();
        let is_complete = last["code"] == "slow_consumer";
        assert_eq!(end == End::Goodbye, is_complete, "the last is {}", last["type"]);
    }
}

#[test]
fn one_who_reads_slowly_but_steadily_is_not_sent_away() {
    let server = Server::with(&STALL);
    let mut ann = server.member("ann", "general");
    let mut slow = deaf_member(&server, "slow");
    let speaker = std::thread::spawn(move || -> Vec<Value> {
        (0..40).map(|_| ann.say(&"x".repeat(16_000))).collect()
    });
    // A frame, then a pause: for longer than the limit in all.
    let mut came = Vec::new();
    for _ in 0..40 {
        let pause = Instant::now() + Duration::from_millis(60);
        let message = slow.next();
        assert_eq!(message["type"], "msg", "{}", message["code"]);
        came.push(message);
        while Instant::now() < pause {
            std::thread::park_timeout(pause - Instant::now());
        }
    }
    is_beginning(&came, &speaker.join().unwrap());
    slow.hears_nothing();
}

#[test]
fn a_silent_client_is_asked_whether_it_is_there() {
    let server = Server::with(&["limits.ping_s=1"]);
    let silent = |caps: Value| {
        let mut client = server.connect();
        client.ask("hello", json!({ "caps": caps }));
        (client, Instant::now())
    };
    let (mut others, _) = silent(json!([]));
    let (mut answers, _) = silent(json!(["ping"]));
    let (mut gone, since) = silent(json!(["ping"]));
    let is_asked = |client: &mut Client| {
        let push = client.next();
        assert_eq!((&push["type"], &push["status"]), (&json!("ping"), &json!("ok")), "{push}");
        assert!(push.get("id").is_none(), "{push}");
    };
    is_asked(&mut gone);
    let after = since.elapsed();
    assert!(
        after >= Duration::from_millis(950) && after < Duration::from_millis(2400),
        "{after:?}"
    );
    for _ in 0..2 {
        is_asked(&mut answers);
        // Any frame is an answer.
        assert_eq!(answers.ask("list", json!({}))["code"], "wrong_state");
    }
    let (messages, end) = gone.rest();
    let after = since.elapsed();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["code"], "timeout");
    assert!(messages[0]["message"].as_str().unwrap().contains("limits.ping_s"), "{}", messages[0]);
    assert_eq!(end, End::Goodbye);
    assert!(after >= Duration::from_millis(2450), "{after:?}");
    others.hears_nothing();
}

#[test]
fn zero_is_no_limit() {
    let keys = chatd::config::KEYS.iter().map(|key| key.name);
    let limits = keys.filter(|key| key.starts_with("limits.") && *key != "limits.spare_loopback");
    let settings: Vec<String> = limits.map(|key| format!("{key}=0")).collect();
    let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    settings.push("limits.spare_loopback=false");
    let server = Server::with(&settings);
    let strangers: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let mut ann = server.connect();
    let limits = ann.ask("hello", json!({ "caps": ["ping"] }))["data"]["limits"].clone();
    for key in ["frame", "ping_s", "commands_burst", "rooms_per_user"] {
        assert_eq!(limits[key], 0, "{limits}");
    }
    // As much as the server can send.
    assert_eq!(limits["text"], 65_536, "{limits}");
    let long = json!({ "type": "ping", "padding": "x".repeat(200_000) });
    ann.send(&long);
    assert_eq!(ann.next()["status"], "ok");
    for number in 0..10 {
        assert_eq!(ann.register(&format!("user{number}"))["status"], "ok");
    }
    for _ in 0..30 {
        assert_eq!(wrong_login(&mut ann, "user0")["code"], "unauthorized");
    }
    ann.login("user0");
    for number in 0..30 {
        let room = json!({ "room": format!("room{number}") });
        assert_eq!(ann.ask("create", room)["status"], "ok");
    }
    ann.enter("general");
    let text = "x".repeat(65_536);
    assert_eq!(ann.say(&text)["data"]["text"], text);
    for _ in 0..300 {
        ann.hears_nothing();
    }
    drop(strangers);
}

#[test]
fn without_a_limit_one_who_sends_as_fast_as_may_be_does_not_starve_the_others() {
    let settings = ["limits.commands_burst=0", "limits.unauthenticated=0"];
    let server = Server::with(&settings);
    let mut ann = server.member("ann", "general");
    // More of them than the server has threads, and all of them read.
    let rounds = 40;
    let many: Vec<u8> = framed(br#"{"type":"ping"}"#).repeat(2000);
    let greedy: Vec<_> = (0..6)
        .map(|_| {
            let mut client = server.connect();
            client.shake_hands().unwrap();
            let many = many.clone();
            std::thread::spawn(move || {
                for _ in 0..rounds {
                    client.send_bytes(&many).unwrap();
                    for _ in 0..2000 {
                        assert_eq!(client.next()["type"], "ping");
                    }
                }
            })
        })
        .collect();
    let mut longest = Duration::ZERO;
    while greedy.iter().any(|client| !client.is_finished()) {
        let began = Instant::now();
        ann.hears_nothing();
        longest = longest.max(began.elapsed());
    }
    greedy.into_iter().for_each(|client| client.join().unwrap());
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}
