//! The shell: somebody types while others talk.
//!
//! One loop takes what happens next: a typed line, a frame, a signal, the end of a wait.
//! The prompt comes back when the line before has its reply, so a reply stands under
//! its line.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use jiff::Zoned;
use proto::{Catalogue, Description, Id, Incoming, State, States, Status, usage};
use serde_json::{Map, Value, json};
use smol::future::FutureExt;
use smol::{Task, Timer};

use crate::comeback::{Back, Comeback};
use crate::editor::{Editor, Typed};
use crate::exit::{Exit, Failure};
use crate::helper::Typist;
use crate::link::{Ended, Received};
use crate::local::Local;
use crate::mention::Reader;
use crate::page::Page;
use crate::printer::Printer;
use crate::session::{Heard, Session, is_replayed, object};
use crate::step::{self, Step, Trouble};
use crate::style::Style;
use crate::terminal::{Quiet, columns};
use crate::waiting::{Awaited, Waiting};
use crate::{help, json, key, masking, paths, safe, show};

/// A paste of more lines is asked about: it may not be what was meant to be pasted.
const PASTED_LINES_MAX: usize = 3;

/// How many messages of a room are shown when it is entered: half a small terminal.
const RECENT_LEN: usize = 10;

/// How the shell looks.
pub(crate) struct Look {
    /// What the prompt says before a login.
    pub(crate) host: String,
    /// Colours, or none.
    pub(crate) style: Style,
    /// Is output the frames?
    pub(crate) is_json: bool,
}

/// Lets the user talk until they leave, or the connection ends.
///
/// # Errors
/// Why it had to end. The terminal is as it was before.
pub(crate) async fn run(session: &mut Session, look: Look) -> Result<Exit, Failure> {
    let broken = |e: &dyn std::fmt::Display| {
        Failure::new(Exit::Refused, format!("the terminal cannot be used: {e}"))
    };
    // Before the editor reads: it puts back the handlers that it found.
    let signals = Signals::new([Signal::Int, Signal::Term, Signal::Hup]).map_err(|e| broken(&e))?;
    let _quiet = Quiet::begin().map_err(|e| broken(&e))?;
    let typist = Typist::new(session.shared_book(), look.style);
    let (editor, printer) =
        Editor::start(typist, look.style.is_plain, paths::history()).map_err(|e| broken(&e))?;
    let mut repl = Repl {
        session,
        look,
        editor,
        printer,
        signals,
        prompt: String::new(),
        lines: VecDeque::new(),
        number: 0,
        waiting: None,
        room: None,
        held: Vec::new(),
        away: None,
    };
    let outcome = repl.talk().await;
    repl.printer.drain().await;
    repl.editor.stop().await;
    outcome
}

struct Repl<'a> {
    session: &'a mut Session,
    look: Look,
    editor: Editor,
    printer: Printer,
    signals: Signals,
    /// The last prompt.
    prompt: String,
    /// Lines that were typed, or pasted, and whose turn has not come.
    lines: VecDeque<String>,
    /// How many lines were done.
    number: i64,
    /// What has to happen before the next prompt.
    waiting: Option<Waiting>,
    /// The room that we know of being in.
    room: Option<String>,
    /// What came while its last messages were awaited.
    held: Vec<Received>,
    /// While the connection is lost.
    away: Option<Away>,
}

/// The connection is lost, and we are on the way back.
struct Away {
    /// Why it was lost.
    ended: Ended,
    /// Ends when we are back. Dropped, it is given up.
    way: Task<Result<Back, Failure>>,
}

/// What happens next.
enum Event {
    Typed(Result<Typed, Failure>),
    Heard(Result<Heard, Ended>),
    Back(Box<Result<Back, Failure>>),
    Signalled(io::Result<Signal>),
    /// The time of what is waited for is over.
    Due,
    /// One of the texts that were late is on its way to the terminal.
    Printed,
}

impl Repl<'_> {
    async fn talk(&mut self) -> Result<Exit, Failure> {
        self.greet();
        loop {
            self.look_around().await;
            // What ends the connection is heard first.
            let is_ready = self.waiting.is_none() && self.away.is_none() && !self.session.is_over();
            if is_ready && let Some(line) = self.lines.pop_front() {
                if self.line(&line).await?.is_break() {
                    return Ok(Exit::Done);
                }
                continue;
            }
            // It may come before the reply: what rustyline has not shown it shows only under a
            // prompt. So a line may be done while the next one is typed.
            let is_due = is_ready || self.away.is_some() || self.printer.is_stuck();
            if is_due && !self.editor.is_reading() {
                self.printer.settle().await;
                if self.away.is_none() {
                    self.prompt = self.session.book().prompt(&self.look.host);
                }
                self.editor.ask_line(self.prompt.clone()).await;
            }
            match self.turn().await? {
                None => {}
                Some(Typed::Cleared) => self.interrupted()?,
                Some(Typed::Line(text)) if self.away.is_some() && text.trim() == "/quit" => {
                    return Ok(Exit::Done);
                }
                Some(Typed::Line(text)) => self.take(&text).await?,
                Some(Typed::Left) => return Ok(Exit::Done),
            }
        }
    }

    /// Says what the server says to everyone, and how to get in.
    fn greet(&mut self) {
        if let Some(motd) = &self.session.motd {
            self.printer.print(&safe::block(motd, 0, self.style()));
        }
        let advice = {
            let book = self.session.book();
            let ways = ["login", "register"].map(|name| book.catalogue.find(name).map(usage));
            match (book.state, ways) {
                (State::Auth, [Some(login), Some(register)]) => Some(format!(
                    "You are not logged in: {login}, or {register} first. /help lists more."
                )),
                _ => None,
            }
        };
        if let Some(advice) = advice {
            self.printer.print(&self.look.style.dim(&advice));
        }
    }

    /// Asks what was said before in a room that was entered.
    async fn look_around(&mut self) {
        if self.away.is_some() || self.room == self.session.bookmark.room {
            return;
        }
        self.room.clone_from(&self.session.bookmark.room);
        let before = self.session.bookmark.last_seq().filter(|_| self.room.is_some());
        let knows_history = self.session.book().catalogue.find("history").is_some();
        let Some(last @ 1..) = before.filter(|_| knows_history && self.waiting.is_none()) else {
            return;
        };
        // What is said from now on comes by itself.
        let data = json!({ "before": last + 1, "limit": RECENT_LEN });
        if let Ok(id) = self.session.ask_later("history", &object(data)).await {
            let what = Awaited::Recent(id);
            self.waiting = Some(Waiting::new(what, Some(self.session.timeout())));
        }
    }

    /// Shows what was held back.
    fn release(&mut self) {
        for push in std::mem::take(&mut self.held) {
            self.push(&push);
        }
    }

    /// Deals with what happens next; if it is that something was typed, gives it.
    async fn turn(&mut self) -> Result<Option<Typed>, Failure> {
        match self.event().await {
            Event::Typed(typed) => return typed.map(Some),
            Event::Heard(Ok(heard)) => self.heard(heard),
            Event::Heard(Err(ended)) => self.cut(ended)?,
            Event::Back(back) => self.back((*back)?).await,
            Event::Signalled(Ok(Signal::Int)) if self.waiting.is_some() || self.away.is_some() => {
                self.interrupted()?;
            }
            Event::Signalled(_) => return Err(Failure::interrupted()),
            Event::Due => self.give_up("the time is over"),
            Event::Printed => {}
        }
        Ok(None)
    }

    /// Waits for what happens next; what does not happen now is not lost.
    async fn event(&mut self) -> Event {
        let is_due = |waiting: &&Waiting| self.away.is_none() || !waiting.is_for_reply();
        let until = self.waiting.as_ref().filter(is_due).and_then(|waiting| waiting.until);
        let typed = async { Event::Typed(self.editor.typed().await) };
        let is_behind = self.printer.is_behind();
        let printed = async {
            self.printer.catch_up().await;
            Event::Printed
        };
        let heard = async {
            match &mut self.away {
                _ if is_behind => smol::future::pending().await,
                Some(away) => Event::Back(Box::new((&mut away.way).await)),
                None => Event::Heard(self.session.hear().await),
            }
        };
        let signalled = async {
            match self.signals.next().await {
                Some(signal) => Event::Signalled(signal),
                None => smol::future::pending().await,
            }
        };
        let due = async {
            match until {
                Some(until) => Timer::at(until).await,
                None => smol::future::pending().await,
            };
            Event::Due
        };
        // However much the others say, the user comes first.
        typed.or(signalled).or(due).or(printed).or(heard).await
    }

    /// The user has had enough of what goes on.
    fn interrupted(&mut self) -> Result<(), Failure> {
        if let Some(away) = self.away.take() {
            return Err(away.ended.failure(self.is_for_reply()));
        }
        if self.waiting.is_some() {
            self.lines.clear();
            self.give_up("given up");
        }
        Ok(())
    }

    /// The connection is lost: there may be a way back.
    fn cut(&mut self, ended: Ended) -> Result<(), Failure> {
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
    async fn back(&mut self, back: Back) {
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

    /// Takes what was typed, which is several lines if it was pasted.
    async fn take(&mut self, text: &str) -> Result<(), Failure> {
        let lines: Vec<_> = text.lines().map(String::from).collect();
        if lines.len() > PASTED_LINES_MAX {
            let question = format!("That is {} lines: send them all?", lines.len());
            if !self.is_agreed(&question).await? {
                return Ok(());
            }
        }
        self.lines.extend(lines);
        Ok(())
    }

    /// Asks the user.
    async fn is_agreed(&mut self, question: &str) -> Result<bool, Failure> {
        // What is being typed is no answer to what was not asked yet.
        while self.editor.is_reading() {
            match self.turn().await? {
                None | Some(Typed::Cleared) => {}
                Some(Typed::Line(text)) => self.lines.extend(text.lines().map(String::from)),
                Some(Typed::Left) => return Ok(false),
            }
        }
        self.editor.ask_answer(format!("{question} [y/N] ")).await;
        loop {
            match self.turn().await? {
                None => {}
                Some(Typed::Line(answer)) => return Ok(matches!(answer.trim(), "y" | "Y" | "yes")),
                Some(Typed::Cleared | Typed::Left) => return Ok(false),
            }
        }
    }

    /// Does a line, or begins to.
    async fn line(&mut self, line: &str) -> Result<ControlFlow<()>, Failure> {
        self.number += 1;
        let (state, catalogue) = {
            let book = self.session.book();
            (book.state, Arc::clone(&book.catalogue))
        };
        match step::understand(line, false, &catalogue, States::of(&[state])) {
            Ok(Step::Nothing) => {}
            Ok(Step::Ask { command, mut data, is_bare }) => {
                let may_be_sent = !is_bare
                    || !is_like_command(line, &catalogue, state)
                    || self.is_agreed("This looks like a command. Say it in the room?").await?;
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
            Err(Trouble::Unknown { name, nearest: Some(nearest) }) => {
                let question = format!("There is no command /{name}. Did you mean /{nearest}?");
                if self.is_agreed(&safe::one_line(&question, self.look.style)).await? {
                    self.lines.push_front(line.replacen(&name, &nearest, 1));
                }
            }
            Err(trouble) => self.complain(&trouble.to_string()),
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn ask(&mut self, command: &Description, data: Map<String, Value>, is_bare: bool) {
        let id = Id::Number(self.number);
        let kind = command.spec.name.to_string();
        if let Err(failure) = self.session.send(&kind, &data, &id).await {
            return self.complain(&failure.message);
        }
        let is_repeatable = key::is_repeatable(command, &data);
        let repeatable_until = is_repeatable.then(|| Instant::now() + key::REPEATABLE_FOR);
        let what = Awaited::Reply { id, kind, data, is_bare, repeatable_until };
        self.waiting = Some(Waiting::new(what, Some(self.session.timeout())));
    }

    /// Waits no longer, and says so with the reason `why`.
    fn give_up(&mut self, why: &str) {
        match self.waiting.take().map(|waiting| waiting.what) {
            Some(Awaited::Reply { kind, .. }) => {
                self.complain(&format!("{kind}: no reply yet ({why}); it may still come"));
            }
            Some(Awaited::Message(_)) => {
                self.complain(&format!("wait: no such message ({why})"));
            }
            Some(Awaited::Recent(_)) => self.release(),
            Some(Awaited::Time) | None => {}
        }
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Own(reply) => {
                if self.waiting.take_if(|waiting| waiting.is_for(&reply.message)).is_some() {
                    self.show_recent(&reply.message);
                    self.release();
                }
            }
            Heard::CaughtUp(0) => {}
            Heard::CaughtUp(missed) => self.remark(&show::missed(missed)),
            // It got through before the cut; its reply will come.
            Heard::Push(push) if self.is_echo(&push.message) => {}
            Heard::Push(push) if self.waiting.as_ref().is_some_and(Waiting::is_for_recent) => {
                self.held.push(push);
            }
            Heard::Push(push) => self.push(&push),
            Heard::Reply(reply) => {
                let waiting = self.waiting.take_if(|waiting| waiting.is_for(&reply.message));
                self.replied(&reply, waiting.map(|waiting| waiting.what));
            }
        }
    }

    fn push(&mut self, push: &Received) {
        let reader = self.reader();
        let text = show::push_to(&reader, &push.message, self.style());
        self.show(push, text);
        let is_meant = reader.is_meant(&push.message.data);
        if is_meant && !self.look.style.is_plain && !is_replayed(&push.message) {
            self.printer.ring();
        }
        self.waiting.take_if(|waiting| waiting.is_for(&push.message));
    }

    fn show_recent(&mut self, page: &Incoming) {
        let room = self.room.as_deref().unwrap_or_default();
        let recent = show::recent(page, room, &self.reader(), self.style());
        if let Some(recent) = recent.filter(|_| !self.look.is_json) {
            self.printer.print(&recent);
        }
    }

    /// Who reads here.
    fn reader(&self) -> Reader {
        Reader::of(self.session.bookmark.user.as_deref())
    }

    fn replied(&mut self, reply: &Received, to: Option<Awaited>) {
        let style = self.style();
        let message = &reply.message;
        if message.status == Status::Error {
            let why = message.message.as_deref().unwrap_or("the server does not say why");
            let code = message.code.as_deref().unwrap_or("error");
            let text = format!("{}: {why} ({code})", message.kind);
            let text = style.error(&safe::one_line(&text, style));
            return self.show(reply, Some(text));
        }
        let mut text = Some(show::reply(message, style));
        if let Some(Awaited::Reply { kind, data, is_bare, .. }) = to {
            if let Some(page) = Page::of(message) {
                text = Some(self.page(&page, &kind, &data));
            }
            self.session.book().hear_fulfilled(&kind, &data);
            // The line stands there already, as it was typed.
            text = text.filter(|_| !is_bare);
        }
        self.show(reply, text);
    }

    /// A page that was asked for, and how to get the next one.
    fn page(&self, page: &Page<'_>, kind: &str, data: &Map<String, Value>) -> String {
        let style = self.style();
        let lines = page.numbered(&Zoned::now(), &self.reader(), style);
        let more = page.more(self.session.book().catalogue.find(kind), data);
        let is_empty = lines.is_empty().then(|| "no messages".to_owned());
        let remarks = is_empty.into_iter().chain(more);
        let remarks = remarks.map(|remark| style.dim(&safe::one_line(&remark, style)));
        let lines = (!lines.is_empty()).then_some(lines);
        lines.into_iter().chain(remarks).collect::<Vec<_>>().join("\n")
    }

    /// Is a reply awaited?
    fn is_for_reply(&self) -> bool {
        self.waiting.as_ref().is_some_and(Waiting::is_for_reply)
    }

    /// Is `push` the line that is under way?
    fn is_echo(&self, push: &Incoming) -> bool {
        match self.waiting.as_ref().map(|waiting| &waiting.what) {
            Some(Awaited::Reply { data, .. }) => self.session.is_echo(push, data),
            _ => false,
        }
    }

    /// The style, on a terminal as wide as it is now.
    fn style(&self) -> Style {
        self.look.style.within(columns())
    }

    /// Prints a frame, or what it says.
    fn show(&mut self, received: &Received, text: Option<String>) {
        match (self.look.is_json, text) {
            (true, _) => self.printer.print(&json::line(&received.body)),
            (false, Some(text)) => self.printer.print(&text),
            (false, None) => {}
        }
    }

    /// Says what nobody has to care for.
    fn remark(&mut self, text: &str) {
        let style = self.look.style;
        self.printer.print(&style.dim(&safe::one_line(text, style)));
    }

    fn complain(&mut self, why: &str) {
        let style = self.look.style;
        self.printer.print(&style.error(&safe::one_line(why, style)));
    }
}

/// Is `line`, which would be said in the room, probably a command without its slash?
///
/// A word alone is one only if it would lead away from here: "hello" is a command, too,
/// and the first thing that people say.
fn is_like_command(line: &str, catalogue: &Catalogue, state: State) -> bool {
    let word = line.trim();
    let has_late_slash = line.starts_with(char::is_whitespace) && word.starts_with('/');
    let leads_away = |command: &Description| !command.spec.leads_to.is_empty();
    has_late_slash
        || catalogue.allowed(state).any(|command| command.spec.name == word && leads_away(command))
        || masking::secret_from(line, catalogue).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{local, testing};

    #[test]
    fn what_looks_like_a_command_is_asked_about_before_it_is_said() {
        let mut catalogue = testing::catalogue();
        catalogue.commands.extend(local::commands());
        for line in [" /exit", "exit", "quit ", "login harper 1234", "register harper 1234"] {
            assert!(is_like_command(line, &catalogue, State::Chat), "{line:?}");
        }
        for line in ["exit here", "//exit", "roll", "enter", "help", "login harper 1234 please"] {
            assert!(!is_like_command(line, &catalogue, State::Chat), "{line:?}");
        }
    }
}
