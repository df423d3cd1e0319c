//! The parts of the manual pages that the code knows best.

use clap::{Arg, Command};
use proto::{Catalogue, Code, Description, Line, Push, State, States, read_line, request_of};
use serde_json::{Map, Value, json};

use crate::roff::{bold, example, italic, item, text};

/// The options of a program, in the order of its help.
pub fn options(command: &Command) -> String {
    let mut command = command.clone();
    command.build();
    command.get_arguments().map(option).collect()
}

fn option(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| bold(&format!("-{short}")));
    let long = arg.get_long().map(|long| bold(&format!("--{long}")));
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.map(|names| italic(names[0].as_str()));
    let names = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let tag = [Some(names), value].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut paragraphs: Vec<String> = help.split("\n\n").map(sentence).collect();
    if arg.get_action().takes_values() && !arg.is_positional() {
        let values = arg.get_possible_values();
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(|v| format!("`{}`", v.get_name())).collect();
            paragraphs.push(format!("One of {}.", values.join(", ")));
        }
        if let [default] = arg.get_default_values() {
            paragraphs.push(format!("By default `{}`.", default.display()));
        }
    }
    item_of(tag.trim(), &paragraphs)
}

/// An item with so many paragraphs.
fn item_of(tag: &str, paragraphs: &[String]) -> String {
    let mut paragraphs = paragraphs.iter();
    let mut written = item(tag, paragraphs.next().map_or("", String::as_str));
    paragraphs.for_each(|paragraph| written.push_str(&format!(".IP\n{}", text(paragraph))));
    written
}

/// One line that ends with a full stop.
fn sentence(words: &str) -> String {
    let words = words.replace('\n', " ");
    let end = if words.ends_with(['.', ']', ':']) { "" } else { "." };
    format!("{words}{end}")
}

/// The sub-commands of a program, and theirs.
pub fn sub_commands(command: &Command) -> String {
    let all = command.get_subcommands().map(|sub| sub_command(sub, ""));
    all.collect()
}

fn sub_command(command: &Command, before: &str) -> String {
    let name = format!("{before}{}", command.get_name());
    if command.has_subcommands() {
        let inner = command.get_subcommands().map(|sub| sub_command(sub, &format!("{name} ")));
        return inner.collect();
    }
    let values = command.get_positionals().map(|arg| format!(" {}", value_name(arg)));
    let tag = bold(&name) + &values.collect::<String>();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    item(&tag, &sentence(&about))
}

/// The verbs of a program, each with the options that are its own.
pub fn verbs(command: &Command) -> String {
    let verb = |verb: &Command| {
        let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string);
        let values = verb.get_positionals().map(|arg| {
            let name = italic(arg.get_value_names().map_or("", |names| names[0].as_str()));
            let many = if matches!(arg.get_action(), clap::ArgAction::Append) { "..." } else { "" };
            match arg.is_required_set() {
                true => format!(" {name}{many}"),
                false => format!(" [{name}{many}]"),
            }
        });
        let tag = bold(verb.get_name()) + &values.collect::<String>();
        let options: String = verb.get_arguments().map(option).collect();
        let options = match options.as_str() {
            "" => String::new(),
            options => format!(".RS\n{options}.RE\n"),
        };
        let paragraphs: Vec<_> = about.unwrap_or_default().split("\n\n").map(sentence).collect();
        item_of(&tag, &paragraphs) + &options
    };
    command.get_subcommands().map(verb).collect()
}

fn value_name(arg: &Arg) -> String {
    italic(&arg.get_id().as_str().to_uppercase())
}

/// What stands under "Exit codes:" in the help.
pub fn exit_codes(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip_while(|line| *line != "Exit codes:").skip(1);
    let codes = lines.map_while(|line| line.trim().split_once(' '));
    let codes = codes.take_while(|(code, _)| code.parse::<u8>().is_ok());
    codes.map(|(code, meaning)| item(&bold(code), &sentence(meaning.trim()))).collect()
}

/// The keys of the configuration.
pub fn keys() -> String {
    let key = |key: &chatd::config::Key| {
        let default = match key.default {
            "" => "not set".into(),
            default => format!("= {}", crate::roff::literal(default)),
        };
        item(&format!("{} {default}", bold(key.name)), key.help)
    };
    chatd::config::KEYS.iter().map(key).collect()
}

/// The keys of a host that has a name.
pub fn host_keys() -> String {
    chatsh::hosts::KEYS.iter().map(|key| item(&bold(key.name), key.help)).collect()
}

/// The states, and what can be done in each.
pub fn states(catalogue: &Catalogue) -> String {
    let state = |state: State| {
        let way = |command: &Description| match command.spec.leads_to {
            to if to.is_empty() => format!("`{}`", command.spec.name),
            to => format!("`{}` (leads to {})", command.spec.name, names(to)),
        };
        let ways: Vec<_> = catalogue.allowed(state).map(way).collect();
        item(&bold(state.name()), &format!("{}.", ways.join(", ")))
    };
    States::ANY.iter().map(state).collect()
}

fn names(states: States) -> String {
    states.iter().map(State::name).collect::<Vec<_>>().join(" or ")
}

/// Every command, with its data and an example.
pub fn commands(catalogue: &Catalogue) -> String {
    catalogue.commands.iter().map(command).collect()
}

fn command(command: &Description) -> String {
    let spec = &command.spec;
    let mut page = format!(".SS {}\n", spec.name);
    page.push_str(&text(&sentence(&spec.summary)));
    let place = match spec.states {
        States::ANY => "Allowed in every state.".into(),
        states => format!(
            "Allowed in {}.",
            states.iter().map(State::name).collect::<Vec<_>>().join(" and ")
        ),
    };
    let way = match spec.leads_to {
        to if to.is_empty() => String::new(),
        to => format!(" Leads to {}.", names(to)),
    };
    let pace = match spec.pipelined {
        true => " Further ones may be sent before the reply has come.",
        false => "",
    };
    let end = if spec.irreversible { " Cannot be undone." } else { "" };
    page.push_str(&text(&format!("{place}{way}{pace}{end}")));
    page.push_str(&data("Data of the request:", "may be left out", &command.request));
    let reply = data("Data of the reply:", "not always there", &command.reply);
    assert!(
        !reply.is_empty() || command.reply["type"] == "null",
        "{}: {}",
        spec.name,
        command.reply
    );
    page.push_str(&reply);
    page.push_str(
        ".PP\nExample, as a line of\n.BR chatsh (1)\nand as the body of a frame:\n.PP\n.RS 4\n",
    );
    page.push_str(&example([&*spec.example, &body(command)]));
    page.push_str(".RE\n");
    page
}

fn data(title: &str, optional: &str, schema: &Value) -> String {
    // One of several.
    if let Some(choices) = schema["anyOf"].as_array() {
        let choice = |(number, choice): (usize, &Value)| {
            let title = if number == 0 { title } else { "Or:" };
            let what = choice["description"].as_str().unwrap_or_default();
            data(&format!("{title} {what}"), optional, choice)
        };
        return choices.iter().enumerate().map(choice).collect();
    }
    let (title, mut items) = (text(title), String::new());
    fields("", optional, schema, &mut items);
    match (items.as_str(), schema["description"].as_str()) {
        ("", None) => String::new(),
        ("", Some(description)) => format!(".PP\n{title}{}", text(description)),
        (items, _) => format!(".PP\n{title}.PD 0\n{items}.PD\n"),
    }
}

/// The fields of an object, those of objects in it behind a dot.
fn fields(before: &str, optional: &str, schema: &Value, items: &mut String) {
    let none = Map::new();
    let is_required = |name: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|field| field == name))
    };
    for (name, field) in schema["properties"].as_object().unwrap_or(&none) {
        let note = if is_required(name) { String::new() } else { format!("; {optional}") };
        let path = format!("{before}{name}");
        let tag = format!("{} ({}{note})", bold(&path), kind(field));
        items.push_str(&item(&tag, field["description"].as_str().unwrap_or_default()));
        fields(&format!("{path}."), optional, field, items);
        fields(&format!("{path}[]."), optional, &field["items"], items);
    }
}

/// What a value is, in words.
fn kind(schema: &Value) -> String {
    if let Some(choice) = schema["anyOf"].get(0) {
        // Or null, which is the same as none.
        return kind(choice);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let names: Vec<&str> = choices.iter().filter_map(|one| one["const"].as_str()).collect();
        return names.join(" or ");
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    };
    match (types.unwrap_or_default(), schema["format"].as_str().unwrap_or_default()) {
        ("array", _) if schema["items"]["oneOf"].is_array() => "list of strings".into(),
        ("array", _) => match kind(&schema["items"]).split_once(" of a ") {
            Some((one, whose)) => format!("list of {one}s of {whose}s"),
            None => format!("list of {}s", kind(&schema["items"])),
        },
        ("string", "user-name") => "name of a user".into(),
        ("string", "room-name") => "name of a room".into(),
        ("string", "addressee") => "public, or name of a user".into(),
        ("string", format @ ("text" | "password" | "token")) => format.into(),
        (name, _) => name.into(),
    }
}

/// The body of the frame that the example of a command stands for.
fn body(command: &Description) -> String {
    let Line::Command { arguments, .. } = read_line(&command.spec.example, true) else {
        panic!("the example of {} is no command", command.spec.name);
    };
    let data = request_of(command, arguments).unwrap();
    let kind = &command.spec.name;
    match data.is_empty() {
        true => json!({ "type": kind }).to_string(),
        false => json!({ "type": kind, "data": data }).to_string(),
    }
}

/// Who must be what to use a command, in each state: the permission matrix.
pub fn roles(catalogue: &Catalogue) -> String {
    let row = |name: &str, cells: [&str; 3]| {
        format!("{name:<12}{:<10}{:<10}{}", cells[0], cells[1], cells[2]).trim_end().to_owned()
    };
    let states = [State::Auth, State::Lobby, State::Chat];
    let mut rows = vec![row("", states.map(State::name))];
    for command in &catalogue.commands {
        let cell = |state| match command.spec.states.contains(state) {
            true => command.spec.role.name(),
            false => "-",
        };
        rows.push(row(&command.spec.name, states.map(cell)));
    }
    format!(".RS 4\n{}.RE\n", example(rows.iter().map(String::as_str)))
}

/// What a server sends without being asked.
pub fn pushes(catalogue: &Catalogue) -> String {
    let push = |push: &Push| {
        let mut page = format!(".SS {} (push)\n{}", push.name, text(&sentence(&push.summary)));
        if let Some(cap) = push.cap {
            page.push_str(&text(&format!("For connections with `{cap}`.")));
        }
        page.push_str(&data("Data:", "not always there", &push.data));
        page
    };
    catalogue.pushes.iter().map(push).collect()
}

/// The capabilities, as the reply to `hello` describes them.
pub fn capabilities(catalogue: &Catalogue) -> String {
    let hello = catalogue.find("hello").expect("a server says hello");
    let all = hello.reply["properties"]["caps"]["items"]["oneOf"].as_array().unwrap();
    let cap = |cap: &Value| {
        item(&bold(cap["const"].as_str().unwrap()), cap["description"].as_str().unwrap())
    };
    all.iter().map(cap).collect()
}

/// The codes of errors.
pub fn codes() -> String {
    Code::ALL.iter().map(|code| item(&bold(code.name()), code.meaning())).collect()
}
