//! One connection from its first byte to its last: read a frame, do what it asks for,
//! read the next.

use std::net::{SocketAddr, TcpStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_io::{Async, Timer};
use commands::{PIPELINED_MAX, Peer, Session, dispatch};
use proto::{Cap, Code, Decoder, Frame, Malformed, Outgoing, Refusal, Request, State, frame};
use zeroize::Zeroize;

use crate::connection::{Connection, ReadError, Sender, slow_consumer};
use crate::gate::Place;
use crate::pace::Pace;
use crate::server::Server;

/// Bodies in a row that are no requests, before the connection ends: a client that
/// makes so many does not speak this protocol.
const BAD_FRAMES_MAX: u32 = 8;

/// How long what is queued may take to go when the connection ends.
const LAST_WORDS_TIME: Duration = Duration::from_secs(2);

/// How long a client may take to close after us: a reset while it still sends would
/// eat the error that it was told.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// A connection at work.
struct Life<'a> {
    server: &'a Server,
    connection: Arc<Connection>,
    session: Session,
    place: Place,
    decoder: Decoder,
    pace: Pace,
    bad_frames: u32,
    /// Since when the login clock runs.
    logged_out: Instant,
    /// When the last whole frame came.
    heard: Instant,
    has_pinged: bool,
    /// When the frame began that is not whole yet.
    frame_began: Option<Instant>,
    timer: Timer,
    timer_at: Option<Instant>,
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The client wanted it.
    Closed,
    /// The client is told why.
    Refused(Refusal),
    /// The client cannot be told; the log is.
    Broken,
}

/// Something that is due at a certain time.
#[derive(Debug, Clone, Copy)]
enum Due {
    Login,
    Frame,
    Stall,
    Ping,
    Gone,
}

/// Serves a connection that was let in.
pub(crate) async fn serve(
    server: &Server,
    socket: Async<TcpStream>,
    from: SocketAddr,
    place: Place,
) {
    let home = server.next_flusher();
    let outbox_bytes_max = server.config.limits.outbox_bytes;
    let connection = match Connection::new(socket, server.tls.clone(), home, outbox_bytes_max) {
        Ok(connection) => connection,
        Err(error) => {
            tracing::error!(%error, "TLS cannot begin");
            return;
        }
    };
    // In a box: its state is gone when the session begins.
    let mut shaking = Box::pin(shake_hands(server, &connection));
    if let Err(error) = alongside(&connection, shaking.as_mut()).await {
        tracing::debug!(%from, %error, "no TLS handshake");
        return;
    }
    drop(shaking);
    let limits = &server.config.limits;
    let id = server.next_peer();
    let sender = Box::new(Sender(connection.clone()));
    let peer = Arc::new(Peer::new(id, sender, server.world.policy.default_caps));
    let _listed = server.live.add(id, &connection);
    let now = Instant::now();
    let mut life = Life {
        server,
        session: Session::new(peer.clone(), from.ip()),
        place,
        decoder: Decoder::default(),
        pace: Pace::new(limits.commands_burst, limits.commands_per_s),
        bad_frames: 0,
        logged_out: now,
        heard: now,
        has_pinged: false,
        frame_began: None,
        timer: Timer::never(),
        timer_at: None,
        connection: connection.clone(),
    };
    tracing::debug!(session = id.0, %from, "connected");
    let end = alongside(&connection, pin!(life.run())).await;
    server.live.rest(&connection);
    let turn = server.turns.next().await;
    // Gone from every list before the last words: nothing more is queued for it. Its
    // place it has until the end.
    let Life { session, place, .. } = life;
    drop(session);
    tracing::debug!(session = id.0, ?end, "ended");
    // In a box, so that its state has no place in this future from the start.
    let mut finish = Box::pin(finish(&connection, &peer, end));
    let done = smol::future::poll_once(alongside(&connection, finish.as_mut())).await;
    // Whom the client keeps waiting, keeps nobody waiting.
    drop(turn);
    if done.is_none() {
        alongside(&connection, finish.as_mut()).await;
    }
    drop(place);
}

/// Shakes hands, step by step, and in time.
async fn shake_hands(server: &Server, connection: &Arc<Connection>) -> Result<(), ReadError> {
    let shaking = async {
        loop {
            connection.readable().await?;
            // Not held while the client is waited for: one who is slow keeps nobody waiting.
            let _turn = server.turns.next().await;
            if connection.shake_hands()? {
                return Ok(());
            }
        }
    };
    match server.config.limits.handshake() {
        Some(limit) => {
            smol::future::or(shaking, async {
                Timer::after(limit).await;
                Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into())
            })
            .await
        }
        None => shaking.await,
    }
}

/// Works, and writes meanwhile whenever the socket was blocked. The work is pinned by the
/// caller: taken by value it would have its place in both futures.
async fn alongside<T>(
    connection: &Arc<Connection>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> T {
    std::future::poll_fn(|cx| {
        connection.poll_blocked(cx);
        work.as_mut().poll(cx)
    })
    .await
}

/// Sends what is queued and the last words, then closes in a way that they arrive.
async fn finish(connection: &Arc<Connection>, peer: &Peer, end: End) {
    let last = match &end {
        End::Refused(refusal) => Some(error_frame(refusal)),
        End::Closed => {
            // Requests that were read before the end are answered.
            peer.settled(0).await;
            None
        }
        End::Broken => None,
    };
    connection.close(last);
    let drained = std::future::poll_fn(|_| connection.poll_drained());
    if within(LAST_WORDS_TIME, drained).await {
        connection.say_goodbye();
    }
    connection.hang_up();
    within(DRAIN_TIME, std::future::poll_fn(|cx| connection.poll_drain(cx))).await;
}

/// Works for so long at most; says whether it was enough.
async fn within(limit: Duration, work: impl Future<Output = ()>) -> bool {
    let done = async {
        work.await;
        true
    };
    let late = async {
        Timer::after(limit).await;
        false
    };
    smol::future::or(done, late).await
}

fn error_frame(refusal: &Refusal) -> Frame {
    frame(&Outgoing::error("error", None, refusal))
}

impl Life<'_> {
    async fn run(&mut self) -> End {
        loop {
            let mut body = match std::future::poll_fn(|cx| self.poll_body(cx)).await {
                Ok(body) => body,
                Err(end) => return end,
            };
            if let Some(wait) = self.pace.next(Instant::now()) {
                Timer::after(wait).await;
            }
            // In a box: a connection that waits has no place for what it does not do.
            let end = Box::pin(self.answer(&body)).await;
            // It may have held a password.
            body.zeroize();
            if let Some(end) = end {
                return end;
            }
            if self.session.is_behind()
                && let Some(end) = self.catch_up().await
            {
                return end;
            }
        }
    }

    /// Sends what was missed, page after page, each when the one before has gone.
    async fn catch_up(&mut self) -> Option<End> {
        while self.session.is_behind() {
            if let Err(end) = std::future::poll_fn(|cx| self.poll_drained(cx)).await {
                return Some(end);
            }
            if let Err(refusal) = commands::catch_up(&self.server.world, &mut self.session).await {
                return Some(End::Refused(refusal));
            }
        }
        None
    }

    /// Does what one body asks for.
    async fn answer(&mut self, body: &[u8]) -> Option<End> {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(malformed) => {
                self.peer().settled(PIPELINED_MAX - 1).await;
                let is_no_frame = matches!(malformed, Malformed::Frame(_));
                commands::malformed(&self.session, malformed);
                self.bad_frames = if is_no_frame { self.bad_frames + 1 } else { 0 };
                return (self.bad_frames >= BAD_FRAMES_MAX).then_some(End::Closed);
            }
        };
        self.bad_frames = 0;
        let is_pipelined = commands::find(&request.kind).is_some_and(|c| c.spec.pipelined);
        let owed_max = if is_pipelined { PIPELINED_MAX - 1 } else { 0 };
        self.peer().settled(owed_max).await;
        let before = self.session.state();
        dispatch(&self.server.world, &mut self.session, &request).await;
        match (before, self.session.state()) {
            (_, State::Ended) => return Some(End::Closed),
            (State::Auth, State::Lobby | State::Chat) => {
                self.place.set_authenticated(true);
                if let Some(account) = self.session.account() {
                    tracing::debug!(session = self.peer().id().0, user = %account.name, "logged in");
                }
            }
            (State::Lobby | State::Chat, State::Auth) => {
                tracing::debug!(session = self.peer().id().0, "logged out");
                self.place.set_authenticated(false);
                self.logged_out = Instant::now();
            }
            _ => {}
        }
        None
    }

    /// The next body, or why there is none.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, End>> {
        if let Some(end) = self.ordered_end() {
            return Poll::Ready(Err(end));
        }
        if self.is_paused() {
            return Poll::Pending;
        }
        let len_max = self.frame_bytes_max();
        match self.connection.poll_frame(cx, &mut self.decoder, len_max) {
            Poll::Ready(Ok(Some(body))) => {
                self.heard = Instant::now();
                self.has_pinged = false;
                self.frame_began = None;
                return Poll::Ready(Ok(body));
            }
            Poll::Ready(Ok(None)) => return Poll::Ready(Err(End::Closed)),
            Poll::Ready(Err(ReadError::Frame(error))) => {
                let refusal = Refusal::new(Code::FrameTooLarge, error.to_string());
                return Poll::Ready(Err(End::Refused(refusal)));
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "the stream is broken");
                return Poll::Ready(Err(End::Broken));
            }
            Poll::Pending => {}
        }
        let now = Instant::now();
        self.frame_began = self.decoder.is_midway().then(|| self.frame_began.unwrap_or(now));
        self.poll_late(cx).map(Err)
    }

    /// Ready when all that was queued has gone, or with the reason why it never will.
    fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if let Some(end) = self.ordered_end() {
            return Poll::Ready(Err(end));
        }
        if self.is_paused() {
            return Poll::Pending;
        }
        match self.connection.poll_drained() {
            Poll::Ready(()) => Poll::Ready(Ok(())),
            Poll::Pending => self.poll_late(cx).map(Err),
        }
    }

    /// Is this the end of what is done, until the server tells everyone to go?
    fn is_paused(&self) -> bool {
        let is_paused = self.connection.is_paused();
        if is_paused {
            self.server.live.rest(&self.connection);
        }
        is_paused
    }

    /// The end that others want, or the network.
    fn ordered_end(&self) -> Option<End> {
        let refused = self.connection.ordered_end().map(End::Refused);
        refused.or_else(|| self.connection.is_dead().then_some(End::Closed))
    }

    /// The end that comes when something is late; pings those who are only silent.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let end = match ready!(self.poll_due(cx)) {
                Due::Ping => {
                    self.has_pinged = true;
                    self.peer().push(&commands::ping_push());
                    continue;
                }
                Due::Login => timeout("you are not logged in", "login_s"),
                Due::Frame => timeout("the frame is not whole", "frame_s"),
                Due::Gone => timeout("you do not answer", "ping_s"),
                Due::Stall => slow_consumer("stall_s"),
            };
            return Poll::Ready(End::Refused(end));
        }
    }

    /// What is due first, when it is due.
    ///
    /// The timer is only ever set earlier; when it rings too early it is set again. So
    /// a busy connection pays nothing for its deadlines.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            let Some((at, due)) = self.next_due() else { return Poll::Pending };
            if at <= Instant::now() {
                return Poll::Ready(due);
            }
            if self.timer_at.is_none_or(|set| at < set) {
                self.timer.set_at(at);
                self.timer_at = Some(at);
            }
            ready!(Future::poll(Pin::new(&mut self.timer), cx));
            self.timer_at = None;
        }
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        let limits = &self.server.config.limits;
        let is_out = self.session.state() == State::Auth;
        let takes_pings = self.peer().takes(Cap::Ping);
        let after = |since: Option<Instant>, limit: Option<Duration>, due| {
            Some((since?.checked_add(limit?)?, due))
        };
        [
            after(is_out.then_some(self.logged_out), limits.login(), Due::Login),
            after(self.frame_began, limits.frame_time(), Due::Frame),
            after(self.connection.stalled_since(), limits.stall(), Due::Stall),
            after(
                (takes_pings && !self.has_pinged).then_some(self.heard),
                limits.ping(),
                Due::Ping,
            ),
            after(takes_pings.then_some(self.heard), limits.gone(), Due::Gone),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
    }

    fn frame_bytes_max(&self) -> u32 {
        let limits = &self.server.config.limits;
        let max = match self.session.state() {
            State::Auth => limits.frame_before_login,
            _ => limits.frame,
        };
        if max == 0 { u32::MAX } else { max }
    }

    fn peer(&self) -> &Arc<Peer> {
        self.session.peer()
    }
}

fn timeout(what: &str, limit: &str) -> Refusal {
    Refusal::new(Code::Timeout, format!("{what} in time (limits.{limit})"))
}
