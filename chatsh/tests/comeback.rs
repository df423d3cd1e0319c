//! Scripts whose connection is cut: what is sent again, what is not, and how they end.

#![allow(clippy::unwrap_used)]

mod peer;

use std::borrow::Borrow;
use std::io::Write;
use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use peer::{Peer, Reaction, end_of, ok, outcome, refused};
use serde_json::{Value, json};

/// Logs in and enters a room, by lines.
const INTO_OPS: &str = "/login ann 1234\n/enter ops\n";

/// A server with one room, that ends the connection at these requests, each counted over
/// all connections: before it has read them, or before it answers.
struct Room {
    cuts: Vec<(&'static str, Cut)>,
    /// What was said: who, and what.
    log: Vec<(String, String)>,
    /// The keys of what was said.
    keys: Vec<(String, usize)>,
    /// What is gone after a cut: the room, the token, or the ledger.
    loses: Option<&'static str>,
    was_cut: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Before,
    After,
}

impl Room {
    fn with_cuts(cuts: &[(&'static str, Cut)]) -> Room {
        Room {
            cuts: cuts.to_vec(),
            log: vec![("bob".into(), "first".into())],
            keys: vec![],
            loses: None,
            was_cut: false,
        }
    }

    fn frame(&self, seq: usize, replay: bool) -> Value {
        let (from, text) = &self.log[seq - 1];
        let mut data =
            json!({ "to": "public", "from": from, "text": text, "room": "ops", "seq": seq });
        if replay {
            data["replay"] = true.into();
        }
        json!({ "type": "msg", "status": "ok", "data": data })
    }

    /// Reacts to a request.
    fn react(&mut self, request: &Value) -> Option<Reaction> {
        let kind = request["type"].as_str().unwrap();
        let cut = self.cuts.first().filter(|(at, _)| *at == kind).map(|(_, cut)| *cut);
        if cut.is_some() {
            self.cuts.remove(0);
        }
        if cut == Some(Cut::Before) {
            self.meanwhile();
            return Some(Reaction::End);
        }
        let reaction = self.answer(kind, request);
        if cut == Some(Cut::After) {
            self.meanwhile();
            return Some(Reaction::End);
        }
        reaction
    }

    fn has_lost(&self, what: &str) -> bool {
        self.was_cut && self.loses == Some(what)
    }

    fn epoch(&self) -> &'static str {
        if self.has_lost("ledger") { "another" } else { "one" }
    }

    /// What bob says while nobody hears it.
    fn meanwhile(&mut self) {
        self.was_cut = true;
        self.log.push(("bob".into(), format!("missed {}", self.log.len())));
    }

    fn answer(&mut self, kind: &str, request: &Value) -> Option<Reaction> {
        let data = &request["data"];
        let last = self.log.len();
        let frames = match kind {
            "enter" if self.has_lost("room") => vec![refused(request, "no_such_room", "no room")],
            "enter" => {
                let data = json!({ "username": "ann", "room": "ops", "last_seq": last, "epoch": self.epoch() });
                vec![ok(request, data)]
            }
            "resume" if self.has_lost("token") => vec![refused(request, "unauthorized", "no")],
            "resume" if data["room"] == "ops" && self.has_lost("room") => {
                vec![refused(request, "no_such_room", "there is no room \"ops\"")]
            }
            "resume" if data["room"] == "ops" => {
                let data = json!({ "username": "ann", "chatroom": "ops", "last_seq": last, "epoch": self.epoch() });
                let after = request["data"]["after"].as_u64().unwrap() as usize;
                let missed = (after + 1..=last).map(|seq| self.frame(seq, true));
                [ok(request, data)].into_iter().chain(missed).collect()
            }
            "resume" => vec![ok(request, json!({ "username": "ann", "chatroom": "lobby" }))],
            "history" => {
                let after = request["data"]["after"].as_u64().unwrap() as usize;
                let messages: Vec<_> =
                    (after + 1..=last).map(|seq| self.frame(seq, false)["data"].take()).collect();
                vec![ok(request, json!({ "room": "ops", "messages": messages, "more": false }))]
            }
            "msg" => {
                let key = data["key"].as_str().unwrap().to_owned();
                let known = self.keys.iter().find(|(known, _)| *known == key).map(|(_, seq)| *seq);
                let seq = known.unwrap_or_else(|| {
                    self.log.push(("ann".into(), data["text"].as_str().unwrap().into()));
                    self.keys.push((key, self.log.len()));
                    self.log.len()
                });
                let mut reply = self.frame(seq, false);
                reply["id"] = request["id"].clone();
                vec![reply]
            }
            _ => return None,
        };
        Some(Reaction::Say(frames))
    }
}

/// Runs `input` with `options` against that room; claims what comes of it, what was asked,
/// and what stands in the log afterwards.
#[track_caller]
fn check(mut room: Room, options: &[&str], input: &str, expected: impl Borrow<Expect>) {
    let connections = room.cuts.len() + 1;
    let peer = Peer::taking(connections, move |request| room.react(request));
    let mut story = outcome(peer.chatsh(options), input);
    let mut keys = vec![];
    for request in peer.requests.try_iter() {
        let (kind, data) = (request["type"].as_str().unwrap(), &request["data"]);
        match kind {
            "hello" => story.push_str("---\n"),
            "msg" => {
                let key = data["key"].clone();
                if !keys.contains(&key) {
                    keys.push(key.clone());
                }
                let number = 1 + keys.iter().position(|known| *known == key).unwrap();
                story.push_str(&format!("msg {} with key {number}\n", data["text"]));
            }
            "resume" | "history" => story.push_str(&format!("{kind} {data}\n")),
            "commands" | "quit" => {}
            _ => story.push_str(&format!("{kind}\n")),
        }
    }
    expected.borrow().assert_eq(&story);
}

#[test]
fn a_message_under_way_is_sent_again_with_its_key_and_said_once() {
    let expected = expect![[r#"
        Login successful
        username: ann
        room: ops
        ann: hello
        lobby: ann
        ops:
        ! chatsh: the server closed the connection; coming back
        ! chatsh: back in ops, 1 message came meanwhile
        exit 0
        ---
        login
        enter
        msg "hello" with key 1
        ---
        resume {"token":"s3cret","room":"ops","after":1}
        ping
        msg "hello" with key 1
        list
    "#]];
    let script = format!("{INTO_OPS}hello\n/list\n");
    check(Room::with_cuts(&[("msg", Cut::Before)]), &[], &script, &expected);
    check(Room::with_cuts(&[("msg", Cut::After)]), &[], &script, expected);
}

#[test]
fn a_key_of_the_users_own_is_kept() {
    let peer = Peer::start(|_| None);
    outcome(peer.chatsh(&[]), &format!("{INTO_OPS}/msg public --key mine hello\n"));
    let said = peer.requests.try_iter().find(|request| request["type"] == "msg").unwrap();
    assert_eq!(said["data"]["key"], "mine");
}

#[test]
fn what_was_missed_comes_once_and_in_order() {
    check(
        Room::with_cuts(&[("msg", Cut::After), ("ping", Cut::Before), ("msg", Cut::Before)]),
        &["--events"],
        &format!("{INTO_OPS}one\ntwo\n"),
        expect![[r#"
            Login successful
            username: ann
            room: ops
            bob: missed 2
            bob: missed 3
            bob: missed 4
            ann: one
            ann: two
            ! chatsh: the server closed the connection; coming back
            ! chatsh: the server closed the connection; coming back
            ! chatsh: back in ops, 1 message came meanwhile
            ! chatsh: the server closed the connection; coming back
            ! chatsh: back in ops, 1 message came meanwhile
            exit 0
            ---
            login
            enter
            msg "one" with key 1
            ---
            resume {"token":"s3cret","room":"ops","after":1}
            ping
            ---
            resume {"token":"s3cret","room":"ops","after":3}
            ping
            msg "one" with key 1
            ---
            resume {"token":"s3cret","room":"ops","after":4}
            ping
            msg "one" with key 1
            msg "two" with key 2
        "#]],
    );
}

#[test]
fn a_command_without_a_key_ends_a_script_with_7() {
    check(
        Room::with_cuts(&[("list", Cut::Before)]),
        &["--keep-going"],
        &format!("{INTO_OPS}/list\nhello\n"),
        expect![[r#"
            Login successful
            username: ann
            room: ops
            ! chatsh: line 3: the server closed the connection; the line may or may not have had its effect
            exit 7
            ---
            login
            enter
            list
        "#]],
    );
}

#[test]
fn a_room_that_is_gone_ends_a_script() {
    let mut room = Room::with_cuts(&[("msg", Cut::Before)]);
    room.loses = Some("room");
    check(
        room,
        &[],
        &format!("{INTO_OPS}hello\n/list\n"),
        expect![[r#"
        Login successful
        username: ann
        room: ops
        ! chatsh: the server closed the connection; coming back
        ! chatsh: line 3: not back in ops: no_such_room: there is no room "ops"; the line may or may not have had its effect
        exit 7
        ---
        login
        enter
        msg "hello" with key 1
        ---
        resume {"token":"s3cret","room":"ops","after":1}
        resume {"token":"s3cret"}
    "#]],
    );
}

#[test]
fn a_token_that_is_refused_is_made_up_for_by_the_password() {
    let by_password = ["-u", "ann", "--password-command", "echo 1234", "-r", "ops"];
    let mut room = Room::with_cuts(&[("msg", Cut::After)]);
    room.loses = Some("token");
    check(
        room,
        &by_password,
        "hello\n",
        expect![[r#"
            ann: hello
            ! chatsh: the server closed the connection; coming back
            ! chatsh: back in ops, 1 message came meanwhile
            exit 0
            ---
            login
            enter
            msg "hello" with key 1
            ---
            resume {"token":"s3cret","room":"ops","after":1}
            login
            enter
            history {"after":1,"limit":200}
            ping
            msg "hello" with key 1
        "#]],
    );
    let mut room = Room::with_cuts(&[("msg", Cut::After)]);
    room.loses = Some("token");
    check(
        room,
        &[],
        &format!("{INTO_OPS}hello\n"),
        expect![[r#"
        Login successful
        username: ann
        room: ops
        ! chatsh: the server closed the connection; coming back
        ! chatsh: line 3: the server does not take the token any more: log in again; the line may or may not have had its effect
        exit 7
        ---
        login
        enter
        msg "hello" with key 1
        ---
        resume {"token":"s3cret","room":"ops","after":1}
    "#]],
    );
}

#[test]
fn a_server_that_was_restored_is_found_out() {
    let mut room = Room::with_cuts(&[("msg", Cut::Before)]);
    room.loses = Some("ledger");
    check(
        room,
        &[],
        &format!("{INTO_OPS}hello\n"),
        expect![[r#"
        Login successful
        username: ann
        room: ops
        ann: hello
        ! chatsh: the server closed the connection; coming back
        ! chatsh: some messages of ops are gone: the server was restored; the history has what there is now
        ! chatsh: back in ops, 1 message came meanwhile
        exit 0
        ---
        login
        enter
        msg "hello" with key 1
        ---
        resume {"token":"s3cret","room":"ops","after":1}
        ping
        msg "hello" with key 1
    "#]],
    );
}

#[test]
fn a_server_that_stays_away_ends_a_script_in_time() {
    let mut room = Room::with_cuts(&[("msg", Cut::Before)]);
    let peer = Peer::start(move |request| room.react(request));
    let script = format!("{INTO_OPS}hello\n");
    let said = outcome(peer.chatsh(&["--timeout", "2"]), &script);
    expect![[r#"
        Login successful
        username: ann
        room: ops
        ! chatsh: the server closed the connection; coming back
        ! chatsh: line 3: not back in time: cannot connect to ADDRESS: Connection refused (os error 111): does chatd run there?; the line may or may not have had its effect
        exit 7
    "#]].assert_eq(&said.replace(&peer.address.to_string(), "ADDRESS"));
}

/// Nobody says when a cable is pulled.
#[test]
fn a_server_that_is_silent_for_too_long_is_taken_for_lost() {
    let mut room = Room::with_cuts(&[]);
    let mut ping_s = 1;
    let peer = Peer::taking(2, move |request| match request["type"].as_str() {
        Some("hello") => {
            let data = json!({ "version": 1, "caps": ["ping"], "limits": { "ping_s": ping_s } });
            ping_s = 60;
            Some(Reaction::Say(vec![ok(request, data)]))
        }
        _ => room.react(request),
    });
    let mut child = peer.chatsh(&[]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(INTO_OPS.as_bytes()).unwrap();
    while peer.requests.recv().unwrap()["type"] != "resume" {}
    drop(stdin);
    expect![[r#"
        Login successful
        username: ann
        room: ops
        ! chatsh: the server is silent for 2.5 s; coming back
        ! chatsh: back in ops, nothing was missed
        exit 0
    "#]]
    .assert_eq(&end_of(child));
}

/// Nothing was under way, so nothing is unknown.
#[test]
fn between_lines_a_script_comes_back_or_ends_with_4() {
    let stopping = |mut room: Room| {
        move |request: &Value| match (request["type"].as_str(), room.react(request)) {
            (Some("msg"), Some(Reaction::Say(mut frames))) => {
                frames.push(bye());
                Some(Reaction::Say(frames))
            }
            (_, reaction) => reaction,
        }
    };
    let peer = Peer::taking(2, stopping(Room::with_cuts(&[])));
    let mut child = peer.chatsh(&[]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{INTO_OPS}hello\n").as_bytes()).unwrap();
    while peer.requests.recv().unwrap()["type"] != "resume" {}
    stdin.write_all(b"/list\n").unwrap();
    drop(stdin);
    expect![[r#"
        Login successful
        username: ann
        room: ops
        ann: hello
        lobby: ann
        ops:
        ! chatsh: shutting_down: bye; coming back
        ! chatsh: back in ops, nothing was missed
        exit 0
    "#]]
    .assert_eq(&end_of(child));

    let peer = Peer::start(stopping(Room::with_cuts(&[])));
    let mut child = peer.chatsh(&["--timeout", "2"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{INTO_OPS}hello\n").as_bytes()).unwrap();
    // Stdin stays open: only the server ends this.
    expect![[r#"
        Login successful
        username: ann
        room: ops
        ann: hello
        ! chatsh: shutting_down: bye; coming back
        ! chatsh: not back in time: cannot connect to ADDRESS: Connection refused (os error 111): does chatd run there?
        exit 4
    "#]]
    .assert_eq(&end_of(child).replace(&peer.address.to_string(), "ADDRESS"));
    drop(stdin);
}

/// As ann, by options: the verbs do not log in by lines.
const AS_ANN: [&str; 4] = ["-u", "ann", "--password-command", "echo 1234"];

/// The room, in which bob says something behind the first reply of this kind; then the server
/// stops, and is started again.
fn stopping_at(
    kind: &'static str,
    mut room: Room,
) -> impl FnMut(&Value) -> Option<Reaction> + Send + 'static {
    let mut is_up = false;
    move |request| match room.react(request) {
        Some(Reaction::Say(mut frames)) if request["type"] == kind && !is_up => {
            is_up = true;
            room.log.push(("bob".into(), "live".into()));
            frames.push(room.frame(room.log.len(), false));
            frames.push(bye());
            room.meanwhile();
            if room.has_lost("ledger") {
                room.log.truncate(1);
            }
            Some(Reaction::Say(frames))
        }
        None if request["type"] == "ping" && room.has_lost("ledger") => {
            room.log.push(("bob".into(), "anew".into()));
            let anew = room.frame(room.log.len(), false);
            Some(Reaction::Say(vec![ok(request, json!({})), anew]))
        }
        reaction => reaction,
    }
}

/// What a server says that stops.
fn bye() -> Value {
    json!({ "type": "error", "status": "error", "code": "shutting_down", "message": "bye" })
}

/// Runs a verb as ann in that room.
#[track_caller]
fn check_verb(kind: &'static str, room: Room, verb: &[&str], expected: Expect) {
    let peer = Peer::taking(2, stopping_at(kind, room));
    let mut story = outcome(peer.chatsh(&[&AS_ANN[..], verb].concat()), "");
    for request in peer.requests.try_iter() {
        if let Some("resume" | "history") = request["type"].as_str() {
            story.push_str(&format!("{} {}\n", request["type"], request["data"]));
        }
    }
    expected.assert_eq(&story);
}

/// They ended with 4 whenever a server was started again, where scripts went on.
#[test]
fn who_waits_for_others_comes_back_and_misses_nothing() {
    check_verb(
        "enter",
        Room::with_cuts(&[]),
        &["tail", "-r", "ops", "--count", "2"],
        expect![[r#"
        bob: live
        bob: missed 2
        ! chatsh: shutting_down: bye; coming back
        ! chatsh: back in ops, 1 message came meanwhile
        exit 0
        "resume" {"token":"s3cret","room":"ops","after":2}
    "#]],
    );
    check_verb(
        "history",
        Room::with_cuts(&[]),
        &["tail", "-r", "ops", "--since", "0", "--count", "3"],
        expect![[r#"
            bob: first
            bob: live
            bob: missed 2
            ! chatsh: shutting_down: bye; coming back
            ! chatsh: back in ops, 1 message came meanwhile
            exit 0
            "history" {"after":0,"limit":200}
            "resume" {"token":"s3cret","room":"ops","after":2}
        "#]],
    );
    check_verb(
        "enter",
        Room::with_cuts(&[]),
        &["wait", "-r", "ops", "--match", "missed"],
        expect![[r#"
            bob: missed 2
            ! chatsh: shutting_down: bye; coming back
            ! chatsh: back in ops, 1 message came meanwhile
            exit 0
            "resume" {"token":"s3cret","room":"ops","after":2}
        "#]],
    );
    check_verb(
        "msg",
        Room::with_cuts(&[]),
        &["ask", "-r", "ops", "Ship?", "--match", "missed"],
        expect![[r#"
            bob: missed 3
            ! chatsh: shutting_down: bye; coming back
            ! chatsh: back in ops, 1 message came meanwhile
            exit 0
            "resume" {"token":"s3cret","room":"ops","after":3}
        "#]],
    );
    let mut room = Room::with_cuts(&[]);
    room.loses = Some("ledger");
    check_verb(
        "enter",
        room,
        &["tail", "-r", "ops", "--count", "2"],
        expect![[r#"
        bob: live
        bob: anew
        ! chatsh: shutting_down: bye; coming back
        ! chatsh: some messages of ops are gone: the server was restored; the history has what there is now
        ! chatsh: back in ops
        exit 0
        "resume" {"token":"s3cret","room":"ops","after":2}
    "#]],
    );
    let mut room = Room::with_cuts(&[]);
    room.loses = Some("room");
    check_verb(
        "enter",
        room,
        &["tail", "-r", "ops", "--count", "2"],
        expect![[r#"
        bob: live
        ! chatsh: shutting_down: bye; coming back
        ! chatsh: not back in ops: no_such_room: there is no room "ops"
        exit 1
        "resume" {"token":"s3cret","room":"ops","after":2}
        "resume" {"token":"s3cret"}
    "#]],
    );
}

/// More was missed than is kept, and in one go.
#[test]
fn a_long_absence_leaves_no_gap() {
    let mut room = Room::with_cuts(&[]);
    let peer = Peer::taking(2, move |request| {
        let mut reaction = room.react(request);
        if let (Some("enter"), Some(Reaction::Say(frames))) =
            (request["type"].as_str(), &mut reaction)
        {
            frames.push(bye());
            (0..3000).for_each(|_| room.meanwhile());
        }
        reaction
    });
    let tail = [&AS_ANN[..], &["tail", "-r", "ops", "--count", "3000"]].concat();
    let said = outcome(peer.chatsh(&tail), "");
    let numbers: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("bob: missed ")).collect();
    let expected: Vec<_> = (1..=3000).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected, "{said}");
}

#[test]
fn a_message_of_send_or_ask_that_is_under_way_is_sent_again_and_said_once() {
    let send = ["send", "-r", "ops", "hello"];
    let ask = ["ask", "-r", "ops", "hello", "--from", "bob"];
    for (verb, cut, answer) in [
        (&send[..], Cut::Before, ""),
        (&send, Cut::After, ""),
        // An answer may come before it is known that the question was kept.
        (&ask, Cut::Before, "bob: missed 3\n"),
        (&ask, Cut::After, "bob: missed 2\n"),
    ] {
        let mut room = Room::with_cuts(&[("msg", cut)]);
        let peer = Peer::taking(2, move |request| {
            let mut reaction = room.react(request);
            if let (Some("msg"), Some(Reaction::Say(frames))) =
                (request["type"].as_str(), &mut reaction)
            {
                room.meanwhile();
                frames.push(room.frame(room.log.len(), false));
            }
            reaction
        });
        let back = "! chatsh: the server closed the connection; coming back\n\
                    ! chatsh: back in ops, 1 message came meanwhile\nexit 0\n";
        let said = outcome(peer.chatsh(&[&AS_ANN[..], verb].concat()), "");
        assert_eq!(said, format!("{answer}{back}"));
        let asked = peer.requests.try_iter().filter(|request| request["type"] == "msg");
        let keys: Vec<_> = asked.map(|request| request["data"]["key"].clone()).collect();
        assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
    }
}

#[test]
fn lines_that_were_not_acknowledged_are_sent_again_in_order_and_said_once() {
    let cuts = [("msg", Cut::After), ("ping", Cut::Before), ("msg", Cut::Before)];
    let room = Arc::new(Mutex::new(Room::with_cuts(&cuts)));
    let shared = Arc::clone(&room);
    let peer = Peer::taking(4, move |request| shared.lock().unwrap().react(request));
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines"]].concat();
    let lines: Vec<_> = (1..=40).map(|number| number.to_string()).collect();
    let ended = outcome(peer.chatsh(&send), &lines.join("\n").replace("\n3\n", "\n\n"));
    let left_out = "! chatsh: line 3: it is empty, which no message is\nexit 1\n";
    assert!(ended.ends_with(left_out), "{ended}");
    let room = room.lock().unwrap();
    let said = room.log.iter().filter(|(from, _)| from == "ann").map(|(_, text)| text.as_str());
    let expected: Vec<_> = lines.iter().map(String::as_str).filter(|line| *line != "3").collect();
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn lines_to_which_nobody_comes_back_are_named() {
    let mut room = Room::with_cuts(&[]);
    room.loses = Some("room");
    let peer = Peer::taking(2, move |request| match request["data"]["text"].as_str() {
        Some("one") => Some(Reaction::Silence),
        Some("two") => {
            room.meanwhile();
            Some(Reaction::Say(vec![bye()]))
        }
        _ => room.react(request),
    });
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines"]].concat();
    expect![[r#"
        ! chatsh: shutting_down: bye; coming back
        ! chatsh: lines 1 to 2: not back in ops: no_such_room: there is no room "ops"; the line may or may not have had its effect
        exit 7
    "#]].assert_eq(&outcome(peer.chatsh(&send), "one\ntwo\n"));
}
