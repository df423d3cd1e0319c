//! `send --lines`: what a program prints is said line by line.

use std::process::Command;

use expect_test::expect;
use serde_json::json;
use tests::{Home, Run, Server, outcome};

use crate::{as_ann, place};

/// All that was said in general.
fn said(server: &Server) -> Vec<String> {
    let told = server.member("eve", "general").ask("history", json!({ "limit": 200 }));
    let messages = told["data"]["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_line_is_a_message_as_it_stands() {
    let (server, home) = place();
    let mut eve = server.member("eve", "general");
    let send = ["send", "-r", "general", "--lines"];
    let text = "/enter attic\n# a heading\n  indented\ttab\r\n//x\n\n  \nün\u{ef}code\nlast";
    expect![[r#"
        ! chatsh: line 5: it is empty, which no message is
        exit 1
    "#]]
    .assert_eq(&outcome(as_ann(&server, &home, &send), text));
    let expected =
        ["/enter attic", "# a heading", "  indented\ttab", "//x", "  ", "ün\u{ef}code", "last"];
    for text in expected {
        assert_eq!(eve.next()["data"]["text"], text);
    }
}

#[test]
fn what_is_no_message_is_told_and_the_rest_is_said() {
    let (server, home) = place();
    let send = ["send", "-r", "general", "--lines"];
    let long = |bytes: usize| "x".repeat(bytes);
    let text = [
        long(16_384).as_bytes(),
        long(16_385).as_bytes(),
        long(70_000).as_bytes(),
        long(1024 * 1024 + 1).as_bytes(),
        b"\x1b[31mred\x1b[m",
        b"nul\0",
        b"latin\xe9",
        b"last",
    ]
    .join(&b'\n');
    expect![[r#"
        ! chatsh: line 2: msg: too_long: text: 16385 bytes, the limit is 16384 (limits.text)
        ! chatsh: line 3: msg: a request of 70097 bytes, the server takes 65536
        ! chatsh: line 4: the line is longer than 1048576 bytes
        ! chatsh: line 5: msg: bad_request: text: the control character U+001B cannot be sent, only line feeds and tabs
        ! chatsh: line 6: there is a NUL character: is this a text file?
        ! chatsh: line 7: this is not UTF-8
        exit 1
    "#]].assert_eq(&outcome(as_ann(&server, &home, &send), text));
    let lens: Vec<_> = said(&server).iter().map(String::len).collect();
    assert_eq!(lens, [16_384, 4]);
}

#[test]
fn what_is_stripped_is_said_whole() {
    let (server, home) = place();
    let send = ["send", "-r", "general", "--lines", "--strip"];
    // The last byte of the first part would be in the middle of a character.
    let long = format!("x{}", "\u{fc}".repeat(600_000));
    let rest = b"\n\x1b[31mred\x1b[m\nnul\0\nlatin\xe9\nlast";
    let text = [long.as_bytes(), rest].concat();
    let mut eve = server.member("eve", "general");
    let sending = as_ann(&server, &home, &send);
    let running = std::thread::spawn(move || outcome(sending, text));
    let mut said = Vec::new();
    while said.last().is_none_or(|text| text != "last") {
        said.push(eve.next()["data"]["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(running.join().unwrap(), "exit 0\n");
    let (parts, rest) = said.split_at(said.len() - 4);
    assert_eq!(rest, ["red", "nul", "latin\u{fffd}", "last"]);
    assert!(parts.concat() == long && parts[0].len() == 16_383, "{}", parts.len());
}

#[test]
fn many_lines_come_in_order_and_none_twice() {
    let server = Server::with(&["limits.commands_per_s=0"]);
    server.user("ann");
    let home = Home::new();
    home.write("password", "1234\n");
    let mut eve = server.member("eve", "general");
    let text: String = (1..=1000).map(|number| format!("{number}\n")).collect();
    let send = ["send", "-r", "general", "--lines", "--key", "job"];
    assert_eq!(outcome(as_ann(&server, &home, &send), &text), "exit 0\n");
    for number in 1..=1000 {
        assert_eq!(eve.next()["data"]["text"], number.to_string());
    }
    // The same key: they were said.
    assert_eq!(outcome(as_ann(&server, &home, &send), &text), "exit 0\n");
    eve.hears_nothing();
}

#[test]
fn a_line_is_said_when_it_comes() {
    let (server, home) = place();
    let address = server.address.to_string();
    let mut eve = server.member("eve", "general");
    let send = ["send", "-r", "general", "--lines", "--timeout", "3"];
    let mut run = Run::of(as_ann(&server, &home, &send));
    for text in ["first", "second"] {
        run.feed(&format!("{text}\n"));
        assert_eq!(eve.next()["data"]["text"], text);
    }
    // Stdin is still open: only the server ends this.
    assert_eq!(server.stop().0.code(), Some(0));
    expect![[r#"
        ! chatsh: shutting_down: the server stops; coming back
        ! chatsh: not back in time: cannot connect to ADDRESS: Connection refused (os error 111): does chatd run there?; line 2 is the last that was acknowledged
        exit 4
    "#]]
    .assert_eq(&run.end().replace(&address, "ADDRESS"));
}

#[test]
fn a_program_that_is_followed_by_another_shell_pipe_needs_no_terminal() {
    let (server, home) = place();
    let mut eve = server.member("eve", "general");
    let send = as_ann(&server, &home, &["send", "-r", "general", "--lines"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "{ echo out; echo err >&2; } 2>&1 | \"$@\"", "sh"]);
    shell.arg(send.get_program()).args(send.get_args()).current_dir(home.path(""));
    assert!(shell.status().unwrap().success());
    assert_eq!(eve.next()["data"]["text"], "out");
    assert_eq!(eve.next()["data"]["text"], "err");
}

/// The sender, which reads all the time, was put off as one who does not.
#[test]
fn long_lines_are_not_sent_faster_than_their_replies_can_be_read() {
    let server = Server::with(&["limits.outbox_bytes=131072"]);
    server.user("ann");
    let home = Home::new();
    home.write("password", "1234\n");
    let text = format!("{}\n", "x".repeat(15_800)).repeat(60);
    let send = ["send", "-r", "general", "--lines"];
    assert_eq!(outcome(as_ann(&server, &home, &send), &text), "exit 0\n");
}

/// It went on, and what came behind was said with a hole before it.
#[test]
fn a_key_that_was_used_ends_it() {
    let (server, home) = place();
    let send = ["send", "-r", "general", "--lines", "--key", "k"];
    assert_eq!(outcome(as_ann(&server, &home, &send), "one\ntwo\n"), "exit 0\n");
    let mut run = Run::of(as_ann(&server, &home, &send));
    run.feed("one\nother\n");
    expect![[r#"
        ! chatsh: line 2: msg: bad_request: key: it was used for another message
        exit 1
    "#]]
    .assert_eq(&run.end());
    assert_eq!(said(&server), ["one", "two"]);
}
