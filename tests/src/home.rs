//! A person's home, where chatsh finds and keeps its files, and chatsh as it runs there
//! with pipes on every side.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;

use crate::server::{Watchdog, bare, send_signal};
use crate::{PATIENCE, Server, program};

/// A folder of its own. The last one who has it removes it.
#[derive(Clone)]
pub struct Home(Arc<TempDir>);

impl Home {
    #[expect(clippy::new_without_default, reason = "a home is made, and is never the same")]
    pub fn new() -> Home {
        Home(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// The place of a file in it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// Writes a file that only its owner may read.
    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path(file);
        let folder = path.parent().unwrap();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).unwrap();
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(path).unwrap().write_all(text.as_ref()).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        let path = self.path(file);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// chatsh with these arguments, in this folder, knowing no server.
    pub fn chatsh(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("chatsh"));
        bare(&mut command).env("HOME", self.0.path()).current_dir(self.0.path());
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same for a server whose key it knows.
    pub fn chatsh_at(&self, server: &Server, arguments: &[&str]) -> Command {
        let mut command = self.chatsh(arguments);
        command.args(["--pin", &server.fingerprint, "-a", &server.address.to_string()]);
        command
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// A program that runs. Dropped, it is killed.
pub struct Run {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it has printed, as far as it was read.
    printed: String,
    _watch: Watchdog,
}

impl Run {
    pub fn of(mut command: Command) -> Run {
        let mut child = command.spawn().unwrap();
        let watch = Watchdog::over(child.id(), Instant::now() + PATIENCE);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Run { child, stdout, printed: String::new(), _watch: watch }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives it this on stdin, which stays open.
    pub fn feed(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits until it has printed a line with this in it.
    pub fn wait_for_line(&mut self, text: &str) {
        loop {
            let start = self.printed.len();
            let read = self.stdout.read_line(&mut self.printed).unwrap();
            assert!(read > 0, "it ended without {text:?}:\n{}", self.printed);
            if self.printed[start..].contains(text) {
                return;
            }
        }
    }

    /// Sends a signal, by the names of [`Server::signal`].
    pub fn signal(&self, name: &str) {
        send_signal(self.pid(), name);
    }

    /// Waits for its end, while its stdin stays open; see [`outcome`].
    pub fn end(mut self) -> String {
        let stdin = self.child.stdin.take();
        let mut stderr = self.child.stderr.take().unwrap();
        let talk = std::thread::spawn(move || {
            let mut talk = String::new();
            stderr.read_to_string(&mut talk).unwrap();
            talk
        });
        self.stdout.read_to_string(&mut self.printed).unwrap();
        let status = self.child.wait().unwrap();
        drop(stdin);
        let mut text = std::mem::take(&mut self.printed);
        for line in talk.join().unwrap().lines() {
            text.push_str(&format!("! {line}\n"));
        }
        match status.code() {
            Some(code) => text.push_str(&format!("exit {code}\n")),
            None => text.push_str(&format!("{status}\n")),
        }
        text
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `command` with this on stdin to its end: what it printed, what it said on stderr
/// (each line after `! `), and how it ended.
pub fn outcome(command: Command, stdin: impl AsRef<[u8]>) -> String {
    let mut run = Run::of(command);
    let mut pipe = run.child.stdin.take().unwrap();
    let bytes = stdin.as_ref().to_owned();
    let writer = std::thread::spawn(move || {
        // A program that has seen enough closes its end.
        let _ = pipe.write_all(&bytes);
    });
    let end = run.end();
    writer.join().unwrap();
    end
}
