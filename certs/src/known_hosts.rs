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

use crate::whole_file;
use crate::{Fingerprint, FingerprintError};

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
    #[error("cannot read {file}: {source}", file = file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file, its folder or its lock cannot be written.
    #[error("cannot write {file}: {source}", file = file.display())]
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
        let server = Server::new(host, port)
            .ok_or_else(|| KnownHostsError::NotAHost { host: host.to_owned() })?;
        let cannot_write = |source| KnownHostsError::Write { file: self.file.clone(), source };

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
                let fingerprint =
                    fingerprint.parse().map_err(|error: FingerprintError| error.to_string())?;
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
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
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
        let damaged =
            |reason| KnownHostsError::Damaged { file: file.into(), line: index + 1, reason };
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
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;
    use std::thread;

    type Outcome = Result<(), Box<dyn Error>>;

    /// A fingerprint that is `letter` again and again.
    fn key(letter: char) -> Fingerprint {
        let digits = letter.to_string().repeat(42);
        format!("SHA256:{digits}A").parse().expect("it is a fingerprint")
    }

    #[test]
    fn nothing_is_known_until_it_is_remembered() -> Outcome {
        let dir = tempfile::tempdir()?;
        let folder = dir.path().join("state/chatsh");
        let file = folder.join("known_hosts");
        let mut hosts = KnownHosts::open(&file)?;
        assert_eq!(hosts.lookup("chat.example", 1), None);

        hosts.remember("chat.example", 1, key('a'))?;
        assert_eq!(hosts.lookup("chat.example", 1), Some(key('a')));
        assert_eq!(hosts.lookup("chat.example", 2), None);
        assert_eq!(hosts.lookup("other.example", 1), None);

        let again = KnownHosts::open(&file)?;
        assert_eq!(again.lookup("chat.example", 1), Some(key('a')));
        let mode = |path: &Path| fs::metadata(path).map(|is| is.permissions().mode() & 0o777);
        assert_eq!(mode(&file)?, 0o600);
        assert_eq!(mode(&folder)?, 0o700);
        Ok(())
    }

    #[test]
    fn the_users_own_lines_stay_where_they_are() -> Outcome {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("known_hosts");
        let (a, b, c) = (key('a'), key('b'), key('c'));
        let text = format!("# work\none:1 {a}\n\n  # home\n  [::1]:2   {b}=");
        fs::write(&file, text)?;

        let mut hosts = KnownHosts::open(&file)?;
        assert_eq!(hosts.lookup("::1", 2), Some(b));
        hosts.remember("one", 1, c)?;
        hosts.remember("two", 1, b)?;

        let expected = format!("# work\none:1 {c}\n\n  # home\n  [::1]:2   {b}=\ntwo:1 {b}\n");
        assert_eq!(fs::read_to_string(&file)?, expected);
        Ok(())
    }

    #[test]
    fn one_server_has_one_name() -> Outcome {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("known_hosts");
        let mut hosts = KnownHosts::open(&file)?;
        hosts.remember("Chat.Example", 1, key('a'))?;
        hosts.remember("chat.example", 1, key('b'))?;
        hosts.remember("0:0:0::1", 1, key('c'))?;
        hosts.remember("127.0.0.1", 1, key('d'))?;

        assert_eq!(hosts.lookup("CHAT.example", 1), Some(key('b')));
        assert_eq!(hosts.lookup("::1", 1), Some(key('c')));
        let names: Vec<_> = hosts.lines.iter().filter_map(Line::server).collect();
        assert_eq!(
            format!("{names:?}"),
            r#"[Server("chat.example:1"), Server("[::1]:1"), Server("127.0.0.1:1")]"#
        );
        Ok(())
    }

    #[test]
    fn what_is_no_host_never_gets_into_the_file() -> Outcome {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("known_hosts");
        let mut hosts = KnownHosts::open(&file)?;
        for host in ["", "a b", "a\nb", "#a", "[::1]", "a/b"] {
            assert_eq!(hosts.lookup(host, 1), None);
            let error = hosts.remember(host, 1, key('a')).expect_err("it is no host");
            assert!(matches!(error, KnownHostsError::NotAHost { .. }), "{error}");
        }
        assert!(!file.exists());
        Ok(())
    }

    #[test]
    fn a_damaged_line_is_named_and_never_overwritten() -> Outcome {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("known_hosts");
        let mut hosts = KnownHosts::open(&file)?;
        let mut check = |line: &str, reason: &str| -> Outcome {
            let text = format!("# mine\nfirst:1 {}\n{line}\n", key('a'));
            fs::write(&file, &text)?;
            let expected = format!("{}:3: {reason}; mend or remove the line", file.display());
            let error = KnownHosts::open(&file).expect_err("it is damaged");
            assert_eq!(error.to_string(), expected);
            assert!(hosts.remember("second", 1, key('b')).is_err());
            assert_eq!(fs::read_to_string(&file)?, text);
            Ok(())
        };
        let key = key('b');
        check("second:1", "a line is HOST:PORT SHA256:...")?;
        check(&format!("second:1 {key} x"), "a line is HOST:PORT SHA256:...")?;
        check(&format!("second {key}"), "\"second\" is not HOST:PORT")?;
        check(&format!("second:65536 {key}"), "\"second:65536\" is not HOST:PORT")?;
        check(&format!("::1 {key}"), "\"::1\" is not HOST:PORT")?;
        check("second:1 SHA256:abc", "a fingerprint has 43 digits after \"SHA256:\", not 3")?;
        check(&format!("FIRST:1 {key}"), "first:1 is already known above")?;
        Ok(())
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() -> Outcome {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("known_hosts");
        fs::write(&file, b"\xff\xfe\0")?;
        let error = KnownHosts::open(&file).expect_err("it is no text");
        assert!(matches!(error, KnownHostsError::Read { .. }), "{error}");
        Ok(())
    }

    #[test]
    fn where_nothing_can_be_kept_the_reason_is_said() -> Outcome {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("taken"), "")?;
        let file = dir.path().join("taken/known_hosts");
        let error = KnownHosts { file: file.clone(), lines: Vec::new() }.remember("a", 1, key('a'));
        let reason = error.expect_err("its folder is a file").to_string();
        assert_eq!(reason.split(": ").next(), Some(&*format!("cannot write {}", file.display())));
        assert!(reason.contains("(os error"), "{reason}");
        Ok(())
    }

    #[test]
    fn many_at_once_lose_nothing() -> Outcome {
        const WRITERS: u16 = 8;
        const EACH: u16 = 8;
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("new/known_hosts");
        let start = Barrier::new(WRITERS.into());
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (file, start) = (&file, &start);
                scope.spawn(move || {
                    let mut hosts = KnownHosts::open(file).expect("it can be read");
                    start.wait();
                    for port in 0..EACH {
                        hosts
                            .remember(&format!("host{writer}"), port, key('a'))
                            .expect("it can be written");
                    }
                });
            }
        });

        let hosts = KnownHosts::open(&file)?;
        for writer in 0..WRITERS {
            for port in 0..EACH {
                assert!(hosts.lookup(&format!("host{writer}"), port).is_some());
            }
        }
        Ok(())
    }
}
