//! Help for people, from the specification of a command.

use std::fmt::Write;

use crate::{Arg, Catalogue, Description, Kind, Role, State, States};

/// How a command is written: `/create ROOM [--topic TOPIC]`.
pub fn usage(command: &Description) -> String {
    format!("/{}{}", command.spec.name, arguments(command, 0, |_| false))
}

/// The arguments of a command behind the first `begun` that have to be there, each behind a
/// blank, and the options that are not given. An option cannot stand behind a text that takes
/// the rest of the line.
pub fn arguments(command: &Description, begun: usize, is_given: impl Fn(&Arg) -> bool) -> String {
    let mut line = String::new();
    let mut required = command.args.iter().filter(|arg| arg.required).skip(begun).peekable();
    while let Some(arg) = required.next_if(|arg| !arg.rest) {
        write!(line, " {}", arg.name.to_uppercase()).expect("a string takes everything");
    }
    let texts = command.args.iter().filter(|arg| arg.required && arg.rest).count();
    if texts > 0 && required.peek().is_none() {
        return line;
    }
    for arg in command.args.iter().filter(|arg| !arg.required && !is_given(arg)) {
        let value = match arg.kind {
            Kind::Boolean => String::new(),
            _ => format!(" {}", arg.name.to_uppercase()),
        };
        write!(line, " [--{}{value}]", arg.name).expect("a string takes everything");
    }
    for arg in required {
        write!(line, " {}...", arg.name.to_uppercase()).expect("a string takes everything");
    }
    line
}

/// How a command is written without what can be left out.
fn required(command: &Description) -> String {
    let mut line = format!("/{}", command.spec.name);
    for arg in command.args.iter().filter(|arg| arg.required) {
        let dots = if arg.rest { "..." } else { "" };
        write!(line, " {}{dots}", arg.name.to_uppercase()).expect("a string takes everything");
    }
    line
}

/// The commands that are allowed in `state`, a line each, without what can be left out.
pub fn overview(catalogue: &Catalogue, state: State) -> String {
    let rows: Vec<_> = catalogue
        .allowed(state)
        .map(|command| (required(command), &command.spec.summary))
        .collect();
    let width = rows.iter().map(|(usage, _)| usage.chars().count()).max().unwrap_or(0).min(32);
    rows.iter().map(|(usage, summary)| format!("{usage:width$}  {summary}\n")).collect()
}

/// A summary without its stop and without the marks of code, which are for documents.
pub(crate) fn plain(summary: &str) -> String {
    summary.trim_end_matches('.').replace('`', "")
}

/// All that there is to say of one command.
pub fn page(command: &Description) -> String {
    let spec = &command.spec;
    let mut page = format!("{}\n  {}.\n", usage(command), spec.summary);
    let name = |arg: &Arg| format!("{}{}", if arg.required { "" } else { "--" }, arg.name);
    let width = command.args.iter().map(|arg| name(arg).len()).max().unwrap_or(0);
    for arg in &command.args {
        let summary = plain(&arg.summary);
        let is_said = arg.required || summary.contains("without it");
        let needed = if is_said { "" } else { " (may be left out)" };
        writeln!(page, "  {:width$}  {summary}{needed}", name(arg))
            .expect("a string takes everything");
    }
    let place = match (spec.states, spec.leads_to) {
        (from, to) if to.is_empty() => format!("allowed in: {}", names(from)),
        (from, to) => format!("allowed in: {}; leads to: {}", names(from), names(to)),
    };
    let place = match spec.role {
        Role::Anyone => place,
        Role::Operator => format!("{place}, for its owner and its operators"),
        Role::Owner => format!("{place}, for its owner"),
    };
    let place = if spec.irreversible { format!("{place}; cannot be undone") } else { place };
    writeln!(page, "  {place}\n  example: {}", spec.example).expect("a string takes everything");
    page
}

fn names(states: States) -> String {
    states.iter().map(State::name).collect::<Vec<_>>().join(", ")
}
