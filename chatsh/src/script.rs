//! Runs a script: a line, its reply, the next line; the first error ends it.
//!
//! The same script against the same server prints the same, whatever others say.

mod cut;
mod own;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use proto::{Description, Id, Incoming, State, States};
use serde_json::{Map, Value};
use smol::Timer;
use smol::future::FutureExt;

pub(crate) use own::SOURCE_DEPTH_MAX;

use crate::exit::{Exit, Failure};
use crate::link::Ended;
use crate::listener::{Listener, come_back, listen, reply_to};
use crate::local::{Local, Wait};
use crate::output::print;
use crate::page::Page;
use crate::reply::{accepted, put_off};
use crate::session::Session;
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
    /// How long a `/wait` takes that does not say it; without it as long as it takes.
    pub(crate) wait_max: Option<Duration>,
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
        awaits_reply: false,
        put_out: None,
        is_lost: false,
        depth: 0,
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
    /// Is the reply to a line awaited?
    awaits_reply: bool,
    /// Why we are not in the room any more that the script has led us to.
    put_out: Option<Failure>,
    /// Is the session not where the script has led it, and cannot be?
    is_lost: bool,
    /// In how many files that files name we are.
    depth: usize,
    /// The code of the first error that did not end the script.
    first_error: Option<Exit>,
}

impl Runner<'_> {
    async fn all(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let mut next = 1;
        loop {
            let line = self.next_line(lines).await.map_err(|failure| unsent(failure, next))?;
            let Some(line) = line else { return Ok(()) };
            next = line.number + 1;
            match self.line(&line).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                // All was done; who reads has had enough.
                Err(failure) if failure.is_unread && lines.are_over() => return Ok(()),
                Err(failure) => {
                    let is_last = self.is_lost || failure.is_unread;
                    let failure = failure.while_doing(&format!("line {}", line.number));
                    let failure = unsent(failure, next);
                    if !self.manner.keeps_going || is_last {
                        return Err(failure);
                    }
                    talk::say(&failure.message);
                    self.first_error.get_or_insert(failure.exit);
                }
            }
        }
    }

    /// The next line; meanwhile the server is listened to.
    async fn next_line(&mut self, lines: &mut Lines) -> Result<Option<Line>, Failure> {
        // Half a line may have come: it is not to be read anew.
        let mut line = pin!(lines.next());
        loop {
            let next = async { Ok(Next::Line((&mut line).await)) };
            match next.or(async { listen(self).await.map(Next::Cut) }).await? {
                Next::Line(line) => {
                    return line.map_err(|error| {
                        let place = match &error {
                            LinesError::Bad(bad) => format!("line {}: ", bad.number),
                            LinesError::Io(_) => String::new(),
                        };
                        Failure::new(Exit::Refused, format!("{place}{error}"))
                    });
                }
                Next::Cut(ended) => come_back(self, ended).await?,
            }
        }
    }

    async fn line(&mut self, line: &Line) -> Result<ControlFlow<()>, Failure> {
        self.find_out_whether_it_is_cut().await?;
        self.find_out_whether_it_is_put_out()?;
        let (state, catalogue) = self.session.here();
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
            Step::Here(Local::Set(setting)) => self.set(setting),
            Step::Here(Local::Settings(name)) => self.show_settings(name)?,
            Step::Here(Local::Source(file)) => return Box::pin(self.source(&file, state)).await,
            Step::Here(Local::Connect(address)) => {
                let entrance = Arc::new(self.session.entrance().elsewhere(&address)?);
                let old = self.session.go_on_as(entrance.enter().await?);
                old.quit().await;
            }
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
            let is_repeatable = self.under_way.is_some();
            self.awaits_reply = true;
            let reply = reply_to(self, kind, data, id, is_repeatable).await;
            self.awaits_reply = false;
            let reply = reply?;
            if self.manner.is_json {
                print(&json::line(&reply.body))?;
            }
            if self.manner.may_wait
                && let Some(pause) = put_off(kind, &reply.message, self.manner.wait_max)?
            {
                self.sleep(pause).await?;
                continue;
            }
            let reply = match accepted(reply.message, state) {
                Ok(reply) => reply,
                Err(refusal) => {
                    self.find_out_whether_it_is_put_out()?;
                    return Err(refusal);
                }
            };
            self.session.book().hear_fulfilled(kind, data);
            self.session.keep_renewed_token(kind, &reply)?;
            let Some(page) = Page::of(&reply).filter(|_| !self.manner.is_json) else {
                return self.result(&show::reply(&reply, self.manner.style()));
            };
            page.lines(self.manner.style()).map_or(Ok(()), |lines| print(&lines))?;
            // Who said how many, and gets as many, knows that there may be more.
            let limit = data.get("limit").and_then(Value::as_u64);
            if limit != u64::try_from(page.len()).ok() {
                page.more(Some(command), data).iter().for_each(|more| talk::say(more));
            }
            return Ok(());
        }
    }

    async fn sleep(&mut self, time: Duration) -> Result<(), Failure> {
        let mut timer = Timer::after(time);
        loop {
            let timer = async {
                (&mut timer).await;
                Ok(None)
            };
            match timer.or(async { listen(self).await.map(Some) }).await? {
                None => return Ok(()),
                Some(ended) => come_back(self, ended).await?,
            }
        }
    }

    /// Waits for the message; it is the result of the line.
    async fn wait(&mut self, wait: &Wait) -> Result<(), Failure> {
        let message = match wait.timeout.or(self.manner.wait_max) {
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
                Err(ended) => come_back(self, ended).await?,
            }
        }
    }

    /// Prints the result of a line, unless stdout is the frames.
    fn result(&self, text: &str) -> Result<(), Failure> {
        if self.manner.is_json { Ok(()) } else { print(text) }
    }
}

/// `failure`, with what was not done for it, if it is that nobody reads any more.
fn unsent(failure: Failure, next: usize) -> Failure {
    match failure.is_unread {
        true => {
            let message = format!("{}: nothing was sent from line {next} on", failure.message);
            Failure { message, ..failure }
        }
        false => failure,
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
