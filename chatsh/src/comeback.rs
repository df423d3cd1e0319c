//! Coming back after a cut: another connection, the same place, and all that was missed
//! there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proto::{Code, Incoming, State};
use serde_json::{Map, Value, json};
use smol::Timer;
use smol::future::FutureExt;

use crate::book::Book;
use crate::bookmark::{Bookmark, RESUME};
use crate::entrance::Entrance;
use crate::exit::{Exit, Failure};
use crate::link::Received;
use crate::random;
use crate::reply::accepted;
use crate::session::{Session, object};

/// How long we wait before the first try; it doubles with each, up to the longest.
///
/// A server that has just started is not to be met by everybody at once, so each pause is
/// cut by chance to between a half and the whole.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Messages of a page of history: as many as a server gives.
const PAGE_LEN: usize = 200;

/// How many missed messages are read from the history; beyond this nobody reads them all.
const MISSED_LEN_MAX: usize = 2000;

/// What it takes to come back.
pub(crate) struct Comeback {
    entrance: Arc<Entrance>,
    book: Arc<Mutex<Book>>,
    /// The place to come back to.
    before: Bookmark,
    /// How long it may take; without it, as long as it takes.
    patience: Option<Duration>,
    /// Do we log in again when the token is refused?
    logs_in: bool,
}

/// We are back.
pub(crate) struct Back {
    /// The session from now on; what was missed comes first, then
    /// [`Heard::CaughtUp`](crate::session::Heard::CaughtUp) if it is in a room.
    pub(crate) session: Session,
    /// What of it cannot be had any more, for people.
    pub(crate) losses: Vec<String>,
    /// Why the session is not where it was, if it is not.
    pub(crate) displaced: Option<Failure>,
}

/// Why a try has failed.
enum Setback {
    /// The next one may do better.
    Passing(Failure),
    /// No other would.
    Final(Failure),
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Setback {
        match failure.exit {
            Exit::NoConnection | Exit::Timeout | Exit::Throttled => Setback::Passing(failure),
            _ => Setback::Final(failure),
        }
    }
}

impl Comeback {
    /// For somebody at the prompt, who decides when it takes too long, and who logs in.
    pub(crate) fn of_shell(session: &Session) -> Comeback {
        Comeback::of(session, None)
    }

    /// For a script, which has so much time and nobody to ask. None if it was nobody's
    /// session, or one that cannot be opened again.
    pub(crate) fn of_script(session: &Session, patience: Duration) -> Option<Comeback> {
        let comeback = Comeback::of(session, Some(patience));
        let is_possible = comeback.before.token.is_some() || comeback.logs_in;
        is_possible.then_some(comeback)
    }

    fn of(session: &Session, patience: Option<Duration>) -> Comeback {
        let (entrance, before) = (session.entrance(), session.bookmark.clone());
        let has_password =
            before.user.as_ref().is_some_and(|user| entrance.login.can_log_in_again(user));
        let logs_in = patience.is_some() && has_password;
        Comeback { entrance, book: session.shared_book(), before, patience, logs_in }
    }

    /// Tries until it works.
    ///
    /// # Errors
    /// It cannot work, or takes too long.
    pub(crate) async fn run(self) -> Result<Back, Failure> {
        let mut last = None;
        let tries = async {
            for number in 0.. {
                Timer::after(pause(number)).await;
                match self.try_once().await {
                    Ok(back) => return Ok(back),
                    Err(Setback::Final(failure)) => return Err(failure),
                    Err(Setback::Passing(failure)) => last = Some(failure),
                }
            }
            unreachable!("there is no last try");
        };
        let in_time = async { Some(tries.await) };
        let outcome = match self.patience {
            Some(patience) => {
                let late = async {
                    Timer::after(patience).await;
                    None
                };
                in_time.or(late).await
            }
            None => in_time.await,
        };
        outcome.unwrap_or_else(|| {
            let why = last.map_or(String::new(), |failure| format!(": {}", failure.message));
            Err(Failure::new(Exit::NoConnection, format!("not back in time{why}")))
        })
    }

    async fn try_once(&self) -> Result<Back, Setback> {
        let session = self.entrance.enter_again(Arc::clone(&self.book)).await?;
        let mut back = Back { session, losses: Vec::new(), displaced: None };
        if self.before.user.is_none() {
            return Ok(back);
        }
        if !self.resume(&mut back).await? && !self.log_in(&mut back).await? {
            let message = "the server does not take the token any more: log in again";
            back.displaced = Some(Failure::new(Exit::Unauthorized, message));
            return Ok(back);
        }
        let Some(room) = self.before.room.as_ref().filter(|_| back.displaced.is_none()) else {
            return Ok(back);
        };
        if back.session.bookmark.room.is_none() {
            let reply = ask(&mut back.session, "enter", json!({ "room": room })).await?;
            back.displaced = closed(room, reply);
            if back.displaced.is_some() {
                return Ok(back);
            }
            let up_to = back.session.bookmark.last_seq();
            self.go_on(&mut back, false);
            self.read_missed(&mut back, up_to).await?;
        }
        back.session.mark_the_present().await;
        Ok(back)
    }

    /// Opens the account with the token, and the room, if the server can do both at once.
    async fn resume(&self, back: &mut Back) -> Result<bool, Setback> {
        let Some(token) = &self.before.token else { return Ok(false) };
        let mut data = object(json!({ "token": token.as_str() }));
        let room = self.before.room.as_ref().filter(|_| knows(&back.session, RESUME, "room"));
        if let Some(room) = room {
            data.insert("room".into(), room.as_str().into());
            if let Some(seq) = self.before.last_seq() {
                data.insert("after".into(), seq.into());
            }
            let reply = ask(&mut back.session, RESUME, Value::Object(data.clone())).await?;
            let is_unknown = reply.is_error(Code::Unauthorized);
            let is_truncated = reply.data.get("truncated").and_then(Value::as_bool) == Some(true);
            if is_unknown {
                return Ok(false);
            }
            back.displaced = closed(room, reply);
            if back.displaced.is_none() {
                self.go_on(back, is_truncated);
                return Ok(true);
            }
            data.retain(|name, _| name == "token");
        }
        let reply = ask(&mut back.session, RESUME, Value::Object(data)).await?;
        if reply.is_error(Code::Unauthorized) {
            return Ok(false);
        }
        accepted(reply, State::Auth)?;
        Ok(true)
    }

    async fn log_in(&self, back: &mut Back) -> Result<bool, Setback> {
        if self.logs_in {
            self.entrance.login.log_in_again(&mut back.session).await?;
        }
        Ok(self.logs_in)
    }

    /// Reads on where we were before the cut, if that place is still there.
    fn go_on(&self, back: &mut Back, is_truncated: bool) {
        let is_other = back.session.bookmark.has_other_ledger_than(&self.before);
        if !is_other {
            back.session.bookmark.go_on_from(&self.before);
        }
        if is_other || is_truncated {
            let room = self.before.room.as_deref().unwrap_or_default();
            let why = match is_other {
                true => "the server was restored; the history has what there is now",
                false => "the server has lost them",
            };
            back.losses.push(format!("some messages of {room} are gone: {why}"));
        }
    }

    /// Reads from the history what was said up to `up_to`, when we came.
    async fn read_missed(&self, back: &mut Back, up_to: Option<i64>) -> Result<(), Setback> {
        let session = &mut back.session;
        let can_read = knows(session, "history", "after") && back.losses.is_empty();
        let (Some(mut after), Some(up_to), true) = (self.before.last_seq(), up_to, can_read) else {
            return Ok(());
        };
        let mut missed = VecDeque::new();
        while after < up_to {
            let page = json!({ "after": after, "limit": PAGE_LEN });
            let page = accepted(ask(session, "history", page).await?, State::Chat)?;
            let messages = page.data.get("messages").and_then(Value::as_array);
            let old = |message: &&Value| message["seq"].as_i64().is_some_and(|seq| seq <= up_to);
            let old: Vec<_> = messages.into_iter().flatten().filter(old).collect();
            let Some(last) = old.last().and_then(|message| message["seq"].as_i64()) else { break };
            after = last;
            missed.extend(old.into_iter().filter_map(replayed));
            if missed.len() >= MISSED_LEN_MAX {
                let message = "more was missed than this: /history tells it".to_owned();
                back.losses.push(message);
                break;
            }
        }
        missed.append(&mut session.kept);
        session.kept = missed;
        Ok(())
    }
}

/// Why `room` is closed to us, if the reply says so.
fn closed(room: &str, reply: Incoming) -> Option<Failure> {
    let refusal = accepted(reply, State::Lobby).err()?;
    // Nobody has typed the command that it names.
    let why = refusal.message.split_once(": ").map_or(&*refusal.message, |(_, why)| why);
    Some(Failure::new(refusal.exit, format!("not back in {room}: {why}")))
}

/// Asks, and takes no for an answer, but not for ever if it is for now.
async fn ask(session: &mut Session, kind: &str, data: Value) -> Result<Incoming, Setback> {
    let passing = [Code::Throttled, Code::ServerBusy, Code::UnknownOutcome, Code::Internal];
    let reply = session.ask(kind, &object(data)).await?;
    if passing.into_iter().any(|code| reply.is_error(code)) {
        accepted(reply.clone(), State::Auth).map_err(Setback::Passing)?;
    }
    Ok(reply)
}

/// Has the server's command `name` this argument?
fn knows(session: &Session, name: &str, argument: &str) -> bool {
    let catalogue = Arc::clone(&session.book().catalogue);
    catalogue.find(name).is_some_and(|command| command.args.iter().any(|arg| arg.name == argument))
}

/// A message of the history, as one that comes again.
fn replayed(message: &Value) -> Option<Received> {
    let mut data: Map<String, Value> = message.as_object()?.clone();
    data.insert("replay".into(), true.into());
    let frame = json!({ "type": "msg", "status": "ok", "data": data });
    let body = frame.to_string().into_bytes();
    Some(Received { message: serde_json::from_value(frame).ok()?, body })
}

/// How long to wait before a try.
fn pause(number: u32) -> Duration {
    let longest = PAUSE_MIN.saturating_mul(2u32.saturating_pow(number)).min(PAUSE_MAX);
    longest.mul_f64(0.5 + random::fraction() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_no_two_are_alike() {
        for (number, longest_ms) in
            [(0, 200), (1, 400), (5, 6_400), (8, 30_000), (u32::MAX, 30_000)]
        {
            let longest = Duration::from_millis(longest_ms);
            for _ in 0..20 {
                let pause = pause(number);
                assert!(pause >= longest / 2 && pause <= longest, "{number}: {pause:?}");
            }
        }
        assert_ne!(pause(9), pause(9));
    }
}
