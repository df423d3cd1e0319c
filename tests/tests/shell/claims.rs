//! What the prompt promises, each promise by its name.

use expect_test::expect;
use serde_json::json;
use tests::{Home, Server};

use crate::{Typing, member, member_with};

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
    ann.enter(&format!("/edit {seq} typo"), "changed a message: typo", "ann#general> ");
    ann.enter(&format!("/redact {seq}"), "taken back a message", "ann#general> ");
    ann.enter("/history --search nothing", "no messages", "ann#general> ");
}

#[test]
fn the_inbox_is_a_page_like_any_other() {
    let server = Server::start();
    let mut bob = server.user("bob");
    let mut ann = member(&server, "ann");
    for n in 1..=3 {
        bob.ask("tell", json!({ "to": "ann", "text": format!("tell {n}") }));
    }
    ann.wait_for_text("bob -> ann: tell 3");
    ann.enter("/inbox --limit 2", "there are more: /inbox --after=", "ann#general> ");
    let shown = ann.shown();
    let numbered = shown.lines().filter(|line| line.trim_start().starts_with(char::is_numeric));
    let numbered: Vec<_> = numbered.collect();
    assert!(numbered.len() == 2 && numbered[1].ends_with("  bob -> ann: tell 2"), "{shown}");
    // What it says can be typed.
    let line = shown.lines().find_map(|line| line.strip_prefix("there are more: ")).unwrap();
    ann.enter(line, "  bob -> ann: tell 3", "ann#general> ");
}
