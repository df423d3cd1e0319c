//! While the connection is lost, and how the shell goes on when it is back.

use std::time::Instant;

use proto::Code;
use smol::Task;

use super::{Away, Repl};
use crate::comeback::{Back, Comeback};
use crate::exit::{Exit, Failure};
use crate::link::Ended;
use crate::waiting::{Awaited, Waiting};

impl Repl<'_> {
    /// The connection is lost: there may be a way back.
    pub(super) fn cut(&mut self, ended: Ended) -> Result<(), Failure> {
        // Whose login has ended may log in again, and keeps the line that is being typed.
        let may_log_in = ended.is(Code::Unauthorized);
        if !ended.may_come_back() && !may_log_in {
            return Err(self.with_unsent(ended.failure(self.is_for_reply())));
        }
        if self.waiting.take_if(|waiting| waiting.is_for_recent()).is_some() {
            self.release();
        }
        // Nobody has logged in for long. To come back at once would be to do that for ever.
        let is_idle = self.session.bookmark.user.is_none()
            && ended.is(Code::Timeout)
            && self.lines.is_empty();
        let way = if is_idle {
            self.complain(&format!("{ended}; coming back with the next line, Ctrl-C leaves"));
            None
        } else {
            self.complain(&format!("{ended}; coming back, Ctrl-C leaves"));
            Some(self.way_back())
        };
        self.away = Some(Away { ended, way });
        Ok(())
    }

    fn way_back(&self) -> Task<Result<Back, Failure>> {
        smol::spawn(Comeback::of_shell(self.session).run())
    }

    /// Takes note that lines were typed while the connection is lost.
    pub(super) fn are_late(&mut self, has_text: bool) {
        if self.away.as_ref().is_some_and(|away| away.way.is_none()) {
            let way = self.way_back();
            if let Some(away) = &mut self.away {
                away.way = Some(way);
            }
        } else if has_text && self.away.is_some() {
            self.remark("it waits until the connection is back");
        }
    }

    /// The user leaves.
    pub(super) fn leave(&mut self) -> Result<Exit, Failure> {
        match self.unsent().filter(|_| self.away.is_some()) {
            Some(unsent) => Err(Failure::new(Exit::Refused, unsent)),
            None => Ok(Exit::Done),
        }
    }

    /// We are back, and go on with what was under way.
    pub(super) async fn back(&mut self, back: Back) {
        self.away = None;
        drop(self.session.go_on_as(back.session));
        self.room.clone_from(&self.session.bookmark.room);
        self.keep_prompt();
        match (&back.displaced, &self.session.bookmark.room) {
            (Some(why), _) => self.complain(&self.reader().times(&why.message)),
            (None, room) => {
                let room = room.as_ref().map_or(String::new(), |room| format!(" in {room}"));
                self.remark(&format!("back{room}"));
            }
        }
        // What came meanwhile was told to nobody.
        self.user = None;
        if self.session.bookmark.user.is_none() {
            self.last_mail = None;
        }
        for loss in &back.losses {
            self.complain(&self.reader().times(loss));
        }
        for (_, what) in std::mem::take(&mut self.given_up) {
            self.complain(&format!("{what}: no reply will come; it may or may not have happened"));
        }
        if back.displaced.is_some() && !self.lines.is_empty() {
            if let Some(unsent) = self.unsent() {
                self.complain(&unsent);
            }
            self.lines.clear();
        }
        let is_for_reply = |waiting: &mut Waiting| waiting.is_for_reply();
        let Some(Awaited::Reply { id, kind, data, is_bare, repeatable_until }) =
            self.waiting.take_if(is_for_reply).map(|waiting| waiting.what)
        else {
            return;
        };
        let is_repeatable = repeatable_until.is_some_and(|until| Instant::now() < until);
        if back.displaced.is_some() || !is_repeatable {
            let why = "the connection was lost before the reply came";
            return self.complain(&format!("{kind}: {why}; it may or may not have happened"));
        }
        if let Err(failure) = self.session.send(&kind, &data, &id).await {
            return self.complain(&failure.message);
        }
        let what = Awaited::Reply { id, kind, data, is_bare, repeatable_until };
        self.waiting = Some(Waiting::new(what, Some(self.session.timeout())));
    }
}
