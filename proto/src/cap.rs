//! Capabilities: what a client says that it can take beyond the basic protocol.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cap {
    /// The whole list is pushed on arriving somewhere and after each change there.
    ListPush,
    /// `login` gives a token with which `resume` logs in without the password.
    Resume,
    /// After a silence the server pushes `ping` and expects any frame as an answer.
    Ping,
    /// Who comes into one's room and leaves it is pushed.
    Presence,
    /// Private messages to one's account are pushed, wherever one is.
    Tells,
    /// What owner and operators do in one's room is pushed.
    Notices,
    /// Messages of one's room that are changed or taken back are pushed.
    Edits,
}

impl Cap {
    /// Every capability that this version knows.
    pub const ALL: [Cap; 7] = [
        Cap::ListPush,
        Cap::Resume,
        Cap::Ping,
        Cap::Presence,
        Cap::Tells,
        Cap::Notices,
        Cap::Edits,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Cap::ListPush => "list-push",
            Cap::Resume => "resume",
            Cap::Ping => "ping",
            Cap::Presence => "presence",
            Cap::Tells => "tells",
            Cap::Notices => "notices",
            Cap::Edits => "edits",
        }
    }

    /// The capability of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Cap> {
        Cap::ALL.into_iter().find(|cap| cap.name() == name)
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps(u8);

impl Caps {
    /// Is `cap` in the set?
    pub const fn contains(self, cap: Cap) -> bool {
        self.0 & (1 << cap as u8) != 0
    }

    /// The capabilities in the set, in the order of [`Cap::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Cap> {
        Cap::ALL.into_iter().filter(move |cap| self.contains(*cap))
    }

    /// The set as a number, for an atomic.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set that [`Caps::bits`] gave.
    pub const fn from_bits(bits: u8) -> Caps {
        Caps(bits)
    }
}

impl FromIterator<Cap> for Caps {
    fn from_iter<I: IntoIterator<Item = Cap>>(caps: I) -> Self {
        Caps(caps.into_iter().fold(0, |bits, cap| bits | 1 << cap as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_capability_is_what_serde_writes() {
        for cap in Cap::ALL {
            assert_eq!(serde_json::to_value(cap).unwrap(), cap.name());
            assert_eq!(Cap::from_name(cap.name()), Some(cap));
        }
        assert_eq!(Cap::from_name("teleport"), None);
    }
}
