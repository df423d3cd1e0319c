//! What the prompt promises, each promise by its name.

use expect_test::expect;
use serde_json::json;
use tests::{Home, Server};

use crate::{Typing, member, member_with, shell};

/// Without the number nobody could say which message to change.
#[test]
fn the_history_has_numbers_to_edit_and_redact_by() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    let mut ann = member_with(Home::new(), &server, "ann", &["--plain"], &[("TZ", "UTC")]);
    for line in ["one", "two", "three", "tpyo"] {
        ann.enter(line, line, "ann#general> ");
        assert_eq!(bob.next()["data"]["text"], line);
    }
    ann.enter("/history --limit 3", "there are more", "ann#general> ");
    let seq = bob.ask("history", json!({ "limit": 1 }))["data"]["messages"][0]["seq"].clone();
    let shown = ann.shown();
    let mut page: Vec<_> = shown.lines().skip_while(|line| !line.contains("/history")).collect();
    // The end of the screen is the prompt.
    page.pop();
    // Between the number and the name stands the time.
    let without_time = |line: &str| match (line.trim_start().split_once(' '), line.find("ann: ")) {
        (Some((number, _)), Some(name)) => format!("{number} … {}", &line[name..]),
        _ => line.to_owned(),
    };
    let page: Vec<_> = page.into_iter().map(without_time).collect();
    expect![[r#"
        ann#general> /history --limit 3
        3 … ann: two
        4 … ann: three
        5 … ann: tpyo
        there are more: /history --before=3 --limit=3"#]]
    .assert_eq(&page.join("\n"));
    let changed = format!("* ann has changed message {seq} (ann: tpyo): typo");
    ann.enter(&format!("/edit {seq} typo"), &changed, "ann#general> ");
    let taken_back = format!("* ann has taken back message {seq} of ann");
    ann.enter(&format!("/redact {seq}"), &taken_back, "ann#general> ");
    ann.enter("/history --search nothing", "no messages", "ann#general> ");
}

#[test]
fn a_page_that_comes_late_is_a_page_all_the_same() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.enter("hello", "hello", "ann#general> ");
    server.signal("STOP");
    ann.type_keys("/history\r");
    ann.wait_for_editor_to_rest();
    ann.type_keys("\u{3}");
    ann.wait_for_text("history: no reply yet (given up); it may still come");
    server.signal("CONT");
    ann.wait_for_text("  ann: hello");
}

#[test]
fn a_time_at_the_prompt_is_said_as_in_a_verb() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.enter("hello", "hello", "ann#general> ");
    for since in ["10m", "1d", "00:00", "2026-01-31", "'2026-01-31 12:00'", "2026-01-31T12:00:00Z"]
    {
        ann.enter(&format!("/history --since {since}"), "  ann: hello", "ann#general> ");
    }
    let wrong = "history: since: a time is 12:00 (the last one), 2026-01-31,";
    ann.enter("/history --since noon", wrong, "ann#general> ");
    ann.enter("/help history", "a time is 12:00 (the last one), 2026-01-31,", "ann#general> ");
}

/// Only what the shell had happened to see was completed.
#[test]
fn tab_knows_the_rooms_and_who_is_there_and_ones_own_last_message() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.ask("create", json!({ "room": "Attic" }));
    server.member("eve", "general");
    let _eve = server.member("Evelyn", "general");
    let mut ann = shell(&server);
    ann.enter("/register ann 1234", "successful", "127.0.0.1> ");
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
    // What is asked for later is answered later.
    ann.enter("/ping", "ping: ok", "ann@lobby> ");
    ann.type_keys("/enter at\t");
    ann.wait_for_prompt("ann@lobby> /enter Attic ");
    ann.type_keys("\u{15}/tell EVE\t");
    ann.wait_for_prompt("ann@lobby> /tell Evelyn ");
    ann.enter("\u{15}/enter general", "Welcome", "ann#general> ");
    let mut zoe = server.member("zoe", "general");
    ann.enter("hello", "hello", "ann#general> ");
    let seq = zoe.next()["data"]["seq"].clone();
    ann.type_keys("/edit \t");
    ann.wait_for_prompt(&format!("ann#general> /edit {seq} "));
}

#[test]
fn a_message_that_was_changed_says_so() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let seq = bob.say("tpyo")["data"]["seq"].clone();
    bob.ask("edit", json!({ "seq": seq, "text": "typo" }));
    ann.wait_for_text("* bob has changed");
    ann.enter("/history", "bob: typo (edited)", "ann#general> ");
}

#[test]
fn the_inbox_is_a_page_like_any_other() {
    let server = Server::start();
    let mut bob = server.user("bob");
    let mut ann = member(&server, "ann");
    for n in 1..=3 {
        bob.ask("tell", json!({ "to": "ann", "text": format!("tell {n}") }));
    }
    ann.wait_for_text("bob => ann: tell 3");
    ann.enter("/inbox --limit 2", "there are more: /inbox --after=", "ann#general> ");
    let shown = ann.shown();
    let numbered = shown.lines().filter(|line| line.trim_start().starts_with(char::is_numeric));
    let numbered: Vec<_> = numbered.collect();
    assert!(numbered.len() == 2 && numbered[1].ends_with("  bob => ann: tell 2"), "{shown}");
    // What it says can be typed.
    let line = shown.lines().find_map(|line| line.strip_prefix("there are more: ")).unwrap();
    ann.enter(line, "  bob => ann: tell 3", "ann#general> ");
    let line = shown.lines().find_map(|line| line.strip_prefix("to mark them as read: ")).unwrap();
    ann.enter(line, "  bob => ann: tell 3", "ann#general> ");
    ann.enter("/inbox", "to mark them as read: ", "ann#general> ");
    let shown = ann.lines();
    let (_, last) = shown.rsplit_once("/inbox\n").unwrap();
    assert!(!last.contains("tell 2"), "{shown}");
    let line = last.lines().find_map(|line| line.strip_prefix("to mark them as read: ")).unwrap();
    ann.enter(line, "marked as read up to", "ann#general> ");
    ann.enter("/inbox", "no unread messages", "ann#general> ");
}

#[test]
fn without_a_user_nothing_is_asked_and_the_way_in_is_said_in_a_line() {
    let server = Server::start();
    let shell = shell(&server);
    let screen = shell.wait_for("the prompt", |screen| screen.ends_with("127.0.0.1> "));
    expect![[r#"
        You are not logged in: /login USERNAME PASSWORD, or /register USERNAME 
        │ PASSWORD first. /help lists more.
        127.0.0.1> "#]]
    .assert_eq(&screen);
}

#[test]
fn help_fits_a_small_terminal() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.type_keys("\u{c}");
    ann.wait_for("an empty screen", |screen| screen == "ann#general> ");
    ann.enter("/help mute", "example: /mute", "ann#general> ");
    expect![[r#"
        ann#general> /help mute
        /mute USERNAME [--minutes MINUTES] [--reason REASON]
          Keep somebody from speaking in the room.
          username   Who has to be silent
          --minutes  For how long, in minutes; without it, until somebody undoes it
          --reason   Why; everyone in the room may know (may be left out)
          allowed in: chat, for its owner and its operators
          example: /mute harper --minutes 5
        ann#general> "#]]
    .assert_eq(&ann.shown());
    ann.enter("/help", "//x says /x", "ann#general> ");
    // No word is cut: what goes on does so in its column.
    let shown = ann.lines();
    let help = shown.lines().skip_while(|line| !line.ends_with("> /help")).skip(1);
    for line in help.take_while(|line| !line.starts_with("/help COMMAND says")) {
        assert!(line.len() < 80 && line.starts_with(['/', ' ']), "{line:?}");
    }
}
