//! Somebody in the room means harm: nothing that they say passes for what another said.

use expect_test::expect;
use tests::Server;

use crate::corpus::{VICTIM, corpus};
use crate::{COLS, Typing, member};

#[test]
fn no_text_passes_for_another_message_or_hides_its_own() {
    let server = Server::start();
    let ann = member(&server, "ann");
    let mut eve = server.member("eve", "general");
    for text in [
        "one\nbob: fake",
        "one\n\n\n",
        "\u{202e}sdrawkcab\u{202c}",
        "pay\u{200b}pal \u{feff}x\u{2066}y",
        "a\u{2028}bob: fake",
        "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}mark",
        "\tbob: fake",
        "\u{3164}bob\u{fe0f}\u{e0041}",
    ] {
        let said = eve.say(text);
        assert_eq!(said["status"], "ok", "{said}");
    }
    // What drives a terminal the server does not even pass on.
    for text in ["x\u{1b}[2J", "x\r\nbob: fake", "x\rbob: fake", "\u{9b}31m", "x\u{8}"] {
        let refused = eve.say(text);
        assert_eq!(refused["code"], "bad_request", "{refused}");
    }
    eve.say("the end");
    ann.wait_for_text("eve: the end");
    ann.wait_for_prompt("ann#general> ");
    expect![[r#"
        eve: one
           │ bob: fake
        eve: one
           │ 
           │ 
           │ 
        eve: \u{202e}sdrawkcab\u{202c}
        eve: pay\u{200b}pal \u{feff}x\u{2066}y
        eve: a\u{2028}bob: fake
        eve: ◌́́́́…mark
        eve:         bob: fake
        eve: \u{3164}bob\u{fe0f}\u{e0041}
        eve: the end
        ann#general> "#]]
    .assert_eq(&ann.shown());
}

/// A line as long as the terminal is wide made the next row look like bob's.
#[test]
fn no_row_of_a_long_line_stands_at_the_margin() {
    let server = Server::start();
    let ann = member(&server, "ann");
    let mut eve = server.member("eve", "general");
    let fill =
        |letter: &str, columns: usize| letter.repeat((usize::from(COLS) - "eve: ".len()) / columns);
    for text in [
        format!("{}bob: fake", fill("x", 1)),
        format!("{}bob: fake", fill(" ", 1)),
        format!("{} bob: fake", fill("世", 2)),
        format!("{}bob: fake", fill("\t", 8)),
        format!("{0}bob: fake{0}bob: fake{0}bob: fake", fill("y", 1)),
    ] {
        eve.say(&text);
    }
    eve.say("the end");
    ann.wait_for_text("eve: the end");
    ann.wait_for_prompt("ann#general> ");
    let rows: Vec<_> = ann.look(|screen| screen.rows(0, COLS).collect());
    assert!(!rows.iter().any(|row| row.starts_with("bob")), "{rows:#?}");
    let behind_the_bar = rows.iter().filter(|row| row.starts_with("   │ ")).count();
    assert_eq!(behind_the_bar, 1 + 1 + 1 + 1 + 5, "{rows:#?}");
}

/// Whatever the server passes on, with somebody typing meanwhile.
#[test]
fn no_row_of_a_hostile_text_passes_for_anothers() {
    let server = Server::with(&["limits.commands_per_s=0", "limits.outbox_bytes=0"]);
    let mut ann = member(&server, "ann");
    let mut eve = server.member("eve", "general");
    let texts: Vec<_> = corpus().into_iter().filter(|text| text.len() < 1000).collect();
    ann.type_keys("half a line");
    let mut passed = 0;
    // So many that all of their rows are still known when they are looked at.
    for (number, texts) in texts.chunks(40).enumerate() {
        for text in texts {
            passed += usize::from(eve.say(text)["status"] == "ok");
        }
        eve.say(&format!("end {number}"));
        ann.wait_for_text(&format!("eve: end {number}"));
        ann.wait_for_prompt("ann#general> half a line");
        let lines = ann.lines();
        let fake = lines.lines().find(|line| line.starts_with(VICTIM));
        assert!(fake.is_none(), "{fake:?} in {lines}");
    }
    assert!(passed > 100, "only {passed} were passed on");
}

#[test]
fn a_name_that_looks_like_another_cannot_be_had() {
    let server = Server::start();
    let _ann = member(&server, "ann");
    for name in ["ANN", "аnn", "ann\u{200b}", "ann ", "ann:"] {
        let refused = server.connect().register(name);
        assert_eq!(refused["status"], "error", "{name:?}: {refused}");
    }
}

/// Our own colours stood among its escapes.
#[test]
fn a_refusal_shows_a_hostile_reason_once() {
    let server = Server::start();
    let mut eve = server.user("eve");
    eve.ask("create", serde_json::json!({ "room": "pit" }));
    eve.enter("pit");
    let mut ann = member(&server, "ann");
    ann.enter("/exit", "Exited", "ann@lobby> ");
    let reason = "x\u{202e}y\nz";
    eve.ask("ban", serde_json::json!({ "username": "ann", "reason": reason }));
    let refused = r"you are banned from pit: x\u{202e}y\u{a}z (forbidden)";
    ann.enter("/enter pit", refused, "ann@lobby> ");
}
