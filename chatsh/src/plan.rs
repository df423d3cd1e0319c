//! What the options ask for, together with the address, the environment and the terminal.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;

use certs::Trust;
use proto::State;

use crate::address::Address;
use crate::dial::Acquaintance;
use crate::exit::{Exit, Failure};
use crate::login::Login;
use crate::options::Options;
use crate::paths;
use crate::repl::Look;
use crate::script::Manner;
use crate::secret::Source;
use crate::style::Style;

/// The address, when no option says one.
const ADDRESS_VARIABLE: &str = "CHATSH_ADDRESS";

/// Where the lines come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Somebody types them.
    Prompt,
    /// They were given as options.
    Options(Vec<String>),
    /// They are in a file.
    File(PathBuf),
    /// Stdin is a file.
    StdinFile,
    /// They come as stdin gives them.
    Pipe,
}

impl Options {
    /// Where to connect, with what the address itself says of pin, user and room.
    ///
    /// # Errors
    /// [`Exit::Usage`] if $CHATSH_ADDRESS is none.
    pub(crate) fn address(&self) -> Result<Address, Failure> {
        if let Some(given) = self.address_given.as_ref().or(self.address_option.as_ref()) {
            return Ok(given.clone());
        }
        let named = std::env::var(ADDRESS_VARIABLE).ok().filter(|named| !named.is_empty());
        named
            .as_deref()
            .unwrap_or("127.0.0.1")
            .parse()
            .map_err(|error| Failure::new(Exit::Usage, format!("${ADDRESS_VARIABLE}: {error}")))
    }

    /// Where the lines come from.
    pub(crate) fn input(&self) -> Input {
        if !self.lines.is_empty() {
            return Input::Options(self.lines.clone());
        }
        if let Some(file) = &self.file {
            return Input::File(file.clone());
        }
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            return Input::Prompt;
        }
        match is_file(io::stdin()) {
            true => Input::StdinFile,
            false => Input::Pipe,
        }
    }

    /// Where the first line finds the session.
    ///
    /// # Errors
    /// [`Exit::Usage`] if $CHATSH_ADDRESS is none.
    pub(crate) fn begins_in(&self) -> Result<State, Failure> {
        let address = self.address()?;
        if self.room.is_some() || address.room.is_some() {
            return Ok(State::Chat);
        }
        let logs_in = self.user.is_some() || address.user.is_some() || self.token_file.is_some();
        Ok(if logs_in { State::Lobby } else { State::Auth })
    }

    /// How a script is run.
    pub(crate) fn manner(&self) -> Manner {
        Manner {
            is_json: self.json,
            shows_events: self.events,
            keeps_going: self.keep_going,
            may_wait: !self.no_wait,
            style: self.style(),
        }
    }

    /// How the shell looks.
    ///
    /// # Errors
    /// [`Exit::Usage`] if $CHATSH_ADDRESS is none.
    pub(crate) fn look(&self) -> Result<Look, Failure> {
        Ok(Look { host: self.address()?.host, style: self.style(), is_json: self.json })
    }

    fn style(&self) -> Style {
        Style::of(self.color, self.plain, io::stdout().is_terminal())
    }

    /// How the server is known.
    ///
    /// # Errors
    /// [`Exit::Usage`] if there is no place for known hosts.
    pub(crate) fn acquaintance(&self) -> Result<Acquaintance, Failure> {
        let pin = self.pin.or(self.address()?.pin.filter(|_| self.ca.is_none()));
        let trust = match (pin, &self.ca) {
            (Some(pin), _) => Trust::Pin(pin),
            (None, Some(file)) => Trust::Ca { file: file.clone() },
            (None, None) => {
                let file = self.known_hosts.clone().or_else(paths::known_hosts);
                let no_home = || {
                    Failure::new(
                        Exit::Usage,
                        "there is no home for known hosts: say --known-hosts F",
                    )
                };
                Trust::KnownHosts { file: file.ok_or_else(no_home)? }
            }
        };
        Ok(Acquaintance { trust, accepts_new: self.accept_new, may_ask: true })
    }

    /// What is to happen before the first line.
    ///
    /// # Errors
    /// [`Exit::Usage`] for options that make no sense together.
    pub(crate) fn login(&self) -> Result<Login, Failure> {
        let usage = |message: &str| Err(Failure::new(Exit::Usage, message));
        let address = self.address()?;
        let user = self.user.clone().or(address.user);
        let room = self.room.clone().or(address.room);
        let password = self.password_source();
        if user.is_none() {
            if self.register {
                return usage("--register creates whose account? say -u NAME");
            }
            if self.password_command.is_some() {
                return usage("--password-command is whose? say -u NAME");
            }
            if room.is_some() && self.token_file.is_none() {
                return usage("a room is entered after logging in: say -u NAME");
            }
        } else if password.is_none() && self.token_file.is_none() {
            return usage(
                "there is no terminal to ask for the password on: say --password-file, \
                 --password-command or --token-file",
            );
        }
        Ok(Login {
            user,
            password,
            token_file: self.token_file.clone(),
            registers: self.register,
            room,
            may_wait: !self.no_wait,
        })
    }

    fn password_source(&self) -> Option<Source> {
        if let Some(command) = &self.password_command {
            return Some(Source::Command(command.clone()));
        }
        // A variable that is set to nothing is not set.
        if let Some(file) = self.password_file.as_ref().filter(|file| !file.as_os_str().is_empty())
        {
            return Some(Source::File(file.clone()));
        }
        (io::stdin().is_terminal() && io::stderr().is_terminal()).then_some(Source::Terminal)
    }
}

fn is_file(stdin: io::Stdin) -> bool {
    let owned = stdin.as_fd().try_clone_to_owned();
    owned.and_then(|fd| File::from(fd).metadata()).is_ok_and(|stat| stat.is_file())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn plan(line: &str) -> Options {
        Options::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn options_go_before_what_the_address_says() {
        let said = |line: &str| {
            let login = plan(line).login().unwrap();
            format!("{}/{}", login.user.unwrap(), login.room.unwrap())
        };
        let secret = "--password-file pw";
        assert_eq!(said(&format!("chatsh {secret} ann@h/ops")), "ann/ops");
        assert_eq!(said(&format!("chatsh {secret} ann@h/ops -u bob -r attic")), "bob/attic");
    }

    #[test]
    fn options_that_need_a_user_say_so() {
        for line in ["chatsh --register", "chatsh --password-command true", "chatsh -r ops"] {
            let failure = plan(line).login().unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{line}");
            assert!(failure.message.ends_with("say -u NAME"), "{}", failure.message);
        }
        assert!(plan("chatsh -r ops --token-file token").login().is_ok());
    }

    #[test]
    fn a_script_begins_where_the_options_lead() {
        let begins = |line: &str| plan(line).begins_in().unwrap();
        assert_eq!(begins("chatsh h"), State::Auth);
        assert_eq!(begins("chatsh ann@h"), State::Lobby);
        assert_eq!(begins("chatsh h --token-file token"), State::Lobby);
        assert_eq!(begins("chatsh h -u ann -r ops"), State::Chat);
        assert_eq!(begins("chatsh ann@h/ops"), State::Chat);
    }
}
