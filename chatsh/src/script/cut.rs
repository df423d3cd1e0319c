//! A script whose connection may be cut: what it hears, and when it comes back.

use super::{HEARD_LEN_MAX, Runner};
use crate::exit::Failure;
use crate::link::Received;
use crate::listener::{Listener, come_back, listen, put_out};
use crate::mention::Reader;
use crate::output::print;
use crate::session::{Heard, Session};
use crate::{json, show};

impl Listener for Runner<'_> {
    fn session(&mut self) -> &mut Session {
        self.session
    }

    fn note(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Push(push) => self.push(&push),
            // The reply to a line that was given up, or to a question of our own.
            Heard::Reply(_) | Heard::Own(_) | Heard::CaughtUp(_) => Ok(()),
        }
    }

    fn note_loss(&mut self, is_lost: bool) {
        self.is_lost = is_lost;
    }
}

impl Runner<'_> {
    /// Comes back if the connection has ended since the last line: this one is not sent
    /// where nobody takes it.
    pub(super) async fn find_out_whether_it_is_cut(&mut self) -> Result<(), Failure> {
        self.under_way = None;
        while self.session.is_over() {
            let ended = listen(self).await?;
            come_back(self, ended).await?;
        }
        Ok(())
    }

    /// Ends the script in the room that it was put out of: its next lines are not for the lobby.
    pub(super) fn find_out_whether_it_is_put_out(&mut self) -> Result<(), Failure> {
        let Some(put_out) = self.put_out.take() else { return Ok(()) };
        self.is_lost = true;
        Err(put_out)
    }

    /// Shows what nobody asked for, and keeps it for a `/wait`.
    fn push(&mut self, push: &Received) -> Result<(), Failure> {
        self.show(push)?;
        self.put_out = put_out(push).or(self.put_out.take());
        match self.awaits_reply {
            // What the line came to is told first.
            true => Ok(()),
            false => self.find_out_whether_it_is_put_out(),
        }
    }

    fn show(&mut self, push: &Received) -> Result<(), Failure> {
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
