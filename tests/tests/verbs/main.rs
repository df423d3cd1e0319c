//! The verbs of chatsh against a real chatd: what each prints, and how it ends.

#![allow(clippy::unwrap_used)]

mod ends;
mod following;
mod json;
mod lines;
#[path = "../../../commands/tests/world/schema.rs"]
mod schema;

use std::process::Command;

use expect_test::{Expect, expect};
use tests::{Home, Server, outcome};

/// A server with users ann and bob, and a home that has ann's password.
fn place() -> (Server, Home) {
    let server = Server::start();
    server.user("ann");
    server.user("bob");
    let home = Home::new();
    home.write("password", "1234\n");
    (server, home)
}

/// chatsh as ann.
fn as_ann(server: &Server, home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.chatsh_at(server, &["-u", "ann", "--password-file", "password"]);
    command.args(arguments);
    command
}

/// Runs chatsh as ann, verb after verb, and says what came of each.
#[track_caller]
fn check(server: &Server, home: &Home, verbs: &[&[&str]], expected: Expect) {
    let mut story = String::new();
    for verb in verbs {
        story.push_str(&format!("$ chatsh {}\n", verb.join(" ")));
        story.push_str(&outcome(as_ann(server, home, verb), ""));
    }
    expected.assert_eq(&story);
}

#[test]
fn what_is_sent_is_in_the_history() {
    let (server, home) = place();
    check(
        &server,
        &home,
        &[
            &["send", "-r", "general", "Deployed", "1.4."],
            &["send", "-r", "general", "--key", "k1", "once"],
            &["send", "-r", "general", "--key", "k1", "once"],
            &["send", "-r", "general", "--key", "k1", "twice"],
            &["send", "-r", "genral", "hi"],
            &["send", "-r", "general", "two\nlines"],
            &["history", "-r", "general"],
            &["history", "-r", "general", "--limit", "1"],
            &["history", "-r", "general", "--after", "2", "--limit", "1"],
            &["history", "-r", "general", "--before", "3"],
            &["history", "-r", "general", "--search", "deployed"],
            &["history", "-r", "general", "--search", "nothing"],
        ],
        expect![[r#"
            $ chatsh send -r general Deployed 1.4.
            exit 0
            $ chatsh send -r general --key k1 once
            exit 0
            $ chatsh send -r general --key k1 once
            exit 0
            $ chatsh send -r general --key k1 twice
            ! chatsh: msg: bad_request: key: it was used for another message
            exit 1
            $ chatsh send -r genral hi
            ! chatsh: enter: no_such_room: there is no room "genral" (did you mean "general"?)
            exit 1
            $ chatsh send -r general two
            lines
            exit 0
            $ chatsh history -r general
            ann: Deployed 1.4.
            ann: once
            ann: two
               │ lines
            exit 0
            $ chatsh history -r general --limit 1
            ann: two
               │ lines
            exit 0
            $ chatsh history -r general --after 2 --limit 1
            ann: once
            exit 0
            $ chatsh history -r general --before 3
            ann: Deployed 1.4.
            exit 0
            $ chatsh history -r general --search deployed
            ann: Deployed 1.4.
            exit 0
            $ chatsh history -r general --search nothing
            exit 0
        "#]],
    );
}

#[test]
fn a_long_history_is_told_page_by_page() {
    let server = Server::with(&["limits.commands_per_s=0"]);
    let mut ann = server.member("ann", "general");
    for number in 1..=450 {
        ann.say(&format!("message {number}"));
    }
    let home = Home::new();
    home.write("password", "1234\n");
    let told = |arguments: &[&str]| {
        let history = [&["history", "-r", "general"], arguments].concat();
        outcome(as_ann(&server, &home, &history), "")
    };
    let all = |numbers: std::ops::RangeInclusive<usize>| {
        numbers.map(|number| format!("ann: message {number}\n")).collect::<String>() + "exit 0\n"
    };
    assert_eq!(told(&[]), all(401..=450));
    assert_eq!(told(&["--limit", "430"]), all(21..=450));
    assert_eq!(told(&["--limit", "1000"]), all(1..=450));
    assert_eq!(told(&["--limit", "1000", "--after", "11"]), all(11..=450));
    assert_eq!(told(&["--limit", "301", "--after", "11"]), all(11..=311));
    assert_eq!(told(&["--limit", "10000", "--search", "message"]), all(1..=450));
}

#[test]
fn who_and_rooms_tell_who_is_where() {
    let (server, home) = place();
    let _eve = server.member("eve", "general");
    let mut bob = server.connect();
    bob.login("bob");
    bob.ask("create", serde_json::json!({ "room": "tech_talk" }));
    check(
        &server,
        &home,
        &[
            &["who"],
            &["who", "-r", "General"],
            &["who", "-r", "tech_talk"],
            &["who", "-r", "genral"],
            &["rooms"],
            &["who", "--json"],
            &["who", "-r", "general", "--json"],
            &["rooms", "--json"],
        ],
        expect![[r#"
            $ chatsh who
            ann  lobby
            bob  lobby
            eve  general
            exit 0
            $ chatsh who -r General
            eve
            exit 0
            $ chatsh who -r tech_talk
            exit 0
            $ chatsh who -r genral
            ! chatsh: who: no_such_room: there is no room "genral" (did you mean "general"?)
            exit 1
            $ chatsh rooms
            general    1
            tech_talk  0
            exit 0
            $ chatsh who --json
            {"type":"list","status":"ok","data":{"lobby":["ann","bob"],"general":["eve"],"tech_talk":[]},"id":1}
            exit 0
            $ chatsh who -r general --json
            {"type":"list","status":"ok","data":{"general":["eve"]},"id":1}
            exit 0
            $ chatsh rooms --json
            {"type":"list","status":"ok","data":{"lobby":["ann","bob"],"general":["eve"],"tech_talk":[]},"id":1}
            exit 0
        "#]],
    );
}

#[test]
fn a_question_is_answered_by_somebody_else() {
    let (server, home) = place();
    let mut bob = server.connect();
    bob.login("bob");
    bob.ask("enter", serde_json::json!({ "room": "general" }));
    let asking = std::thread::spawn({
        let command =
            as_ann(&server, &home, &["ask", "-r", "general", "Ship 1.4?", "--match", "^(yes|no)$"]);
        move || outcome(command, "")
    });
    loop {
        if bob.next()["data"]["text"] == "Ship 1.4?" {
            break;
        }
    }
    bob.say("let me see");
    bob.say("yes");
    assert_eq!(asking.join().unwrap(), "bob: yes\nexit 0\n");
    check(
        &server,
        &home,
        &[
            &["ask", "-r", "general", "And 1.5?", "--timeout", "0.2"],
            &["wait", "-r", "general", "--timeout", "50ms"],
        ],
        expect![[r#"
            $ chatsh ask -r general And 1.5? --timeout 0.2
            ! chatsh: no answer within 0.2 s
            exit 124
            $ chatsh wait -r general --timeout 50ms
            ! chatsh: no such message within 0.05 s
            exit 124
        "#]],
    );
}

#[test]
fn the_server_describes_its_commands() {
    let (server, home) = place();
    check(
        &server,
        &home,
        &[
            &["describe", "enter"],
            &["describe", "/entr"],
            &["describe", "who"],
            &["describe", "xyzzy"],
        ],
        expect![[r#"
        $ chatsh describe enter
        /enter ROOM
          Enter a room.
          room  Which room
          allowed in: lobby; leads to: chat
          example: /enter tech_talk
        exit 0
        $ chatsh describe /entr
        ! chatsh: there is no command /entr: did you mean /enter?
        exit 1
        $ chatsh describe who
        ! chatsh: who is no command of the server: chatsh who --help explains it
        exit 1
        $ chatsh describe xyzzy
        ! chatsh: there is no command /xyzzy: chatsh describe lists them
        exit 1
    "#]],
    );
    let all = outcome(home.chatsh_at(&server, &["describe"]), "");
    for command in &commands::catalogue().commands {
        let usage = format!("/{}", command.spec.name);
        assert!(all.lines().any(|line| line.starts_with(&usage)), "{usage} is not in\n{all}");
    }
}

#[test]
fn a_shell_completes_verbs_and_options() {
    let home = Home::new();
    let script = |shell: &str| outcome(home.chatsh(&["completions", shell]), "");
    for shell in ["bash", "zsh", "fish"] {
        let script = script(shell);
        assert!(script.ends_with("exit 0\n"), "{script}");
        for word in ["send", "tail", "ask", "password-file", "since", "lines", "no-wait"] {
            assert!(script.contains(word), "{word} is not in\n{script}");
        }
    }
    home.write("chatsh.bash", script("bash").replace("exit 0\n", ""));
    let complete = |words: &str| {
        let line = format!(
            "source ./chatsh.bash && COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) && \
             _chatsh chatsh \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\" && \
             echo ${{COMPREPLY[@]}}"
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &line]).current_dir(home.path(""));
        let output = bash.output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete("chatsh se"), "send");
    assert_eq!(complete("chatsh tail --si"), "--since");
    assert_eq!(complete("chatsh send --pass"), "--password-file --password-command");
    home.write("notes", "");
    assert_eq!(complete("chatsh --file no"), "notes");
    // A room is no file.
    assert_eq!(complete("chatsh --room no"), "no");
}

/// Whom a text is for need not be in a room, or there at all.
#[test]
fn a_text_to_one_user_waits_in_their_inbox() {
    let (server, home) = place();
    let mut eve = server.member("eve", "general");
    check(
        &server,
        &home,
        &[
            &["send", "-t", "bob", "Ship", "it."],
            &["send", "--to", "BOB", "--key", "k1", "once"],
            &["send", "-t", "bob", "--key", "k1", "once"],
            &["send", "-t", "bob", "--key", "k1", "twice"],
            &["send", "-t", "nobody", "hi"],
            &["send", "-t", "bob", "bell \u{7}"],
            &["send", "-t", "bob", "-r", "general", "hi"],
        ],
        expect![[r#"
            $ chatsh send -t bob Ship it.
            exit 0
            $ chatsh send --to BOB --key k1 once
            exit 0
            $ chatsh send -t bob --key k1 once
            exit 0
            $ chatsh send -t bob --key k1 twice
            ! chatsh: tell: bad_request: key: it was used for another message
            exit 1
            $ chatsh send -t nobody hi
            ! chatsh: tell: no_such_user: there is no account "nobody"
            exit 1
            $ chatsh send -t bob bell 
            ! chatsh: tell: bad_request: text: the control character U+0007 cannot be sent, only line feeds and tabs
            exit 1
            $ chatsh send -t bob -r general hi
            ! error: this is of no room: leave out -r
            ! 
            ! Usage: chatsh send [OPTIONS] [TEXT]...
            ! 
            ! For more information, try '--help'.
            exit 2
        "#]],
    );
    let lines = as_ann(&server, &home, &["send", "-t", "bob", "--lines"]);
    expect![[r#"
        ! chatsh: line 2: it is empty, which no message is
        exit 1
    "#]]
    .assert_eq(&outcome(lines, "line 1\n\nline 3\n"));
    let frame = outcome(as_ann(&server, &home, &["send", "-t", "bob", "--json", "-"]), "a\nb\n");
    let frame: serde_json::Value = serde_json::from_str(frame.lines().next().unwrap()).unwrap();
    assert_eq!((&frame["type"], &frame["data"]["text"]), (&"tell".into(), &"a\nb".into()));
    home.write("bobs", "1234\n");
    let read = ["-u", "bob", "--password-file", "bobs", "-c", "/inbox"];
    expect![[r#"
        ann => bob: Ship it.
        ann => bob: once
        ann => bob: line 1
        ann => bob: line 3
        ann => bob: a
                  │ b
        exit 0
    "#]]
    .assert_eq(&outcome(home.chatsh_at(&server, &read), ""));
    eve.hears_nothing();
}
