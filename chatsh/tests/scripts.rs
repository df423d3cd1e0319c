//! Scripts against a server that misbehaves, or says more than was asked: what is
//! printed, what is said on stderr, and how chatsh ends.

#![allow(clippy::unwrap_used)]

mod peer;

use std::borrow::Borrow;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use expect_test::{Expect, expect};
use peer::{
    Peer, Reaction, as_usual, chatsh, end_of, ok, outcome, refused, said, throttling_once, to,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Logs in and enters a room, by lines.
const INTO_OPS: &str = "/login ann 1234\n/enter ops\n";

/// Runs `input` with `options` against a peer that reacts by `react`.
#[track_caller]
fn check(
    react: impl FnMut(&Value) -> Option<Reaction> + Send + 'static,
    options: &[&str],
    input: &str,
    expected: impl Borrow<Expect>,
) {
    let peer = Peer::start(react);
    expected.borrow().assert_eq(&outcome(peer.chatsh(options), input));
}

/// Others say something before and after the reply to what we say.
fn busy_room(request: &Value) -> Option<Reaction> {
    let reply = ok(request, json!({ "from": "ann", "to": "public", "text": "hi" }));
    let frames = vec![said("bob", "before"), reply, said("bob", "after")];
    (request["type"] == "msg").then_some(Reaction::Say(frames))
}

#[test]
fn a_script_prints_its_results_whatever_others_say() {
    let script = format!("{INTO_OPS}hi\n/list\n");
    let expected = expect![[r#"
        Login successful
        Welcome to the chatroom
        ann: hi
        lobby: ann
        ops:
        exit 0
    "#]];
    check(as_usual, &[], &script, &expected);
    check(busy_room, &[], &script, expected);
}

#[test]
fn events_are_shown_on_demand() {
    check(
        busy_room,
        &["--events"],
        &format!("{INTO_OPS}hi\n/list\n"),
        expect![[r#"
            Login successful
            Welcome to the chatroom
            bob: before
            ann: hi
            bob: after
            lobby: ann
            ops:
            exit 0
        "#]],
    );
}

#[test]
fn json_is_the_replies_with_their_lines_and_without_tokens() {
    let script = format!("# In.\n{INTO_OPS}\nhi\n/help\n/msg bob psst\n");
    check(
        busy_room,
        &["--json"],
        &script,
        expect![[r#"
            {"type":"login","status":"ok","data":{"username":"ann","chatroom":"lobby","token":"…"},"id":2,"message":"Login successful"}
            {"type":"enter","status":"ok","data":{"username":"ann","room":"ops"},"id":3,"message":"Welcome to the chatroom"}
            {"type":"msg","status":"ok","data":{"from":"ann","to":"public","text":"hi"},"id":5}
            {"type":"msg","status":"ok","data":{"from":"ann","to":"public","text":"hi"},"id":7}
            exit 0
        "#]],
    );
    check(
        busy_room,
        &["--json", "--events"],
        &format!("{INTO_OPS}hi\n/ping\n"),
        expect![[r#"
            {"type":"login","status":"ok","data":{"username":"ann","chatroom":"lobby","token":"…"},"id":1,"message":"Login successful"}
            {"type":"enter","status":"ok","data":{"username":"ann","room":"ops"},"id":2,"message":"Welcome to the chatroom"}
            {"type":"msg","status":"ok","data":{"to":"public","from":"bob","text":"before"}}
            {"type":"msg","status":"ok","data":{"from":"ann","to":"public","text":"hi"},"id":3}
            {"type":"msg","status":"ok","data":{"to":"public","from":"bob","text":"after"}}
            {"type":"ping","status":"ok","data":{},"id":4}
            exit 0
        "#]],
    );
}

#[test]
fn the_first_error_ends_a_script_unless_it_is_to_keep_going() {
    let refusing = || {
        to("enter", |request| {
            let code =
                if request["data"]["room"] == "vault" { "forbidden" } else { "no_such_room" };
            Reaction::Say(vec![refused(request, code, "you cannot")])
        })
    };
    let script = "/login ann 1234\n/enter ops\n/entre ops\n/enter vault\n/list\n";
    check(
        refusing(),
        &[],
        script,
        expect![[r#"
        Login successful
        ! chatsh: line 2: enter: no_such_room: you cannot
        exit 1
    "#]],
    );
    check(
        refusing(),
        &["--keep-going"],
        script,
        expect![[r#"
        Login successful
        lobby: ann
        ops:
        ! chatsh: line 2: enter: no_such_room: you cannot
        ! chatsh: line 3: there is no command /entre: did you mean /enter?
        ! chatsh: line 4: enter: forbidden: you cannot
        exit 1
    "#]],
    );
    check(
        refusing(),
        &["--keep-going"],
        "/login ann 1234\n/enter vault\n/list\n/enter ops",
        expect![[r#"
        Login successful
        lobby: ann
        ops:
        ! chatsh: line 2: enter: forbidden: you cannot
        ! chatsh: line 4: enter: no_such_room: you cannot
        exit 3
    "#]],
    );
}

#[test]
fn the_first_error_gives_the_code_even_when_another_ends_the_script() {
    check(
        to("list", |_| Reaction::End),
        &["--keep-going"],
        "/xyzzy\n/list\n/ping\n",
        expect![[r#"
        ! chatsh: line 1: there is no command /xyzzy: /help lists them
        ! chatsh: line 2: the server closed the connection; the line may or may not have had its effect
        exit 1
    "#]],
    );
}

#[test]
fn what_nobody_would_hear_is_not_sent() {
    check(
        as_usual,
        &[],
        "hello\n",
        expect![[r#"
        ! chatsh: line 1: a line without a slash is said in a room, and here is none: /login USERNAME PASSWORD, then /enter ROOM first
        exit 3
    "#]],
    );
    check(
        as_usual,
        &[],
        "/login ann 1234\nhello\n",
        expect![[r#"
        Login successful
        ! chatsh: line 2: a line without a slash is said in a room, and here is none: /enter ROOM first
        exit 1
    "#]],
    );
}

#[test]
fn a_request_that_is_too_long_is_not_sent() {
    let script = format!("{INTO_OPS}{}\n", "x".repeat(2000));
    check(
        as_usual,
        &[],
        &script,
        expect![[r#"
            Login successful
            Welcome to the chatroom
            ! chatsh: line 3: msg: a request of 2095 bytes, the server takes 2000
            exit 1
        "#]],
    );
}

#[test]
fn hostile_text_is_shown_and_fakes_no_line() {
    let hostile = to("list", |request| {
        let reply = json!({
            "type": "list", "status": "error", "code": "x\u{1b}[2J",
            "message": "no\nchatsh: line 9: fake", "id": request["id"],
        });
        Reaction::Say(vec![said("eve", "hi\nann: \u{202e}fake\u{1b}]0;x\u{7}"), reply])
    });
    check(
        hostile,
        &["--events"],
        &format!("{INTO_OPS}/list\n"),
        expect![[r#"
        Login successful
        Welcome to the chatroom
        eve: hi
           │ ann: \u{202e}fake\u{1b}]0;x\u{7}
        ! chatsh: line 3: list: x\u{1b}[2J: no\u{a}chatsh: line 9: fake
        exit 1
    "#]],
    );
}

#[test]
fn a_command_that_only_the_server_knows_can_be_used() {
    fn with_roll(request: &Value) -> Option<Reaction> {
        let roll = json!({
            "name": "roll", "states": ["auth", "lobby", "chat"], "leads_to": [],
            "summary": "Roll a die", "example": "/roll", "role": "anyone", "pipelined": false,
            "args": [
                { "name": "sides", "kind": "integer", "required": true, "rest": false, "summary": "" }
            ],
            "request": {}, "reply": {},
        });
        match request["type"].as_str() {
            Some("commands") => {
                let data = json!({ "version": 1, "commands": [roll] });
                Some(Reaction::Say(vec![ok(request, data)]))
            }
            Some("roll") => {
                let sides = request["data"]["sides"].clone();
                Some(Reaction::Say(vec![ok(request, json!({ "rolled": sides }))]))
            }
            _ => None,
        }
    }
    let expected = expect![[r#"
        rolled: 6
        exit 0
    "#]];
    check(with_roll, &[], "/roll 6\n", &expected);

    let peer = Peer::start(with_roll);
    fs::write(peer.home().join("dice.chat"), "/roll 6\n").unwrap();
    expected.assert_eq(&outcome(peer.chatsh(&["-f", "dice.chat"]), ""));

    let peer = Peer::start(with_roll);
    fs::write(peer.home().join("dice.chat"), "/roll 6\n/roll six\n").unwrap();
    expect![[r#"
        ! dice.chat:2:7: roll: sides: "six" is not a whole number
        exit 2
    "#]]
    .assert_eq(&outcome(peer.chatsh(&["-f", "dice.chat"]), ""));
}

#[test]
fn a_script_that_is_wrong_is_not_even_connected() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("post.chat");
    fs::write(&script, "/login ann 1234\n/exit\nhello\n").unwrap();
    let nobody = ["-a", "127.0.0.1:1", "-f", "post.chat"];
    let wrong = expect![[r#"
        ! post.chat:2:1: /exit is not allowed in the lobby: did you forget /enter?
        ! post.chat:3:1: a line without a slash is said in a room, and here is none: /enter ROOM first
        exit 2
    "#]];
    wrong.assert_eq(&outcome(chatsh(dir.path(), &nobody), ""));
    wrong.assert_eq(&outcome(chatsh(dir.path(), &[&nobody[..], &["--check"]].concat()), ""));

    let mut command = chatsh(dir.path(), &["-a", "127.0.0.1:1"]);
    command.stdin(fs::File::open(&script).unwrap());
    let from_stdin = end_of(command.spawn().unwrap());
    assert!(from_stdin.starts_with("! stdin:2:1: /exit"), "{from_stdin}");

    fs::write(&script, "/login ann 1234\r\n/enter ops\r\nhello").unwrap();
    expect!["exit 0\n"]
        .assert_eq(&outcome(chatsh(dir.path(), &["--check", "-f", "post.chat"]), ""));
    expect![[r#"
        ! chatsh: cannot connect to 127.0.0.1:1: Connection refused (os error 111): does chatd run there?
        exit 4
    "#]]
    .assert_eq(&outcome(chatsh(dir.path(), &nobody), ""));
}

#[test]
fn bytes_that_are_no_text_end_a_script() {
    check(
        as_usual,
        &[],
        "/ping\r\n/pi\0ng\r\n",
        expect![[r#"
        ping: ok
        ! chatsh: line 2: there is a NUL character: is this a text file?
        exit 1
    "#]],
    );
}

#[test]
fn a_ping_is_answered_and_never_shown() {
    let mut awaited = None;
    let pinging = move |request: &Value| match request["type"].as_str() {
        Some("list") => {
            awaited = Some(request.clone());
            Some(Reaction::Say(vec![json!({ "type": "ping", "status": "ok" })]))
        }
        // Only now the reply to the list, as well as to this.
        Some("ping") => {
            let list = awaited.take().map(|list| ok(&list, json!({ "ops": ["ann"] })));
            let pong = ok(request, json!({ "ts": "now" }));
            Some(Reaction::Say(list.into_iter().chain([pong]).collect()))
        }
        _ => None,
    };
    check(
        pinging,
        &["--events"],
        "/list\n",
        expect![[r#"
        ops: ann
        exit 0
    "#]],
    );
}

#[test]
fn throttled_is_waited_for_or_not() {
    check(
        throttling_once("login"),
        &[],
        "/login ann 1234\n/list\n",
        expect![[r#"
        Login successful
        lobby: ann
        ops:
        ! chatsh: login: throttled, trying again in 1 s
        exit 0
    "#]],
    );
    check(
        throttling_once("login"),
        &["--no-wait"],
        "/login ann 1234\n/list\n",
        expect![[r#"
        ! chatsh: line 1: login: throttled: too fast
        exit 6
    "#]],
    );
    let by_option = ["-u", "ann", "--password-command", "echo 1234", "-c", "/list", "--no-wait"];
    check(
        throttling_once("login"),
        &by_option,
        "",
        expect![[r#"
        ! chatsh: login: throttled: too fast
        exit 6
    "#]],
    );
}

#[test]
fn a_connection_lost_with_a_line_under_way_leaves_its_outcome_unknown() {
    check(
        to("list", |_| Reaction::End),
        &["--keep-going"],
        "/ping\n/list\n/ping\n",
        expect![[r#"
        ping: ok
        ! chatsh: line 2: the server closed the connection; the line may or may not have had its effect
        exit 7
    "#]],
    );
    let told = |code: &'static str| {
        to("list", move |_| {
            let error =
                json!({ "type": "error", "status": "error", "code": code, "message": "bye" });
            Reaction::Say(vec![error])
        })
    };
    check(
        told("shutting_down"),
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: line 1: shutting_down: bye; the line may or may not have had its effect
        exit 7
    "#]],
    );
    check(
        told("frame_too_large"),
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: line 1: frame_too_large: bye
        exit 1
    "#]],
    );
    let unsure =
        to("list", |request| Reaction::Say(vec![refused(request, "unknown_outcome", "who knows")]));
    check(
        unsure,
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: line 1: list: unknown_outcome: who knows
        exit 7
    "#]],
    );
}

#[test]
fn a_connection_lost_between_lines_is_no_connection() {
    let peer = Peer::start(to("list", |request| {
        let bye = json!({ "type": "error", "status": "error", "code": "shutting_down", "message": "bye" });
        Reaction::Say(vec![ok(request, json!({ "ops": [] })), bye])
    }));
    let mut child = peer.chatsh(&[]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"/list\n").unwrap();
    // Stdin stays open: only the server ends this.
    expect![[r#"
        ops:
        ! chatsh: shutting_down: bye
        exit 4
    "#]]
    .assert_eq(&end_of(child));
    drop(stdin);
}

#[test]
fn a_reply_that_does_not_come_is_a_timeout() {
    check(
        to("list", |_| Reaction::Silence),
        &["--timeout", "0.2"],
        "/list\n/ping\n",
        expect![[r#"
            ! chatsh: line 1: list: no reply within 0.2 s; the line may or may not have had its effect
            exit 124
        "#]],
    );
    check(
        to("hello", |_| Reaction::Silence),
        &["--timeout", "0.2"],
        "/list\n",
        expect![[r#"
        ! chatsh: hello: no reply within 0.2 s
        exit 124
    "#]],
    );
}

#[test]
fn a_line_is_sent_only_after_the_reply_to_the_one_before() {
    let sent = |react: fn(&Value) -> Option<Reaction>| -> Vec<String> {
        let peer = Peer::start(react);
        outcome(peer.chatsh(&["--timeout", "0.2"]), "/list\n/ping\n");
        let kinds = peer.requests.iter().map(|request| request["type"].as_str().unwrap().into());
        kinds.filter(|kind: &String| ["list", "ping"].contains(&kind.as_str())).collect()
    };
    let mute = |request: &Value| (request["type"] == "list").then_some(Reaction::Silence);
    assert_eq!(sent(mute), ["list"]);
    assert_eq!(sent(as_usual), ["list", "ping"]);
}

#[test]
fn a_peer_of_another_protocol_is_recognised() {
    let hello = |data: Value| to("hello", move |r| Reaction::Say(vec![ok(r, data.clone())]));
    check(
        hello(json!({ "version": 2 })),
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: the server speaks version 2 of the protocol, not 1
        exit 8
    "#]],
    );
    check(
        hello(json!({})),
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: the server speaks another version of the protocol, not 1
        exit 8
    "#]],
    );
    let refusing =
        to("hello", |request| Reaction::Say(vec![refused(request, "unknown_command", "what?")]));
    check(
        refusing,
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: hello: unknown_command: what?
        exit 8
    "#]],
    );
    let http = to("hello", |_| Reaction::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    check(
        http,
        &[],
        "/list\n",
        expect![[r#"
        ! chatsh: the server does not speak the chat protocol: a frame of 1213486160 bytes, the limit is 1048576
        exit 8
    "#]],
    );
}

#[test]
fn a_peer_without_tls_is_recognised() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 100]);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let dir = tempfile::tempdir().unwrap();
    let said = outcome(chatsh(dir.path(), &["-a", &address.to_string(), "-c", "/list"]), "");
    let expected = format!("! chatsh: {address} does not speak TLS as we do: ");
    assert!(said.starts_with(&expected) && said.ends_with("exit 8\n"), "{said}");
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_the_one_that_is_meant() {
    let other = "SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY";
    let peer = Peer::start(as_usual);
    let said = outcome(peer.stranger(&["--pin", other, "-c", "/list"]), "");
    let expected = format!(
        "! chatsh: {}: the server's key is {}, but {other} is pinned; nothing was sent\nexit 5\n",
        peer.address, peer.fingerprint
    );
    assert_eq!(said, expected);
    assert!(peer.requests.recv().is_err());
}

#[test]
fn a_new_server_is_accepted_only_on_demand_and_then_known() {
    let peer = Peer::start(as_usual);
    let said = outcome(peer.stranger(&["-c", "/list"]), "");
    assert!(said.contains(" is not known: its key is SHA256:"), "{said}");
    assert!(said.ends_with("exit 5\n"), "{said}");
    assert!(peer.requests.recv().is_err());

    let peer = Peer::start(as_usual);
    let said = outcome(peer.stranger(&["--accept-new", "-c", "/ping"]), "");
    assert!(said.contains(" from now on, kept in ") && said.ends_with("exit 0\n"), "{said}");
    let known = fs::read_to_string(peer.home().join(".local/share/chatsh/known_hosts")).unwrap();
    assert!(known.contains(&peer.fingerprint.to_string()), "{known}");
}

#[test]
fn a_wait_is_for_a_message_that_came_after_the_line_before_was_sent() {
    let wait = |arguments: &str| format!("{INTO_OPS}hi\n/wait {arguments}\n");
    check(
        busy_room,
        &[],
        &wait("--from bob --match '^aft'"),
        expect![[r#"
        Login successful
        Welcome to the chatroom
        ann: hi
        bob: after
        exit 0
    "#]],
    );
    check(
        busy_room,
        &[],
        &wait("--match before"),
        expect![[r#"
        Login successful
        Welcome to the chatroom
        ann: hi
        bob: before
        exit 0
    "#]],
    );
    // An option that was given is the limit of all.
    check(
        busy_room,
        &["--timeout", "1"],
        &wait("--from eve"),
        expect![[r#"
        Login successful
        Welcome to the chatroom
        ann: hi
        ! chatsh: line 4: wait: no such message within 1 s
        exit 124
    "#]],
    );
    check(
        busy_room,
        &[],
        &wait("--from eve --timeout 100ms"),
        expect![[r#"
        Login successful
        Welcome to the chatroom
        ann: hi
        ! chatsh: line 4: wait: no such message within 0.1 s
        exit 124
    "#]],
    );
}

/// After `--limit 2` it was said all the same, on stderr, in every cron job.
#[test]
fn that_there_are_more_is_news_to_who_said_no_limit() {
    let telling = to("history", |request| {
        let said = json!({ "from": "bob", "to": "public", "text": "hi", "seq": 4 });
        Reaction::Say(vec![ok(request, json!({ "room": "ops", "messages": [said], "more": true }))])
    });
    check(
        telling,
        &[],
        &format!("{INTO_OPS}/history --limit 1\n/history\n/history --limit 9\n"),
        expect![[r#"
            Login successful
            Welcome to the chatroom
            bob: hi
            bob: hi
            bob: hi
            ! chatsh: there are more: /history --before=4
            ! chatsh: there are more: /history --before=4 --limit=9
            exit 0
        "#]],
    );
}

/// `-f -` looked for a file of that name.
#[test]
fn a_script_on_stdin_can_be_checked_before_it_connects() {
    check(
        as_usual,
        &["-f", "-"],
        "/login ann 1234\n/entre ops\n",
        expect![[r#"
        ! stdin:2:1: there is no command /entre: did you mean /enter?
        exit 2
    "#]],
    );
    check(
        as_usual,
        &["-f", "-"],
        "/login ann 1234\n",
        expect![[r#"
        Login successful
        exit 0
    "#]],
    );
}

#[test]
fn a_token_opens_the_account_until_it_has_expired() {
    const GOOD: &str = "mFtm-_OTPX1bxDOlCUv6Ks3KYvXPcsfkDTCFexk4-u8";
    fn with_tokens(request: &Value) -> Option<Reaction> {
        let resumes = request["type"] == "resume";
        resumes.then(|| match request["data"]["token"].as_str() {
            Some(GOOD) => {
                Reaction::Say(vec![ok(request, json!({ "username": "ann", "chatroom": "lobby" }))])
            }
            _ => Reaction::Say(vec![refused(request, "unauthorized", "no")]),
        })
    }
    let by_token = ["--token-file", "token", "-c", "/ping"];
    let by_both = [&by_token[..], &["-u", "ann", "--password-command", "echo 1234"]].concat();
    let peer = Peer::start(with_tokens);
    expect![[r#"
        ! chatsh: there is no token in token
        exit 2
    "#]]
    .assert_eq(&outcome(peer.chatsh(&by_token), ""));

    let check = |token: &str, options: &[&str], requests: &str, expected: Expect| {
        let peer = Peer::start(with_tokens);
        let file = peer.home().join("token");
        fs::write(&file, token).unwrap();
        let said = outcome(peer.chatsh(options), "");
        expected.assert_eq(&said[said.rfind("! chatsh: ").unwrap_or(0)..]);
        let kinds: Vec<_> =
            peer.requests.iter().map(|r| r["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds.join(" "), format!("hello commands {requests}quit").trim_end());
        fs::read_to_string(file).unwrap()
    };
    check(
        GOOD,
        &by_token,
        "resume ping ",
        expect![[r#"
        ! chatsh: others may read token: do `chmod 600 token`
        exit 0
    "#]],
    );
    let kept = check(
        &"x".repeat(43),
        &by_both,
        "resume login ping ",
        expect![[r#"
        ! chatsh: the server does not take the token in token any more
        exit 0
    "#]],
    );
    assert_eq!(kept, "s3cret\n");
}

#[test]
fn an_account_is_made_only_if_it_is_missing() {
    let options = ["-u", "ann", "--password-command", "echo 1234", "--register", "-c", "/ping"];
    let fine = expect![[r#"
        ping: ok
        exit 0
    "#]];
    check(as_usual, &options, "", &fine);
    let taken = |code: &'static str| {
        to("register", move |request| Reaction::Say(vec![refused(request, code, "no")]))
    };
    // It is there, or may be.
    check(taken("name_taken"), &options, "", &fine);
    check(taken("forbidden"), &options, "", fine);
    check(
        taken("bad_request"),
        &options,
        "",
        expect![[r#"
        ! chatsh: register: bad_request: no
        exit 1
    "#]],
    );
}

#[test]
fn the_interrupt_key_ends_a_script() {
    let peer = Peer::start(to("list", |_| Reaction::Silence));
    let child = peer.chatsh(&["-c", "/list", "--timeout", "60"]).spawn().unwrap();
    while peer.requests.recv().unwrap()["type"] != "list" {}
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    expect!["exit 130\n"].assert_eq(&end_of(child));
}

/// It ended with 1 and without a word, and nobody knew how far it had come.
#[test]
fn when_nobody_reads_stdout_it_says_how_far_it_came() {
    let peer = Peer::start(as_usual);
    let mut child = peer.chatsh(&["--keep-going"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"/ping\n").unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    stdin.write_all(b"/ping\n/ping\n").unwrap();
    expect![[r#"
        ! chatsh: line 2: stdout is closed: nothing was sent from line 3 on
        exit 1
    "#]]
    .assert_eq(&end_of(child));
    assert_eq!(peer.requests.iter().filter(|request| request["type"] == "ping").count(), 2);
}

/// It spoke of a line 2, and there was none.
#[test]
fn when_nobody_reads_what_the_last_line_prints_all_was_done() {
    let peer = Peer::start(as_usual);
    let mut command = peer.chatsh(&["-c", "/ping"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    expect!["exit 0\n"].assert_eq(&end_of(command.stdout(writer).spawn().unwrap()));
    assert_eq!(peer.requests.iter().filter(|request| request["type"] == "ping").count(), 1);
}
