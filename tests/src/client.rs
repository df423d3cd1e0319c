//! A client that speaks the wire and nothing more: it blocks, and fails its test when
//! it waits too long.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use certs::Trust;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};

use crate::PATIENCE;

/// One connection over TLS.
pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr, fingerprint: &str) -> Client {
        let trust = Trust::Pin(fingerprint.parse().unwrap());
        let (config, _) = certs::client_config(&trust, "127.0.0.1", address.port()).unwrap();
        let name = ServerName::from(address.ip());
        let tls = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream: StreamOwned::new(tls, socket) }
    }

    pub fn login(&mut self, name: &str) -> Value {
        let reply = self.ask("login", json!({ "username": name, "password": "1234" }));
        assert_eq!(reply["status"], "ok", "{reply}");
        reply
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Sends a body in its frame.
    pub fn send_body(&mut self, body: &[u8]) -> io::Result<()> {
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend(body);
        self.send_bytes(&bytes)
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        self.send_body(message.to_string().as_bytes()).unwrap();
    }

    /// The next message; `None` at the end of the stream.
    pub fn receive(&mut self) -> Option<Value> {
        let mut header = [0; 4];
        match self.stream.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return None,
            Err(error) => panic!("nothing came: {error}"),
        }
        let mut body = vec![0; u32::from_be_bytes(header) as usize];
        match self.stream.read_exact(&mut body) {
            Ok(()) => Some(serde_json::from_slice(&body).unwrap()),
            Err(error) if is_end(&error) => None,
            Err(error) => panic!("half a frame came: {error}"),
        }
    }

    /// The next message, which must come.
    pub fn next(&mut self) -> Value {
        self.receive().expect("the server has closed the connection")
    }

    /// Sends a request with this data and gives the next message, whatever it is.
    pub fn ask(&mut self, kind: &str, data: Value) -> Value {
        self.send(&json!({ "type": kind, "data": data }));
        self.next()
    }

    /// Says something to all in the room; its frame.
    pub fn say(&mut self, text: &str) -> Value {
        self.ask("msg", json!({ "to": "public", "text": text }))
    }

    /// The socket below, for what TLS would not do.
    pub fn socket(&self) -> &TcpStream {
        &self.stream.sock
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}
