//! What a typed line can go on with: Tab's candidates, and the hint beside the line.
//! All of it comes from the catalogue and from the names that were heard of.

use std::fs::{self, DirEntry};
use std::io;

use proto::{Arg, Description, Kind, State, arguments, usage};
use serde_json::Value;

use crate::book::Book;
use crate::config::Config;
use crate::words::Words;
use crate::{paths, settings};

/// Where the word begins that ends `line`, in bytes, and what it may become.
///
/// Each candidate ends with the blank that follows it, but for a folder, which goes on.
pub(crate) fn candidates(line: &str, book: &Book) -> (usize, Vec<String>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
    let value_of_option = line[start..]
        .split_once('=')
        .filter(|(option, _)| option.starts_with("--") && line.starts_with('/'));
    let start = start + value_of_option.map_or(0, |(option, _)| option.len() + 1);
    let word = &line[start..];
    let found: Vec<String> = match Typed::read(line, book) {
        Typed::Name(_) => commands(book).map(|name| format!("/{name}")).collect(),
        Typed::Said if word.is_empty() || book.state != State::Chat => Vec::new(),
        Typed::Said if word.starts_with('@') => {
            book.users().map(|user| format!("@{user}")).collect()
        }
        Typed::Said => book.users().map(Into::into).collect(),
        Typed::Arguments { command, next, given, .. } => match next {
            Next::Option => options(command, &given).map(|arg| format!("--{}", arg.name)).collect(),
            Next::Value(arg) => values(command, arg, &given, word, book),
            Next::Nothing => Vec::new(),
        },
        Typed::Unknown => Vec::new(),
    };
    let begun = word.to_lowercase();
    let fitting = found.into_iter().filter(|found| found.to_lowercase().starts_with(&begun));
    let blank = |candidate: &str| if candidate.ends_with('/') { "" } else { " " };
    (start, fitting.map(|candidate| candidate.clone() + blank(&candidate)).collect())
}

/// What is still to be typed after `line`.
pub(crate) fn hint(line: &str, book: &Book) -> Option<String> {
    match Typed::read(line, book) {
        Typed::Name(prefix) if !prefix.is_empty() => {
            let mut fitting = book
                .catalogue
                .allowed(book.state)
                .filter(|command| command.spec.name.starts_with(prefix));
            let command = match (book.catalogue.find(prefix), fitting.next(), fitting.next()) {
                (Some(exact), ..) => exact,
                (None, Some(only), None) => only,
                _ => return None,
            };
            Some(usage(command)[1 + prefix.len()..].to_owned())
        }
        Typed::Arguments { command, position, mut given, next } => {
            let word = line.rsplit(char::is_whitespace).next().unwrap_or_default();
            let value = match next {
                Next::Value(arg) if !arg.required && word.is_empty() => {
                    format!(" {}", arg.name.to_uppercase())
                }
                _ => String::new(),
            };
            given.push(word);
            let rest = value + &arguments(command, position, |arg| is_given(arg, &given));
            let rest = match line.ends_with(char::is_whitespace) {
                true => rest.trim_start().to_owned(),
                false => rest,
            };
            (!rest.is_empty()).then_some(rest)
        }
        Typed::Name(_) | Typed::Said | Typed::Unknown => None,
    }
}

/// How far a line has come.
enum Typed<'a> {
    /// A slash and a part of a name.
    Name(&'a str),
    /// The arguments of a command.
    Arguments {
        command: &'a Description,
        /// The words before the one that is being typed.
        given: Vec<&'a str>,
        /// How many required arguments were begun.
        position: usize,
        /// What the word that is being typed is.
        next: Next<'a>,
    },
    /// Arguments of nobody knows what.
    Unknown,
    /// No command at all.
    Said,
}

/// What a word can be.
enum Next<'a> {
    Value(&'a Arg),
    Option,
    Nothing,
}

impl<'a> Typed<'a> {
    fn read(line: &'a str, book: &'a Book) -> Typed<'a> {
        let Some(rest) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
            return Typed::Said;
        };
        let Some((name, arguments)) = rest.split_once(char::is_whitespace) else {
            return Typed::Name(rest);
        };
        let Some(command) = book.catalogue.find(name) else { return Typed::Unknown };
        let mut given: Vec<_> = Words::new(arguments).map(|(_, word)| word).collect();
        let word = match arguments.is_empty() || arguments.ends_with(char::is_whitespace) {
            true => "",
            false => given.pop().unwrap_or_default(),
        };
        let mut required = command.args.iter().filter(|arg| arg.required);
        let mut awaited = None;
        let mut position = 0;
        for word in &given {
            match (awaited.take(), word.strip_prefix("--")) {
                (Some(_), _) => {}
                (None, Some(option)) => awaited = value_of(command, option),
                (None, None) => {
                    position += 1;
                    if required.next().is_some_and(|arg| arg.rest) {
                        return Typed::Arguments { command, given, position, next: Next::Nothing };
                    }
                }
            }
        }
        let next = match (awaited, required.next()) {
            (Some(arg), _) => Next::Value(arg),
            _ if let Some(option) = word.strip_prefix("--") => match option.split_once('=') {
                Some((option, _)) => value_of(command, option).map_or(Next::Nothing, Next::Value),
                None => Next::Option,
            },
            (None, Some(arg)) => {
                position += usize::from(!word.is_empty());
                Next::Value(arg)
            }
            (None, None) => Next::Option,
        };
        Typed::Arguments { command, given, position, next }
    }
}

/// The option whose value follows, if `option` wants one.
fn value_of<'a>(command: &'a Description, option: &str) -> Option<&'a Arg> {
    let mut optional = command.args.iter().filter(|arg| !arg.required);
    optional.find(|arg| arg.name == option && arg.kind != Kind::Boolean)
}

/// The options that are not given yet.
fn options<'a>(command: &'a Description, given: &[&str]) -> impl Iterator<Item = &'a Arg> {
    command.args.iter().filter(move |arg| !arg.required && !is_given(arg, given))
}

/// Is the option `arg` among the words that are `given`?
fn is_given(arg: &Arg, given: &[&str]) -> bool {
    let options = given.iter().filter_map(|word| word.strip_prefix("--"));
    options.map(|option| option.split('=').next()).any(|option| option == Some(&arg.name))
}

/// What `arg` may be, behind the words that are `given`.
fn values(
    command: &Description,
    arg: &Arg,
    given: &[&str],
    word: &str,
    book: &Book,
) -> Vec<String> {
    match (arg.kind, &*command.spec.name, arg.name.as_str()) {
        (Kind::RoomName, ..) => book.rooms().map(Into::into).collect(),
        (Kind::UserName, ..) => book.users().map(Into::into).collect(),
        (Kind::Addressee, ..) => {
            ["public"].into_iter().chain(book.users()).map(Into::into).collect()
        }
        (Kind::Integer, _, "seq") => book.own_seq.iter().map(i64::to_string).collect(),
        (Kind::Boolean, ..) => ["false", "true"].map(Into::into).into(),
        // What is not allowed here can be explained all the same.
        (_, "help", _) => sorted(book.catalogue.commands.iter()).map(Into::into).collect(),
        (_, "set", "setting") => settings::ALL.map(Into::into).into(),
        (_, "set", _) => {
            let name = given.first().copied().unwrap_or_default();
            settings::choices(name).iter().map(|&choice| choice.into()).collect()
        }
        // One that cannot be read is told of when it is used.
        (_, "connect", _) => Config::read()
            .map_or(Vec::new(), |config| config.hosts.names().map(Into::into).collect()),
        (_, "source", _) => files(word),
        _ => {
            let properties = command.request.get("properties");
            let mut choices = Vec::new();
            properties
                .and_then(|all| all.get(&arg.name))
                .iter()
                .for_each(|schema| collect_choices(schema, &mut choices));
            choices
        }
    }
}

/// The texts of which `schema` wants one, if it says which.
fn collect_choices(schema: &Value, choices: &mut Vec<String>) {
    let text = |value: &Value| value.as_str().map(String::from);
    choices.extend(schema.get("const").and_then(text));
    let listed = schema.get("enum").and_then(Value::as_array);
    choices.extend(listed.into_iter().flatten().filter_map(text));
    let nested = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array());
    nested.flatten().for_each(|schema| collect_choices(schema, choices));
}

/// The files and folders that begin with `word`, but for those that have to be quoted.
fn files(word: &str) -> Vec<String> {
    let folder_len = word.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, begun) = word.split_at(folder_len);
    let read = fs::read_dir(paths::at_home(if folder.is_empty() { "." } else { folder }));
    let name = |entry: io::Result<DirEntry>| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        let is_plain = name.chars().all(|c| c.is_alphanumeric() || "._-+,@".contains(c));
        let is_wanted = name.starts_with(begun) && (!name.starts_with('.') || !begun.is_empty());
        let slash = if entry.path().is_dir() { "/" } else { "" };
        (is_plain && is_wanted).then(|| format!("{folder}{name}{slash}"))
    };
    let mut files: Vec<_> = read.into_iter().flatten().filter_map(name).collect();
    files.sort_unstable();
    files
}

/// The names of the commands that are allowed now, in order.
fn commands(book: &Book) -> impl Iterator<Item = &str> {
    sorted(book.catalogue.allowed(book.state))
}

fn sorted<'a>(commands: impl Iterator<Item = &'a Description>) -> impl Iterator<Item = &'a str> {
    let mut names: Vec<_> = commands.map(|command| &*command.spec.name).collect();
    names.sort_unstable();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn book(state: State) -> Book {
        let mut book = Book::new();
        let told = serde_json::to_value(testing::catalogue()).unwrap();
        book.adopt(told.as_object().unwrap());
        let list = json!({ "attic": ["ann", "bob"], "archive": ["harper"] });
        let frame = json!({ "type": "list", "status": "ok", "data": list });
        book.hear(&serde_json::from_value(frame).unwrap());
        book.state = state;
        book
    }

    #[track_caller]
    fn completes(state: State, line: &str, expected: &[&str]) {
        let (start, found) = candidates(line, &book(state));
        let lines: Vec<_> =
            found.iter().map(|found| format!("{}{found}", &line[..start])).collect();
        assert_eq!(lines, expected, "{line:?}");
    }

    #[test]
    fn commands_that_are_allowed_are_completed() {
        completes(State::Lobby, "/e", &["/enter "]);
        completes(State::Chat, "/e", &["/exit "]);
        completes(State::Auth, "/r", &["/register ", "/resume ", "/roll "]);
        completes(State::Lobby, "/x", &[]);
        completes(State::Lobby, "//e", &[]);
        completes(State::Lobby, "/help lo", &["/help login ", "/help logout "]);
    }

    #[test]
    fn names_are_completed_where_they_belong() {
        completes(State::Lobby, "/enter ", &["/enter archive ", "/enter attic "]);
        completes(State::Lobby, "/enter at", &["/enter attic "]);
        completes(State::Lobby, "/Enter AT", &[]);
        completes(State::Lobby, "/enter AT", &["/enter attic "]);
        completes(State::Lobby, "/enter attic ", &[]);
        completes(State::Chat, "/msg p", &["/msg public "]);
        completes(State::Chat, "/msg ha", &["/msg harper "]);
        completes(State::Chat, "/msg harper a", &[]);
        completes(State::Chat, "/msg harper hello a", &[]);
        completes(State::Chat, "ask ha", &["ask harper "]);
        completes(State::Chat, "ask @ha", &["ask @harper "]);
        completes(State::Lobby, "ask ha", &[]);
        completes(State::Lobby, "/wait --from b", &["/wait --from bob "]);
        completes(State::Lobby, "/wait --from=b", &["/wait --from=bob "]);
        completes(State::Lobby, "/wait --form=b", &[]);
    }

    #[test]
    fn options_are_completed_once() {
        completes(State::Lobby, "/create ops --p", &["/create ops --private "]);
        completes(State::Lobby, "/create --private ops --p", &[]);
        completes(State::Lobby, "/wait --from=bob --m", &["/wait --from=bob --match "]);
        completes(State::Lobby, "/wait --from=bob --f", &[]);
        completes(State::Lobby, "/wait ", &["/wait --from ", "/wait --match ", "/wait --timeout "]);
        completes(
            State::Auth,
            "/resume t0p --room a",
            &["/resume t0p --room archive ", "/resume t0p --room attic "],
        );
    }

    #[test]
    fn what_has_few_values_is_completed() {
        completes(State::Auth, "/set c", &["/set color ", "/set clock "]);
        completes(
            State::Auth,
            "/set color ",
            &["/set color auto ", "/set color always ", "/set color never "],
        );
        completes(State::Auth, "/set bell o", &["/set bell on ", "/set bell off "]);
        completes(State::Auth, "/set history ", &[]);
        let schema = json!({ "anyOf": [
            { "oneOf": [{ "const": "all" }, { "enum": ["since_join"] }] }, { "type": "null" },
        ] });
        let mut choices = Vec::new();
        collect_choices(&schema, &mut choices);
        assert_eq!(choices, ["all", "since_join"]);
    }

    #[test]
    fn files_are_completed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        for name in ["a.chat", "a b", ".a"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("attic")).unwrap();
        let line = format!("/source {folder}/");
        completes(State::Auth, &line, &[&format!("{line}a.chat "), &format!("{line}attic/")]);
        completes(State::Auth, &format!("{line}.a"), &[&format!("{line}.a ")]);
        completes(State::Auth, &format!("{line}x/y"), &[]);
    }

    #[track_caller]
    fn hints(line: &str, expected: &str) {
        assert_eq!(hint(line, &book(State::Lobby)).unwrap_or_default(), expected, "{line:?}");
    }

    #[test]
    fn a_hint_says_what_is_still_to_come() {
        hints("/ent", "er ROOM");
        hints("/enter", " ROOM");
        hints("/enter ", "ROOM");
        hints("/enter a", "");
        hints("/create ops", " [--private]");
        hints("/msg", " TO [--key KEY] TEXT...");
        hints("/msg bob ", "[--key KEY] TEXT...");
        hints("/msg bob hi", "");
        hints("/create --private", " ROOM");
        hints("/create --private ", "ROOM");
        hints("/create ops --private", "");
        hints("/wait --from ", "FROM [--match MATCH] [--timeout TIMEOUT]");
        hints("/wait --from bob ", "[--match MATCH] [--timeout TIMEOUT]");
        hints("/login", " USERNAME PASSWORD");
        hints("/login har", " PASSWORD");
        hints("/login harper ", "PASSWORD");
        hints("/l", "");
        hints("/", "");
        hints("/xyzzy ", "");
        hints("hello", "");
    }
}
