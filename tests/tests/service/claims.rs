//! What the command line of chatd promises, each promise by its name.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::{Client, PATIENCE, Server, chatd_with, program, run_chatd};

use crate::{ends, stdout};

#[test]
fn the_ready_line_is_one_line_with_address_port_and_pin() {
    let server = Server::start();
    let pin = stdout(&run_chatd(&server.data(), &["key", "fingerprint"], ""));
    let pin = pin.trim();
    let address = server.address;
    assert_eq!(
        server.ready_line,
        format!("chatd: listening on {address} (chat://{address}#{pin})\n")
    );
    // The port is the one that it got for 0.
    server.connect().hears_nothing();
}

#[test]
fn stdout_has_the_ready_line_and_nothing_more() {
    let mut server = Server::with(&["log.level=trace"]);
    server.member("ann", "general").say("hello");
    server.signal("TERM");
    server.wait();
    assert_eq!(server.rest_of_stdout(), "");
}

#[test]
fn with_no_arguments_it_serves_on_127_0_0_1_65432() {
    // The port may be taken: it is asked where it would listen.
    let printed = stdout(&chatd_with(&["config", "print"], &[]));
    let line = printed.lines().find(|line| line.starts_with("listen = ")).unwrap();
    let (value, origin) = line.split_once(" # ").unwrap();
    assert_eq!((value.trim(), origin), (r#"listen = ["127.0.0.1:65432"]"#, "default"));
    // Without a word it serves.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let listen = format!("[{address:?}]");
    let environment = [("HOME", home.path().to_str().unwrap()), ("CHATD_LISTEN", &listen)];
    ends(&chatd_with(&[], &environment), 69, &[&address]);
}

#[test]
fn listen_may_be_repeated() {
    let mut command = Command::new(program("chatd"));
    let server = Server::by(command.args(["--listen", "127.0.0.2:0", "--listen", "[::1]:0"]), &[]);
    let hosts: Vec<String> = server.addresses.iter().map(|a| a.ip().to_string()).collect();
    assert_eq!(hosts, ["127.0.0.2", "::1", "127.0.0.1"]);
    for address in &server.addresses {
        Client::connect(*address, &server.fingerprint).hears_nothing();
    }
}

/// A server whose service manager listens at this socket. It has an address of its own, so
/// that nobody else takes its port when it has gone.
fn managed(socket: &Path) -> (Server, UnixDatagram) {
    let manager = UnixDatagram::bind(socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = Command::new("env");
    command.arg(format!("NOTIFY_SOCKET={}", socket.display())).arg(program("chatd"));
    (Server::by(&mut command, &[r#"listen=["127.0.0.3:0"]"#]), manager)
}

/// What the service manager is told next.
fn told(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 1000];
    let len = manager.recv(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..len]).trim_end().to_owned()
}

#[test]
fn the_service_manager_is_told_ready() {
    let folder = tempfile::tempdir().unwrap();
    let (server, manager) = managed(&folder.path().join("notify"));
    assert_eq!(told(&manager), "READY=1");
    server.connect().hears_nothing();
}

#[test]
fn while_it_stops_nobody_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, manager) = managed(&folder.path().join("notify"));
    assert_eq!(told(&manager), "READY=1");
    // One who does not go keeps it for a while.
    let mut ann = server.user("ann");
    server.signal("TERM");
    assert_eq!(told(&manager), "STOPPING=1");
    TcpStream::connect(server.address).unwrap_err();
    assert_eq!(ann.next()["code"], "shutting_down");
    server.wait();
}

#[test]
fn a_log_is_text_or_json_from_its_level_on() {
    // One line of each level, from the gravest down.
    let lines = ["OWASP", "starting", "connected"];
    for format in ["text", "json"] {
        for (seen, level) in ["error", "warn", "info", "debug"].into_iter().enumerate() {
            let settings = [&format!("log.format={format}")[..], &format!("log.level={level}")];
            let server = Server::with(&settings);
            server.connect().hears_nothing();
            let (_, log) = server.stop();
            let has = lines.map(|line| log.contains(line));
            assert_eq!(has, [seen > 0, seen > 1, seen > 2], "{format} {level}: {log}");
            for line in log.lines() {
                let event: Option<Value> = serde_json::from_str(line).ok();
                let is_event =
                    event.is_some_and(|e| e["level"].is_string() && e["message"].is_string());
                assert_eq!(is_event, format == "json", "{line}");
            }
        }
    }
}
