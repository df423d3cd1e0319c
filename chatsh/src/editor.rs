//! The line editor, on a thread of its own: it reads one line each time it is asked to.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use rustix::process::{Signal, getpid, kill_process};
use rustyline::config::{BellStyle, ColorMode, CompletionType, Config};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use smol::future::FutureExt;
use smol::{Task, Timer};

use crate::exit::{Exit, Failure};
use crate::helper::{Draft, Typist};
use crate::keys::{self, Pressed};
use crate::printer::{Printer, Standing};
use crate::rows;
use crate::stopped::Stopped;
use crate::terminal::{Quiet, Reading, drop_input, is_dumb};

/// How many lines the history keeps: more than anybody looks back, less than a megabyte.
const HISTORY_LEN_MAX: usize = 2000;

/// How long an answer is at most: "yes". What is longer was typed for the room before the
/// question was there.
const ANSWER_BYTES_MAX: usize = 3;

/// How often the editor is told to stop, and how many times: the signal misses it in the
/// moment before it begins to read.
const STOP_EVERY: Duration = Duration::from_millis(20);
const STOPS_MAX: usize = 50;

type Rustyline = rustyline::Editor<Typist, FileHistory>;

/// What the editor is asked for.
pub(crate) enum Ask {
    /// A line, after this prompt.
    Line(String),
    /// An answer, which is not for the history if it is one.
    Answer(String),
    /// A password, which is masked, and for no history at all.
    Password(String),
}

impl Ask {
    fn is_line(&self) -> bool {
        matches!(self, Ask::Line(_))
    }

    fn prompt(&self) -> &str {
        match self {
            Ask::Line(prompt) | Ask::Answer(prompt) | Ask::Password(prompt) => prompt,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Typed {
    /// This line, or these.
    Line(String, Lines),
    /// Nothing: the user cleared the line.
    Cleared {
        /// Was there anything in it?
        had_text: bool,
    },
    /// Nothing more: the user leaves.
    Left,
}

/// What several lines are that are typed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Lines that were pasted, or there is only one.
    Pasted,
    /// One message.
    Message,
    /// Brought back from the history, which does not tell what they were.
    Recalled,
}

/// The editor as the shell uses it.
pub(crate) struct Editor {
    asks: Sender<Ask>,
    typed: Receiver<Result<Typed, Failure>>,
    is_reading: bool,
    is_answering: bool,
    /// None if the terminal itself lets the line be typed.
    keeper: Option<Task<()>>,
    standing: Standing,
    draft: Draft,
}

impl Editor {
    /// An editor that reads from the terminal, and the printer that goes with it. If the
    /// terminal is not `quiet`, it reads whole lines, which the terminal itself edits.
    ///
    /// # Errors
    /// The terminal or the system does not let us.
    pub(crate) fn start(
        typist: Typist,
        standing: &Standing,
        quiet: Option<&Quiet>,
        stopped: Stopped,
        is_plain: bool,
        history: Option<PathBuf>,
    ) -> rustyline::Result<(Editor, Printer)> {
        let bell = if is_plain { BellStyle::None } else { BellStyle::Audible };
        // Without colours rustyline would not ask for the mask of a password either, so it
        // must not look at NO_COLOR: whether there are colours our own style knows.
        let config = Config::builder()
            .max_history_size(HISTORY_LEN_MAX)?
            .completion_type(CompletionType::List)
            // There are never more than the window has place for.
            .completion_prompt_limit(usize::MAX)
            .bell_style(bell)
            .color_mode(ColorMode::Forced)
            .build();
        let mut rustyline = Rustyline::with_config(config)?;
        let (floor, draft) = (typist.floor.clone(), typist.draft.clone());
        rustyline.set_helper(Some(typist));
        let pressed = keys::bind(&mut rustyline, stopped.clone());
        if let Some(history) = &history {
            // One that cannot be read is an empty one.
            let _ = rustyline.load_history(history);
        }
        let external = rustyline.create_external_printer().ok();
        let printer = Printer::start(external, standing.clone(), floor.clone())?;
        let keeping =
            quiet.map(|quiet| Reading::begin(quiet, stopped, printer.redraw())).transpose()?;
        let (reading, keeper) = keeping.unzip();
        let (asks, to_read) = async_channel::bounded::<Ask>(1);
        let (answers, typed) = async_channel::bounded(1);
        let (standing, asked) = (standing.clone(), standing.clone());
        thread::Builder::new().name("editor".into()).spawn(move || {
            while let Ok(ask) = to_read.recv_blocking() {
                let typed = match &reading {
                    Some(reading) => {
                        reading.set(true);
                        floor.change();
                        let typed =
                            read(&mut rustyline, &ask, &standing, &pressed, history.as_deref());
                        floor.is_free();
                        reading.set(false);
                        typed
                    }
                    None => {
                        standing.show();
                        let silent = Standing::default();
                        read(&mut rustyline, &ask, &silent, &pressed, history.as_deref())
                    }
                };
                standing.end();
                if answers.send_blocking(typed).is_err() {
                    return;
                }
            }
        })?;
        Ok((
            Editor {
                asks,
                typed,
                is_reading: false,
                is_answering: false,
                keeper,
                standing: asked,
                draft,
            },
            printer,
        ))
    }

    /// Is somebody typing?
    pub(crate) fn is_reading(&self) -> bool {
        self.is_reading
    }

    /// What is typed of a line that is no answer.
    pub(crate) fn draft(&self) -> Option<String> {
        let text = self.draft.text();
        (self.is_reading && !self.is_answering && !text.trim().is_empty()).then_some(text)
    }

    /// Does the terminal itself let the line be typed?
    pub(crate) fn is_linear(&self) -> bool {
        self.keeper.is_none()
    }

    /// Lets it be typed. Not to be called while something is.
    pub(crate) async fn ask(&mut self, ask: Ask) {
        self.is_reading = true;
        self.is_answering = !ask.is_line();
        // Here, so that what changes it next finds it.
        self.standing.begin(ask.prompt());
        let _ = self.asks.send(ask).await;
    }

    /// What was typed; it can be given up and asked for again.
    ///
    /// # Errors
    /// A signal came from outside, or the terminal failed.
    pub(crate) async fn typed(&mut self) -> Result<Typed, Failure> {
        let typed = self.typed.recv().await;
        self.is_reading = false;
        typed.unwrap_or_else(|_| Err(broken("the line editor has ended")))
    }

    /// Ends the reading and gives the terminal back as it was.
    pub(crate) async fn stop(mut self) {
        for _ in 0..STOPS_MAX {
            // Whole lines are read until we end; there is nothing to give back.
            if !self.is_reading || self.is_linear() {
                return;
            }
            // The one thing that ends rustyline's reading from outside. While it does not
            // read, the signal goes where the shell's own signals go, and does nothing.
            let _ = kill_process(getpid(), Signal::INT);
            let patience = async {
                Timer::after(STOP_EVERY).await;
            };
            async { drop(self.typed().await) }.or(patience).await;
        }
    }
}

fn broken(why: &str) -> Failure {
    Failure::new(Exit::NoConnection, format!("the terminal is lost: {why}"))
}

fn read(
    rustyline: &mut Rustyline,
    ask: &Ask,
    standing: &Standing,
    pressed: &Pressed,
    history: Option<&Path>,
) -> Result<Typed, Failure> {
    pressed.begin();
    match line(rustyline, ask, standing, pressed) {
        Ok(line) if pressed.has_interrupt() => Ok(Typed::Cleared { had_text: !line.is_empty() }),
        Ok(line) => {
            let is_known = || rustyline.history().iter().any(|known| *known == line);
            let lines = match line.contains('\n') {
                true if pressed.has_further_line() => Lines::Message,
                true if !pressed.has_paste() || is_known() => Lines::Recalled,
                _ => Lines::Pasted,
            };
            let is_secret = rustyline.helper().is_none_or(|typist| typist.is_secret(&line));
            let is_answer = !ask.is_line() && line.trim().len() <= ANSWER_BYTES_MAX;
            if !is_answer && !is_secret && !line.trim().is_empty() {
                remember(rustyline, &line, history);
            }
            Ok(Typed::Line(line, lines))
        }
        Err(ReadlineError::Interrupted) => {
            let has_text = |typist: &Typist| !typist.draft.text().is_empty();
            Ok(Typed::Cleared { had_text: rustyline.helper().is_some_and(has_text) })
        }
        Err(ReadlineError::Eof) => Ok(Typed::Left),
        Err(ReadlineError::Signal(_)) => Err(Failure::interrupted()),
        Err(error) => Err(broken(&error.to_string())),
    }
}

/// What is said of bytes that are no text. Of a paste the rest would come as if it was typed.
const NO_TEXT: &str = "what was typed or pasted is not UTF-8, and was left out";

/// A line, behind the prompt that is standing there. Rustyline knows no other prompt than the
/// one that it began with, and ends when it cannot read what is typed: then it begins again, with
/// the line as it is, but without what was undone, or looked up in the history.
fn line(
    rustyline: &mut Rustyline,
    ask: &Ask,
    standing: &Standing,
    pressed: &Pressed,
) -> rustyline::Result<String> {
    let (mut left, mut right) = (String::new(), String::new());
    loop {
        let prompt = standing.prompt().unwrap_or_default();
        if let Some(typist) = rustyline.helper_mut() {
            typist.begin(!ask.is_line(), matches!(ask, Ask::Password(_)), rows::width(&prompt));
        }
        let line = rustyline.readline_with_initial(&prompt, (&left, &right));
        let (Err(error), Some(typist)) = (&line, rustyline.helper()) else { return line };
        let draft = typist.draft.parts();
        match error {
            ReadlineError::Interrupted if typist.has_stopped() => {
                typist.take_away(&format!("{prompt}{}{}", draft.0, draft.1), None);
            }
            _ if !is_no_text(error) => return line,
            _ if is_dumb() => {
                // The terminal has taken the line.
                let mut stdout = io::stdout();
                let asked = format!("{NO_TEXT}\r\n{}", ask.prompt());
                let _ = stdout.write_all(asked.as_bytes()).and_then(|()| stdout.flush());
            }
            _ => {
                typist.interrupt();
                drop_input(pressed.has_paste());
                // Rustyline does not go to the end of the line first.
                let drawn = match typist.draft.is_searching() {
                    true => String::new(),
                    false => format!("{prompt}{}", draft.0),
                };
                typist.take_away(&drawn, Some(NO_TEXT));
            }
        }
        (left, right) = draft;
    }
}

/// Is it that what was typed is no UTF-8?
fn is_no_text(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == io::ErrorKind::InvalidData)
}

/// A history that cannot be written is a pity, and no reason to stop talking.
fn remember(rustyline: &mut Rustyline, line: &str, history: Option<&Path>) {
    let _ = rustyline.add_history_entry(line);
    if let Some(history) = history {
        let _ = rustyline.append_history(history);
    }
}
