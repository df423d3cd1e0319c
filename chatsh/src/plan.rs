//! What the options ask for, together with the address, the environment and the terminal.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use certs::Trust;
use proto::{RoomName, State, UserName};

use crate::address::{Address, Given};
use crate::config::Config;
use crate::dial::Acquaintance;
use crate::exit::{Exit, Failure};
use crate::hosts::{self, Host};
use crate::login::Login;
use crate::options::Options;
use crate::paths;
use crate::repl::Look;
use crate::script::Manner;
use crate::secret::Source;
use crate::settings::Setting;
use crate::style::{Colour, Style};
use crate::terminal::can_ask;
use crate::verb::Verb;

/// The address, when no option says one.
const ADDRESS_VARIABLE: &str = "CHATSH_ADDRESS";

/// The file with the password, when neither an option nor the host that has a name says where it is.
const PASSWORD_FILE_VARIABLE: &str = "CHATSH_PASSWORD_FILE";

/// How long a reply may take, when no option says so.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the lines come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Somebody types them.
    Prompt,
    /// They were given as options.
    Options(Vec<String>),
    /// They are in a file.
    File(PathBuf),
    /// Stdin is a file, or is to be taken for one.
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
        self.given().map(|given| given.address)
    }

    /// The same options with what chatsh.toml says of the host.
    ///
    /// # Errors
    /// [`Exit::Usage`] if it or $CHATSH_ADDRESS makes no sense.
    pub(crate) fn settle(self) -> Result<Options, Failure> {
        // It is read by a shell that starts, and has to do with no host.
        if let Some(Verb::Completions { .. }) = self.verb {
            return Ok(self);
        }
        let (given, config) = (self.given()?, Config::read()?);
        match given.name().and_then(|name| config.hosts.find(name)) {
            Some(host) => Ok(self.at(host, given)),
            None => Ok(self),
        }
    }

    /// The same options at a host that has this name; what they say themselves counts.
    fn at(mut self, host: &Host, given: Given) -> Options {
        let Given { text, address: said } = given;
        // Its secrets are those of its user.
        let its_user = host.address.user.as_ref().map(UserName::key);
        let user = self.user.as_ref().or(said.user.as_ref());
        if user.is_none_or(|user| Some(user.key()) == its_user) {
            self.token_file = self.token_file.or(host.token_file.clone());
            if self.password_command.is_none() && self.password_file.is_none() {
                self.password_file = host.password_file.clone();
                self.password_command = host.password_command.clone();
            }
        }
        if self.pin.is_none() && said.pin.is_none() {
            self.ca = self.ca.or(host.ca.clone());
        }
        let its = host.address.clone();
        // Who is there at all is asked more often than who is in this one.
        let its_room = its.room.filter(|_| !matches!(self.verb, Some(Verb::Who)));
        let address = Address {
            user: said.user.or(its.user),
            room: said.room.or(its_room),
            pin: said.pin.or(its.pin),
            ..its
        };
        self.address_given = None;
        self.address_option = Some(Given { text, address });
        self
    }

    fn given(&self) -> Result<Given, Failure> {
        if let Some(given) = self.address_given.as_ref().or(self.address_option.as_ref()) {
            return Ok(given.clone());
        }
        // What is no text is no address either, rather than that of another server.
        let named = env::var_os(ADDRESS_VARIABLE).map(|named| named.to_string_lossy().into_owned());
        named
            .as_deref()
            .filter(|named| !named.is_empty())
            .unwrap_or("127.0.0.1")
            .parse()
            .map_err(|error| Failure::new(Exit::Usage, format!("${ADDRESS_VARIABLE}: {error}")))
    }

    /// How long a reply may take.
    pub(crate) fn reply_timeout(&self) -> Duration {
        let waits = self.verb.as_ref().is_some_and(Verb::waits);
        self.timeout.filter(|_| !waits).unwrap_or(REPLY_TIMEOUT)
    }

    /// Where the lines come from.
    pub(crate) fn input(&self) -> Input {
        if !self.lines.is_empty() {
            return Input::Options(self.lines.clone());
        }
        if let Some(file) = &self.file {
            return match file.as_os_str() == "-" {
                true => Input::StdinFile,
                false => Input::File(file.clone()),
            };
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
            wait_max: self.timeout,
            style: self.style(),
        }
    }

    /// How the shell looks.
    ///
    /// # Errors
    /// [`Exit::Usage`] if $CHATSH_ADDRESS is none, or something is wrong in chatsh.toml.
    pub(crate) fn look(&self) -> Result<Look, Failure> {
        let mut settings = Config::read()?.settings;
        // What the options say counts.
        settings.retain(|setting| match setting {
            Setting::Color(_) => self.color == Colour::Auto,
            Setting::Timeout(_) => self.timeout.is_none(),
            Setting::Bell(_) | Setting::Clock(_) | Setting::History(_) => true,
        });
        let host = self.address()?.host;
        Ok(Look { host, style: self.style(), is_json: self.json, settings })
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

    /// Who to be, and which room to enter.
    ///
    /// # Errors
    /// [`Exit::Usage`] for options that make no sense together.
    pub(crate) fn who(&self) -> Result<(Option<UserName>, Option<RoomName>), Failure> {
        let usage = |message: &str| Err(Failure::new(Exit::Usage, message));
        let address = self.address()?;
        let user = self.user.clone().or(address.user);
        let room = self.room.clone().or(address.room);
        if user.is_none() {
            if self.register {
                return usage("--register creates whose account? say -u NAME");
            }
            let has_password = self.password_command.is_some() || self.password_file.is_some();
            if has_password && self.token_file.is_none() {
                return usage("whose password is that? say -u NAME");
            }
            if room.is_some() && self.token_file.is_none() {
                // What the name of a host would have said is missing.
                let hint = hosts::no_name(&address.host).unwrap_or_default();
                return usage(&format!(
                    "a room is entered after logging in: say NAME@HOST/ROOM, or -u NAME{hint}"
                ));
            }
        }
        Ok((user, room))
    }

    /// What is to happen before the first line.
    ///
    /// # Errors
    /// See [`Options::who`]; or there is no way to a password.
    pub(crate) fn login(&self) -> Result<Login, Failure> {
        let (user, room) = self.who()?;
        let password = self.password_source();
        if user.is_some() && password.is_none() && self.token_file.is_none() {
            return Err(Failure::new(
                Exit::Usage,
                "there is no terminal to ask for the password on: say --password-file, \
                 --password-command or --token-file",
            ));
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
        let variable = || env::var_os(PASSWORD_FILE_VARIABLE).filter(|file| !file.is_empty());
        if let Some(file) = self.password_file.clone().or_else(|| variable().map(PathBuf::from)) {
            return Some(Source::File(file));
        }
        // Where it is asked for, whatever stdin is; who reads stderr may not be there to answer.
        (io::stderr().is_terminal() && can_ask()).then_some(Source::Terminal)
    }
}

fn is_file(stdin: io::Stdin) -> bool {
    let owned = stdin.as_fd().try_clone_to_owned();
    owned.and_then(|fd| File::from(fd).metadata()).is_ok_and(|stat| stat.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Options {
        Options::read(line.split(' ')).unwrap()
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
        let secrets = ["chatsh --password-command true", "chatsh --password-file pw"];
        for line in ["chatsh --register", "chatsh -r ops"].into_iter().chain(secrets) {
            let failure = plan(line).login().unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{line}");
            assert!(failure.message.ends_with("-u NAME"), "{}", failure.message);
        }
        let token = "--token-file token";
        assert!(plan(&format!("chatsh -r ops {token}")).login().is_ok());
        assert!(plan(&format!("chatsh --password-file pw {token}")).login().is_ok());
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

    #[test]
    fn without_an_address_it_is_this_machine() {
        assert_eq!(plan("chatsh").address().unwrap().to_string(), "127.0.0.1:65432");
        assert_eq!(plan("chatsh h").address().unwrap().to_string(), "h:65432");
    }

    #[test]
    fn a_reply_may_take_ten_seconds_by_default() {
        let seconds = |line: &str| plan(line).reply_timeout().as_secs();
        assert_eq!(seconds("chatsh"), 10);
        assert_eq!(seconds("chatsh --timeout 3"), 3);
        // What waits has another use for it.
        assert_eq!(seconds("chatsh wait -r ops --timeout 3"), 10);
    }
}
