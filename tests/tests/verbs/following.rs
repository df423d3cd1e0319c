//! `tail`: what was said and what is said, each once, printed or handed to a command.

use std::process::{Command, Stdio};

use expect_test::expect;
use serde_json::{Value, json};
use tests::{Cable, Client, Home, Run, Server, outcome};

use crate::as_ann;

/// A server on which bob is in general, and has said these.
fn room_of_bob(texts: &[&str]) -> (Server, Home, Client) {
    let server = Server::start();
    server.user("ann");
    let mut bob = server.member("bob", "general");
    for text in texts {
        bob.say(text);
    }
    let home = Home::new();
    home.write("password", "1234\n");
    (server, home, bob)
}

/// Waits until ann is in the room.
fn wait_for_ann(bob: &mut Client) {
    tests::eventually("ann is in the room", || {
        let list = bob.ask("list", json!({}));
        list["data"]["general"].as_array().is_some_and(|users| users.contains(&json!("ann")))
    });
}

#[test]
fn what_is_said_is_followed_from_now_on() {
    let (server, home, mut bob) = room_of_bob(&["before"]);
    let run = Run::of(as_ann(&server, &home, &["tail", "-r", "general", "--count", "2"]));
    wait_for_ann(&mut bob);
    bob.say("one");
    bob.ask("msg", json!({ "to": "ann", "text": "two\nlines" }));
    expect![[r#"
        bob: one
        bob -> ann: two
                  │ lines
        exit 0
    "#]]
    .assert_eq(&run.end());
}

#[test]
fn what_was_said_since_a_number_or_a_time_comes_first() {
    let (server, home, mut bob) = room_of_bob(&["one", "two"]);
    let two: Value = bob.ask("history", json!({ "limit": 1 }))["data"]["messages"][0].clone();
    // The clock of the next one is later.
    tests::eventually("the clock goes on", || {
        let pong = bob.ask("ping", json!({}));
        pong["data"]["ts"].as_str() > two["ts"].as_str()
    });
    bob.say("three");
    let ts = two["ts"].as_str().unwrap().to_owned();
    for (since, expected) in [
        ("0", "bob: one\nbob: two\nbob: three\n"),
        ("2", "bob: two\nbob: three\n"),
        ("1h", "bob: one\nbob: two\nbob: three\n"),
        ("1d", "bob: one\nbob: two\nbob: three\n"),
        ("2026-01-01", "bob: one\nbob: two\nbob: three\n"),
        ("2026-01-01T00:00:00Z", "bob: one\nbob: two\nbob: three\n"),
    ] {
        let count = expected.lines().count().to_string();
        let tail = ["tail", "-r", "general", "--since", since, "--count", &count];
        assert_eq!(outcome(as_ann(&server, &home, &tail), ""), format!("{expected}exit 0\n"));
        let history = ["history", "-r", "general", "--since", since];
        assert_eq!(outcome(as_ann(&server, &home, &history), ""), format!("{expected}exit 0\n"));
    }
    // Of the same millisecond is not before it.
    let tail = ["tail", "-r", "general", "--since", &ts, "--count", "1"];
    let first = outcome(as_ann(&server, &home, &tail), "");
    assert!(first == "bob: two\nexit 0\n" || first == "bob: one\nexit 0\n", "{first}");
    // Nothing is said since the future that a clock may be ahead by; then something is.
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(50)).to_string();
    let tail = ["tail", "-r", "general", "--since", &soon, "--count", "1"];
    let run = Run::of(as_ann(&server, &home, &tail));
    wait_for_ann(&mut bob);
    bob.say("four");
    assert_eq!(run.end(), "bob: four\nexit 0\n");
}

#[test]
fn a_tail_ends_after_its_count() {
    let (server, home, _bob) = room_of_bob(&["one", "two", "three"]);
    for (count, expected) in [("1", "bob: one\n"), ("2", "bob: one\nbob: two\n")] {
        let tail = ["tail", "-r", "general", "--since", "0", "--count", count];
        assert_eq!(outcome(as_ann(&server, &home, &tail), ""), format!("{expected}exit 0\n"));
    }
}

#[test]
fn a_restart_of_the_server_is_not_the_end() {
    let (mut server, home, mut bob) = room_of_bob(&[]);
    // It has another port afterwards.
    let cable = Cable::to(server.address);
    let (address, pin) = (cable.address.to_string(), server.fingerprint.clone());
    let as_ann = |verb: &[&str]| {
        let options = ["-u", "ann", "--password-file", "password", "-a", &address, "--pin", &pin];
        Run::of(home.chatsh(&[&options[..], &["-r", "general"], verb].concat()))
    };
    let tail = as_ann(&["tail", "--count", "2"]);
    wait_for_ann(&mut bob);
    let mut send = as_ann(&["send", "--lines"]);
    send.feed("one\n");
    assert_eq!(bob.next()["data"]["text"], "one");
    server.kill();
    server.revive();
    cable.lead_to(server.address);
    send.feed("two\n");
    let end = tail.end();
    let is_whole = end.starts_with("ann: one\nann: two\n! ") && end.ends_with("missed\nexit 0\n");
    assert!(is_whole, "{end}");
    send.signal("INT");
    let end = send.end();
    assert!(end.contains("! chatsh: back in general, nothing was missed\n"), "{end}");
    assert!(end.ends_with(" is the last that was acknowledged\nexit 130\n"), "{end}");
}

#[test]
fn who_is_put_out_or_whose_room_is_deleted_follows_it_no_longer() {
    let (server, home, mut bob) = room_of_bob(&[]);
    bob.ask("exit", json!({}));
    bob.ask("create", json!({ "room": "tmp1" }));
    let mut putting_out = |verb: &str, acts: &[(&str, Value)]| {
        let run = Run::of(as_ann(&server, &home, &[verb, "-r", "tmp1"]));
        tests::eventually("ann is in the room", || {
            let list = bob.ask("list", json!({}));
            list["data"]["tmp1"].as_array().is_some_and(|users| users.contains(&json!("ann")))
        });
        for (kind, data) in acts {
            let reply = bob.ask(kind, data.clone());
            assert_eq!(reply["status"], "ok", "{reply}");
        }
        run.end()
    };
    expect![[r#"
        ! chatsh: put out of tmp1 by bob: bye
        exit 3
    "#]]
    .assert_eq(&putting_out(
        "tail",
        &[
            ("enter", json!({ "room": "tmp1" })),
            ("kick", json!({ "username": "ann", "reason": "bye" })),
            ("exit", json!({})),
        ],
    ));
    expect![[r#"
        ! chatsh: put out of tmp1 by bob: the room was deleted
        exit 3
    "#]]
    .assert_eq(&putting_out("wait", &[("delete", json!({ "room": "tmp1" }))]));
}

#[test]
fn a_command_has_each_message_in_turn() {
    let (server, home, mut bob) = room_of_bob(&["one", "$(touch evil)", "'; touch evil"]);
    bob.ask("msg", json!({ "to": "public", "text": "two\nlines" }));
    let command = "printf '%s|' \"$CHATSH_FROM\" \"$CHATSH_TO\" \"$CHATSH_ROOM\" \"$CHATSH_SEQ\" \"$CHATSH_TEXT\"; \
                   read -r json; echo \"${#json}\" >> lengths; test -n \"$CHATSH_TS\"";
    let tail = ["tail", "-r", "general", "--since", "0", "--count", "4", "--exec", command];
    expect![[r#"
        bob|public|general|2|one|bob|public|general|3|$(touch evil)|bob|public|general|4|'; touch evil|bob|public|general|5|two
        lines|exit 0
    "#]].assert_eq(&outcome(as_ann(&server, &home, &tail), ""));
    assert!(!home.path("evil").exists());
    let json = "cat >> all";
    let tail = ["tail", "-r", "general", "--since", "0", "--count", "4", "--exec", json];
    assert_eq!(outcome(as_ann(&server, &home, &tail), ""), "exit 0\n");
    let lines: Vec<Value> =
        home.read("all").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts: Vec<_> = lines.iter().map(|line| line["data"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "$(touch evil)", "'; touch evil", "two\nlines"]);
}

#[test]
fn a_command_that_fails_ends_it_unless_it_is_to_keep_going() {
    let (server, home, _bob) = room_of_bob(&["one", "two", "three"]);
    let tail = [
        "tail",
        "-r",
        "general",
        "--since",
        "0",
        "--count",
        "3",
        "--exec",
        "echo $CHATSH_TEXT; test $CHATSH_TEXT != two || exit 3",
    ];
    expect![[r#"
        one
        two
        ! chatsh: seq 3: the command failed: exit status: 3
        exit 1
    "#]]
    .assert_eq(&outcome(as_ann(&server, &home, &tail), ""));
    let mut tail = [&tail[..], &["--keep-going"]].concat();
    expect![[r#"
        one
        two
        three
        ! chatsh: seq 3: the command failed: exit status: 3
        exit 1
    "#]]
    .assert_eq(&outcome(as_ann(&server, &home, &tail), ""));
    // Whatever ends it then.
    tail[6] = "4";
    tail.extend(["--timeout", "2"]);
    expect![[r#"
        one
        two
        three
        ! chatsh: seq 3: the command failed: exit status: 3
        ! chatsh: 2 s have passed
        exit 1
    "#]]
    .assert_eq(&outcome(as_ann(&server, &home, &tail), ""));
}

#[test]
fn while_a_command_runs_what_is_said_waits_its_turn() {
    let (server, home, mut bob) = room_of_bob(&[]);
    // The first command waits until all is said; only one runs at a time.
    assert!(Command::new("mkfifo").arg(home.path("said")).status().unwrap().success());
    let command = "mkdir one || exit 1; test $CHATSH_TEXT != 1 || cat said; rmdir one; \
                   echo $CHATSH_TEXT";
    let tail = ["tail", "-r", "general", "--count", "50", "--exec", command];
    let run = Run::of(as_ann(&server, &home, &tail));
    wait_for_ann(&mut bob);
    for number in 1..=50 {
        bob.say(&number.to_string());
    }
    home.write("said", "");
    let all: String = (1..=50).map(|number| format!("{number}\n")).collect();
    assert_eq!(run.end(), all + "exit 0\n");
}

#[test]
fn jq_reads_what_tail_prints() {
    let (server, home, mut bob) = room_of_bob(&["one", "two"]);
    let tail = as_ann(&server, &home, &["tail", "-r", "general", "--since", "0", "--json"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$@\" | jq --unbuffered -r .data.text | head -n 3", "sh"]);
    shell.arg(tail.get_program()).args(tail.get_args());
    shell.current_dir(home.path("")).env("HOME", home.path(""));
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = Run::of(shell);
    wait_for_ann(&mut bob);
    bob.say("three");
    // The pipe is closed: what comes now ends it, and quietly.
    tests::eventually("ann is gone", || {
        bob.say("more");
        let list = bob.ask("list", json!({}));
        !list["data"]["general"].as_array().unwrap().contains(&json!("ann"))
    });
    assert_eq!(run.end(), "one\ntwo\nthree\nexit 0\n");
}

/// It hung without a word on a name that was mistyped.
#[test]
fn a_wait_for_somebody_who_has_no_account_says_so_and_goes_on() {
    let (server, home, mut bob) = room_of_bob(&[]);
    let wait = ["wait", "-r", "general", "--from", "eve"];
    let wait = as_ann(&server, &home, &wait);
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" 2>&1", "sh"]);
    shell.arg(wait.get_program()).args(wait.get_args());
    shell.current_dir(home.path("")).env("HOME", home.path(""));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = Run::of(shell);
    run.wait_for_line("no user eve");
    // A bot may register late.
    let mut eve = server.member("eve", "general");
    bob.say("not eve");
    eve.say("here I am");
    expect![[r#"
        chatsh: there is no user eve yet; waiting all the same
        eve: here I am
        exit 0
    "#]]
    .assert_eq(&run.end());
    let ask = ["ask", "-r", "general", "Who?", "--from", "harper", "--timeout", "1s"];
    expect![[r#"
        ! chatsh: there is no user harper yet; waiting all the same
        ! chatsh: no answer within 1 s
        exit 124
    "#]]
    .assert_eq(&outcome(as_ann(&server, &home, &ask), ""));
    let ask = ["ask", "-r", "general", "Who?", "--from", "BOB", "--timeout", "200ms"];
    expect![[r#"
        ! chatsh: no answer within 0.2 s
        exit 124
    "#]]
    .assert_eq(&outcome(as_ann(&server, &home, &ask), ""));
}

/// One's own words from elsewhere are said in the room like any others.
#[test]
fn a_wait_is_ended_by_its_own_account_in_another_session() {
    let (server, home, _bob) = room_of_bob(&[]);
    let run = Run::of(as_ann(&server, &home, &["wait", "-r", "general"]));
    let mut eve = server.member("eve", "general");
    wait_for_ann(&mut eve);
    let send = ["send", "-r", "general", "from elsewhere"];
    assert_eq!(outcome(as_ann(&server, &home, &send), ""), "exit 0\n");
    assert_eq!(run.end(), "ann: from elsewhere\nexit 0\n");
    let mut run = Run::of(as_ann(&server, &home, &["-r", "general"]));
    run.feed("before\n/wait\n/quit\n");
    while eve.next()["data"]["text"] != "before" {}
    assert_eq!(outcome(as_ann(&server, &home, &send), ""), "exit 0\n");
    assert_eq!(run.end(), "ann: before\nann: from elsewhere\nexit 0\n");
}
