//! Somebody with nobody to ask, whose connection may be cut: what is heard, what is asked
//! again, and coming back. Scripts and verbs are such.

use std::time::Instant;

use proto::Id;
use serde_json::{Map, Value};

use crate::comeback::Comeback;
use crate::exit::{Exit, Failure};
use crate::link::{Ended, Received};
use crate::reply::within;
use crate::session::{Heard, Session};
use crate::{key, show, talk};

/// Who listens to a session.
pub(crate) trait Listener {
    /// The session.
    fn session(&mut self) -> &mut Session;

    /// Takes note of what the server says.
    ///
    /// # Errors
    /// That is the end.
    fn note(&mut self, heard: Heard) -> Result<(), Failure>;

    /// Takes note of whether the session is where we believe it to be.
    fn note_loss(&mut self, is_lost: bool);
}

/// Sends the request, and again after a cut if that is safe, and gives the reply.
///
/// # Errors
/// No reply came.
pub(crate) async fn reply_to(
    listener: &mut impl Listener,
    kind: &str,
    data: &Map<String, Value>,
    id: &Id,
    is_repeatable: bool,
) -> Result<Received, Failure> {
    let begin = Instant::now();
    loop {
        listener.session().send(kind, data, id).await?;
        let timeout = listener.session().timeout();
        let reply = within(timeout, kind, reply_or_cut(listener, id)).await;
        let ended = match reply.map_err(doubt_if_late)? {
            Ok(reply) => return Ok(reply),
            Err(ended) => ended,
        };
        let is_in_time = begin.elapsed() < key::REPEATABLE_FOR;
        if !is_repeatable || !is_in_time || !ended.may_come_back() {
            listener.note_loss(true);
            return Err(ended.failure(true));
        }
        come_back(listener, ended).await.map_err(Failure::with_unknown_outcome)?;
    }
}

/// A reply that is only late may be of something that was done.
fn doubt_if_late(failure: Failure) -> Failure {
    if failure.exit == Exit::Timeout { failure.with_doubt() } else { failure }
}

async fn reply_or_cut(
    listener: &mut impl Listener,
    id: &Id,
) -> Result<Result<Received, Ended>, Failure> {
    loop {
        match listener.session().hear().await {
            Err(ended) => return Ok(Err(ended)),
            Ok(Heard::Reply(reply)) if reply.message.id.as_ref() == Some(id) => {
                return Ok(Ok(reply));
            }
            Ok(heard) => listener.note(heard)?,
        }
    }
}

/// Listens to the server until the connection ends.
///
/// # Errors
/// What was heard is the end.
pub(crate) async fn listen(listener: &mut impl Listener) -> Result<Ended, Failure> {
    loop {
        match listener.session().hear().await {
            Err(ended) => return Ok(ended),
            Ok(heard) => listener.note(heard)?,
        }
    }
}

/// Comes back after a cut, with all that was missed, and says so.
///
/// # Errors
/// It does not work, or not in time; or the place is gone.
pub(crate) async fn come_back(
    listener: &mut impl Listener,
    mut ended: Ended,
) -> Result<(), Failure> {
    listener.note_loss(true);
    let until = Instant::now() + listener.session().timeout();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let comeback = Comeback::of_script(listener.session(), left);
        let Some(comeback) = comeback.filter(|_| ended.may_come_back()) else {
            return Err(ended.failure(false));
        };
        talk::say(&format!("{ended}; coming back"));
        let back = comeback.run().await?;
        drop(listener.session().go_on_as(back.session));
        back.losses.iter().for_each(|loss| talk::say(loss));
        if let Some(failure) = back.displaced {
            return Err(failure);
        }
        match catch_up(listener, !back.losses.is_empty()).await? {
            Ok(missed) => {
                talk::say(&missed);
                listener.note_loss(false);
                return Ok(());
            }
            Err(again) => ended = again,
        }
    }
}

/// Takes what was missed, and says how much it was. If some of it is gone nobody knows.
async fn catch_up(
    listener: &mut impl Listener,
    is_some_gone: bool,
) -> Result<Result<String, Ended>, Failure> {
    let Some(room) = listener.session().bookmark.room.clone() else { return Ok(Ok("back".into())) };
    loop {
        match listener.session().hear().await {
            Err(ended) => return Ok(Err(ended)),
            Ok(Heard::CaughtUp(missed)) => {
                let is_told = missed > 0 || !is_some_gone;
                let missed = is_told.then(|| format!(", {}", show::missed(missed)));
                return Ok(Ok(format!("back in {room}{}", missed.unwrap_or_default())));
            }
            Ok(heard) => listener.note(heard)?,
        }
    }
}

/// Why we are in no room any more, if that is what `push` says.
pub(crate) fn put_out(push: &Received) -> Option<Failure> {
    let data: &Map<String, Value> = &push.message.data;
    let field = |name| data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let room = field("room").filter(|_| push.message.kind == "exit")?;
    let by = field("by").map_or(String::new(), |by| format!(" by {by}"));
    let reason = field("reason").map_or(String::new(), |reason| format!(": {reason}"));
    Some(Failure::new(Exit::Unauthorized, format!("put out of {room}{by}{reason}")))
}
