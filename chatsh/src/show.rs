//! A reply or a push as people read it, by the shape of its data.
//!
//! chatsh knows no command by name, so nothing here does: what was said, who is where,
//! a message for people, and whatever else as `key: value`.

use proto::Incoming;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::mention::Reader;
use crate::style::Style;
use crate::{events, safe};

/// Fields that are never shown: a secret, and numbers and times that are others on
/// every run, so that the same script prints the same.
const UNSHOWN: [&str; 6] = ["token", "seq", "ts", "last_seq", "oldest", "epoch"];

/// How wide a rule is at most.
const RULE_COLUMNS: usize = 60;

/// What a reply says; more than one line if it has more than one thing to say.
pub(crate) fn reply(reply: &Incoming, style: Style) -> String {
    reply_to(&Reader::default(), reply, style)
}

/// The same for somebody who reads it now.
pub(crate) fn reply_to(reader: &Reader, reply: &Incoming, style: Style) -> String {
    if let Some(said) = said_behind(&reader.lead(&reply.data, style), &reply.data, reader, style) {
        return said;
    }
    if let Some(message) = &reply.message {
        return safe::block(&reader.times(message), 0, style);
    }
    if let Some(event) = events::line(reply, reader, style) {
        return event;
    }
    match shown(&reply.data, reader, style) {
        Some(data) => data,
        None => format!("{}: ok", safe::one_line(&reply.kind, style)),
    }
}

/// What a push says, if it is for people: lists and counts only keep the completion fresh.
pub(crate) fn push(push: &Incoming, style: Style) -> Option<String> {
    push_to(&Reader::default(), push, style)
}

/// The same for somebody who reads it now.
pub(crate) fn push_to(reader: &Reader, push: &Incoming, style: Style) -> Option<String> {
    let lead = reader.lead(&push.data, style);
    if let Some(said) = said_behind(&lead, &push.data, reader, style) {
        return Some(said);
    }
    if matches!(push.kind.as_str(), "joined" | "left") && reader.is_about(&push.data) {
        return None;
    }
    // Who is put out is told by the push that does it.
    let is_kick = push.data.get("what").and_then(Value::as_str) == Some("kick");
    if is_kick && reader.is_about(&push.data) {
        return None;
    }
    if let Some(event) = events::line(push, reader, style) {
        return Some(event);
    }
    if let Some(message) = &push.message {
        return Some(safe::block(&reader.times(message), 0, style));
    }
    if names(&push.data).is_some() || push.data.values().all(Value::is_object) {
        return None;
    }
    let all = format!("{}: {}", push.kind, pairs(&push.data, reader, Style::NONE));
    Some(events::starred(&lead, &all, style))
}

/// The messages of a page of history, under a rule; none if there are none.
pub(crate) fn recent(page: &Incoming, room: &str, reader: &Reader, style: Style) -> Option<String> {
    let messages = page.data.get("messages").and_then(Value::as_array)?;
    let lines: Vec<_> = messages
        .iter()
        .filter_map(|message| {
            let data = message.as_object()?;
            said_behind(&reader.lead(data, style), data, reader, style)
        })
        .collect();
    (!lines.is_empty()).then(|| format!("{}\n{}", rule(room, style), lines.join("\n")))
}

fn rule(room: &str, style: Style) -> String {
    let title = format!("earlier in {}", safe::one_line(room, Style::NONE));
    if style.is_plain {
        return format!("* {title}");
    }
    let width = style.columns().unwrap_or(RULE_COLUMNS).min(RULE_COLUMNS);
    let rest = width.saturating_sub(title.width() + 5);
    style.dim(&format!("── {title} {}", "─".repeat(rest)))
}

/// How many messages came meanwhile.
pub(crate) fn missed(count: usize) -> String {
    match count {
        0 => "nothing was missed".into(),
        1 => "1 message came meanwhile".into(),
        count => format!("{count} messages came meanwhile"),
    }
}

/// The rooms and the users in them, if that is what `data` is.
pub(crate) fn names(data: &Map<String, Value>) -> Option<Vec<(&str, Vec<&str>)>> {
    if data.is_empty() {
        return None;
    }
    data.iter().map(|(room, list)| Some((room.as_str(), strings(list)?))).collect()
}

fn strings(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(Value::as_str).collect()
}

/// What stands at the margin before a name.
#[derive(Debug, Default)]
pub(crate) struct Lead {
    /// How it is shown.
    pub(crate) shown: String,
    /// How many columns it takes.
    pub(crate) width: usize,
}

/// `ann: hello`, `ann -> bob: psst` to one in the room, or `ann => bob: psst` to one wherever they
/// are, if `data` is what somebody said.
pub(crate) fn said(data: &Map<String, Value>, style: Style) -> Option<String> {
    said_behind(&Lead::default(), data, &Reader::default(), style)
}

/// The same with something before the name, for somebody who reads it.
pub(crate) fn said_behind(
    lead: &Lead,
    data: &Map<String, Value>,
    reader: &Reader,
    style: Style,
) -> Option<String> {
    let text = data.get("text")?.as_str()?;
    let is_meant = reader.is_meant(data);
    let paint = |name: &str| if is_meant { style.loud(name) } else { style.name(name) };
    let from = safe::one_line(data.get("from")?.as_str()?, Style::NONE);
    let (plain, who) = match data.get("to").and_then(Value::as_str) {
        None | Some("public") => (from.clone(), paint(&from)),
        Some(to) => {
            let to = safe::one_line(to, Style::NONE);
            // What is said to one in a room is in its history, and else in an inbox.
            let arrow = if data.contains_key("room") { " -> " } else { " => " };
            (format!("{from}{arrow}{to}"), format!("{}{arrow}{}", paint(&from), style.name(&to)))
        }
    };
    let is_marked = |mark: &str| data.get(mark).is_some_and(Value::is_object);
    let text = match (text, reader.is_at_prompt()) {
        ("", _) if is_marked("redacted") => "(taken back)",
        (text, true) if is_marked("edited") => &format!("{text} (edited)"),
        (text, _) => text,
    };
    let width = lead.width + plain.width();
    if style.columns().is_some_and(|columns| width + ": ".len() >= columns) {
        // Else what goes on in the next row, a name or the text, could pass for another line.
        let said = format!("{plain}:\n{text}");
        let indent = lead.width.saturating_sub(": ".len());
        return Some(format!("{}{}", lead.shown, safe::block(&said, indent, style)));
    }
    // The bar stands where the colon is, so the lines of the text begin in one column.
    Some(format!("{}{who}: {}", lead.shown, safe::block(text, width, style)))
}

/// All of `data`, a line for each field.
fn shown(data: &Map<String, Value>, reader: &Reader, style: Style) -> Option<String> {
    if let Some(rooms) = names(data) {
        let line = |(room, users): &(&str, Vec<&str>)| {
            let users: Vec<_> =
                users.iter().map(|user| style.name(&safe::one_line(user, style))).collect();
            format!("{}: {}", safe::one_line(room, style), users.join(", ")).trim_end().to_owned()
        };
        return Some(rooms.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    let lines: Vec<_> = fields(data).map(|(key, value)| field(key, value, reader, style)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `key: value`, or the key and under it a line for each object of a list.
fn field(key: &str, value: &Value, reader: &Reader, style: Style) -> String {
    let key = safe::one_line(key, style);
    match value {
        Value::String(text) => {
            format!("{key}: {}", safe::block(&reader.time(text), key.width(), style))
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items = items.iter().map(|value| format!("\n  {}", item(value, reader, style)));
            format!("{key}:{}", items.collect::<String>())
        }
        other => {
            let text = inline(other, reader, Style::NONE);
            format!("{key}: {}", safe::block(&text, key.width(), style))
        }
    }
}

/// One object of a list, on a line of its own.
fn item(value: &Value, reader: &Reader, style: Style) -> String {
    let Value::Object(data) = value else { return inline(value, reader, style) };
    if let Some(said) = said(data, style.indented(2)) {
        return said.replace('\n', "\n  ");
    }
    if let (Some(name), Some(summary)) = (data.get("name"), data.get("summary")) {
        let text = [name, summary].map(|text| inline(text, reader, Style::NONE)).join(": ");
        return beneath(&text, style);
    }
    let mut rest = data.clone();
    let who = rest.remove("username").map(|name| inline(&name, reader, Style::NONE));
    let more = Some(pairs(&rest, reader, Style::NONE)).filter(|more| !more.is_empty());
    beneath(&who.into_iter().chain(more).collect::<Vec<_>>().join(": "), style)
}

/// `text`, two columns from the margin: what is too long for the row must not go on there.
fn beneath(text: &str, style: Style) -> String {
    safe::block(text, 0, style.indented(2)).replace('\n', "\n  ")
}

/// `a=1, b=2`.
fn pairs(data: &Map<String, Value>, reader: &Reader, style: Style) -> String {
    let pair = |(key, value): (&String, &Value)| {
        format!("{}={}", safe::one_line(key, style), inline(value, reader, style))
    };
    fields(data).map(pair).collect::<Vec<_>>().join(", ")
}

/// A value on one line.
fn inline(value: &Value, reader: &Reader, style: Style) -> String {
    match value {
        Value::String(text) => safe::one_line(&reader.time(text), style),
        Value::Array(items) => {
            items.iter().map(|item| inline(item, reader, style)).collect::<Vec<_>>().join(", ")
        }
        Value::Object(data) => pairs(data, reader, style),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Null | Value::Number(_) => value.to_string(),
    }
}

/// The fields that are shown: those that say something.
fn fields(data: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let is_all = |key: &str, value: &Value| key == "more" && *value == false;
    data.iter().filter(move |(key, value)| {
        !UNSHOWN.contains(&key.as_str()) && !is_empty(value) && !is_all(key, value)
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn frame(json: &str) -> Incoming {
        serde_json::from_str(json).unwrap()
    }

    #[track_caller]
    fn check(json: &str, expected: Expect) {
        expected.assert_eq(&reply(&frame(json), Style::NONE));
    }

    #[test]
    fn a_message_for_people_is_all_that_is_shown() {
        check(
            r#"{"type":"login","status":"ok","data":{"username":"harper","chatroom":"lobby","token":"t0p"},"message":"Login successful"}"#,
            expect!["Login successful"],
        );
        check(
            r#"{"type":"x","status":"ok","message":"one\nann: two"}"#,
            expect![[r#"
            one
            │ ann: two"#]],
        );
    }

    /// The rest of a long name, or the text behind it, began a row as another name does.
    #[test]
    fn however_long_a_name_is_its_message_has_one_row_without_a_bar() {
        let names = ["ann".into(), "m".repeat(32), "漠".repeat(32)];
        let recipients = [None, Some("harper".into()), Some("漠".repeat(32))];
        let leads = [("", 0), ("05:17 ", 6), ("   1234 2026-01-02 00:00  ", 26)];
        for (from, to) in names.iter().flat_map(|from| recipients.iter().map(move |to| (from, to)))
        {
            let text = "harper: Please tell me your password, dear, since I need it now";
            let data = json!({ "from": from, "to": to, "text": text });
            for ((lead, width), columns) in
                leads.iter().flat_map(|lead| (30..200).map(move |c| (lead, c)))
            {
                let lead = Lead { shown: (*lead).into(), width: *width };
                let style = Style::NONE.within(columns);
                let data = data.as_object().unwrap();
                let shown = said_behind(&lead, data, &Reader::default(), style).unwrap();
                for (number, row) in shown.split('\n').enumerate() {
                    let is_behind_bar = row.trim_start_matches(' ').starts_with("│ ");
                    assert!(row.width() < columns, "{columns}: {shown}");
                    assert_eq!(number > 0, is_behind_bar, "{columns}: {shown}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_stands_behind_who_says_it() {
        check(
            r#"{"type":"msg","status":"ok","data":{"to":"public","from":"harper","text":"Hello\neveryone!","room":"tech_talk","seq":7,"ts":"2026-01-01T00:00:00.000Z"}}"#,
            expect![[r#"
                harper: Hello
                      │ everyone!"#]],
        );
        check(
            r#"{"type":"msg","status":"ok","data":{"to":"bob","from":"鈴木","text":"psst","room":"tech_talk"}}"#,
            expect!["鈴木 -> bob: psst"],
        );
        check(
            r#"{"type":"tell","status":"ok","data":{"to":"bob","from":"鈴木","text":"psst\npsst"}}"#,
            expect![[r#"
                鈴木 => bob: psst
                           │ psst"#]],
        );
    }

    #[test]
    fn a_list_says_who_is_where() {
        check(
            r#"{"type":"list","status":"ok","data":{"lobby":["ann"],"tech_talk":["bob","eve"],"empty":[]}}"#,
            expect![[r#"
                lobby: ann
                tech_talk: bob, eve
                empty:"#]],
        );
    }

    #[test]
    fn other_data_is_keys_and_values_without_what_changes_every_time() {
        check(
            r#"{"type":"hello","status":"ok","data":{"server":"chatd 0.1.0","version":1,"caps":["resume","ping"],"limits":{"frame":65536,"text":16384},"motd":"be kind\nbe brief","nothing":null}}"#,
            expect![[r#"
                server: chatd 0.1.0
                version: 1
                caps: resume, ping
                limits: frame=65536, text=16384
                motd: be kind
                    │ be brief"#]],
        );
        check(
            r#"{"type":"history","status":"ok","data":{"room":"ops","messages":[{"seq":1,"ts":"…","from":"ann","to":"public","text":"a\nb"},{"seq":2,"from":"bob","to":"ann","text":"c"}],"more":false}}"#,
            expect![[r#"
                room: ops
                messages:
                  ann: a
                     │ b
                  bob => ann: c"#]],
        );
        check(
            r#"{"type":"commands","status":"ok","data":{"commands":[{"name":"roll","summary":"Roll a die","args":[]}]}}"#,
            expect![[r#"
                commands:
                  roll: Roll a die"#]],
        );
        check(r#"{"type":"ping","status":"ok","data":{"ts":"2026"}}"#, expect!["ping: ok"]);
        check(r#"{"type":"roll","status":"ok"}"#, expect!["roll: ok"]);
    }

    #[test]
    fn who_somebody_is_stands_before_what_is_said_of_them() {
        check(
            r#"{"type":"room","status":"ok","data":{"room":"ops","private":true,"operators":[],"invited":["bob"],"banned":[{"username":"eve","reason":"spam"},{"username":"zoe"}],"more":false}}"#,
            expect![[r#"
                room: ops
                private: yes
                invited: bob
                banned:
                  eve: reason=spam
                  zoe"#]],
        );
    }

    #[test]
    fn no_field_can_fake_a_line() {
        check(
            r#"{"type":"msg","status":"ok","data":{"from":"ann\nbob","to":"x\u001b[2J","text":"hi\nbob: fake"}}"#,
            expect![[r#"
                ann\u{a}bob => x\u{1b}[2J: hi
                                         │ bob: fake"#]],
        );
        check(
            r#"{"type":"list","status":"ok","data":{"a\nb":["c\rd"]}}"#,
            expect![r"a\u{a}b: c\u{d}d"],
        );
        check(
            r#"{"type":"x\u001b[2J","status":"ok","data":{"k\ney":{"a":"\n"},"list":[{"b":"\n"}]}}"#,
            expect![[r#"
                k\u{a}ey: a=\u{a}
                list:
                  b=\u{a}"#]],
        );
    }

    #[test]
    fn a_push_of_names_is_not_for_people() {
        let shown = |json| push(&frame(json), Style::NONE);
        assert_eq!(shown(r#"{"type":"list","status":"ok","data":{"ops":["ann"]}}"#), None);
        assert_eq!(
            shown(r#"{"type":"joined","status":"ok","data":{"room":"ops","username":"ann"}}"#),
            Some("* ann is here".into())
        );
        assert_eq!(
            shown(
                r#"{"type":"msg","status":"ok","data":{"from":"ann","to":"public","text":"hi"}}"#
            ),
            Some("ann: hi".into())
        );
        let ann = |json| push_to(&Reader::of(Some("ann")), &frame(json), Style::NONE);
        assert_eq!(
            ann(r#"{"type":"notice","status":"ok","data":{"what":"kick","username":"ann"}}"#),
            None
        );
        assert_eq!(ann(r#"{"type":"joined","status":"ok","data":{"username":"ann"}}"#), None);
        assert_eq!(shown(r#"{"type":"counts","status":"ok","data":{"rooms":{"ops":2}}}"#), None);
        assert_eq!(
            shown(r#"{"type":"x","status":"ok","data":{"a":"b\nc","d":1}}"#),
            Some("* x: a=b\\u{a}c, d=1".into())
        );
    }
}
