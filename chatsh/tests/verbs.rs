//! Verbs against a server that holds replies back, refuses, or goes: what is sent, what is
//! printed, and how chatsh ends.

#![allow(clippy::unwrap_used)]

mod peer;

use std::io::{BufRead, BufReader, Write};

use expect_test::{Expect, expect};
use peer::{
    Peer, Reaction, as_usual, chatsh, end_of, ok, outcome, refused, said, throttling_once, to,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Somebody, by options.
const AS_ANN: [&str; 4] = ["-u", "ann", "--password-command", "echo 1234"];

/// Runs chatsh as ann against a peer that reacts by `react`.
#[track_caller]
fn check(
    react: impl FnMut(&Value) -> Option<Reaction> + Send + 'static,
    arguments: &[&str],
    input: &str,
    expected: Expect,
) {
    let peer = Peer::start(react);
    expected.assert_eq(&outcome(peer.chatsh(&[&AS_ANN[..], arguments].concat()), input));
}

/// What chatsh asks of a peer after logging in, up to its farewell.
fn requests(peer: &Peer) -> Vec<Value> {
    let all = peer.requests.iter().skip_while(|request| request["type"] != "login").skip(1);
    all.take_while(|request| request["type"] != "quit").collect()
}

/// The frame of a message with a number.
fn numbered(from: &str, text: &str, seq: i64) -> Value {
    let mut frame = said(from, text);
    frame["data"]["seq"] = seq.into();
    frame
}

/// The last words of a server to which nobody comes back.
fn bye() -> Value {
    json!({ "type": "error", "status": "error", "code": "unauthorized", "message": "bye" })
}

/// A command as a server describes it.
fn command(name: &str, states: &[&str], args: &[(&str, &str)]) -> Value {
    let args: Vec<_> = args
        .iter()
        .map(|(name, kind)| {
            let required = *name != "key";
            json!({ "name": name, "kind": kind, "required": required, "rest": false, "summary": "" })
        })
        .collect();
    json!({
        "name": name, "states": states, "leads_to": [], "summary": "", "example": "",
        "role": "anyone", "pipelined": false, "args": args, "request": {}, "reply": {},
    })
}

/// A server that has these commands and no others.
fn with_commands(commands: Vec<Value>) -> impl FnMut(&Value) -> Option<Reaction> + Send + 'static {
    to("commands", move |request| {
        Reaction::Say(vec![ok(request, json!({ "version": 1, "commands": commands.clone() }))])
    })
}

#[test]
fn a_text_to_one_user_is_told_and_enters_no_room() {
    let tell = command(
        "tell",
        &["lobby", "chat"],
        &[("to", "user-name"), ("text", "text"), ("key", "string")],
    );
    let peer = Peer::start(with_commands(vec![tell]));
    let tell = [&AS_ANN[..], &["send", "-t", "bob", "--key", "k1", "how", "are you?"]].concat();
    assert_eq!(outcome(peer.chatsh(&tell), ""), "exit 0\n");
    let data = json!({ "to": "bob", "text": "how are you?", "key": "k1" });
    assert_eq!(requests(&peer), [json!({ "type": "tell", "data": data, "id": 1 })]);
    check(
        with_commands(vec![command("list", &["lobby"], &[])]),
        &["send", "-t", "bob", "hi"],
        "",
        expect![[r#"
            ! chatsh: the server has no command tell
            exit 1
        "#]],
    );
    // One that has never heard of keys is sent none, unless it has to be.
    let keyless = || vec![command("tell", &["lobby"], &[("to", "user-name"), ("text", "text")])];
    let peer = Peer::start(with_commands(keyless()));
    let tell = [&AS_ANN[..], &["send", "-t", "bob", "hi"]].concat();
    assert_eq!(outcome(peer.chatsh(&tell), ""), "exit 0\n");
    assert_eq!(requests(&peer)[0]["data"], json!({ "to": "bob", "text": "hi" }));
    check(
        with_commands(keyless()),
        &["send", "-t", "bob", "--key", "k1", "hi"],
        "",
        expect![[r#"
            ! chatsh: the server knows no keys
            exit 1
        "#]],
    );
}

#[test]
fn every_text_has_a_key_that_nobody_used_before() {
    let key = || {
        let peer = Peer::start(as_usual);
        let mut command = peer.chatsh(&AS_ANN);
        command.args(["send", "-r", "ops", "--", "--help is an option"]);
        assert_eq!(outcome(command, ""), "exit 0\n");
        let said = requests(&peer).pop().unwrap();
        assert_eq!(said["data"]["text"], "--help is an option");
        assert_eq!(said["data"]["to"], "public");
        said["data"]["key"].as_str().unwrap().to_owned()
    };
    let (one, other) = (key(), key());
    assert!(one != other && one.len() == 32, "{one} {other}");
}

#[test]
fn stdin_as_one_text_keeps_its_lines() {
    let peer = Peer::start(as_usual);
    let send = [&AS_ANN[..], &["send", "-r", "ops", "-"]].concat();
    assert_eq!(outcome(peer.chatsh(&send), "one\n\n  two\r\nthree\n"), "exit 0\n");
    assert_eq!(requests(&peer)[1]["data"]["text"], "one\n\n  two\nthree");
    check(
        as_usual,
        &["send", "-r", "ops", "-"],
        "a\nb\0c\n",
        expect![[r#"
            ! stdin:2:2: there is a NUL character: is this a text file?
            exit 2
        "#]],
    );
    check(
        as_usual,
        &["send", "-r", "ops", "-"],
        "",
        expect![[r#"
            ! chatsh: it is empty, which no message is
            exit 1
        "#]],
    );
}

#[test]
fn of_a_text_whose_fate_nobody_knows_the_key_is_said() {
    let send = ["send", "-r", "ops", "--key", "k1", "hi"];
    check(
        to("msg", |_| Reaction::Say(vec![bye()])),
        &send,
        "",
        expect![[r#"
            ! chatsh: unauthorized: bye; the line may or may not have had its effect; with `--key k1` it can be said again
            exit 7
        "#]],
    );
    check(
        to("msg", |_| Reaction::Silence),
        &[&send[..], &["--timeout", "1"]].concat(),
        "",
        expect![[r#"
            ! chatsh: msg: no reply within 1 s; the line may or may not have had its effect; with `--key k1` it can be said again
            exit 124
        "#]],
    );
    check(
        to("msg", |request| Reaction::Say(vec![refused(request, "forbidden", "you are muted")])),
        &send,
        "",
        expect![[r#"
            ! chatsh: msg: forbidden: you are muted
            exit 3
        "#]],
    );
}

#[test]
fn a_refusal_is_a_frame_as_well() {
    check(
        to("msg", |request| Reaction::Say(vec![refused(request, "forbidden", "you are muted")])),
        &["send", "-r", "ops", "hi", "--json"],
        "",
        expect![[r#"
            {"type":"msg","status":"error","message":"you are muted","id":1,"code":"forbidden"}
            ! chatsh: msg: forbidden: you are muted
            exit 3
        "#]],
    );
}

#[test]
fn throttled_is_waited_for_or_not() {
    check(
        throttling_once("msg"),
        &["send", "-r", "ops", "hi"],
        "",
        expect![[r#"
            ! chatsh: msg: throttled, trying again in 1 s
            exit 0
        "#]],
    );
    check(
        throttling_once("msg"),
        &["send", "-r", "ops", "hi", "--no-wait"],
        "",
        expect![[r#"
            ! chatsh: msg: throttled: too fast
            exit 6
        "#]],
    );
}

#[test]
fn lines_are_sent_ahead_but_never_far() {
    let peer = Peer::start(to("msg", |_| Reaction::Silence));
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines", "--timeout", "1"]].concat();
    expect![[r#"
        ! chatsh: lines 1 to 32: no reply within 1 s; they may or may not have been said
        exit 124
    "#]]
    .assert_eq(&outcome(peer.chatsh(&send), &"x\n".repeat(100)));
    let said = requests(&peer).into_iter().filter(|request| request["type"] == "msg").count();
    assert_eq!(said, 32);
    // As replies come, further ones are sent.
    let mut held = Vec::new();
    let holding = to("msg", move |request| {
        held.push(ok(request, json!({ "from": "ann", "to": "public", "text": "x" })));
        match held.len() == 32 || request["data"]["text"] == "last" {
            true => Reaction::Say(std::mem::take(&mut held)),
            false => Reaction::Silence,
        }
    });
    check(
        holding,
        &["send", "-r", "ops", "--lines"],
        &("x\n".repeat(96) + "last"),
        expect!["exit 0\n"],
    );
}

#[test]
fn lines_are_said_as_they_stand_each_with_its_key() {
    let peer = Peer::start(as_usual);
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines", "--key", "job"]].concat();
    let text = "/enter\n# no comment\r\n  two blanks\n//x\nlast";
    assert_eq!(outcome(peer.chatsh(&send), text), "exit 0\n");
    let said: Vec<_> = requests(&peer).into_iter().skip(1).collect();
    let texts: Vec<_> = said.iter().map(|request| &request["data"]["text"]).collect();
    assert_eq!(texts, ["/enter", "# no comment", "  two blanks", "//x", "last"]);
    let keys: Vec<_> = said.iter().map(|request| &request["data"]["key"]).collect();
    assert_eq!(keys, ["job.1", "job.2", "job.3", "job.4", "job.5"]);
    let ids: Vec<_> = said.iter().map(|request| &request["id"]).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
}

#[test]
fn a_line_that_can_be_no_message_is_left_out_and_told() {
    let refusing = || {
        to("msg", |request| match request["data"]["text"].as_str() {
            Some("bad") => Reaction::Say(vec![refused(request, "bad_request", "no such text")]),
            _ => peer::usual(request),
        })
    };
    let long = "x".repeat(1024 * 1024 + 1);
    let text = format!("one\n\nbad\n{long}\n{}\na\0b\nlast", "y".repeat(2000));
    let expected = expect![[r#"
        {"type":"msg","status":"ok","data":{"from":"ann","to":"public","text":"one"},"id":1}
        {"type":"msg","status":"error","message":"no such text","id":3,"code":"bad_request"}
        {"type":"msg","status":"ok","data":{"from":"ann","to":"public","text":"last"},"id":7}
        ! line 2: it is empty, which no message is
        ! line 3: msg: bad_request: no such text
        ! line 4: the line is longer than 1048576 bytes
        ! line 5: msg: a request of 2066 bytes, the server takes 2000
        ! line 6: there is a NUL character: is this a text file?
        exit 1
    "#]];
    let peer = Peer::start(refusing());
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines", "--json", "--key", "k"]].concat();
    expected.assert_eq(&outcome(peer.chatsh(&send), &text).replace("chatsh: ", ""));
}

/// Of a build the lines that were refused were those that mattered: errors in red.
#[test]
fn lines_for_a_terminal_are_said_without_what_only_a_terminal_takes() {
    let text = [
        &b"\x1b[31merror\x1b[0m: no"[..],
        b"\x1b[K",
        b"",
        b" 10 %\r100 %\r",
        b"latin \xe9",
        &b"y".repeat(500),
    ];
    let peer = Peer::start(as_usual);
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines", "--strip", "--key", "k"]].concat();
    let mut child = peer.chatsh(&send).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&text.join(&b'\n')).unwrap();
    assert_eq!(end_of(child), "exit 0\n");
    let said: Vec<_> = requests(&peer).into_iter().skip(1).collect();
    let pieces: Vec<_> = said
        .iter()
        .map(|request| {
            let data = &request["data"];
            (data["key"].as_str().unwrap(), data["text"].as_str().unwrap())
        })
        .collect();
    // The peer takes requests of 2000 bytes.
    let long = "y".repeat(488);
    let expected = [
        ("k.1", "error: no"),
        ("k.4", "100 %"),
        ("k.5", "latin \u{fffd}"),
        ("k.6", &long),
        ("k.6.2", &long[..12]),
    ];
    assert_eq!(pieces, expected);

    let peer = Peer::start(as_usual);
    let send = [&AS_ANN[..], &["send", "-r", "ops", "-", "--strip"]].concat();
    let input = "\x1b[1mone\x1b[m\n\n 1 %\r2 %\r\n\x07\n";
    assert_eq!(outcome(peer.chatsh(&send), input), "exit 0\n");
    assert_eq!(requests(&peer)[1]["data"]["text"], "one\n\n2 %");
    check(
        as_usual,
        &["send", "-r", "ops", "--strip", "hi"],
        "",
        expect![[r#"
            ! chatsh: --strip is for what a program prints: say `-` or --lines
            exit 2
        "#]],
    );
}

#[test]
fn a_refusal_that_is_of_no_line_ends_them_all_unless_it_is_to_keep_going() {
    let muted = || to("msg", |r| Reaction::Say(vec![refused(r, "forbidden", "you are muted")]));
    check(
        muted(),
        &["send", "-r", "ops", "--lines"],
        "one\n",
        expect![[r#"
            ! chatsh: line 1: msg: forbidden: you are muted
            exit 3
        "#]],
    );
    check(
        muted(),
        &["send", "-r", "ops", "--lines", "--keep-going"],
        "one\n\ntwo\n",
        expect![[r#"
            ! chatsh: line 1: msg: forbidden: you are muted
            ! chatsh: line 2: it is empty, which no message is
            ! chatsh: line 3: msg: forbidden: you are muted
            exit 3
        "#]],
    );
}

/// They were said again by whoever went on from the line that was named.
#[test]
fn lines_behind_one_that_ends_it_are_named_if_they_were_said() {
    let mut number = 0;
    let full = to("msg", move |request| {
        number += 1;
        Reaction::Say(vec![match number {
            2 | 4 => refused(request, "server_busy", "the disk is full"),
            _ => ok(request, request["data"].clone()),
        }])
    });
    let peer = Peer::start(full);
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines"]].concat();
    let said = outcome(peer.chatsh(&send), "one\ntwo\nthree\nfour\nfive\n");
    // As many as were sent before the refusal came.
    let (said, behind) = said.split_once("the disk is full").unwrap();
    assert_eq!(said, "! chatsh: line 2: msg: server_busy: ");
    let sent = requests(&peer).len() - 1;
    let expected = match sent {
        0..3 => "",
        3 | 4 => "; said all the same: line 3",
        _ => "; said all the same: lines 3, 5",
    };
    assert_eq!(behind, format!("{expected}\nexit 1\n"), "{sent}");
}

#[test]
fn lines_that_were_not_acknowledged_are_named() {
    let mut left = 3;
    let ending = to("msg", move |_| {
        left -= 1;
        if left == 0 { Reaction::Say(vec![bye()]) } else { Reaction::Silence }
    });
    check(
        ending,
        &["send", "-r", "ops", "--lines"],
        "one\ntwo\nthree\n",
        expect![[r#"
            ! chatsh: lines 1 to 3: unauthorized: bye; the line may or may not have had its effect
            exit 7
        "#]],
    );
}

/// Nobody knew from where on to say them again.
#[test]
fn lines_that_end_early_tell_which_was_the_last_to_be_acknowledged() {
    let acknowledged = |request: &Value| ok(request, json!({ "from": "ann", "to": "public" }));
    let leaving = to("msg", move |request| match request["data"]["text"] == "four" {
        true => Reaction::Say(vec![bye()]),
        false => Reaction::Say(vec![acknowledged(request)]),
    });
    check(
        leaving,
        &["send", "-r", "ops", "--lines"],
        "one\ntwo\n\nfour\n",
        expect![[r#"
        ! chatsh: line 3: it is empty, which no message is
        ! chatsh: line 4: unauthorized: bye; the line may or may not have had its effect; line 2 is the last that was acknowledged
        exit 7
    "#]],
    );
    // Of a line in two parts only the first one is acknowledged.
    let mut held = None;
    let in_parts = to("msg", move |request| match request["data"]["text"].as_str() {
        Some("one") => Reaction::Say(vec![acknowledged(request)]),
        Some("y") => Reaction::Say(vec![held.take().unwrap(), bye()]),
        _ => {
            held = Some(acknowledged(request));
            Reaction::Silence
        }
    });
    // The peer takes requests of 2000 bytes.
    check(
        in_parts,
        &["send", "-r", "ops", "--lines", "--strip"],
        &format!("one\n{}\n", "y".repeat(489)),
        expect![[r#"
            ! chatsh: line 2: unauthorized: bye; the line may or may not have had its effect; line 1 is the last that was acknowledged
            exit 7
        "#]],
    );
    let out = json!({ "type": "exit", "status": "ok", "data": { "room": "ops", "by": "bob" } });
    let peer = Peer::start(to("msg", move |request| {
        Reaction::Say(vec![acknowledged(request), out.clone()])
    }));
    let send = [&AS_ANN[..], &["send", "-r", "ops", "--lines"]].concat();
    let mut child = peer.chatsh(&send).spawn().unwrap();
    // More may come: only the server ends this.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    expect![[r#"
        ! chatsh: put out of ops by bob; line 1 is the last that was acknowledged
        exit 3
    "#]]
    .assert_eq(&end_of(child));
}

#[test]
fn an_answer_comes_after_its_question() {
    let ask = ["ask", "-r", "ops", "Ship", "1.4?", "--match", "^yes$"];
    let answering =
        |frames: fn(&Value) -> Vec<Value>| to("msg", move |request| Reaction::Say(frames(request)));
    check(
        answering(|request| {
            let data = json!({ "from": "ann", "to": "public", "text": "Ship 1.4?", "seq": 5 });
            vec![
                numbered("eve", "yes", 4),
                ok(request, data),
                numbered("bob", "yes, but", 6),
                numbered("bob", "yes", 7),
                numbered("bob", "yes", 8),
            ]
        }),
        &ask,
        "",
        expect![[r#"
            bob: yes
            exit 0
        "#]],
    );
    // The answer may be faster than the reply, when the question was asked before.
    check(
        answering(|request| {
            let data = json!({ "from": "ann", "to": "public", "text": "Ship 1.4?", "seq": 5 });
            vec![numbered("eve", "yes", 6), numbered("BOB", "yes", 7), ok(request, data)]
        }),
        &[&ask[..], &["--from", "bob", "--json"]].concat(),
        "",
        expect![[r#"
            {"type":"msg","status":"ok","data":{"to":"public","from":"BOB","text":"yes","seq":7}}
            exit 0
        "#]],
    );
    check(
        as_usual,
        &[&ask[..], &["--timeout", "0.2"]].concat(),
        "",
        expect![[r#"
            ! chatsh: no answer within 0.2 s
            exit 124
        "#]],
    );
    check(
        to("msg", |_| Reaction::Say(vec![bye()])),
        &ask,
        "",
        expect![[r#"
            ! chatsh: unauthorized: bye; the line may or may not have had its effect
            exit 7
        "#]],
    );
}

#[test]
fn a_wait_ends_with_the_message_the_time_or_the_connection() {
    let talking = |request: &Value| {
        (request["type"] == "enter").then(|| {
            let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
            let told = json!({
                "type": "tell", "status": "ok", "data": { "from": "bob", "to": "ann", "text": "yes" },
            });
            Reaction::Say(vec![entered, told, said("eve", "maybe"), said("eve", "yes")])
        })
    };
    check(
        talking,
        &["wait", "-r", "ops", "--match", "yes"],
        "",
        expect![[r#"
            eve: yes
            exit 0
        "#]],
    );
    check(
        talking,
        &["wait", "-r", "ops", "--from", "bob", "--timeout", "200ms"],
        "",
        expect![[r#"
            ! chatsh: no such message within 0.2 s
            exit 124
        "#]],
    );
    let leaving = |request: &Value| {
        let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
        (request["type"] == "enter").then(|| Reaction::Say(vec![entered, bye()]))
    };
    for verb in ["wait", "tail"] {
        check(
            leaving,
            &[verb, "-r", "ops"],
            "",
            expect![[r#"
                ! chatsh: unauthorized: bye
                exit 3
            "#]],
        );
    }
}

/// They hung for ever, in a room that they were not in any more.
#[test]
fn who_is_put_out_of_the_room_is_told_and_waits_no_longer() {
    let putting_out = |at: &'static str, by: Value| {
        move |request: &Value| {
            let data = json!({ "username": "ann", "room": "tmp1", "from": "ann", "last_seq": 3 });
            let out = json!({ "type": "exit", "status": "ok", "data": by, "message": "bye" });
            let frames = vec![ok(request, data), numbered("bob", "last words", 4), out];
            (request["type"] == at).then(|| Reaction::Say(frames))
        }
    };
    let kick = || json!({ "room": "tmp1", "by": "bob", "reason": "bye" });
    check(
        putting_out("enter", kick()),
        &["tail", "-r", "tmp1"],
        "",
        expect![[r#"
            bob: last words
            ! chatsh: put out of tmp1 by bob: bye
            exit 3
        "#]],
    );
    check(
        putting_out("enter", json!({ "room": "tmp1", "by": "" })),
        &["wait", "-r", "tmp1", "--from", "eve"],
        "",
        expect![[r#"
            ! chatsh: put out of tmp1
            exit 3
        "#]],
    );
    check(
        putting_out("msg", kick()),
        &["ask", "-r", "tmp1", "Ship?", "--match", "yes"],
        "",
        expect![[r#"
            ! chatsh: put out of tmp1 by bob: bye
            exit 3
        "#]],
    );
    // It is put out while it asks for something: that is refused, but this is why.
    check(
        move |request| match request["type"].as_str() {
            Some("history") => {
                let out = json!({ "type": "exit", "status": "ok", "data": kick() });
                let refusal = refused(request, "wrong_state", "not here");
                Some(Reaction::Say(vec![out, refusal]))
            }
            _ => None,
        },
        &["tail", "-r", "tmp1", "--since", "0"],
        "",
        expect![[r#"
            ! chatsh: put out of tmp1 by bob: bye
            exit 3
        "#]],
    );
}

#[test]
fn what_was_said_before_the_end_is_still_done() {
    let leaving = |request: &Value| {
        let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
        let frames = vec![entered, numbered("bob", "one", 1), numbered("bob", "two", 2), bye()];
        (request["type"] == "enter").then(|| Reaction::Say(frames))
    };
    let command = "echo $CHATSH_TEXT; test $CHATSH_TEXT = two";
    check(
        leaving,
        &["tail", "-r", "ops", "--keep-going", "--exec", command],
        "",
        expect![[r#"
            one
            two
            ! chatsh: seq 1: the command failed: exit status: 1
            ! chatsh: unauthorized: bye
            exit 1
        "#]],
    );
}

#[test]
fn what_is_said_while_the_past_is_told_is_neither_lost_nor_doubled() {
    let mut pages = 0;
    let telling = to("history", move |request| {
        pages += 1;
        let page = |from: i64, to: i64, more: bool| {
            let messages: Vec<_> = (from..=to)
                .map(|seq| numbered("bob", &seq.to_string(), seq)["data"].clone())
                .collect();
            ok(request, json!({ "room": "ops", "messages": messages, "more": more }))
        };
        Reaction::Say(match pages {
            1 => vec![numbered("bob", "4", 4), page(2, 3, true), numbered("bob", "5", 5)],
            // It has what was pushed before it was asked for, and what came meanwhile.
            _ => vec![
                numbered("bob", "6", 6),
                numbered("bob", "7", 7),
                page(4, 6, false),
                numbered("bob", "8", 8),
            ],
        })
    });
    check(
        telling,
        &["tail", "-r", "ops", "--since", "1", "--count", "7"],
        "",
        expect![[r#"
            bob: 2
            bob: 3
            bob: 4
            bob: 5
            bob: 6
            bob: 7
            bob: 8
            exit 0
        "#]],
    );
}

/// `tail --timeout 2` ran for ever.
#[test]
fn a_timeout_ends_a_tail_that_has_not_had_enough() {
    for count in [&[][..], &["--count", "1"]] {
        check(
            as_usual,
            &[&["tail", "-r", "ops", "--timeout", "200ms"][..], count].concat(),
            "",
            expect![[r#"
                ! chatsh: 0.2 s have passed
                exit 124
            "#]],
        );
    }
}

#[test]
fn the_verbs_need_somebody_in_some_room() {
    let home = tempfile::tempdir().unwrap();
    let mut story = String::new();
    for arguments in [
        "send hi",
        "-u ann --password-command true send hi",
        "-u ann --password-command true tail -r ops --exec cat --json",
        "who",
        "describe",
    ] {
        story.push_str(&format!("$ chatsh {arguments}\n"));
        let arguments: Vec<_> =
            ["-a", "127.0.0.1:1"].into_iter().chain(arguments.split(' ')).collect();
        story.push_str(&outcome(chatsh(home.path(), &arguments), ""));
    }
    expect![[r#"
        $ chatsh send hi
        ! chatsh: nobody is logged in: say -u NAME, or name a [hosts.NAME] of chatsh.toml that does
        exit 2
        $ chatsh -u ann --password-command true send hi
        ! chatsh: in which room? say -r ROOM
        exit 2
        $ chatsh -u ann --password-command true tail -r ops --exec cat --json
        ! chatsh: --exec prints nothing, and has the JSON on stdin: leave out --json
        exit 2
        $ chatsh who
        ! chatsh: nobody is logged in: say -u NAME, or name a [hosts.NAME] of chatsh.toml that does
        exit 2
        $ chatsh describe
        ! chatsh: cannot connect to 127.0.0.1:1: Connection refused (os error 111): does chatd run there?
        exit 4
    "#]]
    .assert_eq(&story);
}

#[test]
fn colours_and_the_bar_are_as_the_options_say() {
    let talking = |request: &Value| {
        (request["type"] == "enter").then(|| {
            let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
            Reaction::Say(vec![entered, said("bob", "one\ntwo")])
        })
    };
    for (options, expected) in [
        (&[][..], "bob: one\n   │ two\n"),
        (&["--color", "never"], "bob: one\n   │ two\n"),
        (&["--plain"], "bob: one\n   | two\n"),
        (&["--color", "always"], "\u{1b}[92mbob\u{1b}[0m: one\n   \u{1b}[2m│\u{1b}[0m two\n"),
    ] {
        let peer = Peer::start(talking);
        let mut command = peer.chatsh(&AS_ANN);
        command.args(["wait", "-r", "ops"]).args(options);
        assert_eq!(outcome(command, ""), format!("{expected}exit 0\n"), "{options:?}");
    }
}

#[test]
fn the_interrupt_key_ends_a_verb() {
    let peer = Peer::start(as_usual);
    let child = peer.chatsh(&[&AS_ANN[..], &["tail", "-r", "ops"]].concat()).spawn().unwrap();
    while peer.requests.recv().unwrap()["type"] != "enter" {}
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    expect!["exit 130\n"].assert_eq(&end_of(child));
}

/// `history | head -1` ended with 1, and `tail | head -1` with the next message only.
#[test]
fn when_nobody_reads_stdout_a_verb_that_only_prints_is_done() {
    let messages: Vec<_> =
        (0..200).map(|seq| numbered("bob", &"x".repeat(1000), seq)["data"].clone()).collect();
    let telling = move |request: &Value| match request["type"].as_str() {
        Some("enter") => {
            let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
            Some(Reaction::Say(vec![entered, said("bob", "one")]))
        }
        Some("history") => {
            let data = json!({ "room": "ops", "messages": messages, "more": false });
            Some(Reaction::Say(vec![ok(request, data)]))
        }
        _ => None,
    };
    for verb in ["tail", "history"] {
        let peer = Peer::start(telling.clone());
        let mut child = peer.chatsh(&[&AS_ANN[..], &[verb, "-r", "ops"]].concat()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        drop(stdout);
        assert_eq!(end_of(child), "exit 0\n", "{verb}");
    }
}

#[test]
fn an_answer_that_nobody_reads_is_an_error() {
    let peer = Peer::start(telling_once);
    let mut child = peer.chatsh(&[&AS_ANN[..], &["wait", "-r", "ops"]].concat()).spawn().unwrap();
    drop(child.stdout.take());
    expect![[r#"
        ! chatsh: stdout is closed
        exit 1
    "#]]
    .assert_eq(&end_of(child));
}

/// Somebody says something when we come.
fn telling_once(request: &Value) -> Option<Reaction> {
    let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
    (request["type"] == "enter").then(|| Reaction::Say(vec![entered, said("bob", "one")]))
}
