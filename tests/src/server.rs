//! A chatd process, with its own port and data folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::{Client, program};

/// Passwords cost next to nothing in tests: what they cost is tested by itself.
const CHEAP: [&str; 3] = ["password.log_n=4", "password.r=1", "password.p=1"];

/// A server at work. Dropped, it is killed.
pub struct Server {
    child: Child,
    log: Option<JoinHandle<String>>,
    pub address: SocketAddr,
    /// `SHA256:...`, from its ready line.
    pub fingerprint: String,
    folder: Arc<TempDir>,
    settings: Vec<String>,
}

impl Server {
    /// A server with its defaults.
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// A server with these settings, as `KEY=VALUE`.
    pub fn with(settings: &[&str]) -> Server {
        let settings = settings.iter().map(ToString::to_string).collect();
        Server::launch("chatd", Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    /// The same as [`Server::with`], of another program than chatd.
    pub fn of(name: &str, settings: &[&str]) -> Server {
        let settings = settings.iter().map(ToString::to_string).collect();
        Server::launch(name, Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    /// Another server on the same data, once this one is gone.
    pub fn again(mut self) -> Server {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        Server::launch("chatd", self.folder.clone(), self.settings.clone())
    }

    fn launch(name: &str, folder: Arc<TempDir>, settings: Vec<String>) -> Server {
        let mut command = Command::new(program(name));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        let cheap = CHEAP.iter().map(ToString::to_string);
        for setting in cheap.chain(settings.iter().cloned()) {
            command.args(["--set", &setting]);
        }
        let mut child = bare(&mut command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        let Some(rest) = ready.strip_prefix("chatd: listening on ") else {
            child.kill().unwrap();
            panic!("no ready line: {ready:?}, {}", log.join().unwrap());
        };
        let (address, pin) = rest.split_once(' ').unwrap();
        let fingerprint = pin.trim().trim_end_matches(')').split_once('#').unwrap().1.to_owned();
        let address = address.parse().unwrap();
        Server { child, log: Some(log), address, fingerprint, folder, settings }
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection, not logged in.
    pub fn connect(&self) -> Client {
        Client::connect(self.address, &self.fingerprint)
    }

    /// A connection of a user who is registered here, and logged in.
    pub fn user(&self, name: &str) -> Client {
        let mut client = self.connect();
        client.ask("register", serde_json::json!({ "username": name, "password": "1234" }));
        client.login(name);
        client
    }

    /// A connection of a new user, in a room that exists.
    pub fn member(&self, name: &str, room: &str) -> Client {
        let mut client = self.user(name);
        let entered = client.ask("enter", serde_json::json!({ "room": room }));
        assert_eq!(entered["status"], "ok", "{entered}");
        client
    }

    /// Sends a signal, as `kill` does: "TERM", "INT", "KILL", "STOP".
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Stops it as a service manager does; its exit status and its log.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end; its exit status and its log.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nothing of the developer's own environment reaches the program.
fn bare(command: &mut Command) -> &mut Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

/// Runs `chatd` with these arguments to its end.
pub fn run_chatd(data: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(program("chatd"));
    command.arg("--data").arg(data).args(arguments);
    feed(bare(&mut command), stdin)
}

/// Runs `chatsh` against a server, in a home of its own, with this standard input.
pub fn chatsh(server: &Server, arguments: &[&str], stdin: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(program("chatsh"));
    bare(&mut command).env("HOME", home.path());
    command.args(["--pin", &server.fingerprint]).args(arguments).arg(server.address.to_string());
    feed(&mut command, stdin)
}

fn feed(command: &mut Command, stdin: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let text = stdin.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that has seen enough closes its end.
        let _ = pipe.write_all(text.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}
