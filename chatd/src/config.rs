//! What can be set, what it is by default, and why.
//!
//! [`KEYS`] is the one list: defaults, `chatd config print` and chatd.toml(5) are made
//! from it. Where values come from is the business of `settings.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use commands::{Limits, Policy, Registration};
use proto::{Cap, PASSWORD_BYTES_MAX, RoomName};
use serde::Deserialize;

/// One key of the configuration.
pub struct Key {
    /// Sections and name, with dots.
    pub name: &'static str,
    /// Its value by default, as TOML; empty when it has none.
    pub default: &'static str,
    /// What it does; for a limit its unit, and why there is one.
    pub help: &'static str,
}

const fn key(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, default, help }
}

/// Every key, in the order of the manual. 0 is "no limit" for every limit.
pub const KEYS: &[Key] = &[
    key("listen", r#"["127.0.0.1:65432"]"#, "Addresses to listen on; port 0 takes a free one."),
    key(
        "data",
        "",
        "The folder of database, key and certificate. Without it `$STATE_DIRECTORY`, else \
         `$XDG_DATA_HOME/chatd`, else `~/.local/share/chatd`.",
    ),
    key("rooms", r#"["general"]"#, "Rooms to make at the start, if they are missing."),
    key(
        "default_caps",
        "[]",
        "Capabilities of a connection that has not said `hello`. `[\"list-push\"]` serves the \
         client of the original Python Chat Room.",
    ),
    key("motd", "", "A line that every client is told."),
    key(
        "durability",
        r#""power""#,
        "What an acknowledged message survives: `power` (a power cut: the disk is told to write) \
         or `process` (a crash of chatd).",
    ),
    key(
        "tls.cert",
        "",
        "A PEM file with the certificate chain, in place of the one in `data`. A relative path, here \
         and of `tls.key` and `data`, is of the folder in which chatd was started, not of the \
         configuration's.",
    ),
    key("tls.key", "", "The PEM file with its private key; nobody else may read it."),
    key(
        "registration.policy",
        r#""open""#,
        "Who may create an account: `open` (anyone who can connect) or `closed` (`chatd user add`).",
    ),
    key("password.min_length", "4", "The shortest new password, in bytes; 256 at most."),
    key(
        "password.log_n",
        "15",
        "scrypt: the cost in time and memory, as a power of two. 15 with r = 8 takes 32 MiB for \
         each login under way.",
    ),
    key("password.r", "8", "scrypt: the block size."),
    key("password.p", "3", "scrypt: how often it is done over."),
    key("limits.frame", "65536", "The longest frame from a client, in bytes."),
    key(
        "limits.frame_before_login",
        "4096",
        "The longest frame before login, in bytes: strangers need no more than names and passwords.",
    ),
    key(
        "limits.text",
        "16384",
        "The longest text of a message, in bytes: up to 65536, which 0 is, too. What the server \
         sends has to hold it.",
    ),
    key(
        "limits.connections",
        "",
        "How many connections there may be. Without it 10,000, or what the limit of open files \
         leaves after 64 for other uses.",
    ),
    key(
        "limits.unauthenticated",
        "256",
        "How many connections may be not logged in. From a quarter of it on, newcomers are turned \
         away by chance, ever more often: a flood then cannot keep everybody out.",
    ),
    key("limits.unauthenticated_per_prefix", "8", "The same per address (IPv4) or /64 (IPv6)."),
    key(
        "limits.connections_per_prefix",
        "1000",
        "How many connections may come from one address (IPv4) or /64 (IPv6).",
    ),
    key("limits.handshake_s", "5", "Seconds that a TLS handshake may take."),
    key(
        "limits.login_s",
        "120",
        "Seconds from connecting to being logged in: people type passwords.",
    ),
    key("limits.frame_s", "10", "Seconds from the first byte of a frame to its last."),
    key("limits.commands_burst", "100", "Commands that a connection may send at once."),
    key(
        "limits.commands_per_s",
        "20",
        "Commands a second after that. Beyond it the server reads no further for a while; nothing \
         is refused.",
    ),
    key(
        "limits.logins_per_min",
        "5",
        "Failed logins a minute per account and address; four times as many per address. An owner \
         elsewhere is never locked out.",
    ),
    key("limits.registrations_per_hour", "3", "New accounts an hour per address."),
    key(
        "limits.outbox_bytes",
        "262144",
        "Bytes that may wait for a client that does not read; then the connection ends with \
         slow_consumer.",
    ),
    key("limits.stall_s", "10", "Seconds that a client may take nothing of what waits for it."),
    key(
        "limits.ping_s",
        "60",
        "Seconds of silence after which a client with cap `ping` is asked whether it is there; \
         after two and a half times that without an answer the connection ends.",
    ),
    key("limits.rooms_per_user", "20", "Rooms that one account may own."),
    key(
        "limits.inbox_days",
        "0",
        "Days after which a private message is deleted, once its owner has marked it as read.",
    ),
    key("limits.spare_loopback", "true", "Whether limits per address spare 127.0.0.0/8 and ::1."),
    key("log.format", r#""text""#, "`text` or `json`, on stderr."),
    key("log.level", r#""info""#, "`error`, `warn`, `info`, `debug` or `trace`."),
];

/// What is in force.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    data: Option<PathBuf>,
    /// Rooms to make if they are missing.
    pub rooms: Vec<RoomName>,
    default_caps: Vec<Cap>,
    motd: Option<String>,
    /// What an acknowledged message survives.
    pub durability: Durability,
    #[serde(default)]
    /// Files of the operator's own certificate.
    pub tls: Tls,
    registration: RegistrationSection,
    /// How passwords are kept.
    pub password: Password,
    /// Bounds.
    pub limits: LimitsSection,
    /// How to log.
    pub log: Log,
}

/// What an acknowledged message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A power cut.
    Power,
    /// A crash of the process.
    Process,
}

/// The operator's own certificate: both files, or none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain.
    pub cert: Option<PathBuf>,
    /// The private key.
    pub key: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrationSection {
    policy: RegistrationPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RegistrationPolicy {
    Open,
    Closed,
}

/// How passwords are kept.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// The shortest new one, in bytes.
    pub min_length: usize,
    /// scrypt's N, as a power of two.
    pub log_n: u8,
    /// scrypt's r.
    pub r: u32,
    /// scrypt's p.
    pub p: u32,
}

impl Password {
    /// Is one guess cheaper than OWASP advises for scrypt?
    ///
    /// Its weakest rows (Password Storage Cheat Sheet) are N=2^13, r=8, p=10, up to
    /// N=2^17, r=8, p=1: about 2^20 units of N * r * p, and no less memory than 8 MiB.
    pub fn is_weak(&self) -> bool {
        let work = (1u64 << self.log_n.min(32)) * u64::from(self.r) * u64::from(self.p);
        work < 5 << 17 || self.log_n < 13
    }
}

/// Bounds; see [`KEYS`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LimitsSection {
    pub frame: u32,
    pub frame_before_login: u32,
    pub text: u32,
    pub connections: Option<u32>,
    pub unauthenticated: u32,
    pub unauthenticated_per_prefix: u32,
    pub connections_per_prefix: u32,
    handshake_s: u32,
    login_s: u32,
    frame_s: u32,
    pub commands_burst: u32,
    pub commands_per_s: u32,
    pub logins_per_min: u32,
    pub registrations_per_hour: u32,
    pub outbox_bytes: usize,
    stall_s: u32,
    ping_s: u32,
    pub rooms_per_user: u32,
    pub inbox_days: u32,
    pub spare_loopback: bool,
}

impl LimitsSection {
    /// How long a TLS handshake may take.
    pub fn handshake(&self) -> Option<Duration> {
        seconds(self.handshake_s)
    }

    /// How long a connection may be not logged in.
    pub fn login(&self) -> Option<Duration> {
        seconds(self.login_s)
    }

    /// How long a frame may take.
    pub fn frame_time(&self) -> Option<Duration> {
        seconds(self.frame_s)
    }

    /// How long a client may take nothing.
    pub fn stall(&self) -> Option<Duration> {
        seconds(self.stall_s)
    }

    /// After how long a silence a client is asked whether it is there.
    pub fn ping(&self) -> Option<Duration> {
        seconds(self.ping_s)
    }

    /// After how long a silence it is not there.
    pub fn gone(&self) -> Option<Duration> {
        self.ping().map(|ping| ping * 5 / 2)
    }
}

fn seconds(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// How to log.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// One line of text, or of JSON, an event.
    pub format: LogFormat,
    /// From which importance on.
    pub level: LogLevel,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How important an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Frames that the server sends may have this many bytes, header apart.
const FRAME_FROM_SERVER_BYTES_MAX: u32 = 1 << 20;

/// The longest text that a message may be allowed, in bytes: a frame of the server holds three,
/// a topic and two reasons, even if every letter is escaped, which makes it two; and Linux hands
/// a program no variable of more than 131,072 bytes, as `chatsh tail --exec` does with a text.
const TEXT_BYTES_MAX: u32 = FRAME_FROM_SERVER_BYTES_MAX / 16;

impl Config {
    /// What fits together in form but not in sense.
    ///
    /// # Errors
    /// Names the key and says what to do.
    pub fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Err("listen: there is no address: a server listens somewhere".into());
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return Err("tls: cert and key go together: give both or neither".into());
        }
        let LimitsSection { frame, frame_before_login, .. } = self.limits;
        for (name, bytes) in [("frame", frame), ("frame_before_login", frame_before_login)] {
            if (1..FRAME_BYTES_MIN).contains(&bytes) {
                return Err(format!(
                    "limits.{name}: nobody can log in with {bytes} bytes: give {FRAME_BYTES_MIN} or \
                     more, or 0 for no limit"
                ));
            }
        }
        let text = self.limits.text;
        if text > TEXT_BYTES_MAX {
            return Err(format!(
                "limits.text: no frame of the server holds a text of {text} bytes in every case: \
                 give {TEXT_BYTES_MAX} or less, or 0 for that"
            ));
        }
        let Password { min_length, log_n, r, p } = self.password;
        if min_length > PASSWORD_BYTES_MAX {
            return Err(format!(
                "password.min_length: no password has {min_length} bytes: give \
                 {PASSWORD_BYTES_MAX} or less"
            ));
        }
        if scrypt::Params::new(log_n, r, p).is_err() || log_n > PASSWORD_LOG_N_MAX {
            return Err(format!(
                "password: scrypt cannot do log_n = {log_n}, r = {r}, p = {p}: 15, 8, 3 are usual"
            ));
        }
        Ok(())
    }

    /// The folder of everything that lasts.
    ///
    /// # Errors
    /// When neither configuration nor environment says where it is.
    pub fn data(&self) -> Result<PathBuf, String> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let data = self
            .data
            .clone()
            .or_else(|| variable("STATE_DIRECTORY").map(PathBuf::from))
            .or_else(|| variable("XDG_DATA_HOME").map(|home| PathBuf::from(home).join("chatd")))
            .or_else(|| {
                variable("HOME").map(|home| PathBuf::from(home).join(".local/share/chatd"))
            });
        data.ok_or_else(|| "data: there is no HOME to put it under: give --data DIR".into())
    }

    /// What the commands need to know of it.
    pub fn policy(&self) -> Policy {
        let limits = &self.limits;
        Policy {
            registration: match self.registration.policy {
                RegistrationPolicy::Open => Registration::Open,
                RegistrationPolicy::Closed => Registration::Closed,
            },
            motd: self.motd.clone().filter(|motd| !motd.is_empty()),
            default_caps: self.default_caps.iter().copied().collect(),
            limits: Limits {
                frame: limits.frame,
                frame_before_login: limits.frame_before_login,
                frame_from_server: FRAME_FROM_SERVER_BYTES_MAX,
                text: if limits.text == 0 { TEXT_BYTES_MAX } else { limits.text },
                commands_burst: limits.commands_burst,
                commands_per_s: limits.commands_per_s,
                pipelined: commands::PIPELINED_MAX as u32,
                ping_s: limits.ping_s,
                rooms_per_user: limits.rooms_per_user,
            },
        }
    }
}

/// A login with the longest name and the longest password fits into so many bytes.
const FRAME_BYTES_MIN: u32 = 512;

/// scrypt with N = 2^24 and r = 8 takes 16 GiB for one login.
const PASSWORD_LOG_N_MAX: u8 = 24;
