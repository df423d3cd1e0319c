//! The options that there are, and what they mean to people.

use std::path::PathBuf;
use std::time::Duration;

use certs::Fingerprint;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{CommandFactory, Parser};
use proto::{RoomName, UserName};

use crate::address::Address;
use crate::style::Colour;

/// How long the longest timeout is, in seconds: a day.
///
/// A clock cannot count to every number that a user can write.
const TIMEOUT_S_MAX: f64 = 86_400.0;

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
    /// Where to connect: `[chat://][USER@]HOST[:PORT][/ROOM][#SHA256:PIN]`
    ///
    /// By default $CHATSH_ADDRESS, else 127.0.0.1:65432.
    #[arg(value_name = "ADDRESS", conflicts_with = "address_option")]
    pub(crate) address_given: Option<Address>,

    /// The same as ADDRESS
    #[arg(short, long = "address", value_name = "ADDRESS")]
    pub(crate) address_option: Option<Address>,

    /// Who to be
    #[arg(short, long, value_name = "NAME", value_parser = UserName::new)]
    pub(crate) user: Option<UserName>,

    /// Read the password from the first line of this file
    ///
    /// Without it, and without --password-command, the file $CHATSH_PASSWORD_FILE is
    /// read; else the password is asked for on the terminal.
    // A variable that is set to nothing is not set, but clap refuses an empty path.
    #[arg(long, value_name = "F", env = "CHATSH_PASSWORD_FILE", hide_env_values = true)]
    #[arg(value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) password_file: Option<PathBuf>,

    /// Run this by /bin/sh and read the password from the first line of its output
    #[arg(long, value_name = "CMD")]
    pub(crate) password_command: Option<String>,

    /// Log in with the token in this file, without a password
    ///
    /// If the file is missing or its token has expired, the password is used (when there
    /// is one), and the token that the server then gives is kept in the file, readable by
    /// its owner alone. `/logout` makes the token worthless.
    #[arg(long, value_name = "F")]
    pub(crate) token_file: Option<PathBuf>,

    /// Create the account first, if it is missing
    #[arg(long)]
    pub(crate) register: bool,

    /// Enter this room after logging in
    #[arg(short, long, value_name = "ROOM", value_parser = RoomName::new)]
    pub(crate) room: Option<RoomName>,

    /// Run this line and end; may be repeated
    #[arg(short = 'c', long = "command", value_name = "LINE", conflicts_with = "file")]
    pub(crate) lines: Vec<String>,

    /// Run this script and end; it is checked before connecting
    #[arg(short, long, value_name = "SCRIPT")]
    pub(crate) file: Option<PathBuf>,

    /// Check the script and do not connect
    #[arg(long)]
    pub(crate) check: bool,

    /// Print the frames of the server, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,

    /// In scripts show what others do, too
    #[arg(long)]
    pub(crate) events: bool,

    /// In scripts do not stop at the first error
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// How long a reply may take
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// When throttled end with 6 instead of waiting and saying so
    #[arg(long)]
    pub(crate) no_wait: bool,

    /// The fingerprint that the server's key must have
    #[arg(long, value_name = "SHA256:...", conflicts_with = "ca")]
    pub(crate) pin: Option<Fingerprint>,

    /// Trust servers whose certificate is from an authority in this PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Keep the key of a new server without asking; a changed key is refused all the same
    #[arg(long)]
    pub(crate) accept_new: bool,

    /// Where the keys of known servers are kept
    #[arg(long, value_name = "F")]
    pub(crate) known_hosts: Option<PathBuf>,

    /// When there are colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: Colour,

    /// Linear output for screen readers: no colours, no hints, no drawing signs
    #[arg(long)]
    pub(crate) plain: bool,
}

/// The options as clap has them, for the manual page.
pub fn command() -> clap::Command {
    Options::command()
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= TIMEOUT_S_MAX => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("a timeout is more than 0 and at most {TIMEOUT_S_MAX} seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, is_fine: bool) {
        let result = Options::try_parse_from(line.split(' '));
        assert_eq!(result.is_ok(), is_fine, "{line}: {:?}", result.err());
    }

    #[test]
    fn the_options_are_those_of_the_contract() {
        command().debug_assert();
        check("chatsh", true);
        check("chatsh chat://ann@h:7/ops -u bob -r attic", true);
        check("chatsh -c /list -c /exit --json --events --keep-going --no-wait", true);
        check("chatsh -f post.chat --check --timeout 0.5 --color never --plain", true);
        check("chatsh -c /list -f post.chat", false);
        check("chatsh -a h h", false);
        check("chatsh --ca ca.pem --pin SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY", false);
        check("chatsh --pin 7Q9Zbtvg8q6W0qV", false);
        check("chatsh -u system", false);
        check("chatsh --timeout 0", false);
        check("chatsh --timeout 1e9", false);
    }

    #[test]
    fn no_option_takes_a_secret() {
        for arg in command().get_arguments() {
            let name = arg.get_id().as_str();
            let is_about_one = name.contains("password") || name.contains("token");
            assert!(
                !is_about_one || name.ends_with("_file") || name.ends_with("_command"),
                "{name}"
            );
        }
    }
}
