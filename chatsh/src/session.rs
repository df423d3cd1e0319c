//! One connection as it is used: what is sent and heard, and the greeting.

mod own;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::{Catalogue, Description, Frame, HEADER_BYTES, Id, Incoming, NameKey, State, Status};
use serde::Serialize;
use serde_json::{Map, Value, json};
use smol::Timer;
use smol::future::FutureExt;

use self::own::OWN_ID;
use crate::book::Book;
use crate::bookmark::Bookmark;
use crate::entrance::Entrance;
use crate::exit::{Exit, Failure};
use crate::link::{Ended, Link, Received};
use crate::reply::accepted;
use crate::secret;

/// How long we wait for the answer to our goodbye: it changes nothing any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// What we can take beyond the basic protocol; a server ignores those that it does not have.
const CAPS: [&str; 6] = ["resume", "ping", "tells", "notices", "presence", "edits"];

/// How many times as long as its pause between two pings a server is silent before we take
/// the connection for lost: nobody tells us when a cable was pulled.
const SILENT_PINGS: f64 = 2.5;

/// What a request has besides its text, in bytes: the longest key and name, and their names.
const ENVELOPE_BYTES: usize = 1024;

/// A connection, and what is known of it.
pub(crate) struct Session {
    link: Link,
    book: Arc<Mutex<Book>>,
    /// How we came here, and come here again.
    entrance: Arc<Entrance>,
    /// Where we are.
    pub(crate) bookmark: Bookmark,
    /// What came while we asked by ourselves, in order.
    pub(crate) kept: VecDeque<Received>,
    /// The request behind which nothing that was missed will come, and how many were.
    catching_up: Option<(Id, usize)>,
    /// How long a reply may take.
    timeout: Duration,
    /// How many requests of our own were sent.
    asked: u64,
    /// What the server said of its limits, in bytes of a body.
    limits: Map<String, Value>,
    /// The server's words for whoever connects.
    pub(crate) motd: Option<String>,
    /// When the server was heard last.
    heard_at: Instant,
    /// How long a server that lives is silent at most, if it said so.
    silence_max: Option<Duration>,
    /// Why the connection has ended, if it has.
    over: Option<Ended>,
}

/// What came from the server.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The reply to a request that chatsh made by itself.
    Own(Received),
    /// The reply to a line.
    Reply(Received),
    /// What nobody asked for.
    Push(Received),
    /// All that was missed has come; that many messages.
    CaughtUp(usize),
}

/// A request as it is written.
#[derive(Serialize)]
struct Sent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    data: &'a Map<String, Value>,
    id: &'a Id,
}

impl Session {
    /// Greets the server and learns its commands.
    ///
    /// # Errors
    /// [`Exit::OtherProtocol`] if it does not answer as this protocol does.
    pub(crate) async fn open(
        link: Link,
        book: Arc<Mutex<Book>>,
        entrance: Arc<Entrance>,
    ) -> Result<Session, Failure> {
        let mut session = Session {
            link,
            book,
            timeout: entrance.timeout,
            entrance,
            bookmark: Bookmark::default(),
            kept: VecDeque::new(),
            catching_up: None,
            asked: 0,
            limits: Map::new(),
            motd: None,
            heard_at: Instant::now(),
            silence_max: None,
            over: None,
        };
        session.greet().await?;
        let commands = session.ask("commands", &Map::new()).await?;
        session.book().adopt(&commands.data);
        Ok(session)
    }

    async fn greet(&mut self) -> Result<(), Failure> {
        let hello = object(json!({
            "client": "chatsh",
            "version": env!("CARGO_PKG_VERSION"),
            "caps": CAPS,
        }));
        let reply = accepted(self.ask("hello", &hello).await?, State::Auth)
            .map_err(|failure| Failure { exit: Exit::OtherProtocol, ..failure })?;
        let version = reply.data.get("version").and_then(Value::as_u64);
        if version != Some(proto::VERSION.into()) {
            let theirs = version.map_or("another version".into(), |v| format!("version {v}"));
            let message =
                format!("the server speaks {theirs} of the protocol, not {}", proto::VERSION);
            return Err(Failure::new(Exit::OtherProtocol, message));
        }
        if let Some(limits) = reply.data.get("limits").and_then(Value::as_object) {
            self.limits = limits.clone();
        }
        let caps = reply.data.get("caps").and_then(Value::as_array);
        let pings = caps.is_some_and(|caps| caps.iter().any(|cap| cap == "ping"));
        let ping_s = self.limits.get("ping_s").and_then(Value::as_u64).filter(|_| pings);
        self.silence_max = ping_s
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds).mul_f64(SILENT_PINGS));
        self.motd = reply.data.get("motd").and_then(Value::as_str).map(Into::into);
        Ok(())
    }

    /// Keeps a greeting that somebody typed from taking back what we can show.
    pub(crate) fn keep_caps(kind: &str, data: &mut Map<String, Value>) {
        if let Some(Value::Array(caps)) = data.get_mut("caps").filter(|_| kind == "hello") {
            caps.extend(CAPS.iter().copied().map(Value::from));
        }
    }

    /// What is known of the session. Not to be held while anything is awaited.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the session is, and the commands that there are.
    pub(crate) fn here(&self) -> (State, Arc<Catalogue>) {
        let book = self.book();
        (book.state, Arc::clone(&book.catalogue))
    }

    /// The book, for who reads it from another thread.
    pub(crate) fn shared_book(&self) -> Arc<Mutex<Book>> {
        Arc::clone(&self.book)
    }

    /// How we came here, and come here again.
    pub(crate) fn entrance(&self) -> Arc<Entrance> {
        Arc::clone(&self.entrance)
    }

    /// Has the connection ended? Then [`Session::hear`] gives what came before, and why.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_some() || self.link.has_ended()
    }

    /// Is `push` what we said ourselves with a request of `data`, and missed?
    pub(crate) fn is_echo(&self, push: &Incoming, data: &Map<String, Value>) -> bool {
        is_replayed(push)
            && push.data.get("from").and_then(Value::as_str) == self.bookmark.user.as_deref()
            && ["to", "text"].iter().all(|name| push.data.get(*name) == data.get(*name))
    }

    /// How long a reply may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Goes on as `next`, with what was set; gives the one before.
    pub(crate) fn go_on_as(&mut self, mut next: Session) -> Session {
        next.timeout = self.timeout;
        std::mem::replace(self, next)
    }

    /// How long a reply may take from now on.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Puts what is known of this session in `book`, in place of what stands there.
    pub(crate) fn write_in(&mut self, book: Arc<Mutex<Book>>) {
        {
            let mut theirs = book.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *theirs, &mut *self.book());
        }
        self.book = book;
    }

    /// Sends the request of a line. Its reply comes to [`Session::hear`].
    ///
    /// # Errors
    /// It is longer than the server takes; the connection would not survive it.
    pub(crate) async fn send(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
        id: &Id,
    ) -> Result<(), Failure> {
        let frame = self.frame(kind, data, id)?;
        self.bookmark.send(kind, data);
        self.link.send(frame).await;
        Ok(())
    }

    /// How long a text may be that is sent in a room, in bytes; any of that length fits into
    /// a request.
    pub(crate) fn text_bytes_max(&self) -> usize {
        let limit = |name| {
            let max = self.limits.get(name).and_then(Value::as_u64).filter(|max| *max > 0);
            max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX))
        };
        // A quotation mark or a tab takes two bytes in JSON.
        let fits = limit("frame").saturating_sub(ENVELOPE_BYTES) / 2;
        limit("text").min(fits)
    }

    fn frame(&self, kind: &str, data: &Map<String, Value>, id: &Id) -> Result<Frame, Failure> {
        let frame = proto::frame(&Sent { kind, data, id });
        let limit = match self.book().state {
            State::Auth => "frame_before_login",
            State::Lobby | State::Chat | State::Ended => "frame",
        };
        let bytes = (frame.len() - HEADER_BYTES) as u64;
        match self.limits.get(limit).and_then(Value::as_u64) {
            // Zero stands for no limit.
            Some(max) if max > 0 && bytes > max => {
                let message = format!("{kind}: a request of {bytes} bytes, the server takes {max}");
                Err(Failure::new(Exit::Refused, message))
            }
            _ => Ok(frame),
        }
    }

    /// The next thing that the server says; the book knows of it already.
    ///
    /// It can be given up while it waits: nothing is lost.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) async fn hear(&mut self) -> Result<Heard, Ended> {
        let heard = match self.kept.pop_front() {
            Some(push) => Heard::Push(push),
            None => self.listen().await?,
        };
        if let Heard::Push(push) = &heard {
            self.count_missed(push);
        }
        Ok(heard)
    }

    async fn listen(&mut self) -> Result<Heard, Ended> {
        if let Some(ended) = &self.over {
            return Err(ended.clone());
        }
        loop {
            let received = match self.receive().await {
                Ok(received) => received,
                Err(ended) => return Err(self.end(ended)),
            };
            self.heard_at = Instant::now();
            let message = &received.message;
            let is_new = {
                let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
                book.hear(message);
                self.bookmark.hear(message, &book)
            };
            match &message.id {
                Some(Id::Text(id)) if id.starts_with(OWN_ID) => return Ok(self.own(received)),
                Some(_) => return Ok(Heard::Reply(received)),
                None if message.kind == "ping" && message.status == Status::Ok => self.pong(),
                None if message.kind == "error" => {
                    let ended = Ended::Told {
                        code: message.code.clone().unwrap_or_default(),
                        message: message.message.clone().unwrap_or_default(),
                    };
                    return Err(self.end(ended));
                }
                None if is_new => return Ok(Heard::Push(received)),
                None => {}
            }
        }
    }

    /// The next frame; none comes from a server that is silent for too long.
    async fn receive(&self) -> Result<Received, Ended> {
        let silence = async {
            let Some(longest) = self.silence_max else { return std::future::pending().await };
            Timer::at(self.heard_at + longest).await;
            Err(Ended::Lost(format!("the server is silent for {} s", longest.as_secs_f64())))
        };
        self.link.receive().or(silence).await
    }

    fn end(&mut self, ended: Ended) -> Ended {
        self.link.hang_up();
        self.over = Some(ended.clone());
        ended
    }

    fn own(&mut self, reply: Received) -> Heard {
        let is_last = |(id, _): &mut (Id, usize)| reply.message.id.as_ref() == Some(id);
        match self.catching_up.take_if(is_last) {
            Some((_, missed)) => Heard::CaughtUp(missed),
            None => Heard::Own(reply),
        }
    }

    fn count_missed(&mut self, push: &Received) {
        let from = push.message.data.get("from").and_then(Value::as_str);
        let is_others = from.is_some() && from != self.bookmark.user.as_deref();
        let is_missed = is_replayed(&push.message) && is_others;
        if let Some((_, missed)) = self.catching_up.as_mut().filter(|_| is_missed) {
            *missed += 1;
        }
    }

    /// Keeps the token that `reply` to a request of type `kind` has, where that of the login
    /// is kept: it is the only one that opens the account from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn keep_renewed_token(&self, kind: &str, reply: &Incoming) -> Result<(), Failure> {
        let stays = |command: &Description| command.spec.leads_to.is_empty();
        let owner = self.entrance.login.user.as_ref().map(|user| user.key());
        let user = self.bookmark.user.as_deref().map(NameKey::of);
        // A line may have logged in somebody else.
        let is_theirs = owner.is_none() || owner == user;
        if !is_theirs || !self.book().catalogue.find(kind).is_some_and(stays) {
            return Ok(());
        }
        let token = reply.data.get("token").and_then(Value::as_str);
        match (&self.entrance.login.token_file, token) {
            (Some(file), Some(token)) => secret::keep_token(file, token),
            _ => Ok(()),
        }
    }

    /// Takes leave: all that was sent is answered before this is.
    pub(crate) async fn quit(mut self) {
        if self.over.is_none() {
            self.timeout = self.timeout.min(FAREWELL);
            // Whether it is answered or not, we go.
            let _ = self.ask("quit", &Map::new()).await;
        }
        self.link.close().await;
    }
}

/// Was it said before, and comes again?
pub(crate) fn is_replayed(push: &Incoming) -> bool {
    push.data.get("replay").and_then(Value::as_bool) == Some(true)
}

/// `value`, which is an object, as the data of a request.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(data) => data,
        _ => Map::new(),
    }
}
