//! What happens in a room beside talk, as a line for people: who came, what its keepers
//! did, what was changed. Each begins with a star, which no name can have.

use proto::Incoming;
use serde_json::{Map, Value};

use crate::mention::Reader;
use crate::safe;
use crate::show::Lead;
use crate::style::Style;

/// The line, if `message` tells of something like that. At a prompt messages are called by
/// their numbers.
pub(crate) fn line(message: &Incoming, reader: &Reader, style: Style) -> Option<String> {
    let sentence = sentence(&message.kind, &message.data, reader)?;
    Some(starred(&reader.lead(&message.data, style), &sentence, style))
}

/// What the room is about that was entered.
pub(crate) fn topic(topic: &str, style: Style) -> String {
    starred(&Lead::default(), &format!("topic: {topic}"), style)
}

/// `sentence` behind what stands before it and a star.
pub(crate) fn starred(lead: &Lead, sentence: &str, style: Style) -> String {
    // The star and the blank take as much as a bar and a blank do.
    format!("{}{} {}", lead.shown, style.dim("*"), safe::block(sentence, lead.width, style))
}

fn sentence(kind: &str, data: &Map<String, Value>, reader: &Reader) -> Option<String> {
    let field = |name| data.get(name).and_then(Value::as_str);
    let because = field("reason").map_or(String::new(), |reason| format!(": {reason}"));
    let has_numbers = reader.is_at_prompt();
    let target = data.get("target").and_then(Value::as_i64).filter(|_| has_numbers);
    let which = match (target, reader.was()) {
        // What was taken back may be a password.
        (Some(number), Some(was)) if kind == "redact" => {
            format!("message {number} of {}", was.from)
        }
        (Some(number), Some(was)) => format!("message {number} ({}: {})", was.from, was.text),
        (Some(number), None) => format!("message {number}"),
        (None, _) => "a message".into(),
    };
    let sentence = match (kind, field("by"), field("username")) {
        ("joined", _, Some(user)) => format!("{user} is here"),
        ("left", _, Some(user)) => format!("{user} has left"),
        ("exit", Some(by), _) => {
            let room = field("room")?;
            format!("{by} has put you out of {room} into the lobby{because}")
        }
        ("edit", Some(by), _) => format!("{by} has changed {which}: {}", field("text")?),
        ("redact", Some(by), _) => format!("{by} has taken back {which}"),
        (_, by, user) => notice(field("what")?, by.unwrap_or("the server"), user, data, reader),
    };
    Some(sentence)
}

fn notice(
    what: &str,
    by: &str,
    user: Option<&str>,
    data: &Map<String, Value>,
    reader: &Reader,
) -> String {
    let field = |name| data.get(name).and_then(Value::as_str);
    let is_reader = reader.is_about(data);
    let user = if is_reader { "you" } else { user.unwrap_or("somebody") };
    // Who is told what they may do need not be there.
    let of_room = |word: &str| match field("room").filter(|_| is_reader) {
        Some(room) => format!(" {word} {room}"),
        None => String::new(),
    };
    let deed = match what {
        "topic" => {
            return match field("text").filter(|topic| !topic.is_empty()) {
                Some(topic) => format!("{by} has set the topic: {topic}"),
                None => format!("{by} has taken the topic away"),
            };
        }
        "retention" => {
            return match data.get("days").and_then(Value::as_u64) {
                Some(1) => format!("{by} has decided: messages are kept for a day"),
                Some(days) => format!("{by} has decided: messages are kept for {days} days"),
                None => format!("{by} has decided: messages are kept for ever"),
            };
        }
        "delete" => return format!("{by} has deleted the room"),
        "invite" => format!("invited {user}{}", of_room("to")),
        "kick" => format!("put out {user}"),
        "ban" => format!("banned {user}"),
        "unban" => format!("let {user} come back{}", of_room("to")),
        "mute" => format!("muted {user}"),
        "unmute" => format!("let {user} speak again"),
        "op" => format!("made {user} an operator{}", of_room("of")),
        "deop" => format!("made {user} a member like others{}", of_room("in")),
        other => format!("done this to {user}: {other}"),
    };
    let until = field("until").map(|until| format!(" until {}", reader.time(until)));
    let until = until.unwrap_or_default();
    let because = field("text").map_or(String::new(), |reason| format!(": {reason}"));
    format!("{by} has {deed}{until}{because}")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn told(kind: &str, data: Value) -> String {
        let frame = json!({ "type": kind, "status": "ok", "data": data });
        let message = serde_json::from_value(frame).unwrap();
        let now = "2026-01-02T01:00:00+01:00[+01:00]".parse().unwrap();
        let reader = Reader::of(Some("Zoe")).at_prompt(now, false);
        line(&message, &reader, Style::NONE).unwrap_or("nothing".into()) + "\n"
    }

    #[track_caller]
    fn check(lines: &[(&str, Value)], expected: Expect) {
        expected.assert_eq(
            &lines.iter().map(|(kind, data)| told(kind, data.clone())).collect::<String>(),
        );
    }

    #[test]
    fn what_happens_is_said_in_a_line() {
        let notice =
            |what: &str| json!({ "room": "ops", "what": what, "by": "ann", "username": "bob" });
        let mute = json!({
            "room": "ops", "what": "mute", "by": "ann", "username": "bob", "text": "loud",
            "until": "2026-01-01T00:00:00.000Z",
        });
        check(
            &[
                ("joined", json!({ "room": "ops", "username": "bob" })),
                ("left", json!({ "room": "ops", "username": "bob" })),
                ("exit", json!({ "room": "ops", "by": "ann", "reason": "loud" })),
                ("edit", json!({ "room": "ops", "by": "ann", "text": "new", "target": 3 })),
                ("redact", json!({ "room": "ops", "by": "ann", "target": 3 })),
                ("notice", json!({ "room": "ops", "what": "topic", "by": "ann", "text": "tea" })),
                ("notice", json!({ "room": "ops", "what": "topic", "by": "ann", "text": "" })),
                ("notice", json!({ "room": "ops", "what": "retention", "days": 3 })),
                ("notice", json!({ "room": "ops", "what": "retention", "by": "ann" })),
                ("notice", notice("delete")),
                ("notice", mute),
            ],
            expect![[r#"
                * bob is here
                * bob has left
                * ann has put you out of ops into the lobby: loud
                * ann has changed message 3: new
                * ann has taken back message 3
                * ann has set the topic: tea
                * ann has taken the topic away
                * the server has decided: messages are kept for 3 days
                * ann has decided: messages are kept for ever
                * ann has deleted the room
                * ann has muted bob until 2026-01-01 01:00:00: loud
            "#]],
        );
        let acts = ["invite", "kick", "ban", "unban", "unmute", "op", "deop", "bless"];
        check(
            &acts.map(|what| ("notice", notice(what))),
            expect![[r#"
            * ann has invited bob
            * ann has put out bob
            * ann has banned bob
            * ann has let bob come back
            * ann has let bob speak again
            * ann has made bob an operator
            * ann has made bob a member like others
            * ann has done this to bob: bless
        "#]],
        );
        let to_me =
            |what: &str| json!({ "room": "ops", "what": what, "by": "ann", "username": "zoe" });
        check(
            &["invite", "unban", "op", "deop", "mute"].map(|what| ("notice", to_me(what))),
            expect![[r#"
                * ann has invited you to ops
                * ann has let you come back to ops
                * ann has made you an operator of ops
                * ann has made you a member like others in ops
                * ann has muted you
            "#]],
        );
        check(
            &[("msg", json!({ "from": "ann", "text": "hi" })), ("counts", json!({}))],
            expect![[r#"
                nothing
                nothing
            "#]],
        );
    }

    #[test]
    fn nothing_in_it_passes_for_a_line_of_somebody() {
        check(
            &[
                ("joined", json!({ "username": "eve is here\nbob: hi\u{1b}[2J" })),
                ("notice", json!({ "what": "topic", "by": "eve", "text": "x\nbob: hi" })),
            ],
            expect![[r#"
                * eve is here
                │ bob: hi\u{1b}[2J is here
                * eve has set the topic: x
                │ bob: hi
            "#]],
        );
    }
}
