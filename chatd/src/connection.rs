//! The two ends of one connection: frames in, frames out, over TLS.
//!
//! Whoever wants to send only queues; [`Connection::flush`] is the one place that
//! writes. The flusher calls it for connections that are dirty, and the connection's
//! own task for one whose socket would block, until nothing waits. Locks are taken in
//! one order: TLS, then the queue.

use std::cell::RefCell;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use async_io::Async;
use proto::{Code, DecodeError, Decoder, Frame, Refusal};
use rustls::ServerConnection;

use crate::flusher::Flusher;
use crate::outbox::{Outbox, RECORD_BYTES_MAX};

thread_local! {
    /// Where a record is put together. One a thread: a connection that is idle holds
    /// no buffer.
    static RECORD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reads of the socket in one go, of 4 KiB each: then others have a turn, and the
/// deadlines are looked at.
const READS_MAX: usize = 32;

/// A socket that is written with `send`, and not with `writev` as rustls would: what waits
/// is one record, and the kernel does less for one buffer than for a list of one.
struct Plain<'a>(&'a TcpStream);

impl Write for Plain<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

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

/// A connection that has shaken hands.
pub struct Connection {
    socket: Async<TcpStream>,
    tls: Mutex<Box<ServerConnection>>,
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
    /// The client broke TLS.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The network did not hold.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Connection {
    /// Takes over from the handshake. A plain function: in an async one the TLS
    /// connection would stay in the future beside its box (1.1 KiB each).
    pub(crate) fn new(
        socket: Async<TcpStream>,
        tls: ServerConnection,
        home: Arc<Flusher>,
        outbox_bytes_max: usize,
    ) -> Arc<Connection> {
        let queue = Queue {
            outbox: Outbox::default(),
            flow: Flow::Clean,
            is_closed: false,
            is_awaited: false,
            is_paused: false,
            end: None,
            progress: Instant::now(),
            waker: None,
        };
        Arc::new(Connection {
            socket,
            tls: Mutex::new(Box::new(tls)),
            queue: Mutex::new(queue),
            home,
            outbox_bytes_max,
        })
    }

    /// Writes one record of what waits, if the socket takes it; says how it stands
    /// then. Nobody else writes.
    pub(crate) fn flush(self: &Arc<Self>) -> Flow {
        let mut tls = self.tls();
        RECORD.with_borrow_mut(|record| {
            if !tls.wants_write() {
                record.clear();
                self.queue().outbox.drain_into(record);
                // The buffer of rustls is empty, so it takes a record whole.
                if let Err(error) = tls.writer().write_all(record) {
                    return self.die(&error);
                }
            }
            let mut took = false;
            while tls.wants_write() {
                match tls.write_tls(&mut Plain(self.socket.get_ref())) {
                    Ok(0) => return self.die(&io::ErrorKind::WriteZero.into()),
                    Ok(_) => took = true,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return self.went(took, true);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return self.die(&error),
                }
            }
            self.went(took, false)
        })
    }

    /// Notes what a flush did: whether the socket took something, and whether it takes
    /// no more for now.
    fn went(&self, took: bool, is_blocked: bool) -> Flow {
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
        if took || newly_blocked {
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
            match self.socket.poll_writable(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => drop(self.flush()),
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
        loop {
            match self.read(decoder, len_max)? {
                Read::Whole(body) => return Poll::Ready(Ok(Some(body))),
                Read::End => return Poll::Ready(Ok(None)),
                Read::Nothing => ready!(self.socket.poll_readable(cx))?,
                Read::Enough => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
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
            let state = tls.process_new_packets();
            if tls.wants_write() {
                // An alert, or a new key, that TLS itself has to say.
                self.stir(&mut self.queue());
            }
            let state = state?;
            match decoder.read_from(&mut tls.reader(), len_max) {
                Ok(Some(body)) => return Ok(Read::Whole(body)),
                Ok(None) if state.peer_has_closed() => return Ok(Read::End),
                Ok(None) => {}
                Err(DecodeError::Frame(error)) => return Err(error.into()),
                Err(DecodeError::Io(error)) => return Err(error.into()),
            }
            match tls.read_tls(&mut self.socket.get_ref()) {
                Ok(0) => return Ok(Read::End),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Read::Nothing);
                }
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
        self.tls().send_close_notify();
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

    fn tls(&self) -> MutexGuard<'_, Box<ServerConnection>> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
