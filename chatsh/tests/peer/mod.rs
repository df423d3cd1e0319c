//! A server of a few lines, for what a good one never does; and chatsh run against it.

#![allow(dead_code, reason = "no test needs all of it")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use certs::{Fingerprint, Identity};
use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the peer does when a request has come.
pub enum Reaction {
    /// Sends these frames.
    Say(Vec<Value>),
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Says nothing.
    Silence,
    /// Ends the connection.
    End,
}

/// A peer that takes one connection, or several in turn.
pub struct Peer {
    pub address: SocketAddr,
    pub fingerprint: Fingerprint,
    /// The requests that came, in order; it ends with the last connection.
    pub requests: Receiver<Value>,
    /// Its key, and all files that chatsh is to find.
    home: TempDir,
}

impl Peer {
    /// Starts one. `react` sees each request but for hello, commands and quit, which are
    /// answered as usual, unless it wants them: then it is asked first.
    pub fn start(react: impl FnMut(&Value) -> Option<Reaction> + Send + 'static) -> Peer {
        Peer::taking(1, react)
    }

    /// The same for so many connections.
    pub fn taking(
        connections: usize,
        mut react: impl FnMut(&Value) -> Option<Reaction> + Send + 'static,
    ) -> Peer {
        let home = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_make(home.path()).unwrap();
        let fingerprint = identity.fingerprint();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, requests) = channel();
        thread::spawn(move || {
            for socket in listener.incoming().take(connections) {
                let tls = ServerConnection::new(identity.server_config()).unwrap();
                let socket = socket.unwrap();
                socket.set_nodelay(true).unwrap();
                let mut stream = StreamOwned::new(tls, socket);
                while let Some(request) = receive(&mut stream) {
                    let _ = seen.send(request.clone());
                    match react(&request).unwrap_or_else(|| usual(&request)) {
                        Reaction::Say(frames) => {
                            frames.iter().for_each(|frame| send(&mut stream, frame))
                        }
                        Reaction::Bytes(bytes) => stream.write_all(&bytes).unwrap(),
                        Reaction::Silence => {}
                        Reaction::End => break,
                    }
                }
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Peer { address, fingerprint, requests, home }
    }

    /// Where chatsh keeps its files in this test.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// chatsh, with `arguments`, connecting to this peer, whose key it knows.
    pub fn chatsh(&self, arguments: &[&str]) -> Command {
        let mut command = self.stranger(arguments);
        command.arg("--pin").arg(self.fingerprint.to_string());
        command
    }

    /// The same, not knowing the peer.
    pub fn stranger(&self, arguments: &[&str]) -> Command {
        let mut command = chatsh(self.home(), arguments);
        command.arg("--address").arg(self.address.to_string());
        command
    }
}

/// chatsh whose files are in `home`, with pipes on every side.
pub fn chatsh(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatsh"));
    command.args(arguments).env_clear().env("HOME", home).current_dir(home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Gives `input` to `command` and says all that comes of it.
pub fn outcome(mut command: Command, input: &str) -> String {
    let mut child = command.spawn().unwrap();
    // A child that has ended takes no input; what it said before is what matters.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    end_of(child)
}

/// What `child` printed, what it said on stderr (each line after `! `), and its code.
pub fn end_of(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        text.push_str(&format!("! {line}\n"));
    }
    match output.status.code() {
        Some(code) => text.push_str(&format!("exit {code}\n")),
        None => text.push_str(&format!("{}\n", output.status)),
    }
    text
}

/// The reply that grants `request`.
pub fn ok(request: &Value, data: Value) -> Value {
    json!({ "type": request["type"], "status": "ok", "data": data, "id": request["id"] })
}

/// The reply that refuses `request`.
pub fn refused(request: &Value, code: &str, message: &str) -> Value {
    json!({
        "type": request["type"], "status": "error", "message": message, "id": request["id"],
        "code": code,
    })
}

/// What somebody else says.
pub fn said(from: &str, text: &str) -> Value {
    json!({ "type": "msg", "status": "ok", "data": { "to": "public", "from": from, "text": text } })
}

/// What a server without a state machine does.
pub fn usual(request: &Value) -> Reaction {
    let (data, message) = match request["type"].as_str().unwrap() {
        "hello" => (json!({ "version": 1, "limits": { "frame": 2000 } }), None),
        "commands" => return Reaction::Say(vec![refused(request, "unknown_command", "what?")]),
        "login" => {
            let data = json!({ "username": "ann", "chatroom": "lobby", "token": "s3cret" });
            (data, Some("Login successful"))
        }
        "enter" => {
            let data = json!({ "username": "ann", "room": request["data"]["room"] });
            (data, Some("Welcome to the chatroom"))
        }
        "msg" => (json!({ "from": "ann", "to": "public", "text": request["data"]["text"] }), None),
        "list" => (json!({ "lobby": ["ann"], "ops": [] }), None),
        _ => (json!({}), None),
    };
    let mut reply = ok(request, data);
    if let Some(message) = message {
        reply["message"] = message.into();
    }
    Reaction::Say(vec![reply])
}

/// Reacts as a good server does.
pub fn as_usual(_: &Value) -> Option<Reaction> {
    None
}

/// Reacts to requests of this type.
pub fn to(
    kind: &'static str,
    mut react: impl FnMut(&Value) -> Reaction + Send + 'static,
) -> impl FnMut(&Value) -> Option<Reaction> + Send + 'static {
    move |request| (request["type"] == kind).then(|| react(request))
}

/// The first request of a type comes too fast.
pub fn throttling_once(
    kind: &'static str,
) -> impl FnMut(&Value) -> Option<Reaction> + Send + 'static {
    let mut left = 1;
    to(kind, move |request| {
        if left == 0 {
            return usual(request);
        }
        left -= 1;
        let mut reply = refused(request, "throttled", "too fast");
        reply["data"] = json!({ "retry_after_ms": 10 });
        Reaction::Say(vec![reply])
    })
}

fn receive(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<Value> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).ok()?;
    let mut body = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

fn send(stream: &mut StreamOwned<ServerConnection, TcpStream>, frame: &Value) {
    // chatsh may have gone, which its outcome tells.
    let _ = stream.write_all(&proto::frame(frame));
}
