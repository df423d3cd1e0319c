//! The connection: frames go out through one task and come in through another, so
//! that waiting for a frame or a place in a queue can be given up at any time.

use std::fmt;
use std::io;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_rustls::client::TlsStream;
use futures_lite::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use proto::{Code, DecodeError, Decoder, Frame, Incoming};
use smol::Task;
use smol::future::FutureExt;
use smol::net::TcpStream;

use crate::exit::{Exit, Failure};

/// The longest frame that a server sends, in bytes; the protocol says so.
const FRAME_BYTES_MAX: u32 = 1024 * 1024;

/// How many frames wait on either side.
///
/// When ours are full the sender waits, when the server's are full we read no further
/// and TCP tells it.
const QUEUE_LEN_MAX: usize = 64;

/// How much is read at once, in bytes: as much as a TLS record holds.
const READ_BYTES: usize = 16 * 1024;

/// How long we wait for our last words to leave.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A frame of the server.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// What it says.
    pub(crate) message: Incoming,
    /// As it came.
    pub(crate) body: Vec<u8>,
}

/// Why nothing more will come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server closed the connection, or it broke.
    Lost(String),
    /// The server said why it ends the connection.
    Told {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
    /// What came is not of this protocol.
    Foreign(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Lost(why) => f.write_str(why),
            Ended::Told { code, message } => write!(f, "{code}: {message}"),
            Ended::Foreign(why) => write!(f, "the server does not speak the chat protocol: {why}"),
        }
    }
}

impl Ended {
    /// Has the server ended it with this code?
    pub(crate) fn is(&self, wanted: Code) -> bool {
        matches!(self, Ended::Told { code, .. } if code == wanted.name())
    }

    /// May another connection fare better?
    pub(crate) fn may_come_back(&self) -> bool {
        let passing = [
            Code::ShuttingDown,
            Code::SlowConsumer,
            Code::ServerBusy,
            Code::Throttled,
            Code::Timeout,
            Code::Internal,
        ];
        matches!(self, Ended::Lost(_)) || passing.into_iter().any(|code| self.is(code))
    }

    /// What it means; `is_under_way`: a line waits for its reply.
    pub(crate) fn failure(self, is_under_way: bool) -> Failure {
        let why = self.to_string();
        match self {
            Ended::Foreign(_) => Failure::new(Exit::OtherProtocol, why),
            _ if self.is(Code::BadFrame) => Failure::new(Exit::OtherProtocol, why),
            // It was refused before it was read.
            _ if self.is(Code::FrameTooLarge) => Failure::new(Exit::Refused, why),
            // Whoever tries again is refused again.
            _ if self.is(Code::Unauthorized) && !is_under_way => {
                Failure::new(Exit::Unauthorized, why)
            }
            _ if is_under_way => Failure::new(Exit::NoConnection, why).with_unknown_outcome(),
            _ => Failure::new(Exit::NoConnection, why),
        }
    }
}

/// A connection whose server is the one that is meant.
pub(crate) struct Link {
    outgoing: Sender<Frame>,
    incoming: Receiver<Result<Received, Ended>>,
    writer: Task<()>,
    _reader: Task<()>,
}

impl Link {
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Link {
        let (read_half, write_half) = split(stream);
        let (outgoing, to_send) = async_channel::bounded(QUEUE_LEN_MAX);
        let (heard, incoming) = async_channel::bounded(QUEUE_LEN_MAX);
        let writer = smol::spawn(write_all(write_half, to_send));
        let reader = smol::spawn(read_all(read_half, heard));
        Link { outgoing, incoming, writer, _reader: reader }
    }

    /// Sends a frame. If the connection has ended, [`Link::receive`] tells why.
    pub(crate) async fn send(&self, frame: Frame) {
        let _ = self.outgoing.send(frame).await;
    }

    /// Sends a frame unless others still wait to leave.
    pub(crate) fn send_if_idle(&self, frame: Frame) {
        let _ = self.outgoing.try_send(frame);
    }

    /// The next frame.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) async fn receive(&self) -> Result<Received, Ended> {
        let ended = || Err(Ended::Lost("the connection has ended".into()));
        self.incoming.recv().await.unwrap_or_else(|_| ended())
    }

    /// Has it ended, whether all that came before was received or not?
    pub(crate) fn has_ended(&self) -> bool {
        self.incoming.is_closed()
    }

    /// Says no more.
    pub(crate) fn hang_up(&self) {
        self.outgoing.close();
    }

    /// Lets what was sent leave, and ends the connection.
    pub(crate) async fn close(self) {
        drop(self.outgoing);
        let patience = async {
            smol::Timer::after(CLOSE_WAIT).await;
        };
        self.writer.or(patience).await;
    }
}

async fn write_all(mut stream: WriteHalf<TlsStream<TcpStream>>, frames: Receiver<Frame>) {
    while let Ok(frame) = frames.recv().await {
        // The reader sees the same end, and tells why.
        if stream.write_all(&frame).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    let _ = stream.close().await;
}

async fn read_all(
    mut stream: ReadHalf<TlsStream<TcpStream>>,
    heard: Sender<Result<Received, Ended>>,
) {
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; READ_BYTES];
    let ended = 'reading: loop {
        let mut bytes = match stream.read(&mut buffer).await {
            Ok(0) => break closed(),
            Ok(len) => &buffer[..len],
            // An end without a goodbye: the server crashed, or was killed.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break closed(),
            Err(error) => break Ended::Lost(format!("the connection is lost: {error}")),
        };
        loop {
            match next_frame(&mut decoder, &mut bytes) {
                Ok(None) => break,
                Ok(Some(received)) => {
                    if heard.send(Ok(received)).await.is_err() {
                        return;
                    }
                }
                Err(ended) => break 'reading ended,
            }
        }
    };
    let _ = heard.send(Err(ended)).await;
}

fn closed() -> Ended {
    Ended::Lost("the server closed the connection".into())
}

fn next_frame(decoder: &mut Decoder, bytes: &mut &[u8]) -> Result<Option<Received>, Ended> {
    let body = match decoder.read_from(bytes, FRAME_BYTES_MAX) {
        Ok(Some(body)) => body,
        Ok(None) => return Ok(None),
        Err(DecodeError::Frame(error)) => return Err(Ended::Foreign(error.to_string())),
        Err(DecodeError::Io(error)) => return Err(Ended::Lost(error.to_string())),
    };
    match serde_json::from_slice(&body) {
        Ok(message) => Ok(Some(Received { message, body })),
        Err(error) => Err(Ended::Foreign(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_the_exit_code_of_the_contract() {
        let told = |code: &str| Ended::Told { code: code.into(), message: "bye".into() };
        for (ended, under_way, exit) in [
            (closed(), false, 4),
            (closed(), true, 7),
            (told("shutting_down"), false, 4),
            (told("shutting_down"), true, 7),
            (told("slow_consumer"), true, 7),
            (told("frame_too_large"), true, 1),
            (told("bad_frame"), true, 8),
            (Ended::Foreign("an empty frame".into()), false, 8),
        ] {
            assert_eq!(ended.clone().failure(under_way).exit as u8, exit, "{ended:?}");
        }
    }

    #[test]
    fn what_is_no_message_is_foreign() {
        let read = |bytes: &[u8]| next_frame(&mut Decoder::default(), &mut &bytes[..]);
        assert!(matches!(read(b"HTTP/1.1 400 Bad Request\r\n"), Err(Ended::Foreign(_))));
        assert!(matches!(read(b"\0\0\0\x02[]"), Err(Ended::Foreign(_))));
        assert!(matches!(read(b"\0\0\0\0"), Err(Ended::Foreign(_))));
        assert!(matches!(read(b"\0\0\0\x02{"), Ok(None)));
    }
}
