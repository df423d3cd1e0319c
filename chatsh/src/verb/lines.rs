//! `send --lines`: each line of stdin is a message, sent before the one before it is
//! acknowledged, but never far ahead.

mod behind;

use std::collections::VecDeque;
use std::time::Instant;

use async_channel::Receiver;
use proto::{Code, Id, Incoming, Key, State};
use serde_json::{Map, Value};
use smol::Timer;
use smol::future::FutureExt;

use super::errand::Errand;
use super::key;
use super::pieces::{Piece, Pieces};
use super::send::Send;
use crate::exit::{Exit, Failure};
use crate::key::REPEATABLE_FOR;
use crate::link::{Ended, Received};
use crate::listener::{come_back, put_out};
use crate::output::print;
use crate::reply::accepted;
use crate::session::Heard;
use crate::source::LinesError;
use crate::{job, json, talk};

/// How many lines are sent and not acknowledged.
///
/// The server takes 64; half of it hides the way there and back, and is all that is sent
/// again, or of unknown outcome, when the connection is lost.
const UNDER_WAY_MAX: usize = 32;

/// How many bytes of text they have, but for the last one: each comes back in its reply, and a
/// server takes who has much more to read (`limits.outbox_bytes`, 256 KiB) for one who does not.
const UNDER_WAY_BYTES_MAX: usize = 64 * 1024;

/// Says the lines of stdin.
///
/// # Errors
/// What ended it. Lines that can be no messages do not: the code tells of them.
pub(super) async fn say(send: &Send, errand: &mut Errand) -> Result<Exit, Failure> {
    let key = match &send.key {
        Some(key) => key.clone(),
        None => key::fresh(),
    };
    let pieces = match send.strip {
        true => Pieces::stripped(errand.session.text_bytes_max()),
        false => Pieces::as_they_stand(),
    };
    let lines = pieces.read_ahead();
    let mut sender = Sender {
        send,
        errand,
        key,
        under_way: VecDeque::new(),
        is_at_end: false,
        acknowledged: None,
        first_error: None,
    };
    let outcome = sender.all(&lines).or(job::interrupted()).await;
    outcome.map_err(|failure| match failure.exit {
        Exit::Interrupted if sender.acknowledged.is_some() => {
            sender.last_words(Failure::new(failure.exit, "interrupted"))
        }
        _ => failure,
    })?;
    Ok(sender.first_error.unwrap_or(Exit::Done))
}

struct Sender<'a> {
    send: &'a Send,
    errand: &'a mut Errand,
    /// What the keys of the lines begin with.
    key: Key,
    /// The lines whose turn to be told of has not come, in their order.
    under_way: VecDeque<Sent>,
    is_at_end: bool,
    /// The last line of which all was acknowledged.
    acknowledged: Option<usize>,
    /// The code of the first error that did not end it.
    first_error: Option<Exit>,
}

/// A line that was sent, or cannot be.
struct Sent {
    number: usize,
    /// Since when its reply is the next one.
    since: Instant,
    /// What was sent, or why nothing was.
    what: Result<Request, Failure>,
}

impl Sent {
    fn bytes(&self) -> usize {
        let text = self.what.as_ref().ok().and_then(|request| request.data.get("text"));
        text.and_then(Value::as_str).map_or(0, str::len)
    }
}

/// What a line was sent as.
struct Request {
    kind: String,
    data: Map<String, Value>,
    id: Id,
    /// Does its line end with it?
    ends_line: bool,
    /// Until when it may be sent again, if it may.
    repeatable_until: Option<Instant>,
}

/// What happens next.
enum Event {
    Line(Piece),
    NoLine(LinesError),
    End,
    Heard(Received),
    PutOut(Failure),
    Cut(Ended),
    Late,
}

impl Sender<'_> {
    async fn all(&mut self, lines: &Receiver<Result<Piece, LinesError>>) -> Result<(), Failure> {
        while !(self.is_at_end && self.under_way.is_empty()) {
            match self.next(lines).await? {
                Event::Line(line) => self.line(&line).await?,
                Event::NoLine(LinesError::Bad(bad)) => {
                    let failure = Failure::new(Exit::Refused, bad.reason);
                    self.queue(bad.number, Err(failure));
                }
                Event::NoLine(error) => {
                    return Err(Failure::new(Exit::Refused, error.to_string()));
                }
                Event::End => self.is_at_end = true,
                Event::Heard(reply) => {
                    if let Err(failure) = self.reply(&reply) {
                        return Err(self.with_those_behind(failure).await);
                    }
                }
                Event::PutOut(failure) => return Err(self.last_words(self.blame(failure))),
                Event::Cut(ended) => {
                    let back = self.come_back(ended).await;
                    back.map_err(|failure| self.last_words(failure))?;
                }
                Event::Late => return Err(self.last_words(self.late())),
            }
        }
        Ok(())
    }

    async fn next(
        &mut self,
        lines: &Receiver<Result<Piece, LinesError>>,
    ) -> Result<Event, Failure> {
        let is_open = !self.is_at_end
            && self.under_way.len() < UNDER_WAY_MAX
            && self.under_way.iter().map(Sent::bytes).sum::<usize>() < UNDER_WAY_BYTES_MAX;
        let deadline =
            self.under_way.front().map(|sent| sent.since + self.errand.session.timeout());
        let line = async {
            if !is_open {
                std::future::pending::<()>().await;
            }
            Ok(match lines.recv().await {
                Ok(Ok(line)) => Event::Line(line),
                Ok(Err(error)) => Event::NoLine(error),
                Err(_) => Event::End,
            })
        };
        let late = async {
            match deadline {
                Some(deadline) => Timer::at(deadline).await,
                None => std::future::pending().await,
            };
            Ok(Event::Late)
        };
        let heard = async {
            loop {
                match self.errand.session.hear().await {
                    Ok(Heard::Reply(reply)) => return Ok(Event::Heard(reply)),
                    Ok(Heard::Push(push)) => {
                        if let Some(failure) = put_out(&push) {
                            return Ok(Event::PutOut(failure));
                        }
                    }
                    Ok(Heard::Own(_) | Heard::CaughtUp(_)) => {}
                    Err(ended) => return Ok(Event::Cut(ended)),
                }
            }
        };
        // What the server says comes first: a refusal may be the reason to send no more.
        heard.or(line).or(late).await
    }

    async fn line(&mut self, line: &Piece) -> Result<(), Failure> {
        let key = key::of_line(&self.key, line.number, line.part)?;
        let (kind, data) = match self.send.request(self.errand, &line.text, &key) {
            Ok(request) => request,
            Err(failure) if line.text.is_empty() => {
                self.queue(line.number, Err(failure));
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        let id = Id::Number(i64::try_from(line.number).unwrap_or(i64::MAX));
        let sent = self.errand.session.send(&kind, &data, &id).await;
        let has_key = data.contains_key("key");
        let repeatable_until = has_key.then(|| Instant::now() + REPEATABLE_FOR);
        let request = Request { kind, data, id, ends_line: line.is_last, repeatable_until };
        // A failure: it is longer than any request.
        self.queue(line.number, sent.map(|()| request));
        Ok(())
    }

    /// Comes back after a cut, and sends again what is not acknowledged.
    async fn come_back(&mut self, ended: Ended) -> Result<(), Failure> {
        let now = Instant::now();
        let requests = || self.under_way.iter().filter_map(|sent| sent.what.as_ref().ok());
        let is_repeatable =
            requests().all(|request| request.repeatable_until.is_some_and(|until| now < until));
        if self.under_way.is_empty() {
            return come_back(self.errand, ended).await;
        }
        if !is_repeatable || !ended.may_come_back() {
            return Err(self.blame(ended.failure(true)));
        }
        let back = come_back(self.errand, ended).await;
        back.map_err(|failure| self.blame(failure.with_unknown_outcome()))?;
        for sent in &mut self.under_way {
            if let Ok(Request { kind, data, id, .. }) = &sent.what {
                self.errand.session.send(kind, data, id).await?;
                sent.since = Instant::now();
            }
        }
        Ok(())
    }

    /// `failure`, with the lines that are not acknowledged, if there are such.
    fn blame(&self, failure: Failure) -> Failure {
        match self.under_way.is_empty() {
            true => failure,
            false => failure.while_doing(&place(&self.under_way)),
        }
    }

    /// `failure`, with the line behind which whoever runs this can go on.
    fn last_words(&self, failure: Failure) -> Failure {
        let Some(number) = self.acknowledged else { return failure };
        let message =
            format!("{}; line {number} is the last that was acknowledged", failure.message);
        Failure { message, ..failure }
    }

    /// Puts a line behind those that are under way.
    fn queue(&mut self, number: usize, what: Result<Request, Failure>) {
        self.under_way.push_back(Sent { number, since: Instant::now(), what });
        self.tell_of_unsent();
    }

    /// Tells of the lines that were not sent, up to the next one that was.
    ///
    /// So what is told, and the code, are the same however fast the server is.
    fn tell_of_unsent(&mut self) {
        while self.under_way.front().is_some_and(|sent| sent.what.is_err()) {
            if let Some(Sent { number, what: Err(failure), .. }) = self.under_way.pop_front() {
                self.leave_out(number, &failure);
            }
        }
    }

    /// The line that has this reply, and why it was refused, if it was.
    fn answered(&mut self, reply: &Received) -> Result<Option<(Sent, Option<Failure>)>, Failure> {
        // Replies come in the order of the requests.
        let Some(sent) = self.under_way.pop_front() else { return Ok(None) };
        if self.errand.manner.is_json {
            print(&json::line(&reply.body))?;
        }
        Ok(Some((sent, accepted(reply.message.clone(), State::Chat).err())))
    }

    fn reply(&mut self, reply: &Received) -> Result<(), Failure> {
        let Some((Sent { number, what, .. }, refusal)) = self.answered(reply)? else {
            return Ok(());
        };
        match refusal {
            None if what.is_ok_and(|request| request.ends_line) => {
                self.acknowledged = Some(number);
            }
            None => {}
            Some(failure) if is_of_the_line(&reply.message) || self.errand.manner.keeps_going => {
                self.leave_out(number, &failure);
            }
            Some(failure) => return Err(failure.while_doing(&format!("line {number}"))),
        }
        self.tell_of_unsent();
        // The server reads as fast as it likes: only when nothing comes it is late.
        if let Some(next) = self.under_way.front_mut() {
            next.since = Instant::now();
        }
        Ok(())
    }

    /// Tells that this line was not said.
    fn leave_out(&mut self, number: usize, failure: &Failure) {
        talk::say(&format!("line {number}: {}", failure.message));
        self.first_error.get_or_insert(failure.exit);
    }

    fn late(&self) -> Failure {
        let seconds = self.errand.session.timeout().as_secs_f64();
        let message = format!(
            "{}: no reply within {seconds} s; they may or may not have been said",
            place(&self.under_way)
        );
        Failure::new(Exit::Timeout, message)
    }
}

/// Is it the line that was wrong, and not all of them?
fn is_of_the_line(refusal: &Incoming) -> bool {
    let field = refusal.data.get("field");
    let is_of_text = field.is_none_or(|field| field == "text");
    (refusal.is_error(Code::BadRequest) || refusal.is_error(Code::TooLong)) && is_of_text
}

/// Which lines are not acknowledged.
fn place(under_way: &VecDeque<Sent>) -> String {
    let mut sent = under_way.iter().filter(|sent| sent.what.is_ok()).map(|sent| sent.number);
    match (sent.next(), sent.next_back()) {
        (Some(first), Some(last)) => format!("lines {first} to {last}"),
        (line, _) => format!("line {}", line.unwrap_or_default()),
    }
}
