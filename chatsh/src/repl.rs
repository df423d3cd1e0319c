//! The shell: somebody types while others talk.
//!
//! One loop takes what happens next: a typed line, a frame, a signal, the end of a wait.
//! The prompt comes back when the line before has its reply, so a reply stands under
//! its line.

mod asking;
mod away;
mod frames;
mod lines;
mod queue;
mod secrets;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use proto::{Id, NameKey, State, usage};
use serde_json::Value;
use smol::future::FutureExt;
use smol::{Task, Timer};

use self::queue::Queued;
use crate::comeback::Back;
use crate::editor::{Ask, Editor, Lines, Typed};
use crate::exit::{Exit, Failure};
use crate::helper::Typist;
use crate::link::{Ended, Received};
use crate::printer::{Printer, Standing};
use crate::said::Said;
use crate::session::{Heard, Session};
use crate::settings::Setting;
use crate::stopped::Stopped;
use crate::style::Style;
use crate::terminal::{Quiet, columns, is_dumb};
use crate::waiting::{Awaited, Waiting};
use crate::{history_file, paths, safe, said};

/// How many messages of a room are shown when it is entered: half a small terminal.
const RECENT_LEN: usize = 10;

/// Of how many requests that were given up is said what became of them: more than anybody gives
/// up in a row.
const GIVEN_UP_MAX: usize = 64;

/// How the shell looks.
pub(crate) struct Look {
    /// What the prompt says before a login.
    pub(crate) host: String,
    /// Colours, or none.
    pub(crate) style: Style,
    /// Is output the frames?
    pub(crate) is_json: bool,
    /// How it is set when it starts.
    pub(crate) settings: Vec<Setting>,
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
    // Before the terminal is touched, which stops what is in the background.
    let stopped = Stopped::begin().map_err(|e| broken(&e))?;
    // Without an editor the terminal itself lets the line be typed.
    let quiet = match is_dumb() {
        true => None,
        false => Some(Quiet::begin_shell().map_err(|e| broken(&e))?),
    };
    stopped.set(false);
    let style = Arc::new(Mutex::new(look.style));
    let is_plain = look.style.is_plain;
    let standing = Standing::default();
    let history = paths::history();
    let kept = history.as_deref().map_or(Ok(()), history_file::prepare);
    let typist = Typist::new(session.shared_book(), Arc::clone(&style), standing.clone());
    let (editor, printer) =
        Editor::start(typist, &standing, quiet.as_ref(), stopped, is_plain, history.clone())
            .map_err(|e| broken(&e))?;
    let mut repl = Repl {
        session,
        look,
        editor,
        printer,
        signals,
        typists_style: style,
        rings: !is_plain,
        has_clock: false,
        recent_len: RECENT_LEN,
        source: None,
        unseen: None,
        is_hasty: false,
        prompt: String::new(),
        standing,
        typed_before: VecDeque::new(),
        lines: VecDeque::new(),
        number: 0,
        behind_since: None,
        waiting: None,
        given_up: VecDeque::new(),
        room: None,
        user: None,
        mail: None,
        last_mail: None,
        present: None,
        said: Said::default(),
        held: Vec::new(),
        away: None,
    };
    if let (Err(error), Some(file)) = (kept, &history) {
        let file = file.display();
        repl.remark(&format!("what you type is not kept for another time: {file}: {error}"));
    }
    let outcome = repl.talk().await.map_err(|failure| repl.with_draft(failure));
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
    /// The style of what helps while a line is typed.
    typists_style: Arc<Mutex<Style>>,
    /// Does the bell ring for a message that names the user?
    rings: bool,
    /// Does the time stand beside what is said?
    has_clock: bool,
    /// How many messages of a room are shown when it is entered.
    recent_len: usize,
    /// The file and the line that is done, if it is not one that was typed.
    source: Option<(String, usize)>,
    /// The line that is done, as it may be shown, if it does not stand right above: it was typed
    /// long ago, or pasted.
    unseen: Option<String>,
    /// Was it interrupted before it was known what?
    is_hasty: bool,
    /// The prompt for a line, and the one that stands there.
    prompt: String,
    standing: Standing,
    /// What was typed before a question, which is answered first.
    typed_before: VecDeque<(String, Lines)>,
    /// Lines that were typed, or pasted, and whose turn has not come.
    lines: VecDeque<Queued>,
    /// How many lines were done.
    number: i64,
    /// Since when more lines wait, or when that was said last.
    behind_since: Option<Instant>,
    /// What has to happen before the next prompt.
    waiting: Option<Waiting>,
    /// The requests whose replies are not waited for any more, and may still come, in words.
    given_up: VecDeque<(Id, String)>,
    /// The room that we know of being in.
    room: Option<String>,
    /// The user whose private messages were asked for.
    user: Option<String>,
    /// That request, and whether it is for those only that came while the connection was lost.
    mail: Option<(Id, bool)>,
    /// The last private message beyond rooms that was seen, or announced.
    last_mail: Option<i64>,
    /// Who was seen in the room last, and when.
    present: Option<(Vec<NameKey>, Instant)>,
    /// What was said in the room last.
    said: Said,
    /// What came while its last messages were awaited.
    held: Vec<Received>,
    /// While the connection is lost.
    away: Option<Away>,
}

/// The connection is lost, and we are on the way back.
struct Away {
    /// Why it was lost.
    ended: Ended,
    /// Ends when we are back. Dropped, it is given up. Without it we stay away until a line
    /// is typed.
    way: Option<Task<Result<Back, Failure>>>,
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
        for setting in std::mem::take(&mut self.look.settings) {
            self.set(setting);
        }
        self.greet();
        loop {
            while let Some((text, lines)) = self.typed_before.pop_front() {
                self.take(&text, lines).await?;
            }
            self.look_for_mail().await;
            self.look_around().await;
            // What ends the connection is heard first.
            let is_ready = self.waiting.is_none() && self.away.is_none() && !self.session.is_over();
            if is_ready && let Some(line) = self.lines.pop_front() {
                self.source = line.source;
                self.tell_progress();
                let is_named = line.is_late || line.is_pasted || self.editor.is_reading();
                self.unseen = is_named.then(|| self.presentable(&line.text));
                if line.is_message {
                    self.say(&line.text).await;
                } else if self.line(&line.text).await?.is_break() {
                    return Ok(Exit::Done);
                }
                continue;
            }
            // It may come before the reply: what rustyline has not shown it shows only under a
            // prompt. So a line may be done while the next one is typed.
            let is_due = is_ready || self.away.is_some() || self.printer.is_stuck();
            if is_due && !self.editor.is_reading() {
                self.printer.settle().await;
                self.keep_prompt();
                self.is_hasty = false;
                self.editor.ask(Ask::Line(self.prompt.clone())).await;
            }
            match self.turn().await? {
                None => {}
                // Who comes back is given up only when there is no line to clear.
                Some(Typed::Cleared { had_text: true }) if self.away.is_some() => {}
                Some(Typed::Cleared { .. }) => self.interrupted()?,
                Some(Typed::Line(text, _)) if self.away.is_some() && text.trim() == "/quit" => {
                    return self.leave();
                }
                Some(Typed::Line(text, lines)) => self.take(&text, lines).await?,
                Some(Typed::Left) => {
                    if self.editor.is_linear() {
                        // The terminal has shown nothing for the key.
                        self.printer.print("");
                    }
                    return self.leave();
                }
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
            self.remark(&advice);
        }
        if self.editor.is_linear() {
            self.remark(
                "This terminal (by its TERM) shows passwords as they are typed, has neither Tab nor \
                 Up, and lets what others say into the line. --password-file keeps one off it.",
            );
        }
    }

    /// Deals with what happens next; if it is that something was typed, gives it.
    async fn turn(&mut self) -> Result<Option<Typed>, Failure> {
        match self.event().await {
            Event::Typed(typed) => return typed.map(Some),
            Event::Heard(Ok(heard)) => {
                // What is printed next is drawn above it.
                self.keep_prompt();
                self.heard(heard);
            }
            Event::Heard(Err(ended)) => self.cut(ended)?,
            Event::Back(back) => match *back {
                Ok(back) => self.back(back).await,
                Err(failure) => return Err(self.with_unsent(failure)),
            },
            // At the prompt the editor has it. So if it reads, the line has just ended, and
            // its reply is not wanted any more.
            Event::Signalled(Ok(Signal::Int)) => {
                self.is_hasty = self.editor.is_reading() && !self.editor.is_linear();
                self.interrupted()?;
                self.printer.prompt_again();
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
                Some(Away { way: Some(way), .. }) => Event::Back(Box::new(way.await)),
                Some(_) => smol::future::pending().await,
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

    /// The prompt says where we are, in the line that is being typed, too. While the
    /// connection is lost it says where we were.
    pub(super) fn keep_prompt(&mut self) {
        if self.away.is_some() {
            return;
        }
        let prompt = self.session.book().prompt(&self.look.host);
        self.standing.change(&self.prompt, &prompt);
        self.prompt = prompt;
    }

    /// The user has had enough of what goes on.
    fn interrupted(&mut self) -> Result<(), Failure> {
        if let Some(away) = self.away.take() {
            return Err(self.with_unsent(away.ended.failure(self.is_for_reply())));
        }
        self.drop_lines();
        self.give_up("given up");
        Ok(())
    }

    /// Waits no longer, and says so with the reason `why`.
    fn give_up(&mut self, why: &str) {
        match self.waiting.take().map(|waiting| waiting.what) {
            Some(Awaited::Reply { id, kind, data, .. }) => {
                self.complain(&format!("{kind}: no reply yet ({why}); it may still come"));
                let text = data.get("text").and_then(Value::as_str).map(said::beginning);
                let what = text.map_or(kind.clone(), |text| format!("{kind} ({text})"));
                self.given_up.push_back((id, what));
                if self.given_up.len() > GIVEN_UP_MAX {
                    self.given_up.pop_front();
                }
                self.drop_rest();
            }
            Some(Awaited::Message(_)) => {
                self.complain(&format!("wait: no such message ({why})"));
                self.drop_rest();
            }
            Some(Awaited::Recent(_)) => self.release(),
            Some(Awaited::Time) | None => {}
        }
    }

    /// Is a reply awaited?
    fn is_for_reply(&self) -> bool {
        self.waiting.as_ref().is_some_and(Waiting::is_for_reply)
    }

    /// The style, on a terminal as wide as it is now.
    fn style(&self) -> Style {
        self.look.style.within(columns())
    }

    /// Says what nobody has to care for.
    fn remark(&mut self, text: &str) {
        let text = self.folded(text);
        self.printer.print(&self.look.style.dim(&text));
    }

    fn complain(&mut self, why: &str) {
        let text = self.folded(why);
        self.printer.print(&self.look.style.error(&text));
    }

    /// `text` on one line, or as many as it takes without breaking words.
    pub(super) fn folded(&self, text: &str) -> String {
        // Painted as a whole, bars and all.
        let style = self.style().uncoloured();
        safe::block(&safe::one_line(text, style), 0, style)
    }
}
