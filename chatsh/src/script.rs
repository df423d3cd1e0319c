//! Runs a script: a line, its reply, the next line; the first error ends it.
//!
//! The same script against the same server prints the same, whatever others say.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::{Description, Id, Incoming, State, States};
use serde_json::{Map, Value};
use smol::Timer;
use smol::future::FutureExt;

use crate::comeback::Comeback;
use crate::exit::{Exit, Failure};
use crate::link::{Ended, Received};
use crate::local::{Local, Wait};
use crate::output::print;
use crate::page::Page;
use crate::reply::{accepted, pause, say_pause, within};
use crate::session::{Heard, Session};
use crate::source::{Line, Lines, LinesError};
use crate::step::{self, Step, Trouble};
use crate::style::Style;
use crate::{help, json, key, show, talk, terminal};

/// How many messages are remembered for a `/wait` that may come next.
///
/// It matters only when more than this come between two lines; then the oldest go.
const HEARD_LEN_MAX: usize = 1024;

/// How a script is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Is stdout the frames?
    pub(crate) is_json: bool,
    /// Is shown what others do?
    pub(crate) shows_events: bool,
    /// Do further lines run after an error?
    pub(crate) keeps_going: bool,
    /// Do we wait when throttled?
    pub(crate) may_wait: bool,
    /// How results look, but for the width of the terminal.
    pub(crate) style: Style,
}

impl Manner {
    /// How results look now: a terminal may have become another size.
    pub(crate) fn style(&self) -> Style {
        self.style.within(terminal::columns())
    }
}

/// Runs `lines` and leaves the session open.
///
/// # Errors
/// What ended the script. With `keeps_going` errors of lines are told at once, and the
/// code of the first one is the answer.
pub(crate) async fn run(
    session: &mut Session,
    mut lines: Lines,
    manner: Manner,
) -> Result<Exit, Failure> {
    let mut runner = Runner {
        session,
        manner,
        heard: VecDeque::new(),
        under_way: None,
        is_lost: false,
        first_error: None,
    };
    let outcome = runner.all(&mut lines).await;
    match (outcome, runner.first_error) {
        (Ok(()), None) => Ok(Exit::Done),
        (Ok(()), Some(exit)) => Ok(exit),
        (Err(failure), None) => Err(failure),
        (Err(failure), Some(exit)) => Err(Failure { exit, ..failure }),
    }
}

/// What happens between two lines.
enum Next {
    Line(Result<Option<Line>, LinesError>),
    Cut(Ended),
}

struct Runner<'a> {
    session: &'a mut Session,
    manner: Manner,
    /// What others said since the last request was sent.
    heard: VecDeque<Incoming>,
    /// The data of what was sent and may come again as what was missed.
    under_way: Option<Map<String, Value>>,
    /// Is the session not where the script has led it, and cannot be?
    is_lost: bool,
    /// The code of the first error that did not end the script.
    first_error: Option<Exit>,
}

impl Runner<'_> {
    async fn all(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        while let Some(line) = self.next_line(lines).await? {
            match self.line(&line).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(failure) => {
                    let is_last = self.is_lost || failure == Failure::unread();
                    let failure = failure.while_doing(&format!("line {}", line.number));
                    if !self.manner.keeps_going || is_last {
                        return Err(failure);
                    }
                    talk::say(&failure.message);
                    self.first_error.get_or_insert(failure.exit);
                }
            }
        }
        Ok(())
    }

    /// The next line; meanwhile the server is listened to.
    async fn next_line(&mut self, lines: &mut Lines) -> Result<Option<Line>, Failure> {
        // Half a line may have come: it is not to be read anew.
        let mut line = pin!(lines.next());
        loop {
            let next = async { Ok(Next::Line((&mut line).await)) };
            match next.or(async { self.listen().await.map(Next::Cut) }).await? {
                Next::Line(line) => {
                    return line.map_err(|error| {
                        let place = match &error {
                            LinesError::Bad(bad) => format!("line {}: ", bad.number),
                            LinesError::Io(_) => String::new(),
                        };
                        Failure::new(Exit::Refused, format!("{place}{error}"))
                    });
                }
                Next::Cut(ended) => self.come_back(ended).await?,
            }
        }
    }

    async fn line(&mut self, line: &Line) -> Result<ControlFlow<()>, Failure> {
        self.find_out_whether_it_is_cut().await?;
        let state = self.session.book().state;
        let catalogue = Arc::clone(&self.session.book().catalogue);
        let step = step::understand(&line.text, true, &catalogue, States::of(&[state]))
            .map_err(|trouble| cannot_be_sent(&trouble, state))?;
        match step {
            Step::Nothing => {}
            Step::Ask { command, mut data, .. } => {
                let id = Id::Number(i64::try_from(line.number).unwrap_or(i64::MAX));
                key::give(command, &mut data);
                self.under_way = key::is_repeatable(command, &data).then(|| data.clone());
                self.ask(command, &data, &id).await?;
            }
            Step::Here(Local::Help(about)) => {
                let text = help::text(&catalogue, state, about.as_deref(), self.manner.style());
                let text = text.map_err(|why| Failure::new(Exit::Refused, why))?;
                self.result(&text)?;
            }
            Step::Here(Local::Sleep(time)) => self.sleep(time).await?,
            Step::Here(Local::Wait(wait)) => self.wait(&wait).await?,
            Step::Here(Local::Quit) => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn ask(
        &mut self,
        command: &Description,
        data: &Map<String, Value>,
        id: &Id,
    ) -> Result<(), Failure> {
        let kind = &*command.spec.name;
        loop {
            let state = self.session.book().state;
            self.heard.clear();
            let reply = self.reply_to(kind, data, id).await?;
            if self.manner.is_json {
                print(&json::line(&reply.body))?;
            }
            if let Some(pause) = pause(&reply.message).filter(|_| self.manner.may_wait) {
                say_pause(kind, pause);
                self.sleep(pause).await?;
                continue;
            }
            let reply = accepted(reply.message, state)?;
            self.session.book().hear_fulfilled(kind, data);
            let Some(page) = Page::of(&reply).filter(|_| !self.manner.is_json) else {
                return self.result(&show::reply(&reply, self.manner.style()));
            };
            page.lines(self.manner.style()).map_or(Ok(()), |lines| print(&lines))?;
            page.more(Some(command), data).iter().for_each(|more| talk::say(more));
            return Ok(());
        }
    }

    /// Sends the request, and again after a cut if that is safe, and gives the reply.
    async fn reply_to(
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

    async fn reply_or_cut(&mut self, id: &Id) -> Result<Result<Received, Ended>, Failure> {
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
    async fn listen(&mut self) -> Result<Ended, Failure> {
        loop {
            match self.session.hear().await {
                Err(ended) => return Ok(ended),
                Ok(heard) => self.note(heard)?,
            }
        }
    }

    /// Comes back if the connection has ended since the last line: this one is not sent
    /// where nobody takes it.
    async fn find_out_whether_it_is_cut(&mut self) -> Result<(), Failure> {
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
    async fn come_back(&mut self, mut ended: Ended) -> Result<(), Failure> {
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
    async fn catch_up(&mut self) -> Result<Result<String, Ended>, Failure> {
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

    fn note(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Push(push) => self.push(&push),
            // The reply to a line that was given up, or to a question of our own.
            Heard::Reply(_) | Heard::Own(_) | Heard::CaughtUp(_) => Ok(()),
        }
    }

    fn push(&mut self, push: &Received) -> Result<(), Failure> {
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
        match show::push(&push.message, self.manner.style()) {
            Some(text) => print(&text),
            None => Ok(()),
        }
    }

    async fn sleep(&mut self, time: Duration) -> Result<(), Failure> {
        let mut timer = Timer::after(time);
        loop {
            let timer = async {
                (&mut timer).await;
                Ok(None)
            };
            match timer.or(async { self.listen().await.map(Some) }).await? {
                None => return Ok(()),
                Some(ended) => self.come_back(ended).await?,
            }
        }
    }

    /// Waits for the message; it is the result of the line.
    async fn wait(&mut self, wait: &Wait) -> Result<(), Failure> {
        let message = match wait.timeout {
            Some(timeout) => within_wait(timeout, self.awaited(wait)).await?,
            None => self.awaited(wait).await?,
        };
        // With --events it was shown when it came.
        match show::push(&message, self.manner.style()) {
            Some(text) if !self.manner.shows_events => self.result(&text),
            _ => Ok(()),
        }
    }

    async fn awaited(&mut self, wait: &Wait) -> Result<Incoming, Failure> {
        loop {
            while let Some(message) = self.heard.pop_front() {
                if wait.is_for(&message) {
                    return Ok(message);
                }
            }
            match self.session.hear().await {
                Ok(heard) => self.note(heard)?,
                Err(ended) => self.come_back(ended).await?,
            }
        }
    }

    /// Prints the result of a line, unless stdout is the frames.
    fn result(&self, text: &str) -> Result<(), Failure> {
        if self.manner.is_json { Ok(()) } else { print(text) }
    }
}

async fn within_wait<T>(
    timeout: Duration,
    message: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    message
        .or(async {
            Timer::after(timeout).await;
            let message = format!("wait: no such message within {} s", timeout.as_secs_f64());
            Err(Failure::new(Exit::Timeout, message))
        })
        .await
}

fn cannot_be_sent(trouble: &Trouble, state: State) -> Failure {
    let exit = match (trouble, state) {
        (Trouble::NoRoom { .. }, State::Auth) => Exit::Unauthorized,
        _ => Exit::Refused,
    };
    Failure::new(exit, trouble.to_string())
}
