//! All the commands of a server, as `commands` tells them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::spec::schemas;
use crate::{Cap, Description, State};

/// The commands of chatd as it is shipped, for a server that does not tell its own.
///
/// Generated from the registry; a test of the crate `commands` keeps it fresh.
const SHIPPED: &str = include_str!("../catalogue.json");

/// What a server can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The version of the protocol.
    pub version: u32,
    /// Its commands, by name.
    pub commands: Vec<Description>,
    /// What it sends without being asked.
    #[serde(default)]
    pub pushes: Vec<Push>,
}

/// A kind of frame that a server sends without being asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// Its `type`.
    pub name: Cow<'static, str>,
    /// When it comes, in a line.
    pub summary: Cow<'static, str>,
    /// Who gets it; everyone if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// The JSON Schema of its data.
    pub data: Value,
}

impl Push {
    /// Describes the push with data of type `D`.
    pub fn of<D: JsonSchema>(name: &'static str, cap: Option<Cap>, summary: &'static str) -> Push {
        let data = schemas().root_schema_for::<D>().to_value();
        Push { name: name.into(), summary: summary.into(), cap, data }
    }
}

impl Catalogue {
    /// The commands of chatd as it is shipped.
    pub fn shipped() -> Catalogue {
        serde_json::from_str(SHIPPED).expect("a test holds catalogue.json against the registry")
    }

    /// The command of that name.
    pub fn find(&self, name: &str) -> Option<&Description> {
        self.commands.iter().find(|command| command.spec.name == name)
    }

    /// The command whose name is most like `name`, if one is like it at all.
    pub fn nearest(&self, name: &str) -> Option<&Description> {
        nearest(name, self.commands.iter().map(|command| &*command.spec.name))
            .and_then(|name| self.find(name))
    }

    /// The commands that are allowed in `state`.
    pub fn allowed(&self, state: State) -> impl Iterator<Item = &Description> {
        self.commands.iter().filter(move |command| command.spec.states.contains(state))
    }

    /// The command that says a line without a slash in `state`.
    pub fn bare(&self, state: State) -> Option<&Description> {
        self.allowed(state).find(|command| command.spec.bare.is_some())
    }
}

/// The candidate that `word` was probably meant to be: at most two typing errors, and
/// at most one for every three letters: of short words too many are like each other.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let errors_max = (word.chars().count() / 3).min(2);
    candidates
        // What differs more in length is like none of them, and takes long to compare.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * errors_max)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(errors, _)| *errors <= errors_max)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The reply of `commands`, described loosely: its readers have this crate.
impl JsonSchema for Catalogue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Catalogue".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "version": { "type": "integer" },
                "commands": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": { "type": "string" },
                            "states": { "type": "array", "items": { "type": "string" } },
                            "leads_to": { "type": "array", "items": { "type": "string" } },
                            "summary": { "type": "string" },
                            "example": { "type": "string" },
                            "role": { "type": "string" },
                            "pipelined": { "type": "boolean" },
                            "irreversible": { "type": "boolean" },
                            "bare": { "type": "string" },
                            "args": { "type": "array", "items": { "type": "object" } },
                            "request": { "type": "object" },
                            "reply": { "type": "object" }
                        },
                        "required": [
                            "name", "states", "leads_to", "summary", "example", "role", "pipelined",
                            "args", "request", "reply"
                        ]
                    }
                },
                "pushes": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": { "type": "string" },
                            "summary": { "type": "string" },
                            "cap": { "type": "string" },
                            "data": { "type": "object" }
                        },
                        "required": ["name", "summary", "data"]
                    }
                }
            },
            "required": ["version", "commands", "pushes"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let words = ["enter", "exit", "list", "msg", "login", "logout"];
        let nearest = |word| nearest(word, words.into_iter());
        assert_eq!(nearest("entre"), Some("enter"));
        assert_eq!(nearest("exot"), Some("exit"));
        assert_eq!(nearest("logn"), Some("login"));
        assert_eq!(nearest("xyzzy"), None);
        assert_eq!(nearest("x"), None);
    }
}
