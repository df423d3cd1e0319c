//! The verbs: `chatsh send`, `chatsh tail` and so on do one thing and end.
//!
//! A verb connects as a script does, goes where it has to be, and prints its result:
//! with `--json` frames and nothing else. How it ends is told by the same exit codes.

use std::time::Duration;

use clap::Subcommand;
use clap_complete::Shell;
use proto::RoomName;
use smol::Timer;
use smol::future::FutureExt;

use crate::exit::{Exit, Failure};
use crate::job;
use crate::login::Login;
use crate::options::Options;

mod ask;
mod completions;
mod describe;
mod errand;
mod exec;
mod following;
mod history;
mod key;
mod lines;
mod number;
mod pages;
mod pieces;
mod send;
mod since;
mod stripped;
mod tail;
mod who;

use errand::Errand;

/// What can be done without a shell.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Say something in a room, or to one user
    Send(send::Send),
    /// Follow what is said in a room
    Tail(tail::Tail),
    /// Read what was said in a room
    ///
    /// On a terminal each message stands behind its number and its time; --json has them
    /// always.
    History(history::History),
    /// List who is online and where, or who is in one room
    Who,
    /// List the rooms, and how many users are in each
    Rooms,
    /// Ask a question in a room, and print the answer
    ///
    /// The answer may be one of your own account that another session gives, unless --from
    /// names somebody else.
    Ask(ask::Ask),
    /// Wait for a message in a room, and print it
    ///
    /// It may be one of your own account that another session says, unless --from names
    /// somebody else.
    Wait(ask::Wanted),
    /// Explain the commands of the server, or one of them
    Describe(describe::Describe),
    /// Print a script with which a shell completes verbs and options
    ///
    /// For bash put `source <(chatsh completions bash)` into ~/.bashrc; for zsh put the
    /// script into a file _chatsh in a folder of $fpath; for fish into
    /// ~/.config/fish/completions/chatsh.fish.
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// What there has to be before a verb can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// A server.
    Server,
    /// Somebody who is logged in there.
    User,
    /// The same, in a room.
    Room,
}

impl Verb {
    /// Does it wait for what others say? Then a timeout is for that, not for replies.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Verb::Tail(_) | Verb::Ask(_) | Verb::Wait(_))
    }

    /// Is it done when nobody reads what it prints? Others say something, or what they print
    /// is the only answer.
    fn only_prints(&self) -> bool {
        !matches!(self, Verb::Send(_) | Verb::Ask(_) | Verb::Wait(_))
    }

    /// Is it to say something, but not what?
    pub(crate) fn says_nothing(&self) -> bool {
        matches!(self, Verb::Send(send) if send.is_empty())
    }

    /// Is it of no room, so that naming one makes no sense?
    pub(crate) fn is_roomless(&self) -> bool {
        match self {
            Verb::Send(send) => send.to.is_some(),
            Verb::Rooms | Verb::Describe(_) | Verb::Completions { .. } => true,
            _ => false,
        }
    }

    fn needs(&self) -> Needs {
        match self {
            Verb::Describe(_) | Verb::Completions { .. } => Needs::Server,
            Verb::Send(send) if send.to.is_some() => Needs::User,
            Verb::Who | Verb::Rooms => Needs::User,
            Verb::Send(_) | Verb::Tail(_) | Verb::History(_) | Verb::Ask(_) | Verb::Wait(_) => {
                Needs::Room
            }
        }
    }
}

/// How long `send --lines` has to say how far it came, which takes less than a millisecond.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Does what `verb` says.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(verb: &Verb, options: &Options) -> Result<Exit, Failure> {
    match run_for_reader(verb, options) {
        // Who reads no further has had enough.
        Err(failure) if failure.is_unread && verb.only_prints() => Ok(Exit::Done),
        outcome => outcome,
    }
}

fn run_for_reader(verb: &Verb, options: &Options) -> Result<Exit, Failure> {
    if let Verb::Completions { shell } = verb {
        return completions::print(*shell);
    }
    let (login, room) = place(verb.needs(), options)?;
    // Before connecting: it may take as long as it likes.
    let text = match verb {
        Verb::Send(send) => send.text()?,
        Verb::Tail(tail) => tail.check(options).map(|()| None)?,
        _ => None,
    };
    let doing = async {
        let mut errand = Errand::begin(options, &login).await?;
        let outcome = go(verb, &mut errand, text, room.as_ref(), options).await;
        errand.end().await;
        outcome
    };
    let interrupted = async {
        let interrupted = job::interrupted().await;
        if let Verb::Send(_) = verb {
            // It hears of it, too, and says itself how far it came.
            Timer::after(LAST_WORDS).await;
        }
        interrupted
    };
    smol::block_on(doing.or(interrupted))
}

async fn go(
    verb: &Verb,
    errand: &mut Errand,
    text: Option<String>,
    room: Option<&RoomName>,
    options: &Options,
) -> Result<Exit, Failure> {
    let entered = match room.filter(|_| verb.needs() == Needs::Room) {
        Some(room) => errand.enter(room).await?.data,
        None => serde_json::Map::new(),
    };
    match verb {
        Verb::Send(send) => send.run(errand, text).await,
        Verb::Tail(tail) => tail.run(errand, &entered, options.timeout).await,
        Verb::History(history) => history.run(errand, &entered).await,
        Verb::Who => who::who(errand, room).await,
        Verb::Rooms => who::rooms(errand).await,
        Verb::Ask(ask) => ask.run(errand, options.timeout).await,
        Verb::Wait(wanted) => wanted.run(errand, options.timeout).await,
        Verb::Describe(describe) => describe.run(errand).await,
        Verb::Completions { .. } => Ok(Exit::Done),
    }
}

/// Who to be, and in which room.
fn place(needs: Needs, options: &Options) -> Result<(Login, Option<RoomName>), Failure> {
    let usage = |message: &str| Err(Failure::new(Exit::Usage, message));
    if needs == Needs::Server {
        return Ok((Login::of_nobody(), None));
    }
    let mut login = options.login()?;
    let room = login.room.take();
    if login.user.is_none() && login.token_file.is_none() {
        return usage(
            "nobody is logged in: say -u NAME, or name a [hosts.NAME] of chatsh.toml that does",
        );
    }
    if needs == Needs::Room && room.is_none() {
        return usage("in which room? say -r ROOM");
    }
    Ok((login, room))
}
