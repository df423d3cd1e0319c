//! The options of chatsh, and what they ask for.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use certs::{Fingerprint, Trust};
use clap::{CommandFactory, Parser};
use proto::{RoomName, State, UserName};

use crate::address::Address;
use crate::dial::Acquaintance;
use crate::exit::{Exit, Failure};
use crate::login::Login;
use crate::paths;
use crate::script::Manner;
use crate::secret::Source;
use crate::style::{Colour, Style};

/// How long the longest timeout is, in seconds: a day.
///
/// A clock cannot count to every number that a user can write.
const TIMEOUT_S_MAX: f64 = 86_400.0;

/// The address, when no option says one.
const ADDRESS_VARIABLE: &str = "CHATSH_ADDRESS";

const EXAMPLES: &str = "\
Exit codes:
  0    all done and acknowledged
  1    the server refused (the code is in the message), or a line could not be sent
  2    usage, or an error in the script, found before connecting
  3    unauthorized, forbidden, or not logged in
  4    cannot connect, or the connection ended while nothing was under way
  5    the server is not the one that was pinned; nothing was sent to it
  6    throttled, with --no-wait
  7    unknown outcome, or the connection was lost with a line under way
  8    the server speaks another protocol
  124  a timeout passed
  130  interrupted
  With --keep-going it is the code of the first error.

Examples:
  chatsh                                       a shell, on a terminal
  chatsh -u ann -r ops chat.example            log in as ann, and enter the room ops
  chatsh -u bot --password-file ~/.bot -r ops -c 'Deployed.'
  chatsh -u bot --password-file ~/.bot -f post.chat";

/// A chat client: a shell on a terminal, a program for scripts.
///
/// On a terminal it is a shell; lines on a pipe, in a file (-f) or as options (-c) are a
/// script. A line that begins with a slash is a command (/help lists them), any other is
/// said in the room.
#[derive(Debug, Parser)]
#[command(name = "chatsh", version, after_help = EXAMPLES)]
pub struct Options {
    /// Where to connect: [chat://][USER@]HOST[:PORT][/ROOM][#SHA256:PIN]
    ///
    /// By default $CHATSH_ADDRESS, else 127.0.0.1:65432.
    #[arg(value_name = "ADDRESS", conflicts_with = "address_option")]
    address_given: Option<Address>,

    /// The same as ADDRESS
    #[arg(short, long = "address", value_name = "ADDRESS")]
    address_option: Option<Address>,

    /// Who to be
    #[arg(short, long, value_name = "NAME", value_parser = UserName::new)]
    user: Option<UserName>,

    /// Read the password from the first line of this file
    ///
    /// Without it, and without --password-command, the file $CHATSH_PASSWORD_FILE is
    /// read; else the password is asked for on the terminal.
    #[arg(long, value_name = "F", env = "CHATSH_PASSWORD_FILE", hide_env_values = true)]
    password_file: Option<PathBuf>,

    /// Run this by /bin/sh and read the password from the first line of its output
    #[arg(long, value_name = "CMD")]
    password_command: Option<String>,

    /// Log in with the token in this file, without a password
    ///
    /// If the file is missing or its token has expired, the password is used (when there
    /// is one), and the token that the server then gives is kept in the file, readable by
    /// its owner alone. `/logout` makes the token worthless.
    #[arg(long, value_name = "F")]
    token_file: Option<PathBuf>,

    /// Create the account first, if it is missing
    #[arg(long)]
    register: bool,

    /// Enter this room after logging in
    #[arg(short, long, value_name = "ROOM", value_parser = RoomName::new)]
    room: Option<RoomName>,

    /// Run this line and end; may be repeated
    #[arg(short = 'c', long = "command", value_name = "LINE", conflicts_with = "file")]
    lines: Vec<String>,

    /// Run this script and end; it is checked before connecting
    #[arg(short, long, value_name = "SCRIPT")]
    file: Option<PathBuf>,

    /// Check the script and do not connect
    #[arg(long)]
    check: bool,

    /// Print the frames of the server, one JSON object a line
    #[arg(long)]
    json: bool,

    /// In scripts show what others do, too
    #[arg(long)]
    events: bool,

    /// In scripts do not stop at the first error
    #[arg(long)]
    keep_going: bool,

    /// How long a reply may take
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    timeout: Duration,

    /// When throttled end with 6 instead of waiting and saying so
    #[arg(long)]
    no_wait: bool,

    /// The fingerprint that the server's key must have
    #[arg(long, value_name = "SHA256:...", conflicts_with = "ca")]
    pin: Option<Fingerprint>,

    /// Trust servers whose certificate is from an authority in this PEM file
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Keep the key of a new server without asking; a changed key is refused all the same
    #[arg(long)]
    accept_new: bool,

    /// Where the keys of known servers are kept
    #[arg(long, value_name = "F")]
    known_hosts: Option<PathBuf>,

    /// When there are colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Colour,

    /// Linear output for screen readers: no colours, no hints, no drawing signs
    #[arg(long)]
    plain: bool,
}

/// The options as clap has them, for the manual page.
pub fn command() -> clap::Command {
    Options::command()
}

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
        named.as_deref().unwrap_or("127.0.0.1").parse().map_err(|error| {
            Failure::new(Exit::Usage, format!("${ADDRESS_VARIABLE}: {error}"))
        })
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

    /// In scripts, do further lines run after an error?
    pub(crate) fn keeps_going(&self) -> bool {
        self.keep_going
    }

    /// Is the script only checked?
    pub(crate) fn is_check(&self) -> bool {
        self.check
    }

    /// How long a reply may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
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
        Ok(Acquaintance { trust, accepts_new: self.accept_new })
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
                return usage("--register creates which account? Say -u NAME");
            }
            if self.password_command.is_some() {
                return usage("--password-command is whose? Say -u NAME");
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
        if let Some(file) = &self.password_file {
            return Some(Source::File(file.clone()));
        }
        (io::stdin().is_terminal() && io::stderr().is_terminal()).then_some(Source::Terminal)
    }
}

fn is_file(stdin: io::Stdin) -> bool {
    use std::os::fd::AsFd;
    let owned = stdin.as_fd().try_clone_to_owned();
    owned.and_then(|fd| std::fs::File::from(fd).metadata()).is_ok_and(|stat| stat.is_file())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= TIMEOUT_S_MAX => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("a timeout is more than 0 and at most {TIMEOUT_S_MAX} seconds")),
    }
}
