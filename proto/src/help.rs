//! Help for people, from the specification of a command.

use std::fmt::Write;

use crate::{Catalogue, Description, Kind, State, States};

/// How a command is written: `/create ROOM [--topic TOPIC]`.
pub fn usage(command: &Description) -> String {
    let mut line = required(command);
    for arg in command.args.iter().filter(|arg| !arg.required) {
        let value = match arg.kind {
            Kind::Boolean => String::new(),
            _ => format!(" {}", arg.name.to_uppercase()),
        };
        write!(line, " [--{}{value}]", arg.name).expect("a string takes everything");
    }
    line
}

/// The same without what can be left out.
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

/// All that there is to say of one command.
pub fn page(command: &Description) -> String {
    let spec = &command.spec;
    let mut page = format!("{}\n  {}.\n", usage(command), spec.summary);
    let width = command.args.iter().map(|arg| arg.name.len()).max().unwrap_or(0);
    for arg in &command.args {
        let needed = if arg.required { "" } else { " (may be left out)" };
        let summary = arg.summary.trim_end_matches('.');
        writeln!(page, "  {:width$}  {summary}{needed}", arg.name)
            .expect("a string takes everything");
    }
    let place = match (spec.states, spec.leads_to) {
        (from, to) if to.is_empty() => format!("allowed in: {}", names(from)),
        (from, to) => format!("allowed in: {}; leads to: {}", names(from), names(to)),
    };
    writeln!(page, "  {place}\n  example: {}", spec.example).expect("a string takes everything");
    page
}

fn names(states: States) -> String {
    states.iter().map(State::name).collect::<Vec<_>>().join(", ")
}
