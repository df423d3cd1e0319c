//! While the connection is lost, and how the shell goes on when it is back.

use std::time::Instant;

use proto::Code;
use smol::Task;

use super::{Away, Repl};
use crate::comeback::{Back, Comeback};
use crate::exit::{Exit, Failure};
use crate::link::Ended;
use crate::masking;
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
        let is_idle = self.session.bookmark.user.is_none() && ended.is(Code::Timeout);
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

    /// Takes what was typed while the connection is lost.
    pub(super) async fn take_late(&mut self, text: &str) -> Result<(), Failure> {
        if self.needs_no_server(text) {
            return self.line(text).await.map(drop);
        }
        let before = self.lines.len();
        self.take(text).await?;
        let late = self.lines.iter_mut().skip(before);
        let has_text = late.fold(false, |has_text, line| {
            line.is_late = true;
            has_text || !line.text.trim().is_empty()
        });
        if self.away.as_ref().is_some_and(|away| away.way.is_none()) {
            let way = self.way_back();
            if let Some(away) = &mut self.away {
                away.way = Some(way);
            }
        } else if has_text && self.away.is_some() {
            self.remark("it will be sent when the connection is back");
        }
        Ok(())
    }

    /// The user leaves.
    pub(super) fn leave(&mut self) -> Result<Exit, Failure> {
        match self.unsent().filter(|_| self.away.is_some()) {
            Some(unsent) => Err(Failure::new(Exit::Refused, unsent)),
            None => Ok(Exit::Done),
        }
    }

    /// The end for that reason, with what was typed in vain.
    pub(super) fn with_unsent(&self, failure: Failure) -> Failure {
        let Some(unsent) = self.unsent() else { return failure };
        let exit = match failure.exit {
            // It is known that these had no effect.
            Exit::NoConnection => Exit::Refused,
            other => other,
        };
        Failure::new(exit, format!("{}; {unsent}", failure.message))
    }

    /// `failure`, with what was typed of a line: it is gone with the shell.
    pub(super) fn with_draft(&self, failure: Failure) -> Failure {
        let Some(draft) = self.editor.draft().filter(|_| !failure.message.is_empty()) else {
            return failure;
        };
        let draft = self.presentable(&draft);
        let message = format!("{}; what you were typing: {draft}", failure.message);
        Failure { message, ..failure }
    }

    /// The lines whose turn has not come are not done.
    pub(super) fn drop_lines(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let mut lines = lines.iter().filter(|line| !line.text.trim().is_empty());
        let Some(first) = lines.next().map(|line| self.presentable(&line.text)) else { return };
        match lines.count() {
            0 => self.complain(&format!("not sent: {first}")),
            more => self.complain(&format!("not sent, with {more} more behind it: {first}")),
        }
    }

    /// Which lines were not sent, if there are such.
    fn unsent(&self) -> Option<String> {
        let lines = self.lines.iter().filter(|line| !line.text.trim().is_empty());
        let lines: Vec<_> = lines.map(|line| self.presentable(&line.text)).collect();
        match lines.as_slice() {
            [] => None,
            [line] => Some(format!("this line was not sent: {line}")),
            lines => {
                Some(format!("these {} lines were not sent: {}", lines.len(), lines.join(" | ")))
            }
        }
    }

    /// A line as it may be shown again: of one with a secret its command only.
    pub(super) fn presentable(&self, line: &str) -> String {
        let book = self.session.book();
        let is_secret = |line: &&str| masking::secret_from(line, &book.catalogue).is_some();
        // A message that was pasted has several.
        match line.lines().find(is_secret) {
            Some(line) => line.split_whitespace().next().unwrap_or_default().to_owned(),
            None => line.trim().to_owned(),
        }
    }

    /// We are back, and go on with what was under way.
    pub(super) async fn back(&mut self, back: Back) {
        self.away = None;
        *self.session = back.session;
        self.room.clone_from(&self.session.bookmark.room);
        self.keep_prompt();
        match (&back.displaced, &self.session.bookmark.room) {
            (Some(why), _) => self.complain(&why.message),
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
        back.losses.iter().for_each(|loss| self.complain(loss));
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
