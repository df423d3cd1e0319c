//! The way of a message, a step at a time: for the benchmarks and for the count of
//! instructions. It is the server without its listener and without its threads, but the
//! one that writes; each member is a real connection over loopback.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use async_channel::Receiver;
use async_io::Async;
use certs::{Identity, Trust};
use commands::{Landed, Peer, PeerId, Session, World, dispatch};
use proto::{Frame, Request, frame};
use rustls::ClientConnection;
use serde_json::json;

use crate::accounts::Accounts;
use crate::config::Config;
use crate::connection::{Connection, Sender};
use crate::database::Database;
use crate::flusher::Flusher;
use crate::history::History;
use crate::ledger::Ledger;
use crate::server::load_hall;
use crate::settings::Settings;

/// A room and its members.
pub struct Hot {
    world: World,
    landed: Receiver<Vec<Landed>>,
    members: Vec<Member>,
    flusher: Pin<Box<dyn Future<Output = ()>>>,
}

struct Member {
    session: Session,
    client: TcpStream,
}

impl Hot {
    /// A server in `folder`, and so many in its one room.
    pub fn start(folder: &Path, members: usize) -> Hot {
        let config = config();
        let file = folder.join("chatd.db");
        let (database, _, landed) = Database::open(&file, &config).expect("the folder is empty");
        let hall = smol::block_on(load_hall(&database, &config, &file));
        let world = World {
            server: "hot".into(),
            hall: hall.map_err(|failure| failure.report).expect("the database is new"),
            ledger: Arc::new(Ledger(database.clone())),
            archive: Arc::new(History(database.clone())),
            accounts: Arc::new(Accounts::new(database, &config).expect("the cost is in bounds")),
            policy: config.policy(),
        };
        let identity = Identity::load_or_make(folder).expect("the folder is empty");
        let flusher = Arc::new(Flusher::default());
        let home = flusher.clone();
        let members = (0..members).map(|n| Member::new(n, &identity, &home)).collect();
        let flusher = Box::pin(async move { flusher.run().await });
        let mut hot = Hot { world, landed, members, flusher };
        for member in 0..hot.members.len() {
            let who = json!({ "username": format!("member{member}"), "password": "1234" });
            hot.ask(member, &body(&json!({ "type": "register", "data": who })));
            hot.ask(member, &body(&json!({ "type": "login", "data": who })));
            hot.ask(member, &body(&json!({ "type": "enter", "data": { "room": "general" } })));
            assert!(hot.members[member].session.room().is_some(), "everyone gets in");
            hot.flush();
            hot.drain();
        }
        hot
    }

    /// How many are in the room.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// A member asks for something: parsed, judged, and handed to the ledger.
    pub fn ask(&mut self, member: usize, body: &[u8]) {
        let request = Request::parse(body).expect("it is a request");
        let session = &mut self.members[member].session;
        smol::block_on(dispatch(&self.world, session, &request));
    }

    /// The next batch that the ledger has kept.
    pub fn take(&self) -> Vec<Landed> {
        self.landed.recv_blocking().expect("the writer is there")
    }

    /// Queues a message at everyone, and writes it to every socket: what a server with little
    /// to do does with each message. Its instructions are counted (`.ci/instructions`).
    #[inline(never)]
    pub fn hand_out(&mut self, landed: Landed) {
        self.deliver(landed);
        self.flush();
    }

    /// Queues a message at everyone.
    pub fn deliver(&self, landed: Landed) {
        self.world.hall.land(landed);
    }

    /// Writes what waits, a record for each member.
    pub fn flush(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        // It gives way after each pass and within long ones.
        for _ in 0..=self.members.len() / 64 {
            let _ = self.flusher.as_mut().poll(&mut cx);
        }
    }

    /// Reads all that has come to the members.
    pub fn drain(&mut self) {
        let mut bytes = [0; 64 * 1024];
        for member in &mut self.members {
            while matches!(member.client.read(&mut bytes), Ok(1..)) {}
        }
    }
}

/// What a message to all looks like, as it comes from a member.
pub fn message() -> Vec<u8> {
    let text = "a message of some length, as people send them in a chat room";
    body(&json!({ "type": "msg", "data": { "to": "public", "text": text } }))
}

fn body(request: &serde_json::Value) -> Vec<u8> {
    let framed: Frame = frame(request);
    framed[proto::HEADER_BYTES..].to_vec()
}

fn config() -> Config {
    let cheap = ["password.log_n=4", "password.r=1", "password.p=1", "durability=\"process\""];
    let pairs: Vec<(String, String)> = cheap
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    let settings = Settings::gather(None, std::iter::empty(), &pairs).expect("the keys exist");
    settings.config().expect("the values are in bounds")
}

impl Member {
    fn new(number: usize, identity: &Identity, home: &Arc<Flusher>) -> Member {
        let (server, mut client) = sockets().expect("loopback is there");
        let server = Async::new(server).expect("the reactor is there");
        let tls = identity.server_config();
        let connection = Connection::new(server, tls, home.clone(), 0).expect("TLS can begin");
        shake_hands(&connection, identity, &mut client);
        let id = PeerId(number as u64);
        let peer = Arc::new(Peer::new(id, Box::new(Sender(connection)), Default::default()));
        Member { session: Session::new(peer, Ipv4Addr::LOCALHOST.into()), client }
    }
}

/// Both ends of a connection over loopback: the server's, and the client's, which does not wait.
pub(crate) fn sockets() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    server.set_nodelay(true)?;
    client.set_nonblocking(true)?;
    Ok((server, client))
}

/// Brings the handshake to its end, at both ends in turns; gives that of the client.
pub(crate) fn shake_hands(
    connection: &Arc<Connection>,
    identity: &Identity,
    socket: &mut TcpStream,
) -> ClientConnection {
    let trust = Trust::Pin(identity.fingerprint());
    let (config, _) = certs::client_config(&trust, "127.0.0.1", 1).expect("a pin needs no file");
    let name = std::net::IpAddr::from(Ipv4Addr::LOCALHOST).into();
    let mut client = ClientConnection::new(config, name).expect("TLS can begin");
    loop {
        while client.wants_write() {
            client.write_tls(socket).expect("loopback takes it");
        }
        if connection.shake_hands().expect("the client keeps to TLS") {
            return client;
        }
        while client.wants_read() && client.read_tls(socket).is_ok() {
            client.process_new_packets().expect("the server keeps to TLS");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_says_is_written_to_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut hot = Hot::start(folder.path(), 3);
        hot.ask(0, &message());
        let landed = hot.take().pop().unwrap();
        hot.hand_out(landed);
        for member in &mut hot.members {
            let mut bytes = [0; 1024];
            let read = member.client.read(&mut bytes).unwrap();
            assert!(read > 60, "it is there when the flusher has passed: {read} bytes");
        }
    }
}
