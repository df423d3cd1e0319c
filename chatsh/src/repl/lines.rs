//! Doing a line: one that was typed, pasted, or is in a file.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use proto::{Description, Id, Line, States, read_line};
use serde_json::{Map, Value};
use smol::future::{FutureExt, poll_once};

use super::Repl;
use super::queue::Queued;
use crate::check::check;
use crate::exit::{Exit, Failure};
use crate::local::Local;
use crate::session::Session;
use crate::settings::{self, Setting};
use crate::source::Script;
use crate::step::{self, Step, Trouble};
use crate::waiting::{Awaited, Waiting};
use crate::{help, key, masking};

/// A wait of less is over before anybody asks what goes on.
const WAIT_SAID_FROM: Duration = Duration::from_secs(1);

/// How many lines wait to be done: files that name many files could fill the memory.
const QUEUED_LEN_MAX: usize = 10_000;

impl Repl<'_> {
    /// Says a text of several lines.
    pub(super) async fn say(&mut self, text: &str) {
        self.number += 1;
        let (state, catalogue) = self.session.here();
        match step::said(text, &catalogue, States::of(&[state])) {
            Ok((command, mut data)) => {
                key::give(command, &mut data);
                self.ask(command, data, true).await;
            }
            Err(trouble) => self.complain(&self.refused(&trouble.to_string())),
        }
    }

    /// Does a line, or begins to.
    pub(super) async fn line(&mut self, line: &str) -> Result<ControlFlow<()>, Failure> {
        self.number += 1;
        let (state, catalogue) = self.session.here();
        let in_script = self.source.is_some();
        let asked = match in_script {
            true => None,
            false => self.with_passwords(line, &catalogue, state).await?,
        };
        let (line, is_asked) = (asked.as_deref().unwrap_or(line), asked.is_some());
        match step::understand(line, in_script, &catalogue, States::of(&[state])) {
            Ok(Step::Nothing) => {}
            Ok(Step::Ask { command, mut data, is_bare }) => {
                let may_be_sent = match (in_script, is_bare) {
                    (true, _) => true,
                    (false, true) => match self.is_to_be_said(line, &catalogue, state).await? {
                        Some(may_be_said) => may_be_said,
                        None => return Ok(ControlFlow::Continue(())),
                    },
                    // What is refused here is no question.
                    (false, false) if !command.spec.states.contains(state) => true,
                    (false, false) => !command.spec.irreversible || self.is_meant(line).await?,
                };
                // It was lost while the user was asked.
                if may_be_sent && (self.away.is_some() || self.session.is_over()) {
                    self.lines.push_front(Queued { is_late: true, ..Queued::typed(line) });
                    if !is_asked {
                        self.remark(
                            "it will be done, if you say so again, when the connection is back",
                        );
                    }
                    self.are_late(is_asked);
                } else if may_be_sent {
                    let is_typed = !in_script && !is_bare && !is_asked;
                    let is_allowed = command.spec.states.contains(state);
                    if is_typed && is_allowed && masking::may_be_misread(line, &catalogue) {
                        self.remark("quotes and \\ in the password were read as in a shell");
                    }
                    key::give(command, &mut data);
                    self.ask(command, data, is_bare).await;
                } else {
                    self.drop_paste();
                }
            }
            Ok(Step::Here(Local::Quit)) => return Ok(ControlFlow::Break(())),
            Ok(Step::Here(Local::Help(about))) => {
                match help::text(&catalogue, state, about.as_deref(), self.style()) {
                    // A terminal without an editor has none of them.
                    Ok(text) if about.is_none() && !self.editor.is_linear() => {
                        let keys = help::keys(self.style());
                        self.printer.print(&format!("{text}\n{keys}"));
                    }
                    Ok(text) => self.printer.print(&text),
                    Err(why) => self.complain(&why),
                }
            }
            Ok(Step::Here(Local::Sleep(time))) => {
                self.remark_wait(time);
                self.waiting = Some(Waiting::new(Awaited::Time, Some(time)));
            }
            Ok(Step::Here(Local::Wait(wait))) => {
                let timeout = wait.timeout;
                self.remark_wait(timeout.unwrap_or(Duration::MAX));
                self.waiting = Some(Waiting::new(Awaited::Message(wait), timeout));
            }
            Ok(Step::Here(Local::Set(setting))) => self.set(setting),
            Ok(Step::Here(Local::Settings(name))) => self.show_settings(name),
            Ok(Step::Here(Local::Source(file))) => self.take_file(&file),
            Ok(Step::Here(Local::Connect(address))) => self.connect(&address).await,
            Err(Trouble::Unknown { ref name, ref nearest })
                if !in_script && self.has_mistyped(line, name, nearest.as_deref()).await? => {}
            Err(Trouble::NoRoom { .. })
                if !in_script && self.has_meant_command(line, &catalogue, state).await? => {}
            Err(trouble) => {
                // What cannot be done here needs no arguments.
                let place = match (&trouble, read_line(line, in_script)) {
                    (Trouble::Arguments { .. }, Line::Command { name, .. }) => {
                        self.wrong_place(name)
                    }
                    _ => None,
                };
                self.complain(&self.refused(&place.unwrap_or_else(|| trouble.to_string())));
                self.drop_rest();
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// There is no prompt meanwhile.
    fn remark_wait(&mut self, time: Duration) {
        if time >= WAIT_SAID_FROM && self.source.is_none() {
            self.remark("waiting; what is typed meanwhile is kept; Ctrl-C ends it");
        }
    }

    /// Why a line was refused, with the line if it is not the last one that was typed.
    pub(super) fn refused(&self, why: &str) -> String {
        match &self.unseen {
            // Of one with a secret the command only, which the refusal names itself.
            Some(line) if !why.starts_with(line.trim_start_matches('/')) => {
                format!("{line}: {why}")
            }
            Some(_) => why.to_owned(),
            None => why.to_owned(),
        }
    }

    /// Changes a setting.
    pub(super) fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Color(colour) => {
                self.look.style = self.look.style.coloured(colour);
                *self.typists_style.lock().unwrap_or_else(PoisonError::into_inner) =
                    self.look.style;
            }
            Setting::Bell(rings) => self.rings = rings,
            Setting::Clock(is_shown) => self.has_clock = is_shown,
            Setting::History(len) => self.recent_len = len,
            Setting::Timeout(time) => self.session.set_timeout(time),
        }
    }

    /// Says what is set: all, or this one.
    fn show_settings(&mut self, name: Option<&str>) {
        let value = |name| match name {
            "color" => self.look.style.colour.name().to_owned(),
            "bell" => on_or_off(self.rings).to_owned(),
            "clock" => on_or_off(self.has_clock).to_owned(),
            "history" => self.recent_len.to_string(),
            _ => format!("{} s", self.session.timeout().as_secs_f64()),
        };
        let wanted =
            settings::ALL.into_iter().filter(|known| name.is_none_or(|name| name == *known));
        let mut lines: Vec<_> = wanted.map(|name| format!("{name}: {}", value(name))).collect();
        if name.is_none() {
            // No setting, but nothing else says it to who is logged in.
            lines.push(format!("server: {}", self.session.entrance().address));
        }
        self.printer.print(&lines.join("\n"));
    }

    /// Takes the lines of a file, if there is nothing wrong in it.
    pub(super) fn take_file(&mut self, file: &Path) {
        // What never ends would never let the others be heard.
        if file.exists() && !file.is_file() {
            self.complain(&format!("{}: it is no file", file.display()));
            return self.drop_rest();
        }
        let script = match Script::open(file) {
            Ok(script) => script,
            Err(why) => {
                self.complain(&why);
                return self.drop_rest();
            }
        };
        let (state, catalogue) = self.session.here();
        let problems = check(&script, &catalogue, state, false);
        if !problems.is_empty() {
            problems.iter().for_each(|problem| self.complain(&problem.report()));
            return self.drop_rest();
        }
        if self.lines.len() + script.lines.len() > QUEUED_LEN_MAX {
            self.complain(&format!("{}: that is more than {QUEUED_LEN_MAX} lines", script.name));
            return self.drop_rest();
        }
        for line in script.lines.into_iter().rev() {
            let source = Some((script.name.clone(), line.number));
            self.lines.push_front(Queued { source, ..Queued::typed(&line.text) });
        }
    }

    /// After an error in a line of a file, or of a paste: the others in it are not done.
    pub(super) fn drop_rest(&mut self) {
        let Some((name, number)) = self.source.take() else { return self.drop_paste() };
        self.lines.retain(|line| line.source.is_none());
        self.complain(&format!("{name}: it ends with this, in line {number}"));
    }

    /// Is `line` nothing that a server has to do with?
    pub(super) fn needs_no_server(&self, line: &str) -> bool {
        let (state, catalogue) = self.session.here();
        let step = step::understand(line, false, &catalogue, States::of(&[state]));
        matches!(
            step,
            Ok(Step::Here(Local::Help(_) | Local::Set(_) | Local::Settings(_) | Local::Connect(_)))
        )
    }

    /// Leaves, and goes to another server.
    pub(super) async fn connect(&mut self, address: &str) {
        let entered = async {
            let entrance = Arc::new(self.session.entrance().elsewhere(address)?);
            entrance.enter().await
        };
        let interrupted = async {
            self.signals.next().await;
            Err(Failure::new(Exit::Interrupted, "given up"))
        };
        let session = match entered.or(interrupted).await {
            Ok(session) => session,
            Err(failure) => {
                if failure.exit == Exit::Interrupted {
                    // The key that ended the question for a password is heard here as well.
                    drop(poll_once(self.signals.next()).await);
                }
                self.complain(&failure.message);
                // What waits for the connection waits on.
                if self.away.is_none() {
                    self.drop_rest();
                }
                return;
            }
        };
        // There is no way back to the other one any more, and nothing to be had from it.
        if self.away.take().is_some() {
            self.drop_lines();
            self.give_up("another server");
        }
        self.look.host.clone_from(&session.entrance().address.host);
        let book = self.session.shared_book();
        let old = self.session.go_on_as(session);
        self.given_up.clear();
        // It takes a last note in the book.
        old.quit().await;
        self.session.write_in(book);
        (self.room, self.user, self.last_mail) = (None, None, None);
        self.remark(&format!("connected to {}", self.session.entrance().address));
        self.greet();
    }

    pub(super) async fn ask(
        &mut self,
        command: &Description,
        mut data: Map<String, Value>,
        is_bare: bool,
    ) {
        let id = Id::Number(self.number);
        let kind = command.spec.name.to_string();
        Session::keep_caps(&kind, &mut data);
        if let Err(failure) = self.session.send(&kind, &data, &id).await {
            return self.complain(&failure.message);
        }
        let is_repeatable = key::is_repeatable(command, &data);
        let repeatable_until = is_repeatable.then(|| Instant::now() + key::REPEATABLE_FOR);
        let what = Awaited::Reply { id, kind, data, is_bare, repeatable_until };
        self.waiting = Some(Waiting::new(what, Some(self.session.timeout())));
        if std::mem::take(&mut self.is_hasty) {
            self.give_up("given up");
        }
    }
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
