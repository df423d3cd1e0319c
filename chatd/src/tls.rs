//! The TLS of one connection, without buffers of its own: what comes in is decrypted where
//! all connections of the thread read, and what goes out is encrypted where they all write.
//!
//! rustls has a driver of its own, which keeps 4 KiB for reading in each connection for ever
//! and copies what goes out twice. An idle connection is what most are, so this one is ours:
//! all that it keeps is what came of a record that is not whole yet, what was decrypted and
//! not yet taken, and what the socket has not taken.

use std::cell::RefCell;
use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeTlsData, UnbufferedStatus};
use zeroize::Zeroize;

use crate::outbox::RECORD_BYTES_MAX;

/// What TLS adds to a record, at most, in bytes (RFC 8446, 5.2; RFC 5246, 6.2.3 allows as
/// much as 2,048, none of the cipher suites of rustls takes more than this).
const RECORD_EXTRA_BYTES_MAX: usize = 261;

/// Bytes that are read at once: what is left of a record, and another one whole.
const INCOMING_BYTES: usize = 2 * (RECORD_BYTES_MAX + RECORD_EXTRA_BYTES_MAX);

thread_local! {
    /// Where records are read and decrypted.
    static INCOMING: RefCell<Vec<u8>> = RefCell::new(vec![0; INCOMING_BYTES]);
    /// Where records are encrypted and written from.
    static OUTGOING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One end of a TLS connection: the server's.
pub(crate) struct Tls {
    rustls: UnbufferedServerConnection,
    /// What came of a record that is not whole.
    rest: Vec<u8>,
    /// What was decrypted and not taken yet.
    plain: Cursor<Vec<u8>>,
    /// What was encrypted and the socket has not taken.
    unsent: Vec<u8>,
    peer_has_closed: bool,
    /// The last read took all that there was.
    is_dry: bool,
}

/// What became of what was to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The socket took something.
    pub(crate) took: bool,
    /// It takes no more for now; the rest is kept.
    pub(crate) is_blocked: bool,
}

/// Why nothing further comes in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The client broke TLS; the alert that says so is to be sent.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The network did not hold, or does not now (`WouldBlock`).
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Tls {
    /// A connection that has not shaken hands.
    ///
    /// # Errors
    /// A configuration that cannot be used.
    pub(crate) fn new(config: Arc<ServerConfig>) -> Result<Tls, rustls::Error> {
        Ok(Tls {
            rustls: UnbufferedServerConnection::new(config)?,
            rest: Vec::new(),
            plain: Cursor::default(),
            unsent: Vec::new(),
            peer_has_closed: false,
            is_dry: false,
        })
    }

    /// Has the handshake not come to its end?
    pub(crate) fn is_handshaking(&self) -> bool {
        self.rustls.is_handshaking()
    }

    /// Has the client said in TLS that it sends nothing further?
    pub(crate) fn peer_has_closed(&self) -> bool {
        self.peer_has_closed
    }

    /// Is there something that the socket has not taken?
    pub(crate) fn wants_write(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Has the socket had no more, when it was just read? To read again at once would be a call
    /// of the kernel for nothing. It is true once for each read: whoever asks later, reads.
    pub(crate) fn take_dry(&mut self) -> bool {
        std::mem::take(&mut self.is_dry)
    }

    /// What was decrypted; zero bytes mean that there is no more for now.
    pub(crate) fn plain(&mut self) -> &mut impl Read {
        if self.plain.position() == self.plain.get_ref().len() as u64 {
            // It may have held a password, and an idle connection keeps no buffer.
            std::mem::take(&mut self.plain).into_inner().zeroize();
        }
        &mut self.plain
    }

    /// Reads from the socket, once, and decrypts what is whole. Gives how many bytes came: 0 at
    /// the end of the stream.
    ///
    /// Whoever calls takes all of [`Tls::plain`] first, so there is never more of it than one
    /// read brings.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(crate) fn receive(&mut self, socket: &mut impl Read) -> Result<usize, TlsError> {
        INCOMING.with_borrow_mut(|buffer| {
            let kept = self.rest.len();
            if kept == buffer.len() {
                let what = "a handshake message is longer than any";
                return Err(TlsError::Tls(rustls::Error::General(what.into())));
            }
            // Also when it says so itself.
            self.is_dry = true;
            let read = socket.read(&mut buffer[kept..])?;
            self.is_dry = kept + read < buffer.len();
            buffer[..kept].copy_from_slice(&self.rest);
            let incoming = &mut buffer[..kept + read];
            let used = self.decrypt(incoming)?;
            self.rest.clear();
            self.rest.extend_from_slice(&incoming[used..]);
            if self.rest.is_empty() {
                self.rest = Vec::new();
            }
            incoming.fill(0);
            Ok(read)
        })
    }

    /// Takes in what came, as far as records are whole; says how far.
    fn decrypt(&mut self, incoming: &mut [u8]) -> Result<usize, rustls::Error> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state, .. } =
                self.rustls.process_tls_records(&mut incoming[used..]);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        self.plain.get_mut().extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.unsent),
                // It goes with what waits already.
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_has_closed = true,
                Ok(_) => return Ok(used + discard),
                Err(error) => {
                    self.note_alert();
                    return Err(error);
                }
            }
            used += discard;
        }
    }

    /// After an error: takes what rustls has to say of it.
    fn note_alert(&mut self) {
        loop {
            match self.rustls.process_tls_records(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.unsent),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                _ => return,
            }
        }
    }

    /// Writes what waits and then `plain`, as one record, as far as the socket takes it; keeps
    /// the rest. At most [`RECORD_BYTES_MAX`] bytes, and only when nothing waits, so that what
    /// is kept is never more than a record.
    ///
    /// # Errors
    /// Of the network; or the connection cannot be written any further.
    pub(crate) fn send(&mut self, plain: &[u8], socket: &mut impl Write) -> io::Result<Sent> {
        OUTGOING.with_borrow_mut(|outgoing| {
            let kept = self.unsent.len();
            // It grows to the size of a record, and is not cleared: nothing is read of it that
            // was not written before.
            let room = kept + plain.len() + RECORD_EXTRA_BYTES_MAX;
            if outgoing.len() < room {
                outgoing.resize(room, 0);
            }
            outgoing[..kept].copy_from_slice(&self.unsent);
            let sealed = match plain {
                [] => 0,
                plain => self.encrypt(plain, &mut outgoing[kept..])?,
            };
            let outgoing = &outgoing[..kept + sealed];
            let mut written = 0;
            while written < outgoing.len() {
                match socket.write(&outgoing[written..]) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(more) => written += more,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let is_blocked = written < outgoing.len();
            self.unsent = outgoing[written..].to_vec();
            Ok(Sent { took: written > 0, is_blocked })
        })
    }

    /// Encrypts `plain` as one record, behind what TLS itself has to say; gives how many bytes
    /// that makes.
    fn encrypt(&mut self, plain: &[u8], outgoing: &mut [u8]) -> io::Result<usize> {
        let mut len = 0;
        loop {
            match self.rustls.process_tls_records(&mut []).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let sealed = traffic.encrypt(plain, &mut outgoing[len..]);
                    return Ok(len + sealed.map_err(io::Error::other)?);
                }
                // A new key, that the records after it are encrypted with.
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    len += data.encode(&mut outgoing[len..]).map_err(io::Error::other)?;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_has_closed = true,
                Ok(_) => return Err(io::ErrorKind::NotConnected.into()),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    /// Says in TLS that nothing further comes: whoever hears it knows that it missed nothing.
    pub(crate) fn close(&mut self) {
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) =
            self.rustls.process_tls_records(&mut []).state
        {
            let start = self.unsent.len();
            self.unsent.resize(start + RECORD_EXTRA_BYTES_MAX, 0);
            let len = traffic.queue_close_notify(&mut self.unsent[start..]).unwrap_or(0);
            self.unsent.truncate(start + len);
        }
    }
}

/// Adds a record of the handshake, or an alert, to what goes out.
fn encode<Data>(mut data: EncodeTlsData<'_, Data>, outgoing: &mut Vec<u8>) {
    let start = outgoing.len();
    outgoing.resize(start + RECORD_BYTES_MAX + RECORD_EXTRA_BYTES_MAX, 0);
    let len = data.encode(&mut outgoing[start..]).expect("a record has the room of a record");
    outgoing.truncate(start + len);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use certs::{Identity, Trust};
    use proptest::prelude::*;
    use rustls::version::{TLS12, TLS13};
    use rustls::{ClientConnection, SupportedProtocolVersion};

    use super::*;

    /// A wire between the two that gives and takes a few bytes at a time.
    #[derive(Default)]
    struct Wire {
        bytes: Vec<u8>,
        at_once: usize,
    }

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.bytes.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let len = self.at_once.min(buffer.len()).min(self.bytes.len());
            buffer[..len].copy_from_slice(&self.bytes[..len]);
            self.bytes.drain(..len);
            Ok(len)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = self.at_once.min(bytes.len());
            self.bytes.extend_from_slice(&bytes[..len]);
            // Then it is full, until the next one asks.
            match len {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                len => Ok(len),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Both ends of a connection that has shaken hands, and the wires towards each.
    struct Pair {
        server: Tls,
        client: ClientConnection,
        to_server: Wire,
        to_client: Wire,
    }

    impl Pair {
        fn shaken_hands(version: &'static SupportedProtocolVersion, at_once: usize) -> Pair {
            let mut pair = Pair::strangers(version, at_once);
            while pair.server.is_handshaking() || pair.client.is_handshaking() {
                pair.carry().unwrap();
            }
            pair
        }

        fn strangers(version: &'static SupportedProtocolVersion, at_once: usize) -> Pair {
            let folder = tempfile::tempdir().unwrap();
            let identity = Identity::load_or_make(folder.path()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(identity.server_config().cert_resolver.clone());
            let trust = Trust::Pin(identity.fingerprint());
            let (trusting, _) = certs::client_config(&trust, "127.0.0.1", 1).unwrap();
            let name = std::net::IpAddr::from(Ipv4Addr::LOCALHOST).into();
            let wire = || Wire { bytes: Vec::new(), at_once };
            Pair {
                server: Tls::new(config.into()).unwrap(),
                client: ClientConnection::new(trusting, name).unwrap(),
                to_server: wire(),
                to_client: wire(),
            }
        }

        /// Carries over what waits at either end, once.
        fn carry(&mut self) -> Result<(), TlsError> {
            while self.client.wants_write() {
                self.client.write_tls(&mut self.to_server).unwrap();
            }
            let received = self.server.receive(&mut self.to_server);
            while self.server.wants_write() {
                self.server.send(&[], &mut self.to_client).unwrap();
            }
            while matches!(self.client.read_tls(&mut self.to_client), Ok(1..)) {
                // What is wrong at this end is not the question.
                let _ = self.client.process_new_packets();
            }
            match received {
                Err(TlsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                received => received.map(drop),
            }
        }
    }

    fn versions() -> impl Strategy<Value = &'static SupportedProtocolVersion> {
        prop::sample::select(vec![&TLS12, &TLS13])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_goes_in_at_one_end_comes_out_at_the_other_however_it_is_split(
            version in versions(),
            at_once in prop_oneof![1..40usize, 40..40_000usize],
            said in prop::collection::vec((any::<bool>(), 1..RECORD_BYTES_MAX + 1), 0..6),
        ) {
            let mut pair = Pair::shaken_hands(version, at_once);
            for (turn, (by_server, len)) in said.into_iter().enumerate() {
                let text = vec![turn as u8; len];
                let mut heard = Vec::new();
                if by_server {
                    pair.server.send(&text, &mut pair.to_client).unwrap();
                } else {
                    pair.client.writer().write_all(&text).unwrap();
                }
                while heard.len() < len {
                    pair.carry().unwrap();
                    // It ends with `WouldBlock`, and what it has read is there.
                    let _ = match by_server {
                        true => pair.client.reader().read_to_end(&mut heard),
                        false => pair.server.plain().read_to_end(&mut heard),
                    };
                }
                prop_assert_eq!(heard, text);
            }
            prop_assert!(pair.server.rest.is_empty() && pair.server.unsent.is_empty());
        }

        #[test]
        fn what_is_no_tls_is_refused_with_an_alert(
            version in versions(),
            garbage in prop::collection::vec(any::<u8>(), 0..2000),
            after_hello in any::<bool>(),
        ) {
            let mut pair = Pair::strangers(version, 40_000);
            if after_hello {
                pair.carry().unwrap();
            }
            // No record begins so.
            pair.to_server.bytes.push(0);
            pair.to_server.bytes.extend(garbage);
            pair.to_server.bytes.extend([0; 8]);
            let mut refused = Ok(());
            while refused.is_ok() {
                prop_assert!(!pair.to_server.bytes.is_empty());
                let received = pair.server.receive(&mut pair.to_server);
                refused = received.map(drop);
            }
            prop_assert!(matches!(refused, Err(TlsError::Tls(_))));
            prop_assert!(pair.server.wants_write());
        }
    }

    #[test]
    fn either_end_hears_that_nothing_further_comes() {
        for version in [&TLS12, &TLS13] {
            let mut pair = Pair::shaken_hands(version, 40_000);
            pair.server.close();
            pair.carry().unwrap();
            assert!(matches!(pair.client.reader().read(&mut [0]), Ok(0)));
            assert!(!pair.server.peer_has_closed());
            pair.client.send_close_notify();
            pair.carry().unwrap();
            assert!(pair.server.peer_has_closed());
            // Nothing can be said after that, and it is no panic.
            assert!(pair.server.send(b"late", &mut pair.to_client).is_err());
        }
    }

    #[test]
    fn a_new_key_is_taken_and_answered() {
        let mut pair = Pair::shaken_hands(&TLS13, 40_000);
        pair.client.refresh_traffic_keys().unwrap();
        pair.client.writer().write_all(b"under the new key").unwrap();
        pair.carry().unwrap();
        let mut heard = Vec::new();
        pair.server.plain().read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"under the new key");
        pair.server.send(b"and back", &mut pair.to_client).unwrap();
        pair.carry().unwrap();
        let mut heard = [0; 8];
        pair.client.reader().read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"and back");
    }

    #[test]
    fn an_idle_connection_keeps_no_buffer() {
        let mut pair = Pair::shaken_hands(&TLS13, 40_000);
        pair.client.writer().write_all(&[7; 9_000]).unwrap();
        pair.carry().unwrap();
        let mut heard = Vec::new();
        pair.server.plain().read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), 9_000);
        let _ = pair.server.plain();
        let kept = [&pair.server.rest, &pair.server.unsent, pair.server.plain.get_ref()];
        assert_eq!(kept.map(Vec::capacity), [0; 3]);
    }
}
