//! A client that speaks the wire and nothing more: it blocks, and fails its test when
//! it waits too long.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use certs::Trust;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::PATIENCE;

/// One connection over TLS.
pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

/// How a server ends what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It says goodbye in TLS: nothing is missing.
    Goodbye,
    /// It does not: what came before may not be all.
    Cut,
}

impl Client {
    pub fn connect(address: SocketAddr, fingerprint: &str) -> Client {
        Client::over(TcpStream::connect(address).unwrap(), fingerprint)
    }

    /// The same, with its handshake, where the server may be gone.
    ///
    /// # Errors
    /// Nobody is there, or the connection ends before it has begun.
    pub fn try_connect(address: SocketAddr, fingerprint: &str) -> io::Result<Client> {
        let mut client = Client::of(TcpStream::connect(address)?, address, fingerprint);
        client.shake_hands()?;
        Ok(client)
    }

    /// The same over a socket that was made elsewhere; see [`dial`].
    pub fn over(socket: TcpStream, fingerprint: &str) -> Client {
        let address = socket.peer_addr().unwrap();
        Client::of(socket, address, fingerprint)
    }

    fn of(socket: TcpStream, address: SocketAddr, fingerprint: &str) -> Client {
        let config = client_config(address, fingerprint);
        let tls = ClientConnection::new(config, ServerName::from(address.ip())).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream: StreamOwned::new(tls, socket) }
    }

    /// Shakes hands now; otherwise the first bytes do.
    ///
    /// # Errors
    /// When the server turns the connection away.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        while self.stream.conn.is_handshaking() {
            self.stream.conn.complete_io(&mut self.stream.sock)?;
        }
        Ok(())
    }

    pub fn register(&mut self, name: &str) -> Value {
        self.ask("register", json!({ "username": name, "password": "1234" }))
    }

    pub fn login(&mut self, name: &str) -> Value {
        let reply = self.ask("login", json!({ "username": name, "password": "1234" }));
        assert_eq!(reply["status"], "ok", "{reply}");
        reply
    }

    pub fn enter(&mut self, room: &str) -> Value {
        let reply = self.ask("enter", json!({ "room": room }));
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
        self.send_bytes(&framed(body))
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        self.send_body(message.to_string().as_bytes()).unwrap();
    }

    /// The next message; `None` at the end of the stream.
    pub fn receive(&mut self) -> Option<Value> {
        self.receive_or_end().ok()
    }

    /// The next message, or how the stream ended.
    pub fn receive_or_end(&mut self) -> Result<Value, End> {
        self.body_or_end().map(|body| serde_json::from_slice(&body).unwrap())
    }

    /// The next body as it came, or how the stream ended.
    pub fn body_or_end(&mut self) -> Result<Vec<u8>, End> {
        let mut header = [0; 4];
        match self.fill(&mut header)? {
            0 => return Err(End::Goodbye),
            4 => {}
            _ => panic!("the server said goodbye within a header"),
        }
        let mut body = vec![0; u32::from_be_bytes(header) as usize];
        let read = self.fill(&mut body)?;
        assert_eq!(read, body.len(), "the server said goodbye within a body");
        Ok(body)
    }

    /// Reads until the buffer is full or the server has said goodbye.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, End> {
        let mut read = 0;
        while read < buffer.len() {
            match self.stream.read(&mut buffer[read..]) {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_cut(&error) => return Err(End::Cut),
                Err(error) => panic!("nothing came: {error}"),
            }
        }
        Ok(read)
    }

    /// All that comes until the end, and how it ends.
    pub fn rest(&mut self) -> (Vec<Value>, End) {
        let mut messages = Vec::new();
        loop {
            match self.receive_or_end() {
                Ok(message) => messages.push(message),
                Err(end) => return (messages, end),
            }
        }
    }

    /// The next message, which must come.
    // Not an iterator: there is always another one, or the test fails.
    #[allow(clippy::should_implement_trait)]
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

    /// Claims that nothing was sent to this connection up to now: what the server has
    /// queued before comes before the answer to a ping.
    pub fn hears_nothing(&mut self) {
        let pong = self.ask("ping", json!({}));
        assert!(pong["type"] == "ping" && pong["data"]["ts"].is_string(), "this came: {pong}");
    }

    /// Does anything come on the socket within this time? It is not taken.
    pub fn hears_within(&self, time: Duration) -> bool {
        self.socket().set_read_timeout(Some(time)).unwrap();
        let peeked = self.socket().peek(&mut [0]);
        self.socket().set_read_timeout(Some(PATIENCE)).unwrap();
        peeked.is_ok()
    }

    /// Says in TLS that nothing more will be sent; what comes can still be read.
    pub fn say_goodbye(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
    }

    /// The socket below, for what TLS would not do.
    pub fn socket(&self) -> &TcpStream {
        &self.stream.sock
    }
}

/// A body with its header.
pub fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(body);
    bytes
}

/// A socket to a server from one of our own addresses: all of 127.0.0.0/8 are.
/// A small `receive_buffer` soon makes the server wait for one who does not read.
pub fn dial(server: SocketAddr, from: &str, receive_buffer: Option<usize>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    let from: IpAddr = from.parse().unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.into()
}

/// Tries until it holds: for what nobody tells us, so that we have to look.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came true: {what}");
        // Only to leave the processor to those who make it true.
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

pub(crate) fn client_config(address: SocketAddr, fingerprint: &str) -> Arc<rustls::ClientConfig> {
    let trust = Trust::Pin(fingerprint.parse().unwrap());
    certs::client_config(&trust, &address.ip().to_string(), address.port()).unwrap().0
}

fn is_cut(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}
