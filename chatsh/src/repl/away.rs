//! While the connection is lost, and how the shell goes on when it is back.

use std::time::Instant;

use super::{Away, Repl};
use crate::comeback::{Back, Comeback};
use crate::exit::Failure;
use crate::link::Ended;
use crate::waiting::{Awaited, Waiting};

impl Repl<'_> {
    /// The connection is lost: there may be a way back.
    pub(super) fn cut(&mut self, ended: Ended) -> Result<(), Failure> {
        if !ended.may_come_back() {
            return Err(ended.failure(self.is_for_reply()));
        }
        if self.waiting.take_if(|waiting| waiting.is_for_recent()).is_some() {
            self.release();
        }
        self.complain(&format!("{ended}; coming back, Ctrl-C gives up"));
        let way = smol::spawn(Comeback::of_shell(self.session).run());
        self.away = Some(Away { ended, way });
        Ok(())
    }

    /// We are back, and go on with what was under way.
    pub(super) async fn back(&mut self, back: Back) {
        self.away = None;
        *self.session = back.session;
        self.room.clone_from(&self.session.bookmark.room);
        match (&back.displaced, &self.session.bookmark.room) {
            (Some(why), _) => self.complain(&why.message),
            (None, room) => {
                let room = room.as_ref().map_or(String::new(), |room| format!(" in {room}"));
                self.remark(&format!("back{room}"));
            }
        }
        back.losses.iter().for_each(|loss| self.complain(loss));
        if back.displaced.is_some() && !self.lines.is_empty() {
            self.complain("what you typed meanwhile was not sent");
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
