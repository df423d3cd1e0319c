//! Doing a line: one that was typed, pasted, or is in a file.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use futures_lite::StreamExt;
use proto::{Catalogue, Description, Id, State, States, usage};
use serde_json::{Map, Value};
use smol::future::FutureExt;

use super::{Queued, Repl};
use crate::check::check;
use crate::editor::Typed;
use crate::exit::{Exit, Failure};
use crate::local::Local;
use crate::settings::Setting;
use crate::source::Script;
use crate::step::{self, Step, Trouble};
use crate::waiting::{Awaited, Waiting};
use crate::{help, key, masking, safe};

/// A paste of more lines is asked about: it may not be what was meant to be pasted.
const PASTED_LINES_MAX: usize = 3;

/// How many lines wait to be done; a file that names itself has no end.
const QUEUED_LEN_MAX: usize = 10_000;

/// What people who come from IRC, or from other chats, type first, and what it is here.
const ELSEWHERE: [(&[&str], &str); 7] = [
    (&["join", "j"], "enter"),
    (&["part", "leave"], "exit"),
    (&["who", "names", "users", "rooms", "channels"], "list"),
    (&["query", "dm", "pm", "w", "whisper", "notice"], "tell"),
    (&["disconnect", "bye", "q"], "quit"),
    (&["server"], "connect"),
    (&["scrollback", "lastlog"], "history"),
];

impl Repl<'_> {
    /// Takes what was typed, which is several lines if it was pasted.
    pub(super) async fn take(&mut self, text: &str) -> Result<(), Failure> {
        let lines: Vec<_> = text.lines().map(String::from).collect();
        if lines.len() > PASTED_LINES_MAX {
            let question = format!("That is {} lines: send them all?", lines.len());
            if !self.is_agreed(&question).await? {
                return Ok(());
            }
        }
        self.lines.extend(lines.iter().map(|line| Queued::typed(line)));
        Ok(())
    }

    /// Asks the user; what is no yes is a no.
    pub(super) async fn is_agreed(&mut self, question: &str) -> Result<bool, Failure> {
        Ok(self.answer(&format!("{question} [y/N] ")).await? == Some(true))
    }

    /// What the user answers, if it is yes or no.
    async fn answer(&mut self, question: &str) -> Result<Option<bool>, Failure> {
        // What is being typed is no answer to what was not asked yet.
        while self.editor.is_reading() {
            match self.turn().await? {
                None | Some(Typed::Cleared { .. }) => {}
                Some(Typed::Line(text)) => self.lines.extend(text.lines().map(Queued::typed)),
                Some(Typed::Left) => return Ok(None),
            }
        }
        self.editor.ask_answer(safe::one_line(question, self.look.style)).await;
        loop {
            match self.turn().await? {
                None => {}
                Some(Typed::Line(answer)) => {
                    return Ok(match answer.trim() {
                        "y" | "Y" | "yes" => Some(true),
                        "n" | "N" | "no" => Some(false),
                        "" => None,
                        // Typed before it was read, most likely.
                        _ => {
                            self.complain("that is neither y nor n: nothing of it was sent");
                            None
                        }
                    });
                }
                Some(Typed::Cleared { .. } | Typed::Left) => return Ok(None),
            }
        }
    }

    /// Is `line`, which has no slash at its start, to be said in the room? If it is a command
    /// without its slash, the user decides which it is.
    async fn is_to_be_said(
        &mut self,
        line: &str,
        catalogue: &Catalogue,
        state: State,
    ) -> Result<bool, Failure> {
        if masking::secret_from(line, catalogue).is_some() {
            let question = "This looks like a password. Say it in the room, for all to read?";
            return self.is_agreed(question).await;
        }
        let Some(meant) = slashed(line, catalogue, state) else {
            let has_late_slash = line.trim_start().starts_with('/') && !line.starts_with('/');
            let question = "This looks like a command. Say it in the room?";
            return Ok(!has_late_slash || self.is_agreed(question).await?);
        };
        let name = first_word(&meant);
        let question =
            format!("Did you mean {name}? y does it, n says the line in the room [y/n] ");
        let answer = self.answer(&question).await?;
        if answer == Some(true) {
            self.lines.push_front(Queued::typed(&meant));
        }
        Ok(answer == Some(false))
    }

    /// A line without a slash cannot be said here; if it is a command, the user is asked.
    async fn has_meant_command(
        &mut self,
        line: &str,
        catalogue: &Catalogue,
        state: State,
    ) -> Result<bool, Failure> {
        let name = first_word(line).to_lowercase();
        let Some(command) = catalogue.find(&name) else { return Ok(false) };
        match slashed(line, catalogue, state) {
            Some(meant) => {
                if self.is_agreed(&format!("Did you mean /{name}?")).await? {
                    self.lines.push_front(Queued::typed(&meant));
                }
            }
            None => self.complain(&format!("a command begins with a slash: {}", usage(command))),
        }
        Ok(true)
    }

    /// Does a line, or begins to.
    pub(super) async fn line(&mut self, line: &str) -> Result<ControlFlow<()>, Failure> {
        self.number += 1;
        let (state, catalogue) = {
            let book = self.session.book();
            (book.state, Arc::clone(&book.catalogue))
        };
        let in_script = self.source.is_some();
        match step::understand(line, in_script, &catalogue, States::of(&[state])) {
            Ok(Step::Nothing) => {}
            Ok(Step::Ask { command, mut data, is_bare }) => {
                let may_be_sent =
                    !is_bare || in_script || self.is_to_be_said(line, &catalogue, state).await?;
                if may_be_sent {
                    key::give(command, &mut data);
                    self.ask(command, data, is_bare).await;
                }
            }
            Ok(Step::Here(Local::Quit)) => return Ok(ControlFlow::Break(())),
            Ok(Step::Here(Local::Help(about))) => {
                match help::text(&catalogue, state, about.as_deref(), self.style()) {
                    Ok(text) => self.printer.print(&text),
                    Err(why) => self.complain(&why),
                }
            }
            Ok(Step::Here(Local::Sleep(time))) => {
                self.waiting = Some(Waiting::new(Awaited::Time, Some(time)));
            }
            Ok(Step::Here(Local::Wait(wait))) => {
                let timeout = wait.timeout;
                self.waiting = Some(Waiting::new(Awaited::Message(wait), timeout));
            }
            Ok(Step::Here(Local::Set(setting))) => self.set(setting),
            Ok(Step::Here(Local::Source(file))) => self.take_file(&file),
            Ok(Step::Here(Local::Connect(address))) => self.connect(&address).await,
            Err(Trouble::Unknown { name, nearest })
                if !in_script
                    && let Some(nearest) = nearest.clone().or(elsewhere(&name, &catalogue)) =>
            {
                let question = format!("There is no command /{name}. Did you mean /{nearest}?");
                if self.is_agreed(&question).await? {
                    self.lines.push_front(Queued::typed(&line.replacen(&name, &nearest, 1)));
                }
            }
            Err(Trouble::NoRoom { .. })
                if !in_script && self.has_meant_command(line, &catalogue, state).await? => {}
            Err(trouble) => {
                self.complain(&self.refused(&trouble.to_string()));
                self.stop_source();
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Why a line was refused, with the line if it is not the last one that was typed.
    pub(super) fn refused(&self, why: &str) -> String {
        match &self.late {
            Some(line) => format!("{line}: {why}"),
            None => why.to_owned(),
        }
    }

    /// Changes a setting, or says what is set.
    pub(super) fn set(&mut self, setting: Option<Setting>) {
        match setting {
            Some(Setting::Color(colour)) => {
                self.look.style = self.look.style.coloured(colour);
                *self.typists_style.lock().unwrap_or_else(PoisonError::into_inner) =
                    self.look.style;
            }
            Some(Setting::Bell(rings)) => self.rings = rings,
            Some(Setting::Clock(is_shown)) => self.has_clock = is_shown,
            Some(Setting::History(len)) => self.recent_len = len,
            Some(Setting::Timeout(time)) => self.session.set_timeout(time),
            None => {
                let color = self.look.style.colour.name();
                let (bell, clock) = (on_or_off(self.rings), on_or_off(self.has_clock));
                let (history, timeout) = (self.recent_len, self.session.timeout().as_secs_f64());
                let all = format!(
                    "color: {color}\nbell: {bell}\nclock: {clock}\nhistory: {history}\n\
                     timeout: {timeout} s"
                );
                self.printer.print(&all);
            }
        }
    }

    /// Takes the lines of a file, if there is nothing wrong in it.
    pub(super) fn take_file(&mut self, file: &Path) {
        let script = match Script::open(file) {
            Ok(script) => script,
            Err(why) => {
                self.complain(&why);
                return self.stop_source();
            }
        };
        let (state, catalogue) = {
            let book = self.session.book();
            (book.state, Arc::clone(&book.catalogue))
        };
        let problems = check(&script, &catalogue, state, false);
        if !problems.is_empty() {
            problems.iter().for_each(|problem| self.complain(&problem.report(&script.name)));
            return self.stop_source();
        }
        if self.lines.len() + script.lines.len() > QUEUED_LEN_MAX {
            self.complain(&format!("{}: that is more than {QUEUED_LEN_MAX} lines", script.name));
            return self.stop_source();
        }
        for line in script.lines.into_iter().rev() {
            let source = Some((script.name.clone(), line.number));
            self.lines.push_front(Queued { text: line.text, source, is_late: false });
        }
    }

    /// After an error in a line of a file: the others in it are not done.
    pub(super) fn stop_source(&mut self) {
        let Some((name, number)) = self.source.take() else { return };
        self.lines.retain(|line| line.source.is_none());
        self.complain(&format!("{name}: it ends with this, in line {number}"));
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
                self.complain(&failure.message);
                return self.stop_source();
            }
        };
        self.look.host.clone_from(&session.entrance().address.host);
        let book = self.session.shared_book();
        let old = std::mem::replace(self.session, session);
        // It takes a last note in the book.
        old.quit().await;
        self.session.write_in(book);
        (self.room, self.user) = (None, None);
        self.remark(&format!("connected to {}", self.session.entrance().address));
        self.greet();
    }

    pub(super) async fn ask(
        &mut self,
        command: &Description,
        data: Map<String, Value>,
        is_bare: bool,
    ) {
        let id = Id::Number(self.number);
        let kind = command.spec.name.to_string();
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

/// `line` as the command that it is but for its slash and the case of its first word; none
/// if it is none with these arguments.
///
/// "hello" is a command as well, and the first thing that people say.
fn slashed(line: &str, catalogue: &Catalogue, state: State) -> Option<String> {
    let words = line.trim();
    let is_late = words.len() < line.trim_end().len();
    let words = words.strip_prefix('/').filter(|_| is_late).unwrap_or(words);
    let name = first_word(words);
    let arguments = &words[name.len()..];
    let name = name.to_lowercase();
    let is_greeting = name == "hello" && arguments.is_empty();
    catalogue.find(&name).filter(|_| !is_greeting)?;
    let meant = format!("/{name}{arguments}");
    step::understand(&meant, false, catalogue, States::of(&[state])).ok()?;
    Some(meant)
}

/// What `name` is called here, if it is a command of other chats.
fn elsewhere(name: &str, catalogue: &Catalogue) -> Option<String> {
    let name = name.to_lowercase();
    let (_, ours) = ELSEWHERE.iter().find(|(theirs, _)| theirs.contains(&&*name))?;
    catalogue.find(ours).map(|command| command.spec.name.to_string())
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{local, testing};

    #[test]
    fn what_is_a_command_but_for_its_slash_is_found() {
        let mut catalogue = testing::catalogue();
        catalogue.commands.extend(local::commands());
        for (line, meant) in [
            ("exit", "/exit"),
            (" /exit", "/exit"),
            ("quit ", "/quit"),
            ("Enter attic", "/enter attic"),
            ("msg bob hi  there", "/msg bob hi  there"),
            ("LIST", "/list"),
            ("help me", "/help me"),
            ("wait --from bob", "/wait --from bob"),
        ] {
            assert_eq!(slashed(line, &catalogue, State::Chat).as_deref(), Some(meant), "{line:?}");
        }
        for line in [
            "exit here",
            "//exit",
            "enter",
            "create",
            "set up now",
            "hello",
            "wait for me",
            "",
            " ",
        ] {
            assert_eq!(slashed(line, &catalogue, State::Chat), None, "{line:?}");
        }
    }
}
