//! Known hosts: the keys of the servers that this user has met before.
//!
//! One line per server, `HOST:PORT SHA256:...`; lines that are empty or start with `#`
//! are the user's own and stay where they are.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustls::pki_types::ServerName;

use crate::Fingerprint;
use crate::whole_file;

/// The file of known hosts, as it was when it was last read.
#[derive(Debug)]
pub struct KnownHosts {
    file: PathBuf,
    lines: Vec<Line>,
}

/// Why known hosts cannot be used; every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// A line says nothing that we understand. It may hide a key, so we stop.
    #[error("{file}:{line}: {reason}; mend or remove the line", file = file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong with the line.
        reason: String,
    },
    /// The name of a server that could never be reached, so nothing is kept for it.
    #[error("\"{host}\" is neither a host name nor an IP address")]
    NotAHost {
        /// What the caller said.
        host: String,
    },
    /// The file is there, but cannot be read.
    #[error("cannot read {file}", file = file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file, its folder or its lock cannot be written.
    #[error("cannot write {file}", file = file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl KnownHosts {
    /// Reads `file`; when it is not there, nothing is known.
    ///
    /// # Errors
    /// [`KnownHostsError::Read`] and [`KnownHostsError::Damaged`], which the user has to mend.
    pub fn open(file: &Path) -> Result<Self, KnownHostsError> {
        let lines = read_lines(file)?;
        let file = file.into();
        Ok(Self { file, lines })
    }

    /// The key that `host` had on `port` when it was remembered.
    ///
    /// Names of hosts are the same in upper and lower case, addresses in every spelling.
    pub fn lookup(&self, host: &str, port: u16) -> Option<Fingerprint> {
        let server = Server::new(host, port)?;
        self.lines
            .iter()
            .filter_map(|line| line.entry.as_ref())
            .find(|(known, _)| *known == server)
            .map(|(_, fingerprint)| *fingerprint)
    }

    /// Keeps the key of `host` on `port`, in place of the one that was kept for it.
    ///
    /// Reads the file again first, under a lock (`FILE.lock`), so nothing is lost that
    /// another process remembered meanwhile. Makes the folder (0700) and the file (0600).
    ///
    /// # Errors
    /// Whatever it is, the file stays as it was, and so does `self`.
    pub fn remember(
        &mut self,
        host: &str,
        port: u16,
        fingerprint: Fingerprint,
    ) -> Result<(), KnownHostsError> {
        let server = Server::new(host, port).ok_or_else(|| KnownHostsError::NotAHost {
            host: host.to_owned(),
        })?;
        let cannot_write = |source| KnownHostsError::Write {
            file: self.file.clone(),
            source,
        };

        // Released when it goes out of scope.
        let _lock = lock(&self.file).map_err(cannot_write)?;
        let mut lines = read_lines(&self.file)?;
        let new = Line {
            text: format!("{} {fingerprint}", server.0),
            entry: Some((server, fingerprint)),
        };
        match lines.iter_mut().find(|line| line.server() == new.server()) {
            Some(old) => *old = new,
            None => lines.push(new),
        }
        let text: String = lines.iter().flat_map(|line| [&line.text, "\n"]).collect();
        whole_file::write(&self.file, text.as_bytes(), 0o600).map_err(cannot_write)?;
        self.lines = lines;
        Ok(())
    }
}

/// One line of the file, and what it says unless it is the user's own.
#[derive(Debug)]
struct Line {
    text: String,
    entry: Option<(Server, Fingerprint)>,
}

impl Line {
    fn server(&self) -> Option<&Server> {
        self.entry.as_ref().map(|(server, _)| server)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let entry = match words[..] {
            [] => None,
            [first, ..] if first.starts_with('#') => None,
            [server, fingerprint] => {
                let server = Server::parse(server)
                    .ok_or_else(|| format!("\"{server}\" is not HOST:PORT"))?;
                let fingerprint = fingerprint
                    .parse()
                    .map_err(|error: crate::FingerprintError| error.to_string())?;
                Some((server, fingerprint))
            }
            _ => return Err("a line is HOST:PORT SHA256:...".to_owned()),
        };
        let text = text.to_owned();
        Ok(Self { text, entry })
    }
}

/// `HOST:PORT` in its one spelling: small letters, `[::1]:65432`.
#[derive(Debug, PartialEq, Eq)]
struct Server(String);

impl Server {
    fn new(host: &str, port: u16) -> Option<Self> {
        let server = match ServerName::try_from(host).ok()? {
            ServerName::IpAddress(address) => SocketAddr::new(address.into(), port).to_string(),
            name => format!("{}:{port}", name.to_str().to_ascii_lowercase()),
        };
        Some(Self(server))
    }

    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Self::new(host, port.parse().ok()?)
    }
}

fn read_lines(file: &Path) -> Result<Vec<Line>, KnownHostsError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            let file = file.into();
            return Err(KnownHostsError::Read { file, source });
        }
    };
    let mut lines: Vec<Line> = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let damaged = |reason| KnownHostsError::Damaged {
            file: file.into(),
            line: index + 1,
            reason,
        };
        let line = Line::parse(text).map_err(damaged)?;
        if let Some(server) = line.server()
            && lines.iter().any(|other| other.server() == Some(server))
        {
            return Err(damaged(format!("{} is already known above", server.0)));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Keeps all others out of `file` until the answer is dropped.
fn lock(file: &Path) -> io::Result<File> {
    if let Some(folder) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    // Not the file itself: that is replaced, and who waits would lock the old one.
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(whole_file::sibling(file, ".lock"))?;
    lock.lock()?;
    Ok(lock)
}
