//! The command line: which load, on which server.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::target::Target;

/// Puts load on a chat server and says what it cost the server.
///
/// The figures come as a line of JSON on stdout, and as a line for people on stderr. The
/// exit code is 1 when something was lost, doubled or out of order.
#[derive(Debug, Parser)]
pub struct Options {
    /// What the server is called in the report.
    #[arg(long, default_value = "chatd")]
    pub(crate) label: String,
    /// What the run is called in the report; by default as its scenario.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A file of names and tokens for chatd: what is missing is made and added.
    #[arg(long)]
    pub(crate) accounts: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// The server.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// `chat://IP:PORT#SHA256:...`, as chatd prints it, or `irc://IP:PORT#SHA256:...`.
    pub(crate) server: Target,
    /// Its process, whose CPU time and memory are measured.
    #[arg(long)]
    pub(crate) pid: u32,
}

/// How much is said.
#[derive(Debug, Args)]
pub(crate) struct Size {
    /// How long it takes.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// Bytes of every text.
    #[arg(long, default_value_t = 64)]
    pub(crate) text_bytes: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Two people, one message at a time.
    Pingpong {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        size: Size,
    },
    /// One room in which some messages a second are said.
    Fanout {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        size: Size,
        #[arg(long, default_value_t = 500)]
        members: usize,
        /// Messages a second.
        #[arg(long, default_value_t = 20.0)]
        rate: f64,
    },
    /// One room in which as much is said as goes.
    Flood {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        size: Size,
        #[arg(long, default_value_t = 500)]
        members: usize,
        #[arg(long, default_value_t = 8)]
        speakers: usize,
        /// Messages of each speaker that not all have heard.
        #[arg(long, default_value_t = 32)]
        under_way: usize,
        /// How many members take in what comes without a look at it, so that a generator on one
        /// core can load a server on two; the others check all that they hear.
        #[arg(long, default_value_t = 0)]
        deaf: usize,
    },
    /// A flood in which some members never read.
    Stalled {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        size: Size,
        #[arg(long, default_value_t = 500)]
        members: usize,
        /// How many do not read.
        #[arg(long, default_value_t = 5)]
        stalled: usize,
    },
    /// Many small rooms, each with one speaker.
    Rooms {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        size: Size,
        #[arg(long, default_value_t = 200)]
        rooms: usize,
        #[arg(long, default_value_t = 5)]
        members: usize,
        /// Messages of each speaker that not all have heard.
        #[arg(long, default_value_t = 1)]
        under_way: usize,
        /// Instead, so many messages a second in all rooms together.
        #[arg(long)]
        rate: Option<f64>,
    },
    /// Connections that are logged in and do nothing.
    Idle {
        #[command(flatten)]
        server: Server,
        #[arg(long, default_value_t = 5000)]
        connections: usize,
        /// The number of the first person: a second process begins where one ends.
        #[arg(long, default_value_t = 0)]
        first: usize,
        /// Keep them there until stdin is closed.
        #[arg(long)]
        hold: bool,
    },
    /// All lose the connection at once and come back, while two talk.
    Storm {
        #[command(flatten)]
        server: Server,
        /// How long the two talk before.
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        #[arg(long, default_value_t = 9_990)]
        connections: usize,
    },
    /// Only makes the accounts that `--accounts` does not have (chatd).
    Accounts {
        #[command(flatten)]
        server: Server,
        count: usize,
    },
    /// Only makes so many accounts that nobody will use (chatd).
    Register {
        #[command(flatten)]
        server: Server,
        count: usize,
    },
    /// Says so many messages in one room, as fast as it goes.
    Fill {
        #[command(flatten)]
        server: Server,
        messages: usize,
    },
    /// Reads pages of a room that was filled (chatd).
    History {
        #[command(flatten)]
        server: Server,
        /// How many messages it has.
        messages: usize,
        #[arg(long, default_value_t = 500)]
        reads: usize,
    },
    /// Writes the tables and charts of a page from the reports of many runs.
    Page {
        /// The reports, one a line.
        results: PathBuf,
        /// The page. What stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is
        /// replaced; charts go beside it.
        page: PathBuf,
    },
    /// Appends 4 KiB and waits for the disk, again and again: no server is needed.
    Disk {
        folder: PathBuf,
        #[arg(long, default_value_t = 1000)]
        writes: usize,
    },
}
