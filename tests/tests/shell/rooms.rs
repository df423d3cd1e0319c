//! What a room shows beside talk: what was said earlier, who came, what its keepers did,
//! and who means you.

use expect_test::expect;
use serde_json::json;
use tests::Server;

use crate::{Typing, member, shell};

#[test]
fn who_enters_a_room_sees_what_was_said_last() {
    let server = Server::start();
    let mut bob = server.member("bob", "general");
    for n in 1..=12 {
        bob.say(&format!("message {n}"));
    }
    bob.say("two\nlines, ann");
    let mut ann = member(&server, "ann");
    ann.wait_for_text("lines, ann");
    bob.say("and now");
    ann.wait_for_text("bob: and now");
    ann.wait_for_prompt("ann#general> ");
    expect![[r#"
        ── earlier in general ─────────────────────────────────────
        bob: message 4
        bob: message 5
        bob: message 6
        bob: message 7
        bob: message 8
        bob: message 9
        bob: message 10
        bob: message 11
        bob: message 12
        bob: two
           │ lines, ann
        bob: and now
        ann#general> "#]]
    .assert_eq(&ann.shown());
    // Again, and not twice.
    ann.enter("/exit", "Exited", "ann@lobby> ");
    ann.enter("/enter general", "earlier in general", "ann#general> ");
    ann.wait_for_text("bob: and now");
    // A room in which nobody has spoken shows nothing.
    ann.enter("/exit", "Exited", "ann@lobby> ");
    ann.enter("/create attic", "created", "ann@lobby> ");
    ann.enter("/enter attic", "Welcome", "ann#attic> ");
    assert!(!ann.lines().contains("earlier in attic"), "{}", ann.lines());
}

#[test]
fn a_script_shows_nothing_of_it() {
    let server = Server::start();
    server.member("bob", "general").say("earlier");
    let said = tests::chatsh(
        &server,
        &["-c", "/register ann 1234", "-c", "/login ann 1234", "-c", "/enter general"],
        "",
    );
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.ends_with("Welcome to the chatroom\n"), "{said}");
}

#[test]
fn who_comes_and_what_keepers_do_is_said_in_a_line() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.ask("create", json!({ "room": "ops" }));
    let mut ann = shell(&server);
    ann.enter("/register ann 1234", "successful", "127.0.0.1> ");
    ann.enter("/login ann 1234", "Login successful", "ann@lobby> ");
    ann.enter("/enter ops", "Welcome", "ann#ops> ");
    bob.enter("ops");
    ann.wait_for_text("* bob is here");
    bob.ask("topic", json!({ "text": "tea\nann: fake" }));
    ann.wait_for_text("* bob has set the topic: tea\n│ ann: fake");
    assert!(bob.ask("room", json!({}))["data"]["topic"].is_string());
    bob.ask("topic", json!({ "text": "\"\"" }));
    ann.wait_for_text("* bob has taken the topic away");
    assert!(bob.ask("room", json!({}))["data"]["topic"].is_null());
    bob.ask("topic", json!({ "text": "tea\nann: fake" }));
    let seq = bob.say("tpyo")["data"]["seq"].clone();
    ann.wait_for_text("bob: tpyo");
    bob.ask("edit", json!({ "seq": seq, "text": "typo" }));
    ann.wait_for_text(&format!("* bob has changed message {seq} (bob: tpyo): typo"));
    bob.ask("redact", json!({ "seq": seq }));
    ann.wait_for_text(&format!("* bob has taken back message {seq} of bob"));
    bob.ask("tell", json!({ "to": "ann", "text": "psst" }));
    ann.wait_for_text("bob => ann: psst");
    ann.type_keys("hel");
    ann.wait_for_prompt("ann#ops> hel");
    bob.ask("kick", json!({ "username": "ann", "reason": "tea is over" }));
    ann.wait_for_text("* bob has put you out of ops into the lobby: tea is over");
    // What is allowed has changed at once, and so has the prompt of the line being typed.
    ann.wait_for_prompt("ann@lobby> hel");
    ann.type_keys("\u{15}/en\t");
    ann.wait_for_line("the completion", |line| line == "ann@lobby> /enter ");
    assert!(!ann.lines().contains("put out ann"), "{}", ann.lines());
    ann.type_keys("\u{15}");
    ann.enter("hello?", "a line without a slash is said in a room", "ann@lobby> ");
    // What the room is about stands over what was said.
    ann.enter("/enter ops", "* topic: tea\n│ ann: fake\n── earlier in ops", "ann#ops> ");
    ann.wait_for_text("bob: (taken back)");
}

#[test]
fn who_means_you_rings_and_stands_out() {
    let server = Server::start();
    let ann = member(&server, "ann");
    let mut bob = server.member("bob", "general");
    let rings = || ann.bytes().iter().filter(|byte| **byte == 7).count();
    let is_loud = |text: &str| {
        ann.look(|screen| {
            let row = screen.rows(0, 80).position(|row| row.starts_with(text)).unwrap();
            screen.cell(u16::try_from(row).unwrap(), 0).unwrap().inverse()
        })
    };
    bob.say("hello everybody");
    ann.wait_for_text("bob: hello everybody");
    bob.say("hello, Ann!");
    ann.wait_for_text("bob: hello, Ann!");
    bob.ask("msg", json!({ "to": "ann", "text": "psst" }));
    ann.wait_for_text("bob -> ann: psst");
    bob.say("the end");
    ann.wait_for_text("bob: the end");
    ann.wait_for_prompt("ann#general> ");
    assert!(is_loud("bob: hello, Ann!") && is_loud("bob -> ann"));
    assert!(!is_loud("bob: hello everybody") && !is_loud("bob: the end"));
    assert_eq!(rings(), 2);
}

/// It was told below what was said earlier, as if they had come after it.
#[test]
fn who_was_there_before_does_not_come() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let mut bob = server.user("bob");
    ann.enter("/exit", "Exited", "ann@lobby> ");
    let dora = member(&server, "dora");
    bob.enter("general");
    ann.enter("/enter general", "Welcome", "ann#general> ");
    dora.wait_for_text("* bob is here");
    server.member("carl", "general").say("good morning");
    ann.wait_for_text("carl: good morning");
    assert!(!ann.lines().contains("* bob is here"), "{}", ann.lines());
}

/// It said that the keepers could, and there are none.
#[test]
fn a_room_of_nobody_says_that_it_has_no_keepers() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    let refused = "topic is for a room's keepers, and general has none";
    ann.enter("/topic tea", refused, "ann#general> ");
}

/// A list that had them was taken for what the user had seen.
#[test]
fn who_comes_is_said_to_who_wants_lists_too() {
    let server = Server::start();
    let mut ann = member(&server, "ann");
    ann.enter("/hello --caps list-push", "presence", "ann#general> ");
    let _bob = server.member("bob", "general");
    ann.wait_for_text("* bob is here");
}
