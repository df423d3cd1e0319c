//! A script whose connection may be cut: what is sent, what is heard, and coming back.

use std::time::Instant;

use proto::Id;
use serde_json::{Map, Value};

use super::{HEARD_LEN_MAX, Runner};
use crate::comeback::Comeback;
use crate::exit::Failure;
use crate::link::{Ended, Received};
use crate::mention::Reader;
use crate::output::print;
use crate::reply::within;
use crate::session::Heard;
use crate::{json, key, show, talk};

impl Runner<'_> {
    /// Sends the request, and again after a cut if that is safe, and gives the reply.
    pub(super) async fn reply_to(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
        id: &Id,
    ) -> Result<Received, Failure> {
        let begin = Instant::now();
        loop {
            self.session.send(kind, data, id).await?;
            let timeout = self.session.timeout();
            let ended = match within(timeout, kind, self.reply_or_cut(id)).await? {
                Ok(reply) => return Ok(reply),
                Err(ended) => ended,
            };
            let is_in_time = begin.elapsed() < key::REPEATABLE_FOR;
            if self.under_way.is_none() || !is_in_time || !ended.may_come_back() {
                self.is_lost = true;
                return Err(ended.failure(true));
            }
            self.come_back(ended).await.map_err(Failure::with_unknown_outcome)?;
        }
    }

    pub(super) async fn reply_or_cut(
        &mut self,
        id: &Id,
    ) -> Result<Result<Received, Ended>, Failure> {
        loop {
            match self.session.hear().await {
                Err(ended) => return Ok(Err(ended)),
                Ok(Heard::Reply(reply)) if reply.message.id.as_ref() == Some(id) => {
                    return Ok(Ok(reply));
                }
                Ok(heard) => self.note(heard)?,
            }
        }
    }

    /// Listens to the server until the connection ends.
    pub(super) async fn listen(&mut self) -> Result<Ended, Failure> {
        loop {
            match self.session.hear().await {
                Err(ended) => return Ok(ended),
                Ok(heard) => self.note(heard)?,
            }
        }
    }

    /// Comes back if the connection has ended since the last line: this one is not sent
    /// where nobody takes it.
    pub(super) async fn find_out_whether_it_is_cut(&mut self) -> Result<(), Failure> {
        self.under_way = None;
        while self.session.is_over() {
            let ended = self.listen().await?;
            self.come_back(ended).await?;
        }
        Ok(())
    }

    /// Comes back after a cut, with all that was missed.
    ///
    /// # Errors
    /// It does not work, or not in time; or the place is gone.
    pub(super) async fn come_back(&mut self, mut ended: Ended) -> Result<(), Failure> {
        self.is_lost = true;
        let until = Instant::now() + self.session.timeout();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let comeback = Comeback::of_script(self.session, left);
            let Some(comeback) = comeback.filter(|_| ended.may_come_back()) else {
                return Err(ended.failure(false));
            };
            talk::say(&format!("{ended}; coming back"));
            let back = comeback.run().await?;
            *self.session = back.session;
            back.losses.iter().for_each(|loss| talk::say(loss));
            if let Some(failure) = back.displaced {
                return Err(failure);
            }
            match self.catch_up().await? {
                Ok(missed) => {
                    talk::say(&missed);
                    self.is_lost = false;
                    return Ok(());
                }
                Err(again) => ended = again,
            }
        }
    }

    /// Takes what was missed, and says how much it was.
    pub(super) async fn catch_up(&mut self) -> Result<Result<String, Ended>, Failure> {
        let Some(room) = self.session.bookmark.room.clone() else { return Ok(Ok("back".into())) };
        loop {
            match self.session.hear().await {
                Err(ended) => return Ok(Err(ended)),
                Ok(Heard::CaughtUp(missed)) => {
                    return Ok(Ok(format!("back in {room}, {}", show::missed(missed))));
                }
                Ok(heard) => self.note(heard)?,
            }
        }
    }

    pub(super) fn note(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Push(push) => self.push(&push),
            // The reply to a line that was given up, or to a question of our own.
            Heard::Reply(_) | Heard::Own(_) | Heard::CaughtUp(_) => Ok(()),
        }
    }

    pub(super) fn push(&mut self, push: &Received) -> Result<(), Failure> {
        // It got through before the cut; its reply will come.
        if self.under_way.as_ref().is_some_and(|data| self.session.is_echo(&push.message, data)) {
            return Ok(());
        }
        if self.heard.len() == HEARD_LEN_MAX {
            self.heard.pop_front();
        }
        self.heard.push_back(push.message.clone());
        if !self.manner.shows_events {
            return Ok(());
        }
        if self.manner.is_json {
            return print(&json::line(&push.body));
        }
        let reader = Reader::of(self.session.bookmark.user.as_deref());
        match show::push_to(&reader, &push.message, self.manner.style()) {
            Some(text) => print(&text),
            None => Ok(()),
        }
    }
}
