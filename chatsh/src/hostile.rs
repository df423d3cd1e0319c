//! Hostile text through every way to the terminal, as a terminal would read it: only
//! letters and line feeds come of it, and no row of it passes for another's line.

use jiff::Zoned;
use proto::Incoming;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;
use vte::{Params, Parser, Perform};

use crate::book::Book;
use crate::corpus::{VICTIM, corpus};
use crate::mention::Reader;
use crate::said::Message;
use crate::style::{Colour, Style};
use crate::{events, json, safe, show};

/// What a terminal is told to do beside showing letters and line feeds.
#[derive(Default)]
struct Orders(Vec<String>);

impl Perform for Orders {
    fn execute(&mut self, byte: u8) {
        // A tab leads to a column of the same row.
        if !matches!(byte, b'\n' | b'\t') {
            self.0.push(format!("control {byte:#x}"));
        }
    }

    fn print(&mut self, c: char) {
        if c.is_control() {
            self.0.push(format!("control {c:?}"));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        // Our own colours: dim, bold and reverse, the colours of names, red, and none.
        let is_colour = |code: &u16| matches!(code, 0..=2 | 7 | 31..=36 | 91..=95);
        if action != 'm' || !params.iter().flatten().all(is_colour) {
            self.0.push(format!("CSI {action}"));
        }
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.0.push("OSC".into());
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
        self.0.push("DCS".into());
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        self.0.push(format!("ESC {byte:#x}"));
    }
}

/// Claims that a terminal of so many columns is told nothing by `output`, made of `payload`.
#[track_caller]
fn is_harmless(output: &str, payload: &str, path: &str, style: Style) {
    let mut orders = Orders::default();
    Parser::new().advance(&mut orders, output.as_bytes());
    assert!(orders.0.is_empty(), "{path}: {payload:?} orders {:?}: {output:?}", orders.0);
    let has_colours = output.contains('\u{1b}');
    assert!(!has_colours || style.dim("x") != "x", "{path}: {payload:?} has colours of its own");
    let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!output.contains(reorders), "{path}: {payload:?} reorders: {output:?}");
}

/// Claims that no row but the first stands at the margin, or goes on there.
#[track_caller]
fn fakes_nobody(output: &str, payload: &str, path: &str, style: Style) {
    for (number, row) in bare(output).split('\n').enumerate() {
        if number > 0 {
            let is_behind = row.trim_start_matches(' ').starts_with(style.bar());
            assert!(is_behind, "{path}: {payload:?} has a row at the margin: {row:?}");
        }
        if let Some(columns) = style.columns() {
            let width = row.replace('\t', "        ").width();
            assert!(width < columns, "{path}: {payload:?} goes on at the margin: {row:?}");
        }
        assert!(number == 0 || !row.starts_with(VICTIM), "{path}: {payload:?} fakes {row:?}");
    }
}

/// `output` without colours.
fn bare(output: &str) -> String {
    let mut pieces = output.split("\u{1b}[");
    let mut bare = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        bare.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest));
    }
    bare
}

fn frame(kind: &str, data: Value) -> Incoming {
    serde_json::from_value(json!({ "type": kind, "status": "ok", "data": data })).unwrap()
}

fn readers_and_styles() -> Vec<(Reader, Style)> {
    let colours = Style::of(Colour::Always, false, true);
    let plain = Style::of(Colour::Never, true, true);
    let none = [0, 34, 80].map(|columns| Style::NONE.within(columns));
    let styles = [&none[..], &[colours.within(80), plain.within(40)]].concat();
    let ann = Reader::of(Some("ann"));
    let readers = [ann.clone(), ann.at_prompt(Zoned::now(), true)];
    let with = |reader: Reader| styles.iter().map(move |style| (reader.clone(), *style));
    readers.into_iter().flat_map(with).collect()
}

#[test]
fn no_text_drives_the_terminal_or_fakes_a_line() {
    for (ann, style) in readers_and_styles() {
        for text in corpus() {
            let said = json!({ "from": "eve", "to": "public", "text": text, "room": "ops" });
            let whispered = json!({ "from": "eve", "to": "ann", "text": text });
            let page = json!({ "messages": [said] });
            let event =
                |kind: &str, data: Value| events::line(&frame(kind, data), &ann, style).unwrap();
            let was = Message { from: text.clone(), text: text.clone() };
            let again = ann.clone().who_has_read(Some(was));
            let [redacted, edited] = ["redact", "edit"]
                .map(|kind| frame(kind, json!({ "by": "eve", "target": 3, "text": "new" })));
            let outputs = [
                ("redacted", events::line(&redacted, &again, style).unwrap()),
                ("edited", events::line(&edited, &again, style).unwrap()),
                ("push", show::push_to(&ann, &frame("msg", said.clone()), style).unwrap()),
                ("whisper", show::push_to(&ann, &frame("msg", whispered), style).unwrap()),
                ("reply", show::reply_to(&ann, &frame("msg", said), style)),
                ("topic", event("notice", json!({ "what": "topic", "by": "eve", "text": text }))),
                ("kick", event("exit", json!({ "room": "ops", "by": "eve", "reason": text }))),
                ("edit", event("edit", json!({ "by": "eve", "text": text }))),
                (
                    "unknown push",
                    show::push(&frame("x", json!({ "a": text, "b": 1 })), style).unwrap(),
                ),
                ("message", safe::block(&text, 0, style)),
                ("one line", safe::one_line(&text, style)),
            ];
            for (path, output) in outputs {
                is_harmless(&output, &text, path, style);
                if path != "one line" {
                    fakes_nobody(&output, &text, path, style);
                }
            }
            let recent = show::recent(&frame("history", page), "ops", &ann, style).unwrap();
            is_harmless(&recent, &text, "recent", style);
            let (_, first) = recent.split_once('\n').unwrap();
            fakes_nobody(first, &text, "recent", style);
        }
    }
}

#[test]
fn no_name_drives_the_terminal_or_makes_a_line() {
    for (ann, style) in readers_and_styles() {
        for name in corpus() {
            let by =
                |what: &str| json!({ "what": what, "by": name, "username": name, "room": name });
            let said = json!({ "from": name, "to": name, "text": "hi", "room": name });
            let page = json!({ "messages": [said] });
            let lists = json!({ &name: [&name, &name] });
            let outputs = [
                ("push", show::push_to(&ann, &frame("msg", said.clone()), style).unwrap()),
                ("recent", show::recent(&frame("history", page), &name, &ann, style).unwrap()),
                ("list", show::reply(&frame("list", lists), style)),
                ("joined", events::line(&frame("joined", by("x")), &ann, style).unwrap()),
                ("kicked", events::line(&frame("notice", by("kick")), &ann, style).unwrap()),
                ("exit", events::line(&frame("exit", by("x")), &ann, style).unwrap()),
                ("topic", events::topic(&name, style)),
                ("keys", show::reply(&frame(&name, json!({ &name: { &name: &name } })), style)),
                ("items", show::reply(&frame("x", json!({ "a": [{ &name: &name }] })), style)),
                ("nothing", show::reply(&frame(&name, json!({})), style)),
                ("json", json::line(json!({ &name: &name }).to_string().as_bytes())),
            ];
            for (path, output) in outputs {
                is_harmless(&output, &name, path, style);
                let lines =
                    output.split('\n').filter(|line| bare(line).starts_with(VICTIM)).count();
                let is_his_own = name.starts_with(VICTIM);
                assert!(lines == 0 || is_his_own, "{path}: {name:?} makes a line: {output:?}");
            }
        }
    }
}

#[test]
fn no_name_gets_into_the_prompt_as_it_is() {
    for name in corpus() {
        let mut book = Book::new();
        for (kind, data) in [
            ("login", json!({ "username": name, "chatroom": "lobby" })),
            ("enter", json!({ "username": name, "room": name })),
        ] {
            book.hear(&frame(kind, data));
            let prompt = book.prompt(&name);
            is_harmless(&prompt, &name, "prompt", Style::NONE);
            assert!(!prompt.contains('\n'), "{prompt:?}");
        }
        assert!(book.rooms().chain(book.users()).all(|name| !name.contains(char::is_control)));
    }
}
