//! What chatsh asks by itself, and waits for.

use proto::{Code, Id, Incoming, State};
use serde_json::{Map, Value};

use super::{Heard, Session};
use crate::exit::{Exit, Failure};
use crate::link::Received;
use crate::reply::{accepted, put_off, within};

/// What stands before the number of a request that chatsh makes by itself; the ids of
/// lines are numbers.
pub(super) const OWN_ID: &str = "chatsh.";

/// How many pushes are kept while a reply to ourselves is awaited.
///
/// We ask little while others talk, and only a flood brings as many within one reply.
const KEPT_LEN_MAX: usize = 4096;

impl Session {
    /// Asks by itself; the reply comes to [`Session::hear`] with this id.
    ///
    /// # Errors
    /// It is longer than the server takes.
    pub(crate) async fn ask_later(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
    ) -> Result<Id, Failure> {
        let id = self.own_id();
        self.send(kind, data, &id).await?;
        Ok(id)
    }

    /// Lets [`Heard::CaughtUp`] come behind all that is on its way.
    pub(crate) async fn mark_the_present(&mut self) {
        // It is short: no server is too narrow for it.
        self.catching_up = self.ask_later("ping", &Map::new()).await.ok().map(|id| (id, 0));
    }

    /// Shows that we are alive. Whatever waits to leave shows that as well.
    pub(super) fn pong(&mut self) {
        let id = self.own_id();
        if let Ok(frame) = self.frame("ping", &Map::new(), &id) {
            self.link.send_if_idle(frame);
        }
    }

    /// Asks by itself, and waits for the reply. Pushes meanwhile are kept.
    ///
    /// # Errors
    /// No reply came; a refusal is a reply.
    pub(crate) async fn ask(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
    ) -> Result<Incoming, Failure> {
        let id = self.ask_later(kind, data).await?;
        let timeout = self.timeout;
        let reply = async {
            loop {
                match self.listen().await.map_err(|ended| ended.failure(false))? {
                    Heard::Own(reply) if reply.message.id.as_ref() == Some(&id) => {
                        return Ok(reply.message);
                    }
                    Heard::Push(push) => self.keep(push)?,
                    // The reply to what was given up.
                    Heard::Own(_) | Heard::Reply(_) | Heard::CaughtUp(_) => {}
                }
            }
        };
        within(timeout, kind, reply).await
    }

    fn keep(&mut self, push: Received) -> Result<(), Failure> {
        if self.kept.len() == KEPT_LEN_MAX {
            let message = "too much was said while a reply was awaited";
            return Err(Failure::new(Exit::NoConnection, message));
        }
        self.kept.push_back(push);
        Ok(())
    }

    /// The same; when throttled, waits and asks again if `may_wait`. Asks once more on another
    /// connection, if the server has sent us away: people type passwords for longer than it waits.
    ///
    /// # Errors
    /// No reply came; a refusal is a reply.
    pub(crate) async fn ask_patiently(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
        may_wait: bool,
    ) -> Result<Incoming, Failure> {
        let mut is_back = false;
        loop {
            let reply = match self.ask(kind, data).await {
                Err(_) if self.was_sent_away() && !is_back => {
                    let (entrance, book) = (self.entrance(), self.shared_book());
                    *self = Box::pin(entrance.enter_again(book)).await?;
                    is_back = true;
                    continue;
                }
                reply => reply?,
            };
            let pause =
                if may_wait { put_off(kind, &reply, self.entrance.patience)? } else { None };
            let Some(pause) = pause else { return Ok(reply) };
            smol::Timer::after(pause).await;
            is_back = false;
        }
    }

    /// Was the connection ended because nobody has logged in for long?
    fn was_sent_away(&self) -> bool {
        let is_late = self.over.as_ref().is_some_and(|ended| ended.is(Code::Timeout));
        is_late && self.book().state == State::Auth
    }

    /// The same, for what must be granted.
    ///
    /// # Errors
    /// No reply came, or it was refused.
    pub(crate) async fn demand(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
        may_wait: bool,
    ) -> Result<Incoming, Failure> {
        let state = self.book().state;
        accepted(self.ask_patiently(kind, data, may_wait).await?, state)
    }

    fn own_id(&mut self) -> Id {
        self.asked += 1;
        Id::Text(format!("{OWN_ID}{}", self.asked).into())
    }
}
