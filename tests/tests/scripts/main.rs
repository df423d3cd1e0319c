//! chatsh as a program, against a real chatd: what a script prints, and how it ends.

#![allow(clippy::unwrap_used)]

mod claims;
mod cuts;
mod ends;
mod first_contact;
mod hosts;
mod identity;
mod lines;
mod secrets;

use expect_test::{Expect, expect};
use tests::{Home, Run, Server, outcome};

/// Runs a script from a pipe; the server's rooms are `general` and what it makes.
#[track_caller]
fn check(server: &Server, options: &[&str], script: &str, expected: Expect) {
    let home = Home::new();
    expected.assert_eq(&outcome(home.chatsh_at(server, options), script));
}

/// A server with a user ann, and a home that has her password.
fn server_of_ann() -> (Server, Home) {
    let server = Server::start();
    server.user("ann");
    let home = Home::new();
    home.write("password", "1234\n");
    (server, home)
}

/// The options to be ann.
const AS_ANN: [&str; 4] = ["-u", "ann", "--password-file", "password"];

/// The same, in a room.
const IN_GENERAL: [&str; 6] = ["-u", "ann", "--password-file", "password", "-r", "general"];

/// As it is typed into a shell: `printf '...' | chatsh`.
const STORY: &str = "/register harper 1234\n/login harper 1234\n/create tech_talk\n\
                     /enter tech_talk\nHello everyone!\n/list\n/exit\n";

#[test]
fn a_story_on_a_pipe_prints_what_a_person_expects() {
    check(
        &Server::start(),
        &[],
        STORY,
        expect![[r#"
        Registration successful
        Login successful
        tech_talk created successfully
        Welcome to the chatroom
        harper: Hello everyone!
        tech_talk: harper
        Exited chatroom, returned to lobby
        exit 0
    "#]],
    );
}

#[test]
fn an_error_is_one_line_with_its_line_command_and_code_and_ends_the_script() {
    let script = STORY.replace("/enter tech_talk", "/enter nowhere");
    check(
        &Server::start(),
        &[],
        &script,
        expect![[r#"
        Registration successful
        Login successful
        tech_talk created successfully
        ! chatsh: line 4: enter: no_such_room: there is no room "nowhere"
        exit 1
    "#]],
    );
    let script = STORY.replace("/enter tech_talk", "/enter tech-talk");
    check(
        &Server::start(),
        &[],
        &script,
        expect![[r#"
        Registration successful
        Login successful
        tech_talk created successfully
        ! chatsh: line 4: enter: no_such_room: there is no room "tech-talk" (did you mean "tech_talk"?)
        exit 1
    "#]],
    );
}

#[test]
fn a_story_in_a_file_or_in_options_is_the_same_story() {
    let home = Home::new();
    home.write("story.chat", STORY);
    let from_pipe = outcome(home.chatsh_at(&Server::start(), &[]), STORY);
    let from_file = outcome(home.chatsh_at(&Server::start(), &["-f", "story.chat"]), "");
    assert_eq!(from_file, from_pipe);
    let options: Vec<_> = STORY.lines().flat_map(|line| ["-c", line]).collect();
    let from_options = outcome(home.chatsh_at(&Server::start(), &options), "");
    assert_eq!(from_options, from_pipe);
}

#[test]
fn json_is_the_frames_of_the_server() {
    let script = "# Two lines of talk.\n/register ann 1234\n/login ann 1234\n\n/enter general\n\
                  hello\n/msg bob psst\n";
    let home = Home::new();
    let server = Server::start();
    let said = outcome(home.chatsh_at(&server, &["--json"]), script);
    let blotted = without_what_changes(&said);
    expect![[r#"
        {"type":"register","status":"ok","data":{"username":"ann","chatroom":"lobby"},"message":"Registration successful","id":2}
        {"type":"login","status":"ok","data":{"username":"ann","chatroom":"lobby","token":"…"},"message":"Login successful","id":3}
        {"type":"enter","status":"ok","data":{"username":"ann","room":"general","last_seq":1,"oldest":1,"epoch":"…"},"message":"Welcome to the chatroom","id":5}
        {"type":"msg","status":"ok","data":{"to":"public","from":"ann","text":"hello","room":"general","seq":2,"ts":"…"},"id":6}
        {"type":"msg","status":"error","message":"bob is not in this room; tell reaches who is elsewhere","id":7,"code":"not_in_room"}
        ! chatsh: line 7: msg: not_in_room: bob is not in this room; tell reaches who is elsewhere
        exit 1
    "#]].assert_eq(&blotted);
}

#[test]
fn what_chatsh_asks_by_itself_is_not_printed() {
    let (server, home) = server_of_ann();
    for options in [&["--json"][..], &["--json", "--events"]] {
        let options = [&IN_GENERAL[..], options].concat();
        // Neither hello, commands, login and enter before it, nor quit after it.
        expect![[r#"
            {"type":"list","status":"ok","data":{"general":["ann"]},"id":1}
            exit 0
        "#]]
        .assert_eq(&without_what_changes(&outcome(home.chatsh_at(&server, &options), "/list\n")));
    }
}

#[test]
fn events_are_printed_only_on_demand() {
    let (server, home) = server_of_ann();
    let mut bob = server.member("bob", "general");
    for (options, expected) in [
        (
            &[][..],
            expect![[r#"
            ann: hello
            bob: hi ann
            exit 0
        "#]],
        ),
        (
            &["--events"],
            expect![[r#"
            ann: hello
            bob: hi ann
            exit 0
        "#]],
        ),
        (
            &["--json"],
            expect![[r#"
            {"type":"msg","status":"ok","data":{"to":"public","from":"ann","text":"hello","room":"general","seq":6,"ts":"…"},"id":1}
            exit 0
        "#]],
        ),
        (
            &["--json", "--events"],
            expect![[r#"
            {"type":"msg","status":"ok","data":{"to":"public","from":"ann","text":"hello","room":"general","seq":8,"ts":"…"},"id":1}
            {"type":"msg","status":"ok","data":{"to":"public","from":"bob","text":"hi ann","room":"general","seq":9,"ts":"…"}}
            exit 0
        "#]],
        ),
    ] {
        let options = [&IN_GENERAL[..], options].concat();
        let mut run = Run::of(home.chatsh_at(&server, &options));
        run.feed("hello\n");
        let hello = bob.next();
        assert_eq!(hello["data"]["text"], "hello");
        run.feed("/wait --from bob\n/quit\n");
        bob.say("hi ann");
        expected.assert_eq(&without_what_changes(&run.end()));
    }
}

/// Frames without what is another value on each run.
fn without_what_changes(frames: &str) -> String {
    let mut text = String::new();
    for line in frames.lines() {
        match serde_json::from_str::<serde_json::Value>(line) {
            // Who comes and goes is told when it suits the server.
            Ok(frame) if ["joined", "left"].contains(&frame["type"].as_str().unwrap()) => {}
            Err(_) if line.starts_with("* ") => {}
            Ok(mut frame) => {
                for place in ["/data/ts", "/data/epoch"] {
                    if let Some(value) = frame.pointer_mut(place) {
                        *value = "…".into();
                    }
                }
                text.push_str(&format!("{frame}\n"));
            }
            Err(_) => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[test]
fn a_script_that_keeps_going_says_every_error_and_ends_with_the_first() {
    let script = "/register ann 12\n/list\n/register ann 1234\n/login ann 4321\n/lgin ann 1234\n\
                  /login ann 1234\nanybody?\n/enter nowhere\n/enter general\nhello\n";
    check(
        &Server::start(),
        &["--keep-going"],
        script,
        expect![[r#"
        Registration successful
        Login successful
        Welcome to the chatroom
        ann: hello
        ! chatsh: line 1: register: bad_request: password: it has at least 4 bytes
        ! chatsh: line 2: list: wrong_state: list is allowed in lobby and chat, you are in auth: login leads there
        ! chatsh: line 4: login: unauthorized: Password incorrect
        ! chatsh: line 5: there is no command /lgin: did you mean /login?
        ! chatsh: line 7: a line without a slash is said in a room, and here is none: /enter ROOM first
        ! chatsh: line 8: enter: no_such_room: there is no room "nowhere"
        exit 1
    "#]],
    );
}
