//! One of many clients in one test: asynchronous, so that a thread holds hundreds.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use async_rustls::TlsConnector;
use async_rustls::client::TlsStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use smol::Async;
use smol::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::{PATIENCE, Server, framed};

type Stream = TlsStream<Async<TcpStream>>;

/// A connection over TLS, in two halves.
pub struct Member {
    pub ear: Ear,
    pub mouth: Mouth,
}

/// The half that receives.
pub struct Ear(ReadHalf<Stream>);

/// The half that sends.
pub struct Mouth(WriteHalf<Stream>);

impl Member {
    /// Connects; `config` is [`Member::config`], shared by all.
    pub async fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Member {
        let socket = Async::<TcpStream>::connect(address).await.unwrap();
        Member::over(socket, config).await
    }

    /// The same over a socket that was made elsewhere.
    pub async fn over(socket: Async<TcpStream>, config: Arc<ClientConfig>) -> Member {
        socket.get_ref().set_nodelay(true).unwrap();
        let name = ServerName::from(socket.get_ref().peer_addr().unwrap().ip());
        let stream = TlsConnector::from(config).connect(name, socket).await.unwrap();
        let (ear, mouth) = smol::io::split(stream);
        Member { ear: Ear(ear), mouth: Mouth(mouth) }
    }

    /// How a client of this server trusts it.
    pub fn config(server: &Server) -> Arc<ClientConfig> {
        crate::client::client_config(server.address, &server.fingerprint)
    }

    /// Sends a request and gives the next message, which must be a good one.
    pub async fn ask(&mut self, kind: &str, data: Value) -> Value {
        self.mouth.send(&json!({ "type": kind, "data": data })).await.unwrap();
        let reply = self.ear.next().await;
        assert!(reply["type"] == kind && reply["status"] == "ok", "{reply}");
        reply
    }

    /// Registers, logs in and enters.
    pub async fn settle(&mut self, name: &str, room: &str) {
        self.ask("register", json!({ "username": name, "password": "1234" })).await;
        self.ask("login", json!({ "username": name, "password": "1234" })).await;
        self.ask("enter", json!({ "room": room })).await;
    }
}

impl Mouth {
    pub async fn send(&mut self, message: &Value) -> io::Result<()> {
        self.0.write_all(&framed(message.to_string().as_bytes())).await?;
        self.0.flush().await
    }
}

impl Ear {
    /// The next message, which must come.
    pub async fn next(&mut self) -> Value {
        let patience = async {
            smol::Timer::after(PATIENCE).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        let message = smol::future::or(self.receive(), patience).await;
        message.unwrap_or_else(|error| panic!("nothing came: {error}"))
    }

    async fn receive(&mut self) -> io::Result<Value> {
        let mut header = [0; 4];
        self.0.read_exact(&mut header).await?;
        let mut body = vec![0; u32::from_be_bytes(header) as usize];
        self.0.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}
