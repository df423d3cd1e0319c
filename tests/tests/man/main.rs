//! The manual pages say what the code says.
//!
//! A page in `man/` is written by hand, but for its parts between `.\" begin NAME` and
//! `.\" end`: those come from `parts.rs`, so from the registry of commands, the options
//! and the keys. When they are stale, this test fails; it mends them when it is run as
//!
//!     UPDATE_EXPECT=1 cargo test -p tests --test man

#![allow(clippy::unwrap_used)]

mod parts;
mod roff;

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use serde_json::Value;
use tests::Server;

const BEGIN: &str = ".\\\" begin ";
const END: &str = ".\\\" end";

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../man").join(name)
}

#[track_caller]
fn check(name: &str, parts: &[(&str, String)]) {
    let path = page(name);
    let written = std::fs::read_to_string(&path).unwrap();
    let fresh = fill(&written, parts);
    if written != fresh {
        eprintln!("{name} is stale: run UPDATE_EXPECT=1 cargo test -p tests --test man");
    }
    expect_file![path].assert_eq(&fresh);
}

/// The page with fresh parts. Each has to be there once, and no other.
fn fill(page: &str, parts: &[(&str, String)]) -> String {
    let mut fresh = String::new();
    let mut open = None;
    let mut filled = Vec::new();
    for line in page.lines() {
        if line == END {
            assert!(open.take().is_some(), "an end without a beginning");
        }
        if open.is_none() {
            fresh.push_str(line);
            fresh.push('\n');
        }
        if let Some(name) = line.strip_prefix(BEGIN) {
            assert_eq!(open.replace(name), None, "{name} begins inside another part");
            let (_, text) = parts.iter().find(|(part, _)| *part == name).expect(name);
            fresh.push_str(text);
            filled.push(name);
        }
    }
    assert_eq!(open, None, "a part has no end");
    assert_eq!(filled, parts.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    fresh
}

#[test]
fn chatd_1_has_every_option_and_sub_command() {
    let command = chatd::command();
    check(
        "chatd.1",
        &[("options", parts::options(&command)), ("sub-commands", parts::sub_commands(&command))],
    );
}

#[test]
fn chatd_toml_5_has_every_key() {
    check("chatd.toml.5", &[("keys", parts::keys())]);
}

#[test]
fn chatsh_1_has_every_option_verb_and_exit_code() {
    let command = chatsh::options::command();
    check(
        "chatsh.1",
        &[
            ("options", parts::options(&command)),
            ("verbs", parts::verbs(&command)),
            ("host keys", parts::host_keys()),
            ("exit codes", parts::exit_codes(&command)),
        ],
    );
}

#[test]
fn chat_protocol_7_has_every_command_capability_and_code() {
    let catalogue = commands::catalogue();
    check(
        "chat-protocol.7",
        &[
            ("states", parts::states(catalogue)),
            ("roles", parts::roles(catalogue)),
            ("commands", parts::commands(catalogue)),
            ("pushes", parts::pushes(catalogue)),
            ("capabilities", parts::capabilities(catalogue)),
            ("codes", parts::codes()),
        ],
    );
}

#[test]
fn the_session_in_chat_protocol_7_is_a_real_one() {
    let text = std::fs::read_to_string(page("chat-protocol.7")).unwrap();
    let (_, session) = text.split_once(".SH EXAMPLE").unwrap();
    let server = Server::start();
    let mut client = server.connect();
    let mut replies = 0;
    for line in session.lines() {
        if let Some(body) = line.strip_prefix("> ") {
            client.send_body(body.as_bytes()).unwrap();
        } else if let Some(body) = line.strip_prefix("< ") {
            let mut printed: Value = serde_json::from_str(&body.replace("\\-", "-")).unwrap();
            let said = client.next();
            for changing in ["ts", "epoch"] {
                if let Some(value) = printed.pointer_mut(&format!("/data/{changing}")) {
                    *value = said["data"][changing].clone();
                }
            }
            assert_eq!(printed, said);
            replies += 1;
        }
    }
    assert!(replies > 5, "there is no session");
}

#[test]
fn a_part_replaces_what_stood_in_its_place_and_nothing_else() {
    let page = "a\n.\\\" begin x\nold\nold\n.\\\" end\nb\n";
    let fresh = fill(page, &[("x", "new\n".into())]);
    assert_eq!(fresh, "a\n.\\\" begin x\nnew\n.\\\" end\nb\n");
    assert_eq!(fill(&fresh, &[("x", "new\n".into())]), fresh);
}
