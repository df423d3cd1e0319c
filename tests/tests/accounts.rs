//! Accounts: who may be whom, what a stranger can learn, and what opens an account
//! again.

#![allow(clippy::unwrap_used)]

use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, Server, is_slow};

fn log_in(client: &mut Client, name: &str, password: &str) -> Value {
    client.ask("login", json!({ "username": name, "password": password }))
}

#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let server = Server::start();
    let mut client = server.connect();
    client.register("ann");
    let wrong = log_in(&mut client, "ann", "4321");
    assert_eq!(wrong["code"], "unauthorized");
    assert!(wrong.get("data").is_none(), "{wrong}");
    assert_eq!(log_in(&mut client, "nobody", "4321"), wrong);
    assert_eq!(log_in(&mut client, "nobody", "1234"), wrong);
}

#[test]
fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let rounds = if is_slow() { 40 } else { 9 };
    let server = Server::with(&["password.log_n=13", "password.r=8"]);
    let mut client = server.connect();
    client.register("ann");
    let mut times = [Vec::new(), Vec::new()];
    // In turns, so that what else the machine does is the same for both.
    for _ in 0..rounds {
        for (times, name) in times.iter_mut().zip(["ann", "nobody"]) {
            let began = Instant::now();
            assert_eq!(log_in(&mut client, name, "4321")["code"], "unauthorized");
            times.push(began.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    // A look-up alone takes a hundredth of it.
    assert!(known > Duration::from_millis(2), "{known:?} is no work at all");
    let ratio = unknown.as_secs_f64() / known.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
}

#[test]
fn names_that_look_the_same_are_one_account() {
    let server = Server::start();
    let mut client = server.connect();
    assert_eq!(client.register("Paul.1")["data"]["username"], "Paul.1");
    // Another case, full width, Cyrillic throughout, a one for an l.
    for alike in ["PAUL.1", "Ｐaul.1", "pau1.1", "paul.l"] {
        let reply = client.register(alike);
        assert_eq!(reply["code"], "name_taken", "{alike}: {reply}");
        assert!(!reply.to_string().contains("Paul.1"), "{reply}");
    }
    // With the other spelling it opens too, and shows as it was registered.
    assert_eq!(log_in(&mut client, "PAUL.1", "1234")["data"]["username"], "Paul.1");
    assert_eq!(client.ask("list", json!({}))["data"]["lobby"], json!(["Paul.1"]));
    for other in ["lobby", "PUBLIC", "server", "system", "a b", "", "x\u{202e}y", "pаul"] {
        let reply = server.connect().register(other);
        assert_eq!(reply["code"], "bad_request", "{other}: {reply}");
    }
    assert_eq!(server.connect().register(&"x".repeat(32))["status"], "ok");
    assert_eq!(server.connect().register(&"x".repeat(33))["code"], "bad_request");
}

#[test]
fn rooms_that_look_the_same_are_one_room() {
    let server = Server::start();
    let mut ann = server.user("ann");
    assert_eq!(ann.ask("create", json!({ "room": "Attic" }))["status"], "ok");
    assert_eq!(ann.ask("create", json!({ "room": "aTTIC" }))["code"], "room_exists");
    assert_eq!(ann.enter("ATTIC")["data"]["room"], "Attic");
}

#[test]
fn a_password_has_4_to_256_bytes() {
    let server = Server::start();
    let mut client = server.connect();
    let mut register = |bytes: usize| {
        let data = json!({ "username": format!("user{bytes}"), "password": "x".repeat(bytes) });
        client.ask("register", data)
    };
    for (bytes, is_good) in [(0, false), (3, false), (4, true), (256, true), (257, false)] {
        let reply = register(bytes);
        match is_good {
            true => assert_eq!(reply["status"], "ok", "{bytes}: {reply}"),
            false => {
                assert_eq!(reply["code"], "bad_request", "{bytes}: {reply}");
                assert_eq!(reply["data"]["field"], "password", "{bytes}: {reply}");
            }
        }
    }
    let server = Server::with(&["password.min_length=10"]);
    assert_eq!(server.connect().register("ann")["code"], "bad_request");
}

#[test]
fn of_many_who_register_one_name_at_once_one_gets_it() {
    const RACERS: usize = 16;
    let server = Server::start();
    for round in 0..5 {
        let name = format!("prize{round}");
        let start = Barrier::new(RACERS);
        let won: Vec<usize> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..RACERS)
                .map(|number| {
                    let (server, start, name) = (&server, &start, &name);
                    scope.spawn(move || {
                        let mut client = server.connect();
                        client.hears_nothing();
                        let password = format!("of racer {number}");
                        start.wait();
                        let data = json!({ "username": name, "password": password });
                        let reply = client.ask("register", data);
                        assert!(
                            reply["status"] == "ok" || reply["code"] == "name_taken",
                            "{reply}"
                        );
                        reply["status"] == "ok"
                    })
                })
                .collect();
            let results = racers.into_iter().map(|racer| racer.join().unwrap());
            results.enumerate().filter(|(_, won)| *won).map(|(number, _)| number).collect()
        });
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        // It is the winner's password that opens it.
        for number in 0..RACERS {
            let reply = log_in(&mut server.connect(), &name, &format!("of racer {number}"));
            assert_eq!(reply["status"] == "ok", number == won[0], "{reply}");
        }
    }
}

#[test]
fn an_old_password_opens_after_the_cost_has_changed_and_costs_as_much_then() {
    let stored = |server: &Server| -> String {
        let database = rusqlite::Connection::open(server.data().join("chatd.db")).unwrap();
        let sql = "SELECT password FROM accounts WHERE name = 'ann'";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let server = Server::start();
    server.user("ann");
    let old = stored(&server);
    assert!(old.starts_with("$scrypt$ln=4,r=1,p=1$"), "{old}");
    let server = server.again_with(&["password.log_n=6", "password.p=2"]);
    assert_eq!(log_in(&mut server.connect(), "ann", "4321")["code"], "unauthorized");
    assert_eq!(stored(&server), old, "a wrong password changes nothing");
    assert_eq!(log_in(&mut server.connect(), "ann", "1234")["status"], "ok");
    let new = stored(&server);
    assert!(new.starts_with("$scrypt$ln=6,r=1,p=2$"), "{new}");
    assert_eq!(log_in(&mut server.connect(), "ann", "1234")["status"], "ok");
    assert_eq!(stored(&server), new, "what costs enough stays");
    assert_eq!(log_in(&mut server.connect(), "ann", "4321")["code"], "unauthorized");
}

/// A connection with cap `resume`, logged in, and its token.
fn with_token(server: &Server, name: &str) -> (Client, Value) {
    let mut client = server.connect();
    client.ask("hello", json!({ "caps": ["resume"] }));
    client.register(name);
    let token = client.login(name)["data"]["token"].clone();
    assert!(token.as_str().unwrap().len() == 43, "{token}");
    (client, token)
}

fn resume(server: &Server, token: &Value) -> (Client, Value) {
    let mut client = server.connect();
    let reply = client.ask("resume", json!({ "token": token }));
    (client, reply)
}

#[test]
fn a_token_opens_its_account_until_a_logout() {
    let server = Server::start();
    let (client, token) = with_token(&server, "Ann");
    let (mut resumed, reply) = resume(&server, &token);
    assert_eq!(reply["data"], json!({ "username": "Ann", "chatroom": "lobby" }));
    assert_eq!(resumed.ask("list", json!({}))["status"], "ok");
    // A lost connection, a quit and a restart leave it good.
    drop(client);
    assert_eq!(resumed.ask("quit", json!({}))["status"], "ok");
    let server = server.again();
    let (mut resumed, reply) = resume(&server, &token);
    assert_eq!(reply["status"], "ok", "{reply}");
    // Another login has a token of its own.
    let (mut other, other_token) = with_token(&server, "ann");
    assert_ne!(other_token, token);
    assert_eq!(resumed.ask("logout", json!({}))["status"], "ok");
    let (_, reply) = resume(&server, &token);
    assert_eq!(reply["code"], "unauthorized");
    assert_eq!(resume(&server, &other_token).1["status"], "ok");
    assert_eq!(other.ask("logout", json!({}))["status"], "ok");
    assert_eq!(resume(&server, &other_token).1["code"], "unauthorized");
    let server = server.again();
    assert_eq!(resume(&server, &token).1["code"], "unauthorized");
}

#[test]
fn neither_a_token_nor_a_password_stands_anywhere_on_the_disk() {
    let server = Server::start();
    let (mut client, token) = with_token(&server, "ann");
    let password = "a rare and wonderful password";
    let data = json!({ "username": "bob", "password": password });
    assert_eq!(client.ask("logout", json!({}))["status"], "ok");
    assert_eq!(client.ask("register", data.clone())["status"], "ok");
    assert_eq!(client.ask("login", data)["status"], "ok");
    let mut files = 0;
    for file in std::fs::read_dir(server.data()).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        files += 1;
        for secret in [token.as_str().unwrap(), password] {
            let stands = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!stands, "{}", path.display());
        }
    }
    assert!(files >= 5, "database, its log, key, certificate and lock: {files}");
}

#[test]
fn one_who_has_not_asked_for_a_token_gets_none() {
    let server = Server::start();
    let mut client = server.connect();
    client.register("ann");
    assert_eq!(client.login("ann")["data"], json!({ "username": "ann", "chatroom": "lobby" }));
    for token in [json!("x".repeat(43)), json!("short"), json!(5), Value::Null] {
        let (_, reply) = resume(&server, &token);
        assert!(reply["code"] == "unauthorized" || reply["code"] == "bad_request", "{reply}");
    }
}

#[test]
fn an_account_may_be_logged_in_several_times_and_is_listed_once() {
    let server = Server::start();
    let mut laptop = server.user("ann");
    let mut script = server.user("ann");
    let mut bob = server.user("bob");
    let list = |client: &mut Client| client.ask("list", json!({}))["data"].clone();
    assert_eq!(list(&mut bob), json!({ "lobby": ["ann", "bob"], "general": [] }));
    laptop.enter("general");
    script.enter("general");
    bob.enter("general");
    assert_eq!(list(&mut bob), json!({ "general": ["ann", "bob"] }));
    let said = laptop.say("from the laptop");
    assert_eq!(script.next(), said);
    assert_eq!(bob.next(), said);
    // One of them leaves, and the other is still there.
    assert_eq!(laptop.ask("exit", json!({}))["status"], "ok");
    assert_eq!(list(&mut bob), json!({ "general": ["ann", "bob"] }));
    assert_eq!(list(&mut laptop), json!({ "lobby": ["ann"], "general": ["ann", "bob"] }));
    assert_eq!(laptop.ask("logout", json!({}))["status"], "ok");
    assert_eq!(bob.ask("msg", json!({ "to": "ann", "text": "still?" }))["status"], "ok");
    assert_eq!(script.next()["data"]["text"], "still?");
    assert_eq!(script.ask("exit", json!({}))["status"], "ok");
    assert_eq!(list(&mut bob), json!({ "general": ["bob"] }));
}

#[test]
fn nobody_speaks_for_another() {
    let server = Server::start();
    let mut ann = server.member("ann", "general");
    let mut bob = server.member("bob", "general");
    let data = json!({ "to": "public", "text": "I am bob", "from": "bob" });
    let refused = ann.ask("msg", data);
    assert_eq!(
        (&refused["code"], &refused["data"]["field"]),
        (&json!("bad_request"), &json!("from"))
    );
    bob.hears_nothing();
    let own = json!({ "to": "public", "text": "I am ann", "from": "ANN" });
    assert_eq!(ann.ask("msg", own)["data"]["from"], "ann");
}
