//! A shell line and the request that it stands for.
//!
//! `/command arguments`: required fields by position, quoted as in a shell, optional
//! ones as `--field value`; a last field of kind text takes the rest of the line as it
//! stands. `--` ends the options. Any other line is said in the room.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::catalogue::nearest;
use crate::{Arg, Description, Kind, help, usage};

/// A line, before anyone knows which commands there are.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Blank, or, in a script, a comment.
    Nothing,
    /// `/name arguments`.
    Command {
        /// The word behind the slash; it may be empty.
        name: &'a str,
        /// What follows the name and one space.
        arguments: &'a str,
        /// Where `arguments` begin in the line, in characters, from 1.
        column: usize,
    },
    /// To be said in the room. A line `//x` says `/x`.
    Said(&'a str),
}

/// Reads a line without its end. `in_script`: a `#` in front makes it a comment.
pub fn read_line(line: &str, in_script: bool) -> Line<'_> {
    if line.trim().is_empty() || (in_script && line.starts_with('#')) {
        return Line::Nothing;
    }
    match line.strip_prefix('/') {
        None => Line::Said(line),
        Some(rest) if rest.starts_with('/') => Line::Said(rest),
        Some(rest) => {
            let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            Line::Command { name, arguments, column: name.chars().count() + 3 }
        }
    }
}

/// Why arguments are not those of a command, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LineError {
    /// Where in the arguments, in characters, from 0.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// The data that the arguments of a line stand for.
///
/// Only the form is looked at; whether a value can be is for the server to say.
///
/// # Errors
/// An argument too many or too few, an option that the command does not have, a value
/// of the wrong type, a quote without its end.
pub fn request_of(command: &Description, arguments: &str) -> Result<Map<String, Value>, LineError> {
    let mut words = Words { text: arguments, at: 0 };
    let mut given = Map::new();
    let mut positional = command.args.iter().filter(|arg| arg.required).peekable();
    let mut options_over = false;
    // The option that stands right before, with its value.
    let mut last: Option<(String, Value)> = None;
    loop {
        let before = words.at;
        let next = positional.peek();
        let rest = next.is_some_and(|arg| arg.rest);
        words.skip_blanks();
        let start = words.at;
        if !options_over && words.is_option() {
            let word = words.next_word()?.unwrap_or_default();
            if word == "--" {
                options_over = true;
            } else {
                let (name, value) = option(command, &word, &mut words, start)?;
                last = Some((name.clone(), value.clone()));
                if given.insert(name, value).is_some() {
                    return Err(words.error(start, format!("{word} stands twice")));
                }
            }
            continue;
        }
        if rest && start < arguments.len() {
            // One blank separates; those after it belong to the text.
            words.at = before;
            words.skip_one_blank();
            let arg = positional.next().expect("it was peeked at");
            given.insert(arg.name.clone(), arguments[words.at..].into());
            break;
        }
        let Some(word) = words.next_word()? else { break };
        let Some(arg) = positional.next() else {
            let message = one_too_many(command, &word, last, &given, &arguments[start..]);
            return Err(words.error(start, message));
        };
        last = None;
        given.insert(arg.name.clone(), words.value(arg, &word, start)?);
    }
    if let Some(missing) = positional.next() {
        let message = format!("{} is missing: {}", missing.name, usage(command));
        return Err(words.error(arguments.len(), message));
    }
    // In the order of the fields, whatever the order on the line.
    let ordered = command.args.iter().filter_map(|arg| given.remove_entry(&arg.name));
    Ok(ordered.collect())
}

/// What to say of `word`, which begins the `rest` of the arguments, behind the option `last` and
/// all that was `given`.
fn one_too_many(
    command: &Description,
    word: &str,
    last: Option<(String, Value)>,
    given: &Map<String, Value>,
    rest: &str,
) -> String {
    // Behind all that there has to be.
    let mut options = command.args.iter().filter(|arg| !arg.required && !given.is_empty());
    let kind = match rest.trim_end().parse::<i64>() {
        Ok(_) => Kind::Integer,
        Err(_) => Kind::Text,
    };
    let meant = options.find(|arg| arg.kind == kind && !given.contains_key(&arg.name));
    let advice = match last {
        Some((name, Value::String(value))) => {
            let is_option = |word: &str| {
                let name = word.strip_prefix("--").map(|option| split_option(option).0);
                command.args.iter().any(|arg| !arg.required && Some(&*arg.name) == name)
            };
            let mut begins = rest.match_indices(" --").map(|(at, _)| at);
            let end =
                begins.find(|at| rest[*at..].split_whitespace().next().is_some_and(is_option));
            let (part, options) = rest.split_at(end.unwrap_or(rest.len()));
            let value = format!("{value} {}", unquoted(part));
            let options = options.trim_end();
            format!("if it is part of {name}, quote it: --{name} {}{options}", quoted(&value))
        }
        _ if command.args.iter().any(|arg| !arg.required && arg.name == word) => {
            format!("if it is the option, say --{}", rest.trim_end())
        }
        _ if let Some(Arg { name, .. }) = meant.filter(|_| !rest.contains("--")) => {
            format!("if it is the {name}, say --{name} {}", quoted(&unquoted(rest)))
        }
        _ => usage(command),
    };
    format!("{word:?} is one argument too many: {advice}")
}

/// The words of `text` without their quotes; as it stands, if these are not all closed.
fn unquoted(text: &str) -> Cow<'_, str> {
    let mut words = Words { text, at: 0 };
    let mut plain = Vec::new();
    loop {
        words.skip_blanks();
        match words.next_word() {
            Ok(Some(word)) => plain.push(word),
            Ok(None) => return plain.join(" ").into(),
            Err(_) => return text.trim_end().into(),
        }
    }
}

/// The option `word`, whose value may be the next word.
fn option(
    command: &Description,
    word: &str,
    words: &mut Words<'_>,
    start: usize,
) -> Result<(String, Value), LineError> {
    let (name, inline) = split_option(&word[2..]);
    let optional = || command.args.iter().filter(|arg| !arg.required);
    let Some(arg) = optional().find(|arg| arg.name == name) else {
        let hint = match nearest(name, optional().map(|arg| arg.name.as_str())) {
            Some(near) => format!("did you mean --{near}?"),
            None => usage(command),
        };
        let has_text = command.args.iter().any(|arg| arg.rest);
        let end = if has_text { " (-- ends the options)" } else { "" };
        return Err(words.error(start, format!("there is no option --{name}: {hint}{end}")));
    };
    let value = match inline {
        Some(value) => value.to_owned(),
        None if arg.kind == Kind::Boolean => "true".into(),
        None => {
            words.skip_blanks();
            match words.next_word()? {
                Some(value) => value.into_owned(),
                None => return Err(words.error(start, wants_value(arg))),
            }
        }
    };
    Ok((arg.name.clone(), words.value(arg, &value, start)?))
}

fn wants_value(arg: &Arg) -> String {
    let what = if arg.summary.is_empty() { "" } else { ": " };
    format!("--{} wants a value{what}{}", arg.name, help::plain(&arg.summary))
}

/// The name of an option, which stands behind two dashes, and the value that goes with it.
fn split_option(option: &str) -> (&str, Option<&str>) {
    match option.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (option, None),
    }
}

/// The line that stands for `data`: the opposite of [`request_of`].
///
/// Fields that the command does not have are left out.
pub fn write_line(command: &Description, data: &Map<String, Value>) -> String {
    let mut line = format!("/{}", command.spec.name);
    for arg in command.args.iter().filter(|arg| !arg.required) {
        if let Some(value) = data.get(&arg.name).filter(|value| !value.is_null()) {
            line.push_str(&format!(" --{}={}", arg.name, quoted(&plain(value))));
        }
    }
    let required: Vec<_> = command
        .args
        .iter()
        .filter(|arg| arg.required)
        .filter_map(|arg| data.get(&arg.name).map(|value| (arg, plain(value))))
        .collect();
    if required.iter().any(|(_, value)| value.starts_with('-')) {
        line.push_str(" --");
    }
    for (arg, value) in required {
        line.push(' ');
        line.push_str(&if arg.rest { value } else { quoted(&value) });
    }
    line
}

/// A value without the signs of JSON.
fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => Cow::Owned(items.iter().map(plain).collect::<Vec<_>>().join(",")),
        other => Cow::Owned(other.to_string()),
    }
}

/// A word in single quotes, if it needs them: a line has it as one word.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '\'' | '"' | '\\');
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// The words of a line, as a shell cuts them.
struct Words<'a> {
    text: &'a str,
    /// Where the next word begins, in bytes.
    at: usize,
}

impl Words<'_> {
    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn skip_one_blank(&mut self) {
        if let Some(blank) = self.text[self.at..].chars().next().filter(|c| c.is_whitespace()) {
            self.at += blank.len_utf8();
        }
    }

    fn is_option(&self) -> bool {
        self.text[self.at..].starts_with("--")
    }

    /// The word that begins here, without its quotes.
    fn next_word(&mut self) -> Result<Option<Cow<'static, str>>, LineError> {
        let start = self.at;
        let mut word = String::new();
        let mut quote = None;
        let mut chars = self.text[start..].char_indices();
        let mut end = self.text.len();
        while let Some((offset, c)) = chars.next() {
            match (quote, c) {
                (None, c) if c.is_whitespace() => {
                    end = start + offset;
                    break;
                }
                (None, '\'' | '"') => quote = Some((c, start + offset)),
                (Some((open, _)), c) if c == open => quote = None,
                (None | Some(('"', _)), '\\') => match chars.next() {
                    // In double quotes a backslash stands for itself before other signs.
                    Some((_, c)) if quote.is_none() || matches!(c, '"' | '\\') => word.push(c),
                    Some((_, c)) => word.extend(['\\', c]),
                    None => {
                        return Err(
                            self.error(self.text.len(), "nothing follows the last \\".into())
                        );
                    }
                },
                (_, c) => word.push(c),
            }
        }
        if let Some((quote, at)) = quote {
            return Err(self.error(at, format!("the quote {quote} is never closed")));
        }
        self.at = end;
        Ok((end > start).then_some(Cow::Owned(word)))
    }

    fn value(&self, arg: &Arg, word: &str, start: usize) -> Result<Value, LineError> {
        let wrong = |what: &str| self.error(start, format!("{}: {word:?} is not {what}", arg.name));
        match arg.kind {
            Kind::Integer => word
                .parse::<i64>()
                .map(|n| Value::Number(Number::from(n)))
                .map_err(|_| wrong("a whole number")),
            Kind::Boolean => {
                word.parse::<bool>().map(Value::Bool).map_err(|_| wrong("\"true\" or \"false\""))
            }
            Kind::List => Ok(word.split(',').filter(|item| !item.is_empty()).collect()),
            _ => Ok(word.into()),
        }
    }

    fn error(&self, at: usize, message: String) -> LineError {
        LineError { column: self.text[..at].chars().count(), message }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemars::JsonSchema;

    use super::*;
    use crate::{Addressee, RoomName, Spec, States, Text};

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Msg {
        to: Addressee,
        text: Text,
        key: Option<String>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Create {
        room: RoomName,
        count: Option<u32>,
        private: Option<bool>,
        tags: Option<Vec<String>>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Found {
        room: RoomName,
        topic: Option<String>,
        private: Option<bool>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Kick {
        username: String,
        reason: Option<crate::Text>,
    }

    fn command<T: JsonSchema>(name: &'static str) -> Description {
        Description::of::<T, ()>(&Spec::new(name, States::ANY, "", ""))
    }

    fn check<T: JsonSchema>(arguments: &str, expected: &str) {
        let result = match request_of(&command::<T>("x"), arguments) {
            Ok(data) => Value::Object(data).to_string(),
            Err(error) => format!("{}: {}", error.column, error.message),
        };
        assert_eq!(result, expected, "{arguments:?}");
    }

    #[test]
    fn a_line_is_a_command_or_is_said() {
        let command = |name, arguments, column| Line::Command { name, arguments, column };
        assert_eq!(read_line("/enter attic", true), command("enter", "attic", 8));
        assert_eq!(read_line("/list", false), command("list", "", 7));
        assert_eq!(read_line("/", false), command("", "", 3));
        assert_eq!(read_line("//etc is a folder", true), Line::Said("/etc is a folder"));
        assert_eq!(read_line(" hello", true), Line::Said(" hello"));
        assert_eq!(read_line("  \t", true), Line::Nothing);
        assert_eq!(read_line("# a comment", true), Line::Nothing);
        assert_eq!(read_line("# a heading", false), Line::Said("# a heading"));
    }

    #[test]
    fn the_text_takes_the_rest_of_the_line_as_it_stands() {
        check::<Msg>("bob it's \"so\" \\o/ ", r#"{"to":"bob","text":"it's \"so\" \\o/ "}"#);
        check::<Msg>("bob   two more blanks", r#"{"to":"bob","text":"  two more blanks"}"#);
        check::<Msg>("--key k1 bob hi", r#"{"to":"bob","text":"hi","key":"k1"}"#);
        check::<Msg>("bob --key=k1 hi --key", r#"{"to":"bob","text":"hi --key","key":"k1"}"#);
        check::<Msg>("bob -- --key", r#"{"to":"bob","text":"--key"}"#);
        check::<Msg>("public --  x", r#"{"to":"public","text":" x"}"#);
        check::<Msg>("bob", "3: text is missing: /x TO [--key KEY] TEXT...");
        check::<Msg>("bob  ", "5: text is missing: /x TO [--key KEY] TEXT...");
        check::<Msg>(
            "bob --kye k hi",
            "4: there is no option --kye: did you mean --key? (-- ends the options)",
        );
        check::<Msg>("bob --key", "4: --key wants a value");
        check::<Msg>("--key a --key b bob hi", "8: --key stands twice");
    }

    #[test]
    fn arguments_are_quoted_as_in_a_shell_and_have_their_types() {
        check::<Create>("attic", r#"{"room":"attic"}"#);
        check::<Create>(r#""a b" --count 3"#, r#"{"room":"a b","count":3}"#);
        check::<Create>("--private 'it''s'", r#"{"room":"its","private":true}"#);
        check::<Create>("--private=false a\\ b", r#"{"room":"a b","private":false}"#);
        check::<Create>("--tags x,y attic", r#"{"room":"attic","tags":["x","y"]}"#);
        check::<Create>("''", r#"{"room":""}"#);
        check::<Create>("attic --count many", "6: count: \"many\" is not a whole number");
        check::<Create>(
            "attic cellar",
            "6: \"cellar\" is one argument too many: /x ROOM [--count COUNT] [--private] [--tags TAGS]",
        );
        check::<Kick>(
            "bob --reason too loud ",
            "17: \"loud\" is one argument too many: if it is part of reason, quote it: --reason 'too loud'",
        );
        check::<Create>(
            "attic --tags new rooms --private --count 3",
            "17: \"rooms\" is one argument too many: /x ROOM [--count COUNT] [--private] [--tags TAGS]",
        );
        // The options behind it are no part of it; it was a public room.
        for options in ["--private", "--private=true"] {
            check::<Found>(
                &format!("sec --topic Ops talk -- and --more {options}"),
                &format!(
                    "16: \"talk\" is one argument too many: if it is part of topic, quote it: \
                     --topic 'Ops talk -- and --more' {options}"
                ),
            );
        }
        check::<Kick>(
            "bob too loud",
            "4: \"too\" is one argument too many: if it is the reason, say --reason 'too loud'",
        );
        check::<Kick>(
            "bob 'too loud'",
            "4: \"too loud\" is one argument too many: if it is the reason, say --reason 'too loud'",
        );
        check::<Create>(
            "attic 3",
            "6: \"3\" is one argument too many: if it is the count, say --count 3",
        );
        check::<Create>(
            "attic private",
            "6: \"private\" is one argument too many: if it is the option, say --private",
        );
        check::<Kick>(
            "--reason loud bob eve",
            "18: \"eve\" is one argument too many: /x USERNAME [--reason REASON]",
        );
        check::<Create>("'attic", "0: the quote ' is never closed");
        check::<Create>("attic\\", "6: nothing follows the last \\");
        check::<Create>(
            "",
            "0: room is missing: /x ROOM [--count COUNT] [--private] [--tags TAGS]",
        );
    }

    proptest! {
        #[test]
        fn a_request_written_as_a_line_reads_back_as_it_was(
            to in "[^\u{0}]{0,12}",
            text in "[^\\n\\s][^\\n]{0,40}",
            key in prop::option::of("[^\u{0}]{0,12}"),
        ) {
            let mut data = Map::new();
            data.insert("to".into(), to.into());
            data.insert("text".into(), text.into());
            if let Some(key) = key {
                data.insert("key".into(), key.into());
            }
            let command = command::<Msg>("msg");
            let line = write_line(&command, &data);
            let arguments = line.strip_prefix("/msg ").unwrap();
            prop_assert_eq!(request_of(&command, arguments), Ok(data), "{}", line);
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in any::<String>()) {
            if let Line::Command { arguments, .. } = read_line(&line, true) {
                let _ = request_of(&command::<Create>("x"), arguments);
            }
            let _ = request_of(&command::<Msg>("x"), &line);
        }
    }
}
