//! `describe`: what the server can be asked, in its own words.

use clap::{Args, CommandFactory};
use proto::{Catalogue, State};
use serde_json::{Map, Value};

use super::errand::Errand;
use crate::exit::{Exit, Failure};
use crate::help;
use crate::options::Options;
use crate::output::print;

/// What to explain.
#[derive(Debug, Args)]
pub struct Describe {
    /// Which command; all of them without it
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Describe {
    /// Prints what there is to say.
    pub(super) async fn run(&self, errand: &mut Errand) -> Result<Exit, Failure> {
        let name = self.command.as_deref().map(|name| name.trim_start_matches('/'));
        let catalogue = errand.session.book().catalogue.clone();
        // Says so if there is no such command.
        let page = help::text(&catalogue, State::Auth, name, errand.manner.style())
            .map_err(|why| Failure::new(Exit::Refused, unless_a_verb(name, why)))?;
        if errand.manner.is_json {
            return frame(errand, name).await;
        }
        match name {
            Some(_) => print(&page)?,
            None => print(overview(&catalogue).trim_end())?,
        }
        Ok(Exit::Done)
    }
}

/// `why` there is nothing to say of `name`, if it is not a verb of ours that is meant.
fn unless_a_verb(name: Option<&str>, why: String) -> String {
    let verbs = Options::command();
    let verb = name.and_then(|name| verbs.find_subcommand(name));
    let why = why.replace("/help lists them", "chatsh describe lists them");
    verb.map_or(why, |verb| {
        let verb = verb.get_name();
        format!("{verb} is no command of the server: chatsh {verb} --help explains it")
    })
}

/// Every command once, where it is first allowed.
fn overview(catalogue: &Catalogue) -> String {
    let mut rest = catalogue.clone();
    let mut text = String::new();
    for (state, title) in [
        (State::Auth, "Before a login"),
        (State::Lobby, "In the lobby"),
        (State::Chat, "In a room"),
    ] {
        let commands = proto::overview(&rest, state);
        rest.commands.retain(|command| !command.spec.states.contains(state));
        if !commands.is_empty() {
            text.push_str(&format!("{title}:\n{commands}\n"));
        }
    }
    text
}

/// Prints the server's own description, of one command or of all.
async fn frame(errand: &mut Errand, name: Option<&str>) -> Result<Exit, Failure> {
    let reply = errand.ask("commands", &Map::new()).await?;
    let mut frame: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if let (Some(name), Some(commands)) =
        (name, frame.pointer_mut("/data/commands").and_then(Value::as_array_mut))
    {
        commands.retain(|command| command["name"] == name);
    }
    print(&crate::json::line(frame.to_string().as_bytes())).map(|()| Exit::Done)
}
