//! A server that means harm, in every field of every frame that a verb or a script shows:
//! what comes out is text and line feeds, and no line of it passes for another's.

#![allow(clippy::unwrap_used)]

mod peer;

use peer::{Peer, Reaction, ok, outcome, refused};
use serde_json::{Map, Value, json};

/// What an honest line of somebody else looks like. None may begin so.
const FAKE: &str = "bob: fake";

/// Ways to get to the margin, to hide, or to drive the terminal.
const TRICKS: [&str; 50] = [
    "\n",
    "\r",
    "\r\n",
    "\n\n\n",
    "\u{b}",
    "\u{c}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{8}\u{8}\u{8}",
    "\t",
    "\0",
    "\u{7}",
    "\u{5}",
    "\u{e}",
    "\u{f}",
    "\u{18}",
    "\u{1a}",
    "\u{7f}",
    "\u{1b}",
    // CSI: cursor, erase, scroll, colours, modes, reports.
    "\u{1b}[1G",
    "\u{1b}[2K",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}[1A",
    "\u{1b}[31m",
    "\u{1b}[8m",
    "\u{1b}[?1049h",
    "\u{1b}[?25l",
    "\u{1b}[6n",
    "\u{1b}[200~",
    "\u{9b}2J",
    "\u{1b}c",
    "\u{1b}E",
    "\u{1b}M",
    "\u{84}",
    // OSC: title, clipboard, links. DCS, APC and their ends.
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;cm0gLXJm\u{7}",
    "\u{1b}]8;;http://x\u{1b}\\",
    "\u{9d}0;x\u{9c}",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{90}x\u{9c}",
    "\u{1b}_x\u{1b}\\",
    // Direction, and what nobody sees.
    "\u{202e}",
    "\u{202d}\u{202c}",
    "\u{2066}\u{2069}",
    "\u{200f}",
    "\u{200b}",
    "\u{feff}",
    "\u{3164}",
    "\u{e0041}",
];

/// Each trick in front, behind, in the middle and many times.
fn payloads() -> Vec<String> {
    TRICKS
        .iter()
        .flat_map(|trick| {
            [
                format!("{trick}{FAKE}"),
                format!("x{trick}{FAKE}{trick}"),
                format!("{}{FAKE}", trick.repeat(20)),
                format!("{}{trick}{FAKE}", "x".repeat(100)),
            ]
        })
        .chain([format!("{}{FAKE}", "\u{301}".repeat(500))])
        .collect()
}

/// Messages with the payloads as text, name, addressee and room.
fn messages() -> Vec<Value> {
    let message = |(index, payload): (usize, String)| {
        let mut data =
            json!({ "from": "eve", "to": "public", "text": "x", "room": "ops", "seq": index + 1 });
        for (field, fields) in [("text", 1), ("from", 2), ("to", 3), ("room", 5)] {
            if index % fields == 0 {
                data[field] = payload.clone().into();
            }
        }
        data
    };
    payloads().into_iter().enumerate().map(message).collect()
}

/// Claims that `story` drives no terminal and fakes no line, and ends so.
#[track_caller]
fn check(what: &str, story: &str, code: u8) {
    assert!(story.ends_with(&format!("exit {code}\n")), "{what}:\n{story}");
    assert!(story.lines().count() > 50, "{what} says too little:\n{story}");
    let is_fine = |c: char| match c {
        '\n' | '\t' => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{3164}' | '\u{feff}' => false,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{e0000}'..='\u{e0fff}' => false,
        c => !c.is_control(),
    };
    if let Some(at) = story.find(|c| !is_fine(c)) {
        panic!("{what} lets {:?} through", story[at..].chars().next());
    }
    for line in story.lines() {
        assert!(!line.starts_with("bob"), "{what}: {line}");
    }
}

/// A server that answers every request in the worst way.
fn eve(request: &Value) -> Option<Reaction> {
    let names: Map<String, Value> =
        payloads().iter().map(|name| (name.clone(), json!([name, "ann"]))).collect();
    let pushes =
        messages().into_iter().map(|data| json!({ "type": "msg", "status": "ok", "data": data }));
    let reply = match request["type"].as_str()? {
        "enter" => {
            let entered = ok(request, json!({ "username": "ann", "room": "ops" }));
            return Some(Reaction::Say([entered].into_iter().chain(pushes).collect()));
        }
        "list" => ok(request, Value::Object(names)),
        "history" => ok(request, json!({ "room": "ops", "messages": messages(), "more": false })),
        "msg" => refused(request, &payloads()[0], &payloads().concat()),
        "commands" => {
            let command = |(index, text): (usize, String)| {
                json!({
                    "name": format!("c{index}"), "states": ["auth", "lobby", "chat"], "leads_to": [],
                    "summary": text, "example": text, "role": "anyone", "pipelined": false,
                    "args": [{
                        "name": "word", "kind": "string", "required": true, "rest": false,
                        "summary": text,
                    }],
                    "request": {}, "reply": {},
                })
            };
            let mut commands: Vec<_> = payloads().into_iter().enumerate().map(command).collect();
            commands.extend(
                proto::Catalogue::shipped()
                    .commands
                    .iter()
                    .map(|c| serde_json::to_value(c).unwrap()),
            );
            ok(request, json!({ "version": 1, "commands": commands }))
        }
        _ => return None,
    };
    Some(Reaction::Say(vec![reply]))
}

#[test]
fn there_are_enough_tricks() {
    assert!(payloads().len() > 200);
}

#[test]
fn no_verb_lets_them_through() {
    for verb in [
        "tail -r ops --count 201",
        "tail -r ops --since 0 --count 201",
        "history -r ops --limit 201",
        "who",
        "rooms",
        "describe",
        "who -r ops",
    ] {
        for options in [&[][..], &["--plain"], &["--json"]] {
            let peer = Peer::start(eve);
            let mut command = peer.chatsh(&["-u", "ann", "--password-command", "echo 1234"]);
            command.args(verb.split(' ')).args(options);
            let story = outcome(command, "");
            match (verb, options) {
                // Its room is not there, which is said in a line.
                ("who -r ops", _) => check_line(verb, &story, 1),
                // A frame is a line.
                ("who" | "rooms" | "describe", ["--json"]) => check_line(verb, &story, 0),
                _ => check(verb, &story, 0),
            }
        }
    }
}

/// The same for what says little.
#[track_caller]
fn check_line(what: &str, story: &str, code: u8) {
    check(what, &format!("{}{story}", ".\n".repeat(51)), code);
}

#[test]
fn no_refusal_lets_them_through() {
    let peer = Peer::start(eve);
    let mut command = peer.chatsh(&["-u", "ann", "--password-command", "echo 1234"]);
    command.args(["send", "-r", "ops", "hi"]);
    check_line("send", &outcome(command, ""), 1);
}

#[test]
fn no_script_lets_them_through() {
    let script = "/login ann 1234\n/list\n/enter ops\n/history\n/help\n/help c1\n/list\n";
    for options in [&["--events"][..], &["--events", "--json"], &["--events", "--plain"]] {
        let peer = Peer::start(eve);
        check("a script", &outcome(peer.chatsh(options), script), 0);
    }
}

#[test]
fn with_colours_there_is_nothing_but_colours() {
    let peer = Peer::start(eve);
    let mut command = peer.chatsh(&["-u", "ann", "--password-command", "echo 1234"]);
    command.args(["tail", "-r", "ops", "--count", "201", "--color", "always"]);
    let story = outcome(command, "");
    let mut plain = String::new();
    let mut rest = story.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        let (sgr, after) = after.split_once('m').unwrap();
        assert!(sgr.chars().all(|c| c.is_ascii_digit() || c == ';'), "{sgr:?}");
        plain.push_str(before);
        rest = after;
    }
    check("tail in colour", &(plain + rest), 0);
}
