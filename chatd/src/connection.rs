//! The two ends of one connection: frames in, frames out, over TLS.
//!
//! Whoever wants to send only queues; [`Connection::flush`] is the one place that
//! writes. The flusher calls it for connections that are dirty, and the connection's
//! own task for one whose socket would block, until nothing waits. Locks are taken in
//! one order: TLS, then the queue.

use std::cell::RefCell;
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use async_io::Async;
use proto::{Code, DecodeError, Decoder, Frame, Refusal};

use crate::flusher::Flusher;
use crate::outbox::{Outbox, RECORD_BYTES_MAX};
use crate::tls::{Sent, Tls, TlsError};

thread_local! {
    /// Where a record is put together. One a thread: a connection that is idle holds
    /// no buffer.
    static RECORD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reads of the socket in one go, of 32 KiB each: then others have a turn, and the
/// deadlines are looked at.
const READS_MAX: usize = 4;

/// What reading came to.
enum Read {
    /// A whole body.
    Whole(Vec<u8>),
    /// The client has closed.
    End,
    /// No more for now.
    Nothing,
    /// More than its turn; there may be more.
    Enough,
}

/// A connection.
pub struct Connection {
    socket: Async<TcpStream>,
    tls: Mutex<Tls>,
    queue: Mutex<Queue>,
    home: Arc<Flusher>,
    outbox_bytes_max: usize,
}

/// Whose turn it is to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Nothing waits.
    Clean,
    /// It is on the flusher's list.
    Dirty,
    /// The socket takes no more for now; the connection's task waits for it.
    Blocked,
    /// It takes nothing any more.
    Dead,
}

struct Queue {
    outbox: Outbox,
    flow: Flow,
    /// Nothing further is queued: the connection ends, or has failed.
    is_closed: bool,
    /// The connection's task waits until all has gone.
    is_awaited: bool,
    /// Nothing further is read: the server is about to stop.
    is_paused: bool,
    /// It is paused, and what was read is done.
    is_at_rest: bool,
    /// Why it has to end, for its own task. In a box, since most never have to.
    end: Option<Box<Refusal>>,
    /// When the socket last took something, or began to refuse.
    progress: Instant,
    waker: Option<Waker>,
}

impl Queue {
    fn wake(&mut self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

/// Why nothing more comes in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The client broke the framing.
    #[error(transparent)]
    Frame(#[from] proto::FrameError),
    /// The client broke TLS, or the network did not hold.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        TlsError::Io(error).into()
    }
}

impl Connection {
    /// One that has not shaken hands. A plain function: in an async one the state of TLS
    /// would stay in the future, too (1.1 KiB each).
    ///
    /// # Errors
    /// A configuration of TLS that cannot be used.
    pub(crate) fn new(
        socket: Async<TcpStream>,
        tls: Arc<rustls::ServerConfig>,
        home: Arc<Flusher>,
        outbox_bytes_max: usize,
    ) -> Result<Arc<Connection>, rustls::Error> {
        let queue = Queue {
            outbox: Outbox::default(),
            flow: Flow::Clean,
            is_closed: false,
            is_awaited: false,
            is_paused: false,
            is_at_rest: false,
            end: None,
            progress: Instant::now(),
            waker: None,
        };
        Ok(Arc::new(Connection {
            socket,
            tls: Mutex::new(Tls::new(tls)?),
            queue: Mutex::new(queue),
            home,
            outbox_bytes_max,
        }))
    }

    /// Waits until the client has sent something.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Goes on with the handshake, as far as what has come reaches; says whether that is its
    /// end.
    pub(crate) fn shake_hands(self: &Arc<Self>) -> Result<bool, ReadError> {
        let mut tls = self.tls();
        let received = tls.receive(&mut self.socket.get_ref());
        let is_over = !tls.is_handshaking();
        drop(tls);
        // An alert, too.
        self.flush();
        match received {
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(_) => Ok(is_over),
            Err(TlsError::Io(error)) if is_for_later(&error) => Ok(is_over),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes one record of what waits, if the socket takes it; says how it stands
    /// then. Nobody else writes.
    pub(crate) fn flush(self: &Arc<Self>) -> Flow {
        let mut tls = self.tls();
        RECORD.with_borrow_mut(|record| {
            record.clear();
            if !tls.wants_write() {
                self.queue().outbox.drain_into(record);
            }
            match tls.send(record, &mut self.socket.get_ref()) {
                Ok(sent) => self.went(&sent),
                Err(error) => self.die(&error),
            }
        })
    }

    /// Notes what a flush did.
    fn went(&self, &Sent { took, is_blocked }: &Sent) -> Flow {
        let mut queue = self.queue();
        let before = queue.flow;
        queue.outbox.set_backlog(if is_blocked { RECORD_BYTES_MAX } else { 0 });
        queue.flow = match before {
            Flow::Dead => Flow::Dead,
            _ if is_blocked => Flow::Blocked,
            _ if queue.outbox.is_empty() => Flow::Clean,
            // Whoever writes goes on: the flusher, or the task that was blocked.
            before => before,
        };
        let flow = queue.flow;
        let newly_blocked = flow == Flow::Blocked && before != Flow::Blocked;
        // Nobody asks for it while the socket takes all.
        if flow == Flow::Blocked && (took || newly_blocked) {
            queue.progress = Instant::now();
        }
        // The task takes over writing, or waits for the last frame to be gone.
        if newly_blocked || (queue.is_awaited && flow == Flow::Clean) {
            queue.wake();
        }
        flow
    }

    fn die(&self, error: &io::Error) -> Flow {
        tracing::debug!(%error, "the socket takes nothing more");
        let mut queue = self.queue();
        queue.flow = Flow::Dead;
        queue.is_closed = true;
        queue.outbox = Outbox::default();
        queue.wake();
        Flow::Dead
    }

    /// Polls what the connection's task does beside its work: writing, while the
    /// socket is blocked.
    pub(crate) fn poll_blocked(self: &Arc<Self>, cx: &mut Context<'_>) {
        loop {
            {
                let mut queue = self.queue();
                match &mut queue.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                if queue.flow != Flow::Blocked {
                    return;
                }
            }
            // Tried before the reactor is asked: see `read`.
            if self.flush() != Flow::Blocked {
                return;
            }
            match self.socket.poll_writable(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => drop(self.die(&error)),
            }
        }
    }

    /// The next body, of at most `len_max` bytes; `None` at the end of the stream.
    pub(crate) fn poll_frame(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        decoder: &mut Decoder,
        len_max: u32,
    ) -> Poll<Result<Option<Vec<u8>>, ReadError>> {
        match self.read(decoder, len_max)? {
            Read::Whole(body) => Poll::Ready(Ok(Some(body))),
            Read::End => Poll::Ready(Ok(None)),
            Read::Nothing => {
                // What it says now may be of before the last read. Only one that says
                // "not yet" wakes us.
                while self.socket.poll_readable(cx)?.is_ready() {}
                Poll::Pending
            }
            Read::Enough => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// Reads until a body is whole, or the socket has no more for now, or it was much:
    /// records can be empty, and whoever sends them without end must not keep others
    /// from the lock, nor this connection from its deadlines.
    fn read(self: &Arc<Self>, decoder: &mut Decoder, len_max: u32) -> Result<Read, ReadError> {
        let mut tls = self.tls();
        for _ in 0..READS_MAX {
            // First what is there already: the handshake may have decrypted it.
            match decoder.read_from(tls.plain(), len_max) {
                Ok(Some(body)) => return Ok(Read::Whole(body)),
                Ok(None) if tls.peer_has_closed() => return Ok(Read::End),
                // But whoever is woken after that reads, and does not ask the reactor first: it
                // does not count an event that comes in the turn in which it was asked for.
                Ok(None) if tls.take_dry() => return Ok(Read::Nothing),
                Ok(None) => {}
                Err(DecodeError::Frame(error)) => return Err(error.into()),
                Err(DecodeError::Io(error)) => return Err(error.into()),
            }
            let received = tls.receive(&mut self.socket.get_ref());
            if tls.wants_write() {
                // An alert, or a new key, that TLS itself has to say.
                self.stir(&mut self.queue());
            }
            match received {
                Ok(0) => return Ok(Read::End),
                Ok(_) => {}
                Err(TlsError::Io(error)) if is_for_later(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Read::Enough)
    }

    /// Since when the socket has taken nothing of what waits.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        let queue = self.queue();
        (queue.flow == Flow::Blocked).then_some(queue.progress)
    }

    /// Tells the connection's own task to end it, once it is between two requests.
    pub(crate) fn order_end(&self, why: Refusal) {
        let mut queue = self.queue();
        queue.end.get_or_insert_with(|| Box::new(why));
        queue.wake();
    }

    /// Reads no further: what was read is still answered.
    pub(crate) fn pause(&self) {
        let mut queue = self.queue();
        queue.is_paused = true;
        queue.wake();
    }

    /// Is nothing further to be read?
    pub(crate) fn is_paused(&self) -> bool {
        self.queue().is_paused
    }

    /// Notes that nothing is being done, and nothing will be.
    pub(crate) fn rest(&self) {
        self.queue().is_at_rest = true;
    }

    /// Is all done that was read before the pause?
    pub(crate) fn is_at_rest(&self) -> bool {
        self.queue().is_at_rest
    }

    /// Why the connection has to end, if it has to.
    pub(crate) fn ordered_end(&self) -> Option<Refusal> {
        self.queue().end.as_deref().cloned()
    }

    /// Does the socket take nothing any more?
    pub(crate) fn is_dead(&self) -> bool {
        self.queue().flow == Flow::Dead
    }

    /// Queues a last frame, whatever waits, and nothing after it.
    pub(crate) fn close(self: &Arc<Self>, last: Option<Frame>) {
        let mut queue = self.queue();
        if let Some(last) = last.filter(|_| queue.flow != Flow::Dead) {
            queue.outbox.put(last, 0).expect("without a bound there is room");
        }
        queue.is_closed = true;
        self.stir(&mut queue);
    }

    /// Ready when all that was queued is on its way; else the connection's own task is
    /// woken then.
    pub(crate) fn poll_drained(&self) -> Poll<()> {
        let mut queue = self.queue();
        queue.is_awaited = !matches!(queue.flow, Flow::Clean | Flow::Dead);
        match queue.is_awaited {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Says goodbye in TLS, once all has gone: a client that hears it misses nothing.
    pub(crate) fn say_goodbye(self: &Arc<Self>) {
        self.tls().close();
        self.flush();
    }

    /// Ends what is sent at the socket.
    pub(crate) fn hang_up(&self) {
        let _ = self.socket.get_ref().shutdown(std::net::Shutdown::Write);
    }

    /// Takes in what the client still sends, and forgets it; ready when it has closed.
    pub(crate) fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 4096];
        for _ in 0..READS_MAX {
            match io::Read::read(&mut self.socket.get_ref(), &mut bytes) {
                Ok(0) => return Poll::Ready(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if ready!(self.socket.poll_readable(cx)).is_err() {
                        return Poll::Ready(());
                    }
                }
                Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Puts the connection on the flusher's list, unless somebody writes already.
    fn stir(self: &Arc<Self>, queue: &mut Queue) {
        if queue.flow == Flow::Clean {
            queue.flow = Flow::Dirty;
            self.home.add(self.clone());
        }
    }

    fn enqueue(
        self: &Arc<Self>,
        put: impl FnOnce(&mut Outbox, usize) -> Result<(), crate::outbox::Full>,
    ) {
        let mut queue = self.queue();
        if queue.is_closed {
            return;
        }
        if put(&mut queue.outbox, self.outbox_bytes_max).is_ok() {
            if !queue.outbox.is_empty() {
                self.stir(&mut queue);
            }
            return;
        }
        // Leaving frames out would make a hole that nobody can see.
        queue.outbox.clear();
        queue.is_closed = true;
        drop(queue);
        self.order_end(slow_consumer("outbox_bytes"));
    }

    fn tls(&self) -> MutexGuard<'_, Tls> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is it no error, but only that there is nothing now?
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// What a client is told that does not read.
pub(crate) fn slow_consumer(limit: &str) -> Refusal {
    let message = format!("you did not read what was sent to you (limits.{limit})");
    Refusal::new(Code::SlowConsumer, message)
}

/// The connection, as the commands know it.
pub(crate) struct Sender(pub(crate) Arc<Connection>);

impl commands::Outbox for Sender {
    fn put(&self, frame: Frame) {
        self.0.enqueue(|outbox, bytes_max| outbox.put(frame, bytes_max));
    }

    fn put_list(&self, list: Option<Frame>) {
        self.0.enqueue(|outbox, _| {
            outbox.put_list(list);
            Ok(())
        });
    }

    fn end(&self, why: Refusal) {
        self.0.order_end(why);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use certs::Identity;

    use super::*;
    use crate::hot;

    /// It was the other way round: read only when the reactor says that there is something. With
    /// a thread of its own that drives the reactor, that may not be said of an event that comes
    /// quickly, again and again, and what somebody had said waited for seconds.
    #[test]
    fn whoever_is_woken_reads_whatever_the_reactor_says() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_make(folder.path()).unwrap();
        let (server, mut socket) = hot::sockets().unwrap();
        let server = Async::new(server).unwrap();
        let home = Arc::new(Flusher::default());
        let connection = Connection::new(server, identity.server_config(), home, 0).unwrap();
        let mut client = hot::shake_hands(&connection, &identity, &mut socket);
        let mut decoder = Decoder::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut next = || connection.poll_frame(&mut cx, &mut decoder, 100);
        assert!(next().is_pending());
        for body in [&b"{}"[..], b"{\"type\":\"ping\"}"] {
            client.writer().write_all(&(body.len() as u32).to_be_bytes()).unwrap();
            client.writer().write_all(body).unwrap();
            while client.wants_write() {
                client.write_tls(&mut socket).unwrap();
            }
            while connection.socket.get_ref().peek(&mut [0]).is_err() {
                std::thread::yield_now();
            }
            // Nobody has asked the reactor meanwhile.
            let heard = next();
            assert!(matches!(&heard, Poll::Ready(Ok(Some(frame))) if frame == body), "{heard:?}");
            assert!(next().is_pending());
        }
    }
}
