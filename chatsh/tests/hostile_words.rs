//! The whole program against a server whose every word is hostile.

#![allow(clippy::unwrap_used)]

mod corpus;
mod peer;

use corpus::corpus;
use peer::{Peer, Reaction, ok, outcome};
use serde_json::{Value, json};

/// What each request of a type gets: the next hostile text, in every place of every frame.
fn hostile(request: &Value, texts: &mut impl Iterator<Item = String>) -> Option<Reaction> {
    if request["type"] != "list" {
        return None;
    }
    let text = texts.next().unwrap();
    let push = |kind: &str, data: Value| json!({ "type": kind, "status": "ok", "data": data });
    let refusal = json!({
        "type": "list", "status": "error", "id": request["id"], "message": text, "code": text,
    });
    let frames = vec![
        push("msg", json!({ "from": "eve", "to": "public", "text": text })),
        push("msg", json!({ "from": text, "to": text, "text": "hi", "room": text })),
        push("notice", json!({ "by": "eve", "what": "topic", "text": text })),
        push("joined", json!({ "username": text, "room": text })),
        push(&text, json!({ &text: text })),
        json!({ "type": "motd", "status": "ok", "message": text }),
        refusal,
    ];
    Some(Reaction::Say(frames))
}

#[test]
fn nothing_but_letters_and_line_feeds_is_printed() {
    for option in ["--plain", "--json"] {
        let lines = "/list\n".repeat(corpus().len());
        let mut texts = corpus().into_iter();
        let peer = Peer::start(move |request| hostile(request, &mut texts));
        let printed = outcome(peer.chatsh(&["--events", "--keep-going", option]), &lines);
        let orders = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        for line in printed.lines() {
            assert!(!line.contains(orders), "{option}: {line:?}");
            assert!(!line.contains('\u{202e}'), "{option}: {line:?}");
        }
        assert!(printed.ends_with("exit 1\n"), "{printed}");
        assert!(printed.lines().count() > 6 * corpus().len(), "{printed}");
    }
}

/// A server that greets with each of them, in the words that it has for everybody.
#[test]
fn a_hostile_catalogue_is_harmless() {
    let commands: Vec<_> = corpus()
        .into_iter()
        .map(|text| {
            json!({
                "name": "roll", "states": ["auth"], "leads_to": [], "summary": text,
                "example": text, "role": "anyone", "pipelined": false, "request": {}, "reply": {},
                "args": [{
                    "name": "sides", "kind": "integer", "required": true, "rest": false,
                    "summary": text,
                }],
            })
        })
        .collect();
    let peer = Peer::start(move |request| {
        let data = json!({ "version": 1, "commands": commands });
        (request["type"] == "commands").then(|| Reaction::Say(vec![ok(request, data)]))
    });
    let printed = outcome(peer.chatsh(&[]), "/help\n/help roll\n");
    assert!(printed.ends_with("exit 0\n") && printed.contains("/roll"), "{printed}");
    let orders = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!printed.contains(orders), "{printed:?}");
}
