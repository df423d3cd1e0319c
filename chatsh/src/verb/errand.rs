//! One errand: a session, its requests one after the other, and what others say meanwhile.

use std::collections::VecDeque;
use std::time::Duration;

use proto::{Description, Id, Incoming, RoomName, State, Status, request_of};
use serde_json::{Map, Value, json};
use smol::Timer;

use crate::bookmark::Bookmark;
use crate::exit::{Exit, Failure};
use crate::job;
use crate::link::Received;
use crate::listener::{Listener, come_back, put_out, reply_to};
use crate::login::Login;
use crate::options::Options;
use crate::output::print;
use crate::reply::{accepted, put_off};
use crate::script::Manner;
use crate::session::{Heard, Session, object};
use crate::{json, show};

/// How many messages are kept that others say between two looks at them; what was said
/// beyond that is read from the history.
const HEARD_LEN_MAX: usize = 1024;

/// Commands that change nothing: they can be asked again after a cut.
const READING: [&str; 2] = ["history", "list"];

/// A session that does one thing.
pub(super) struct Errand {
    pub(super) session: Session,
    pub(super) manner: Manner,
    /// What was said in the room since the last request was sent.
    pub(super) heard: VecDeque<Received>,
    /// Was more said than is kept?
    pub(super) has_missed: bool,
    /// The number of the last message of the room that was taken, or was there before us.
    pub(super) last: Option<i64>,
    /// Where we were before the last cut.
    left_at: Bookmark,
    /// Why we are in no room any more.
    pub(super) put_out: Option<Failure>,
    /// How many requests were sent.
    asked: i64,
}

impl Errand {
    /// Connects, and logs in as `login` says.
    ///
    /// # Errors
    /// It did not come to that.
    pub(super) async fn begin(options: &Options, login: &Login) -> Result<Errand, Failure> {
        let session = job::open(options, login).await?;
        Ok(Errand {
            session,
            manner: options.manner(),
            heard: VecDeque::new(),
            has_missed: false,
            last: None,
            left_at: Bookmark::default(),
            put_out: None,
            asked: 0,
        })
    }

    /// Takes leave.
    pub(super) async fn end(self) {
        self.session.quit().await;
    }

    /// Goes into a room.
    ///
    /// # Errors
    /// It was refused.
    pub(super) async fn enter(&mut self, room: &RoomName) -> Result<Incoming, Failure> {
        let data = object(json!({ "room": room }));
        let entered = self.session.demand("enter", &data, self.manner.may_wait).await?;
        self.last = entered.data.get("last_seq").and_then(Value::as_i64);
        Ok(entered)
    }

    /// The server's command of that name.
    ///
    /// # Errors
    /// [`Exit::Refused`] if it has none.
    pub(super) fn command(&self, name: &str) -> Result<Description, Failure> {
        let command = self.session.book().catalogue.find(name).cloned();
        command
            .ok_or_else(|| Failure::new(Exit::Refused, format!("the server has no command {name}")))
    }

    /// What says `text` to all in the room: the command, and its data.
    ///
    /// # Errors
    /// [`Exit::Refused`] if the server has nothing of the kind.
    pub(super) fn speech(&self, text: &str) -> Result<(Description, Map<String, Value>), Failure> {
        let book = self.session.book();
        let said = book.catalogue.bare(State::Chat).and_then(|command| {
            let bare = command.spec.bare.as_deref()?;
            let rest = command.args.iter().find(|arg| arg.rest)?;
            // What the line has besides the text, which is nobody's to read as a line.
            let mut data = request_of(command, &format!("{bare} -- text")).ok()?;
            data.insert(rest.name.clone(), text.into());
            Some((command.clone(), data))
        });
        said.ok_or_else(|| Failure::new(Exit::Refused, "the server lets nobody speak"))
    }

    /// The type of the pushes that are what somebody says in the room.
    pub(super) fn said_kind(&self) -> String {
        let book = self.session.book();
        book.catalogue.bare(State::Chat).map_or_else(String::new, |said| said.spec.name.to_string())
    }

    /// Asks, and gives the reply that grants it. What is said in the room meanwhile is kept.
    ///
    /// # Errors
    /// It was refused, or no reply came; or it is of a room that we are put out of. With
    /// `--json` a refusal is printed.
    pub(super) async fn ask(
        &mut self,
        kind: &str,
        data: &Map<String, Value>,
    ) -> Result<Received, Failure> {
        loop {
            self.asked += 1;
            let id = Id::Number(self.asked);
            let state = self.session.book().state;
            self.heard.clear();
            self.has_missed = false;
            // What is kept under a key is kept once.
            let is_repeatable = READING.contains(&kind) || data.contains_key("key");
            let reply = reply_to(self, kind, data, &id, is_repeatable).await?;
            if self.manner.may_wait
                && let Some(pause) = put_off(kind, &reply.message, self.manner.wait_max)?
            {
                Timer::after(pause).await;
                continue;
            }
            if reply.message.status == Status::Error && self.manner.is_json {
                print(&json::line(&reply.body))?;
            }
            let refused = |refusal| self.put_out.clone().unwrap_or(refusal);
            return accepted(reply.message.clone(), state).map(|_| reply).map_err(refused);
        }
    }

    /// Hears one thing, or comes back after a cut. It can be given up, but not gone on with
    /// then.
    ///
    /// # Errors
    /// The connection has ended for good.
    pub(super) async fn listen(&mut self) -> Result<(), Failure> {
        match self.session.hear().await {
            Ok(heard) => self.note(heard),
            Err(ended) => come_back(self, ended).await,
        }
    }

    /// Prints a reply as it came, if stdout is the frames, and else `text`.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub(super) fn print_reply(&self, reply: &Received, text: &str) -> Result<(), Failure> {
        match (self.manner.is_json, text) {
            (true, _) => print(&json::line(&reply.body)),
            (false, "") => Ok(()),
            (false, text) => print(text),
        }
    }
}

impl Listener for Errand {
    fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Keeps what was said in the room.
    fn note(&mut self, heard: Heard) -> Result<(), Failure> {
        // The reply to a request that was put off, or to a question of our own, is nothing.
        let Heard::Push(push) = heard else { return Ok(()) };
        if let Some(put_out) = put_out(&push) {
            self.put_out = Some(put_out);
        }
        if push.message.kind != self.said_kind() || push.message.status != Status::Ok {
            return Ok(());
        }
        // Behind a gap nothing is kept: it is filled first.
        if self.has_missed || self.heard.len() == HEARD_LEN_MAX {
            self.has_missed = true;
        } else {
            self.heard.push_back(push);
        }
        Ok(())
    }

    fn note_loss(&mut self, is_lost: bool) {
        if is_lost {
            self.left_at = self.session.bookmark.clone();
        } else if self.session.bookmark.has_other_ledger_than(&self.left_at) {
            // The numbers begin anew.
            self.last = None;
        }
    }
}

/// Prints what somebody said: the frame, or how people read it.
///
/// # Errors
/// Stdout cannot be written.
pub(super) fn print_push(manner: Manner, push: &Received) -> Result<(), Failure> {
    match show::push(&push.message, manner.style()) {
        _ if manner.is_json => print(&json::line(&push.body)),
        Some(text) => print(&text),
        None => Ok(()),
    }
}

/// `future`, unless it takes longer than `time`; for ever, if no time is said.
///
/// # Errors
/// [`Exit::Timeout`] with this message.
pub(super) async fn in_time<T>(
    time: Option<Duration>,
    message: &str,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let too_late = async {
        match time {
            Some(time) => Timer::after(time).await,
            None => std::future::pending().await,
        };
        Err(Failure::new(Exit::Timeout, message))
    };
    smol::future::or(future, too_late).await
}
