//! A page of messages, as a reply tells it, and what to type for the next one.
//!
//! chatsh knows no command by name: a page is one list, of messages and nothing else, and
//! whether there are `more`.

use jiff::{Timestamp, Zoned};
use proto::{Description, Incoming, write_line};
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::link::Received;
use crate::mention::Reader;
use crate::show::{Lead, said, said_behind};
use crate::style::Style;

/// On a terminal with fewer columns there is no time beside the number.
const COLUMNS_FOR_TIME_MIN: usize = 60;

/// What says where a page begins: the next one begins elsewhere.
const BOUNDS: [&str; 3] = ["before", "after", "since"];

/// The option that marks messages as read, and the last that is.
const READ: &str = "read";

/// Messages, oldest first.
pub(crate) struct Page<'a> {
    messages: Vec<&'a Map<String, Value>>,
    has_more: bool,
    /// Up to which they are marked as read, where they can be.
    read: Option<i64>,
}

impl Page<'_> {
    /// The page that `reply` is, if it is one.
    pub(crate) fn of(reply: &Incoming) -> Option<Page<'_>> {
        let has_more = reply.data.get("more")?.as_bool()?;
        let mut lists = reply.data.values().filter_map(Value::as_array);
        let (Some(list), None) = (lists.next(), lists.next()) else { return None };
        if reply.message.is_some() || reply.data.values().any(Value::is_object) {
            return None;
        }
        let message = |item| Value::as_object(item).filter(|item| is_said(item));
        let messages = list.iter().map(message).collect::<Option<_>>()?;
        Some(Page { messages, has_more, read: reply.data.get(READ).and_then(Value::as_i64) })
    }

    /// The page of these messages.
    pub(crate) fn of_messages<'a>(messages: impl Iterator<Item = &'a Received>) -> Page<'a> {
        let messages = messages.map(|said| &said.message.data).collect();
        Page { messages, has_more: false, read: None }
    }

    /// How many messages it has.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The messages as they are said; none if there are none.
    pub(crate) fn lines(&self, style: Style) -> Option<String> {
        let lines: Vec<_> =
            self.messages.iter().filter_map(|message| said(message, style)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// The messages, each behind its number, by which it can be changed, and the time of
    /// the clock on the wall.
    pub(crate) fn numbered(&self, now: &Zoned, reader: &Reader, style: Style) -> String {
        let has_time = style.columns().is_none_or(|columns| columns >= COLUMNS_FOR_TIME_MIN);
        let times = if has_time { self.times(now) } else { vec![None; self.messages.len()] };
        let numbers: Vec<_> = self.messages.iter().map(|message| seq(message)).collect();
        let numbers: Vec<_> = numbers
            .into_iter()
            .map(|number| number.map_or(String::new(), |number| number.to_string()))
            .collect();
        let longest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text.width()).max().unwrap_or_default()
        };
        let number_width = longest(&mut numbers.iter());
        let time_width = longest(&mut times.iter().flatten());
        let line =
            |((message, number), time): ((&&Map<String, Value>, &String), &Option<String>)| {
                let mut lead = format!("{number:>number_width$}");
                if time_width > 0 {
                    lead += &format!(" {:time_width$}", time.as_deref().unwrap_or_default());
                }
                let lead =
                    Lead { width: lead.width() + 2, shown: format!("{}  ", style.dim(&lead)) };
                said_behind(&lead, message, reader, style)
            };
        let lines = self.messages.iter().zip(&numbers).zip(&times).filter_map(line);
        lines.collect::<Vec<_>>().join("\n")
    }

    /// When each was said: the time alone if all were said today.
    fn times(&self, now: &Zoned) -> Vec<Option<String>> {
        let local = |message: &&Map<String, Value>| {
            let time: Timestamp = message.get("ts")?.as_str()?.parse().ok()?;
            Some(time.to_zoned(now.time_zone().clone()))
        };
        let times: Vec<_> = self.messages.iter().map(local).collect();
        let is_today = times.iter().flatten().all(|time| time.date() == now.date());
        let format = if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        times.into_iter().map(|time| time.map(|time| time.strftime(format).to_string())).collect()
    }

    /// How to get those that did not fit, if there are such: what was `asked` of
    /// `command`, from another place on.
    pub(crate) fn more(
        &self,
        command: Option<&Description>,
        asked: &Map<String, Value>,
    ) -> Option<String> {
        let line = || {
            let command = command?;
            let takes = |name: &str| command.args.iter().any(|arg| arg.name == name);
            let is_forward = asked.contains_key("after") || asked.contains_key("since");
            let (bound, message) = match !is_forward && takes("before") {
                true => ("before", self.messages.first()),
                false => ("after", self.messages.last()),
            };
            let seq = message.and_then(|message| seq(message)).filter(|_| takes(bound))?;
            let mut data = asked.clone();
            data.retain(|name, _| !BOUNDS.contains(&name.as_str()));
            data.insert(bound.into(), seq.into());
            Some(write_line(command, &data))
        };
        let how = line().map_or(String::new(), |line| format!(": {line}"));
        self.has_more.then(|| format!("there are more{how}"))
    }

    /// What to say when what was `asked` has brought none.
    pub(crate) fn emptiness(&self, asked: &Map<String, Value>) -> String {
        match self.read {
            Some(seq) if asked.contains_key(READ) => format!("marked as read up to {seq}"),
            Some(_) if asked.is_empty() => "no unread messages".into(),
            _ => "no messages".into(),
        }
    }

    /// How to mark these as read, if `command` does that and not all of them are.
    pub(crate) fn mark(&self, command: Option<&Description>) -> Option<String> {
        let command = command.filter(|command| command.args.iter().any(|arg| arg.name == READ));
        let last =
            seq(self.messages.last()?).filter(|&last| self.read.is_none_or(|read| read < last))?;
        let data = Map::from_iter([(READ.to_owned(), last.into())]);
        Some(format!("to mark them as read: {}", write_line(command?, &data)))
    }
}

/// Can it be shown as somebody's words?
fn is_said(message: &Map<String, Value>) -> bool {
    ["from", "text"].iter().all(|name| message.get(*name).is_some_and(Value::is_string))
}

fn seq(message: &Map<String, Value>) -> Option<i64> {
    message.get("seq")?.as_i64()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::tz::{TimeZone, offset};
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn reply(data: Value) -> Incoming {
        serde_json::from_value(json!({ "type": "x", "status": "ok", "data": data })).unwrap()
    }

    fn messages() -> Value {
        json!([
            { "seq": 9, "from": "ann", "to": "public", "text": "one", "ts": "2026-01-01T22:59:59.000Z" },
            { "seq": 10, "from": "bob", "to": "ann", "text": "two\nlines", "ts": "2026-01-01T23:00:00.000Z" },
            { "seq": 111, "from": "bob", "to": "public", "text": "", "redacted": {} },
        ])
    }

    #[test]
    fn messages_and_whether_there_are_more_are_a_page() {
        let is_page = |data| Page::of(&reply(data)).is_some();
        assert!(is_page(json!({ "room": "ops", "messages": messages(), "more": true })));
        assert!(is_page(json!({ "found": [], "read": 3, "more": false })));
        for data in [
            json!({ "messages": messages() }),
            json!({ "messages": messages(), "more": 1 }),
            json!({ "messages": [{ "from": "ann" }], "more": false }),
            json!({ "messages": ["ann"], "more": false }),
            json!({ "messages": [], "others": [], "more": false }),
            json!({ "messages": [], "room": {}, "more": false }),
            json!({ "more": false }),
        ] {
            assert!(!is_page(data.clone()), "{data}");
        }
    }

    #[test]
    fn a_page_is_its_messages() {
        let lines =
            |data| Page::of(&reply(data)).unwrap().lines(Style::NONE).unwrap_or("nothing".into());
        expect![[r#"
            ann: one
            bob => ann: two
                      │ lines
            bob: (taken back)"#]]
        .assert_eq(&lines(json!({ "room": "ops", "messages": messages(), "more": false })));
        assert_eq!(lines(json!({ "messages": [], "more": false })), "nothing");
    }

    #[track_caller]
    fn check(now: &str, columns: usize, expected: Expect) {
        let reply = reply(json!({ "messages": messages(), "more": true }));
        let zone = TimeZone::fixed(offset(1));
        let now = now.parse::<Timestamp>().unwrap().to_zoned(zone);
        let style = Style::NONE.within(columns);
        expected.assert_eq(&Page::of(&reply).unwrap().numbered(&now, &Reader::default(), style));
    }

    #[test]
    fn numbers_and_times_stand_before_the_names() {
        check(
            "2026-01-02T12:00:00Z",
            80,
            expect![[r#"
                  9 2026-01-01 23:59  ann: one
                 10 2026-01-02 00:00  bob => ann: two
                                                │ lines
                111                   bob: (taken back)"#]],
        );
        let mut today = messages();
        today.as_array_mut().unwrap().remove(0);
        let reply = reply(json!({ "messages": today, "more": true }));
        let zone = TimeZone::fixed(offset(1));
        let now = "2026-01-02T12:00:00Z".parse::<Timestamp>().unwrap().to_zoned(zone);
        let page = Page::of(&reply).unwrap();
        expect![[r#"
             10 00:00  bob => ann: two
                                 │ lines
            111        bob: (taken back)"#]]
        .assert_eq(&page.numbered(&now, &Reader::default(), Style::NONE));
        check(
            "2026-01-02T12:00:00Z",
            40,
            expect![[r#"
                  9  ann: one
                 10  bob => ann: two
                               │ lines
                111  bob: (taken back)"#]],
        );
    }

    #[test]
    fn what_is_not_read_can_be_marked() {
        let mark = |name: &str, read: i64| {
            let catalogue = testing::catalogue();
            let reply = reply(json!({ "messages": messages(), "more": false, "read": read }));
            Page::of(&reply).unwrap().mark(catalogue.find(name))
        };
        let line = mark("mail", 110);
        assert_eq!(line.as_deref(), Some("to mark them as read: /mail --read=111"));
        assert_eq!(mark("mail", 111), None);
        assert_eq!(mark("past", 110), None);
    }

    #[test]
    fn the_next_page_is_a_line_to_type() {
        let more = |name: &str, asked: Value| {
            let catalogue = testing::catalogue();
            let reply = reply(json!({ "messages": messages(), "more": true }));
            let asked = asked.as_object().unwrap();
            Page::of(&reply).unwrap().more(catalogue.find(name), asked).unwrap()
        };
        assert_eq!(more("past", json!({})), "there are more: /past --before=9");
        assert_eq!(
            more("past", json!({ "before": 200, "limit": 3, "search": "two words" })),
            "there are more: /past --before=9 --limit=3 --search='two words'"
        );
        assert_eq!(more("past", json!({ "after": 3 })), "there are more: /past --after=111");
        assert_eq!(more("past", json!({ "since": "…" })), "there are more: /past --after=111");
        assert_eq!(more("mail", json!({})), "there are more: /mail --after=111");
        assert_eq!(more("roll", json!({})), "there are more");
        assert_eq!(more("nothing", json!({})), "there are more");
        let all = reply(json!({ "messages": messages(), "more": false }));
        assert_eq!(Page::of(&all).unwrap().more(None, &Map::new()), None);
    }
}
