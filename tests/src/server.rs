//! A chatd process, with its own port and data folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::{Client, PATIENCE, eventually, program};

/// Passwords cost next to nothing in tests: what they cost is tested by itself.
const CHEAP: [&str; 3] = ["password.log_n=4", "password.r=1", "password.p=1"];

/// A server at work. Dropped, it is killed.
pub struct Server {
    child: Child,
    log: Log,
    stdout: Option<JoinHandle<String>>,
    /// The first of its addresses.
    pub address: SocketAddr,
    pub addresses: Vec<SocketAddr>,
    /// `SHA256:...`, from its ready line.
    pub fingerprint: String,
    pub ready_line: String,
    folder: Arc<TempDir>,
    settings: Vec<String>,
    /// Where the next one on the same data listens.
    listen: SocketAddr,
}

/// Somewhere on the loopback.
pub(crate) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What a server has written to stderr so far.
struct Log {
    text: Arc<(Mutex<String>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// A server with its defaults.
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// A server with these settings, as `KEY=VALUE`.
    pub fn with(settings: &[&str]) -> Server {
        Server::of("chatd", settings)
    }

    /// The same as [`Server::with`], of another program than chatd.
    pub fn of(name: &str, settings: &[&str]) -> Server {
        Server::by(&mut Command::new(program(name)), settings)
    }

    /// The same as [`Server::with`], of a command that takes further arguments of chatd.
    pub fn by(command: &mut Command, settings: &[&str]) -> Server {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Server::launch(command, ANYWHERE, folder, owned(settings))
    }

    /// The same as [`Server::with`], and the next one on the same data will be at the same
    /// address, which is nobody else's: so its port is free while it is down.
    pub fn in_place(settings: &[&str]) -> Server {
        static TURN: AtomicU8 = AtomicU8::new(1);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let own = SocketAddr::new(Ipv4Addr::new(127, turn, high, low).into(), 0);
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut command = Command::new(program("chatd"));
        let mut server = Server::launch(&mut command, own, folder, owned(settings));
        server.listen = server.address;
        server
    }

    /// The same as [`Server::with`], after this `ulimit` of the shell.
    pub fn with_ulimit(limit: &str, settings: &[&str]) -> Server {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit {limit} && exec \"$@\""), "sh"]);
        Server::by(command.arg(program("chatd")), settings)
    }

    /// Another server on the same data, once this one is gone.
    pub fn again(self) -> Server {
        let settings = self.settings.clone();
        self.again_as(settings)
    }

    /// The same with other settings.
    pub fn again_with(self, settings: &[&str]) -> Server {
        self.again_as(owned(settings))
    }

    fn again_as(mut self, settings: Vec<String>) -> Server {
        self.kill();
        let mut command = Command::new(program("chatd"));
        Server::launch(&mut command, self.listen, self.folder.clone(), settings)
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was killed; how long it took until it was ready.
    pub fn revive(&mut self) -> Duration {
        let began = Instant::now();
        let mut command = Command::new(program("chatd"));
        let (folder, settings) = (self.folder.clone(), self.settings.clone());
        *self = Server::launch(&mut command, self.listen, folder, settings);
        began.elapsed()
    }

    /// Starts it where it was killed, and kills it so soon that it may not be ready yet.
    pub fn revive_for(&self, time: Duration) {
        let mut command = Command::new(program("chatd"));
        arguments(&mut command, self.listen, &self.folder, &self.settings);
        let mut child = bare(&mut command)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The moment of a fault: nothing is waited for.
        std::thread::park_timeout(time);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A server on the data of this folder, which another one has left; or how it ended
    /// before it was ready, and what it said.
    pub fn on(folder: TempDir) -> Result<Server, (ExitStatus, String)> {
        let mut command = Command::new(program("chatd"));
        Server::try_launch(&mut command, ANYWHERE, Arc::new(folder), owned(&[]))
    }

    pub(crate) fn launch(
        command: &mut Command,
        listen: SocketAddr,
        folder: Arc<TempDir>,
        settings: Vec<String>,
    ) -> Server {
        let launched = Server::try_launch(command, listen, folder, settings);
        launched.unwrap_or_else(|(status, log)| panic!("it is not ready: {status}, {log}"))
    }

    fn try_launch(
        command: &mut Command,
        listen: SocketAddr,
        folder: Arc<TempDir>,
        settings: Vec<String>,
    ) -> Result<Server, (ExitStatus, String)> {
        arguments(command, listen, &folder, &settings);
        let mut child = bare(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = Log::follow(child.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let Some(rest) = ready.strip_prefix("chatd: listening on ") else {
            let _ = child.kill();
            return Err((child.wait().unwrap(), log.rest()));
        };
        let (addresses, pin) = rest.split_once(" (").unwrap();
        let fingerprint = pin.trim().trim_end_matches(')').split_once('#').unwrap().1.to_owned();
        let addresses: Vec<SocketAddr> =
            addresses.split(", ").map(|address| address.parse().unwrap()).collect();
        let address = addresses[0];
        let stdout = std::thread::spawn(move || {
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            rest
        });
        Ok(Server {
            child,
            log,
            stdout: Some(stdout),
            address,
            addresses,
            fingerprint,
            ready_line: ready,
            folder,
            settings,
            listen,
        })
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

    /// Sends a signal: "TERM", "INT", "KILL", "STOP", "CONT".
    pub fn signal(&self, name: &str) {
        send_signal(self.pid(), name);
    }

    /// Stops it in its tracks, every thread of it.
    pub fn freeze(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.pid());
        eventually("the server has stopped", || {
            std::fs::read_dir(&tasks).unwrap().all(|task| {
                let status = std::fs::read_to_string(task.unwrap().path().join("status"));
                status.is_ok_and(|status| status.contains("State:\tT"))
            })
        });
    }

    /// Is there anything in the kernel that it has not read?
    pub fn has_unread(&self) -> bool {
        let local = format!(":{:04X}", self.address.port());
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        sockets.lines().any(|line| {
            // Number, local address, remote address, state, then what waits to be sent and
            // read.
            let fields: Vec<_> = line.split_whitespace().collect();
            let is_established = fields[1].ends_with(&local) && fields[3] == "01";
            is_established && !fields[4].ends_with(":00000000")
        })
    }

    /// Stops it as a service manager does; its exit status and its log.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end; its exit status and its log.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        let _watch = Watchdog::over(self.pid(), deadline);
        let status = self.child.wait().unwrap();
        (status, self.log.rest())
    }

    /// What came on stdout after the ready line, once it has ended.
    pub fn rest_of_stdout(&mut self) -> String {
        self.stdout.take().expect("it is asked for once").join().unwrap()
    }

    /// Waits until its log has this text; gives the log so far.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.wait_for_log_of(&[text])
    }

    /// The same for whichever comes of several texts.
    pub fn wait_for_log_of(&self, texts: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        let (log, grown) = &*self.log.text;
        let mut log = log.lock().unwrap();
        while !texts.iter().any(|text| log.contains(text)) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{texts:?} never stood in this log:\n{log}");
            log = grown.wait_timeout(log, left).unwrap().0;
        }
        log.clone()
    }

    /// How many files and sockets it has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
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

impl Log {
    fn follow(mut stderr: impl Read + Send + 'static) -> Log {
        let text = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let kept = text.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut bytes) {
                kept.0.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
                kept.1.notify_all();
            }
        });
        Log { text, reader: Some(reader) }
    }

    fn rest(&mut self) -> String {
        self.reader.take().into_iter().for_each(|reader| reader.join().unwrap());
        self.text.0.lock().unwrap().clone()
    }
}

/// Kills a process that outlives its time, so that no test waits for ever.
pub(crate) struct Watchdog {
    _done: mpsc::Sender<()>,
}

impl Watchdog {
    pub(crate) fn over(pid: u32, deadline: Instant) -> Watchdog {
        let (done, is_done) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if is_done.recv_timeout(left) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("process {pid} does not end: it is killed");
                send_signal(pid, "KILL");
            }
        });
        Watchdog { _done: done }
    }
}

pub(crate) fn send_signal(pid: u32, name: &str) {
    let signal = match name {
        "TERM" => Signal::TERM,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        other => panic!("no signal {other}"),
    };
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn arguments(command: &mut Command, listen: SocketAddr, folder: &TempDir, settings: &[String]) {
    command.args(["--listen", &listen.to_string(), "--data"]).arg(folder.path().join("data"));
    let cheap = CHEAP.iter().map(ToString::to_string);
    for setting in cheap.chain(settings.iter().cloned()) {
        command.args(["--set", &setting]);
    }
}

pub(crate) fn owned(settings: &[&str]) -> Vec<String> {
    settings.iter().map(ToString::to_string).collect()
}

/// Nothing of the developer's own environment reaches the program.
pub(crate) fn bare(command: &mut Command) -> &mut Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

/// Runs `chatd` with these arguments to its end.
pub fn run_chatd(data: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(program("chatd"));
    command.arg("--data").arg(data);
    for setting in CHEAP {
        command.args(["--set", setting]);
    }
    feed(bare(&mut command).args(arguments), stdin)
}

/// Runs `chatd` with these arguments and this environment, and nothing else, to its end.
pub fn chatd_with(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program("chatd"));
    let environment = environment.iter().copied();
    feed(bare(&mut command).args(arguments).envs(environment), "")
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
    let _watch = Watchdog::over(child.id(), Instant::now() + PATIENCE);
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
