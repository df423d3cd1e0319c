//! Where the server is: `[chat://][USER@]HOST[:PORT][/ROOM][#SHA256:PIN]`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use certs::{Fingerprint, FingerprintError};
use proto::{NameError, RoomName, UserName};

/// An address as the user gives it, with all that can be said along with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Who to be there.
    pub user: Option<UserName>,
    /// A name or an address, an IPv6 one without its brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Which room to enter.
    pub room: Option<RoomName>,
    /// The key that the server must have.
    pub pin: Option<Fingerprint>,
}

/// What stands where an address can: one, or the name of a host, which looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// As it was given.
    pub(crate) text: String,
    /// As an address.
    pub(crate) address: Address,
}

impl Given {
    /// What may be the name of a host: who says a port means an address.
    pub(crate) fn name(&self) -> Option<&str> {
        let host = &*self.address.host;
        // The pin has a colon, too.
        let text = self.text.split('#').next().unwrap_or_default();
        (!text.contains(&format!("{host}:"))).then_some(host)
    }
}

impl FromStr for Given {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Given, AddressError> {
        Ok(Given { text: text.into(), address: text.parse()? })
    }
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Something like `https://`.
    #[error("an address starts with chat:// or with the host, not with {0:?}")]
    Scheme(String),
    /// Nothing where the host should be.
    #[error("there is no host in it")]
    NoHost,
    /// What stands for the host can be none.
    #[error("{0:?} is no host")]
    Host(String),
    /// Not 1 to 65535.
    #[error("{0:?} is no port")]
    Port(String),
    /// What stands before the @.
    #[error("user {0:?}: {1}")]
    User(String, NameError),
    /// What stands behind the slash.
    #[error("room {0:?}: {1}")]
    Room(String, NameError),
    /// What stands behind the #.
    #[error(transparent)]
    Pin(#[from] FingerprintError),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let text = text.strip_prefix("chat://").unwrap_or(text);
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(AddressError::Scheme(format!("{scheme}://")));
        }
        // The pin first: its base64 may have a slash.
        let (text, pin) = match text.split_once('#') {
            Some((text, pin)) => (text, Some(pin.parse()?)),
            None => (text, None),
        };
        let (text, room) = match text.split_once('/') {
            None | Some((_, "")) => (text.trim_end_matches('/'), None),
            Some((text, room)) => {
                let name = RoomName::new(room).map_err(|e| AddressError::Room(room.into(), e))?;
                (text, Some(name))
            }
        };
        let (text, user) = match text.rsplit_once('@') {
            None => (text, None),
            Some((user, text)) => {
                let name = UserName::new(user).map_err(|e| AddressError::User(user.into(), e))?;
                (text, Some(name))
            }
        };
        let (host, port) = host_and_port(text)?;
        Ok(Address { user, host: host.into(), port, room, pin })
    }
}

/// As the user is told: `HOST:PORT`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

fn host_and_port(text: &str) -> Result<(&str, u16), AddressError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(|| AddressError::Host(text.into()))?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(AddressError::Host(host.into()));
        }
        match port.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if port.is_empty() => (host, None),
            None => return Err(AddressError::Host(text.into())),
        }
    } else if text.parse::<Ipv6Addr>().is_ok() {
        (text, None)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    if rustls::pki_types::ServerName::try_from(host).is_err() {
        return Err(AddressError::Host(host.into()));
    }
    match port.map(|port| (port, port.parse())) {
        None => Ok((host, proto::PORT)),
        Some((_, Ok(port))) if port > 0 => Ok((host, port)),
        Some((port, _)) => Err(AddressError::Port(port.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMh/F4H10YtY";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = match text.parse::<Address>() {
            Ok(address) => format!(
                "{address} user={} room={} pin={}",
                address.user.as_ref().map_or("", UserName::as_str),
                address.room.as_ref().map_or("", RoomName::as_str),
                address.pin.is_some(),
            ),
            Err(error) => error.to_string(),
        };
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn every_part_but_the_host_may_be_left_out() {
        check("127.0.0.1", "127.0.0.1:65432 user= room= pin=false");
        check("chat.example:7", "chat.example:7 user= room= pin=false");
        check("chat://ann@chat.example", "chat.example:65432 user=ann room= pin=false");
        check("chat.example/attic", "chat.example:65432 user= room=attic pin=false");
        check("chat.example/", "chat.example:65432 user= room= pin=false");
        check(&format!("h#{PIN}"), "h:65432 user= room= pin=true");
        check(
            &format!("chat://ann@chat.example:7/attic#{PIN}"),
            "chat.example:7 user=ann room=attic pin=true",
        );
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets_or_alone() {
        check("::1", "[::1]:65432 user= room= pin=false");
        check("[::1]", "[::1]:65432 user= room= pin=false");
        check("ann@[::1]:7/attic", "[::1]:7 user=ann room=attic pin=false");
        check("[::1]7", "\"[::1]7\" is no host");
        check("[::1", "\"[::1\" is no host");
        check("[chat.example]", "\"chat.example\" is no host");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("", "there is no host in it");
        check("ann@", "there is no host in it");
        check(":7", "there is no host in it");
        check("a b", "\"a b\" is no host");
        check("h:0", "\"0\" is no port");
        check("h:65536", "\"65536\" is no port");
        check("h:7:8", "\"7:8\" is no port");
        check(
            "https://h",
            "an address starts with chat:// or with the host, not with \"https://\"",
        );
        check("a b@h", "user \"a b\": a name has no ' ' in it: letters, digits, _ - . are fine");
        check("h/lobby", "room \"lobby\": the name is reserved");
        check("h#SHA256:x", "a fingerprint has 43 digits after \"SHA256:\", not 1");
    }
}
