//! The states of a session, and sets of them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a session is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Connected, not logged in.
    Auth,
    /// Logged in, in no room.
    Lobby,
    /// In a room.
    Chat,
    /// Over: no command is allowed, the connection closes.
    Ended,
}

impl State {
    /// Every state, in the order in which a session meets them.
    pub const ALL: [State; 4] = [State::Auth, State::Lobby, State::Chat, State::Ended];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            State::Auth => "auth",
            State::Lobby => "lobby",
            State::Chat => "chat",
            State::Ended => "ended",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of states, a list of names on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<State>", into = "Vec<State>")]
pub struct States(u8);

impl States {
    /// No state at all.
    pub const NONE: States = States(0);
    /// Every state in which a connection is alive.
    pub const ANY: States = States::of(&[State::Auth, State::Lobby, State::Chat]);

    /// The set of the given states.
    pub const fn of(states: &[State]) -> States {
        let mut bits = 0;
        let mut i = 0;
        while i < states.len() {
            bits |= 1 << states[i] as u8;
            i += 1;
        }
        States(bits)
    }

    /// Is `state` in the set?
    pub const fn contains(self, state: State) -> bool {
        self.0 & (1 << state as u8) != 0
    }

    /// Is the set empty?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The states in the set, in the order of [`State::ALL`].
    pub fn iter(self) -> impl Iterator<Item = State> {
        State::ALL.into_iter().filter(move |state| self.contains(*state))
    }
}

impl From<Vec<State>> for States {
    fn from(states: Vec<State>) -> Self {
        States::of(&states)
    }
}

impl From<States> for Vec<State> {
    fn from(states: States) -> Self {
        states.iter().collect()
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_states_is_a_list_of_names_on_the_wire() {
        let set = States::of(&[State::Chat, State::Lobby]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["lobby","chat"]"#);
        assert_eq!(serde_json::from_str::<States>(r#"["lobby","chat"]"#).unwrap(), set);
        assert!(set.contains(State::Chat) && !set.contains(State::Auth));
        assert!(!States::ANY.contains(State::Ended));
    }
}
