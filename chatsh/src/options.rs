//! The options that there are, and what they mean to people.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certs::Fingerprint;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use proto::{RoomName, UserName};

use crate::address::Given;
use crate::local;
use crate::style::Colour;
use crate::verb::Verb;

/// The longest timeout: a day.
///
/// A clock cannot count to every number that a user can write.
const TIMEOUT_MAX: Duration = Duration::from_secs(86_400);

const EXAMPLES: &str = "\
Exit codes:
  0    all done and acknowledged
  1    the server refused (the code is in the message), or a line could not be sent
  2    usage, or an error in the script, found before connecting
  3    unauthorized, forbidden, not logged in, or put out of the room
  4    cannot connect, or the connection ended while nothing was under way
  5    the server is not known, or not the one that was pinned; nothing was sent to it
  6    throttled, with --no-wait
  7    unknown outcome, or the connection was lost with a line under way
  8    the server speaks another protocol
  124  a timeout passed
  130  interrupted; the shell by SIGTERM or SIGHUP, too
  With --keep-going it is the code of the first error.

Examples:
  chatsh                                       a shell, on a terminal
  chatsh -u ann -r ops chat.example            log in as ann, and enter the room ops
  chatsh -u bot --password-file ~/.bot -f post.chat
  chatsh -u bot --password-file ~/.bot send -r ops 'Deployed.'
  chatsh -u bot --password-file ~/.bot tail -r ops --json";

/// What only the shell and scripts take. All else a verb takes as well, before it or after.
const OF_LINES: [&str; 5] = ["address_given", "lines", "file", "check", "events"];

/// A chat client: a shell on a terminal, a program for scripts.
///
/// On a terminal it is a shell; lines on a pipe, in a file (-f) or as options (-c) are a
/// script. A line that begins with a slash is a command (/help lists them), any other is
/// said in the room. A verb does one thing and ends.
#[derive(Debug, Parser)]
#[command(name = "chatsh", version, after_help = EXAMPLES)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
#[command(override_usage = "chatsh [OPTIONS] [ADDRESS]\n       chatsh [OPTIONS] VERB ...")]
pub struct Options {
    /// What is to be done, if it is one thing.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,

    /// Where to connect: `[chat://][USER@]HOST[:PORT][/ROOM][#SHA256:PIN]`
    ///
    /// Or the name of a host in chatsh.toml. By default $CHATSH_ADDRESS, else
    /// 127.0.0.1:65432.
    #[arg(value_name = "ADDRESS", conflicts_with = "address_option")]
    pub(crate) address_given: Option<Given>,

    /// The same as ADDRESS
    #[arg(short, long = "address", value_name = "ADDRESS")]
    pub(crate) address_option: Option<Given>,

    /// Who to be
    #[arg(short, long, value_name = "NAME", value_parser = UserName::new)]
    pub(crate) user: Option<UserName>,

    /// Read the password from the first line of this file
    ///
    /// Without it, without --password-command, and without either of a host that has a name, the
    /// file $CHATSH_PASSWORD_FILE is read; else the password is asked for on the terminal.
    #[arg(long, value_name = "F")]
    pub(crate) password_file: Option<PathBuf>,

    /// Run this by /bin/sh and read the password from the first line of its output
    ///
    /// It may ask somebody, so it takes as long as it likes, whatever --timeout says. It prints
    /// 64 KiB at most.
    #[arg(long, value_name = "CMD")]
    pub(crate) password_command: Option<String>,

    /// Log in with the token in this file, without a password
    ///
    /// If the file is missing, or holds no token, or one that has expired, the password is
    /// used (when there is one), and the token that the server then gives is kept in the
    /// file, readable by its owner alone. `/logout` makes the token worthless.
    #[arg(long, value_name = "F")]
    pub(crate) token_file: Option<PathBuf>,

    /// Create the account first, if it is missing
    #[arg(long)]
    pub(crate) register: bool,

    /// Enter this room after logging in; in `who` list it
    #[arg(short, long, value_name = "ROOM", value_parser = RoomName::new)]
    pub(crate) room: Option<RoomName>,

    /// Run this line and end; may be repeated
    #[arg(short = 'c', long = "command", value_name = "LINE", conflicts_with = "file")]
    pub(crate) lines: Vec<String>,

    /// Run this script (`-` is stdin) and end; it is checked before connecting
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

    /// Do not stop at the first error
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// How long a reply may take (10 s); in `tail`, `wait` and `ask` how long to listen (no
    /// limit)
    ///
    /// In seconds, or with a unit: 500ms, 30s, 10m. In a script it is also the limit of a
    /// `/wait` that has none of its own. When it has passed the exit code is 124, or 4 when the
    /// server cannot even be connected to; when the server puts a login off for longer than is
    /// said here, at once. Those that listen begin when they are in the room; up to there each
    /// reply may take 10 s. Without it a login that is put off waits as long as it takes.
    #[arg(long, value_name = "SECS", value_parser = seconds, allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,

    /// When throttled end with 6 instead of waiting and saying so: logins and registrations, not
    /// lines, which a server only takes more slowly
    #[arg(long)]
    pub(crate) no_wait: bool,

    /// The fingerprint that the server's key must have, this time: it is not kept
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

/// The options as clap has them, for reading them, the manual page and completion.
pub fn command() -> clap::Command {
    let command =
        Options::command().mut_args(|arg| match OF_LINES.contains(&arg.get_id().as_str()) {
            true => arg,
            false => arg.global(true).help_heading("Common options"),
        });
    command.mut_args(tell_of_its_value).mut_subcommands(|verb| verb.mut_args(tell_of_its_value))
}

/// Lets an option say itself what is wrong with -1; clap takes it for an option of its own.
fn tell_of_its_value(arg: clap::Arg) -> clap::Arg {
    let is_option = !arg.is_positional() && arg.get_action().takes_values();
    arg.allow_negative_numbers(is_option)
}

impl Options {
    /// The options in `arguments`, the first of which is the name of the program.
    ///
    /// # Errors
    /// They are none, or ask for help; says so as clap does.
    pub fn read<T>(arguments: impl IntoIterator<Item = T>) -> Result<Options, clap::Error>
    where
        T: Into<OsString>,
    {
        let mut command = command();
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let matches = match command.try_get_matches_from_mut(&arguments) {
            // With an address by option, what was meant to be a verb is another one.
            Err(error) if is_of_a_word(&error) || is_of_address(&error) => {
                return Err(mistyped(&mut command, &arguments).unwrap_or(error));
            }
            matches => matches?,
        };
        let options =
            Options::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        let is_given = |id: &&&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let Some(verb) = &options.verb else { return Ok(options) };
        let conflict = match OF_LINES.iter().find(is_given) {
            Some(&"address_given") => "a verb takes the address with -a: chatsh -a ADDRESS VERB",
            Some(_) => "-c, -f, --check and --events are for scripts, not for verbs",
            None if verb.is_roomless() && is_given(&&"room") => {
                let verb = verb_of(&mut command, &matches);
                let needless = "this is of no room: leave out -r";
                return Err(verb.error(ErrorKind::ArgumentConflict, needless));
            }
            None if verb.says_nothing() => {
                let missing = "what is to be said? a TEXT, `-` for all of stdin, or --lines for \
                               each line of it";
                let verb = verb_of(&mut command, &matches);
                return Err(verb.error(ErrorKind::MissingRequiredArgument, missing));
            }
            None => return Ok(options),
        };
        Err(command.error(ErrorKind::ArgumentConflict, conflict))
    }

    /// The word that was given as the address, if it is a file.
    pub(crate) fn file_as_address(&self) -> Option<&str> {
        let word = &self.address_given.as_ref()?.text;
        Path::new(word).is_file().then_some(word)
    }

    /// What to say of an address that leads nowhere, if it is a verb that was mistyped, or a
    /// command of the shell.
    pub(crate) fn meant_verb(&self) -> Option<String> {
        let meant = meant_by(&Options::command(), &self.address_given.as_ref()?.text)?;
        Some(format!(" ({meant})"))
    }
}

/// The verb that was given, whose usage an error of it shows.
fn verb_of<'a>(command: &'a mut clap::Command, matches: &ArgMatches) -> &'a mut clap::Command {
    let name = matches.subcommand_name().expect("only errors of a verb are of one");
    command.find_subcommand_mut(name).expect("clap knows the verb that it has read")
}

/// Is it that a word stands where none can?
fn is_of_a_word(error: &clap::Error) -> bool {
    let is_word =
        |value: &ContextValue| matches!(value, ContextValue::String(arg) if !arg.starts_with('-'));
    match error.kind() {
        ErrorKind::InvalidSubcommand => true,
        ErrorKind::UnknownArgument => error.get(ContextKind::InvalidArg).is_some_and(is_word),
        _ => false,
    }
}

/// Is it that there are two addresses?
fn is_of_address(error: &clap::Error) -> bool {
    let is_address = |value: &ContextValue| matches!(value, ContextValue::String(arg) if arg.contains("ADDRESS"));
    error.kind() == ErrorKind::ArgumentConflict
        && error.get(ContextKind::InvalidArg).is_some_and(is_address)
}

/// What to say when a word follows an address, because it was meant to be a verb.
fn mistyped(command: &mut clap::Command, arguments: &[OsString]) -> Option<clap::Error> {
    let words = || arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    let is_verb = |word: &str| command.find_subcommand(word).is_some();
    if words().any(is_verb) {
        return None;
    }
    let meant = |word: &str| Some(format!("there is no verb {word}: {}", meant_by(command, word)?));
    let message = words().find_map(meant)?;
    Some(command.error(ErrorKind::InvalidSubcommand, message))
}

/// What was probably meant by `word`, which is no verb: one, or a command of the shell.
fn meant_by(command: &clap::Command, word: &str) -> Option<String> {
    let verbs = command.get_subcommands().map(clap::Command::get_name);
    match proto::nearest(word, verbs) {
        Some(near) => Some(format!("did you mean chatsh {near}?")),
        None => {
            proto::Catalogue::shipped().find(word)?;
            Some(format!("did you mean chatsh -c '/{word}'?"))
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match local::duration(text) {
        Ok(time) if !time.is_zero() && time <= TIMEOUT_MAX => Ok(time),
        _ => Err("a timeout is more than 0 and at most a day: 0.5, 30s, 10m, 1d".into()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[track_caller]
    fn check(line: &str, is_fine: bool) {
        let result = Options::read(line.split(' '));
        assert_eq!(result.is_ok(), is_fine, "{line}: {:?}", result.err());
    }

    fn error(line: &str) -> String {
        Options::read(line.split(' ')).unwrap_err().to_string()
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
        check("chatsh --timeout 10m", true);
        check("chatsh -u ann send -r ops hello all", true);
        check("chatsh send hello -a h -r ops --json --timeout 1", true);
        check("chatsh h send hello", false);
        check("chatsh -c /list who", false);
        check("chatsh --events tail", false);
        check("chatsh send -t bob hello", true);
        check("chatsh send -t bob -r ops hello", false);
        check("chatsh -r ops rooms", false);
        check("chatsh send", false);
        check("chatsh send --lines hello", false);
        check("chatsh ask -r ops Ship? --match ( ", false);
        check("chatsh tail --since yesterday", false);
    }

    #[test]
    fn an_address_that_looks_like_a_verb_may_be_meant_as_one() {
        let meant = |line: &str| Options::read(line.split(' ')).unwrap().meant_verb();
        assert_eq!(meant("chatsh tial").unwrap(), " (did you mean chatsh tail?)");
        assert_eq!(meant("chatsh chat.example"), None);
        assert_eq!(meant("chatsh -a tial"), None);
        assert_eq!(meant("chatsh"), None);
        assert!(error("chatsh -u ann sned hi").contains("no verb sned: did you mean chatsh send?"));
        assert!(error("chatsh sned -r fun x").contains("no verb sned: did you mean chatsh send?"));
        assert!(error("chatsh -a work inbox").contains("did you mean chatsh -c '/inbox'?"));
        assert!(error("chatsh chat.example hi").contains("unrecognized subcommand 'hi'"));
        let sned = error("chatsh -a chat.example -u ann sned");
        assert!(sned.contains("no verb sned: did you mean chatsh send?"), "{sned}");
        let two = error("chatsh -a chat.example -u ann other.example");
        assert!(two.contains("cannot be used with"), "{two}");
        let pins =
            error("chatsh sned --ca f --pin SHA256:7Q9Zbtvg8q6W0qV+4L8N75s0HNMqOlJJMhFFH410YtY");
        assert!(!pins.contains("did you mean"), "{pins}");
    }

    /// The tip was to write `-- -1`, which is worse.
    #[test]
    fn a_number_below_zero_is_told_what_the_option_takes() {
        let mut story = String::new();
        for line in [
            "chatsh --timeout -1",
            "chatsh --timeout -1s",
            "chatsh tail --timeout -1",
            "chatsh tail --count -1",
            "chatsh tail --count x",
            "chatsh tail --since -1d",
            "chatsh history --since -7",
            "chatsh history --limit -1",
            "chatsh history --before -1",
            "chatsh history --after -1",
        ] {
            let error = Options::read(line.split(' ')).unwrap_err().to_string();
            story.push_str(error.lines().next().unwrap_or_default());
            story.push('\n');
        }
        expect![[r#"
            error: invalid value '-1' for '--timeout <SECS>': a timeout is more than 0 and at most a day: 0.5, 30s, 10m, 1d
            error: invalid value '-1s' for '--timeout <SECS>': a timeout is more than 0 and at most a day: 0.5, 30s, 10m, 1d
            error: invalid value '-1' for '--timeout <SECS>': a timeout is more than 0 and at most a day: 0.5, 30s, 10m, 1d
            error: invalid value '-1' for '--count <N>': it is a whole number from 1 on
            error: invalid value 'x' for '--count <N>': it is a whole number from 1 on
            error: invalid value '-1d' for '--since <SEQ|TIME>': it is a seq (7), a time or a while: a time is 12:00 (the last one), 2026-01-31, '2026-01-31 12:00' or 2026-01-31T12:00:00Z, a while is 10m, 24h or 1d
            error: invalid value '-7' for '--since <SEQ|TIME>': it is a seq (7), a time or a while: a time is 12:00 (the last one), 2026-01-31, '2026-01-31 12:00' or 2026-01-31T12:00:00Z, a while is 10m, 24h or 1d
            error: invalid value '-1' for '--limit <N>': it is a whole number from 1 to 10000
            error: invalid value '-1' for '--before <SEQ>': it is a whole number from 0 on
            error: invalid value '-1' for '--after <SEQ>': it is a whole number from 0 on
        "#]].assert_eq(&story);
        check("chatsh -r -1", true);
        check("chatsh send -r ops -- -1", true);
        check("chatsh history --after 0 --limit 10000", true);
        check("chatsh history --limit 10001", false);
    }

    #[test]
    fn verbs_take_the_address_with_a() {
        let address = |line: &str| {
            let options = Options::read(line.split(' ')).unwrap();
            options.address_option.unwrap().text
        };
        assert_eq!(address("chatsh who -a work"), "work");
        assert_eq!(address("chatsh -a work who"), "work");
        expect![[r#"
            error: a verb takes the address with -a: chatsh -a ADDRESS VERB

            Usage: chatsh [OPTIONS] [ADDRESS]
                   chatsh [OPTIONS] VERB ...

            For more information, try '--help'.
        "#]]
        .assert_eq(&error("chatsh work send -r ops hi"));
    }

    #[test]
    fn the_usage_is_as_the_errors_say() {
        expect![[r#"
            error: what is to be said? a TEXT, `-` for all of stdin, or --lines for each line of it

            Usage: chatsh send [OPTIONS] [TEXT]...

            For more information, try '--help'.
        "#]]
        .assert_eq(&error("chatsh send -r ops"));
        for (line, usage) in [
            ("chatsh rooms -r ops", "chatsh rooms [OPTIONS]"),
            ("chatsh -r ops send -t bob hi", "chatsh send [OPTIONS] [TEXT]..."),
            ("chatsh tail --frob", "chatsh tail [OPTIONS]"),
            ("chatsh -u ann tail ops", "chatsh tail [OPTIONS]"),
            ("chatsh history --since 1 --after 2", "chatsh history --since <SEQ|TIME>"),
            ("chatsh tail --events", "chatsh tail [OPTIONS]"),
        ] {
            let told = error(line);
            assert!(told.contains(&format!("\nUsage: {usage}\n")), "{line}: {told}");
        }
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
