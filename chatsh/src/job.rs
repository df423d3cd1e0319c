//! What the options ask for, from the first check to the last word.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use smol::future::FutureExt;

use crate::book::Book;
use crate::check::{Problem, check};
use crate::entrance::Entrance;
use crate::exit::{Exit, Failure};
use crate::login::Login;
use crate::options::Options;
use crate::plan::Input;
use crate::repl;
use crate::script;
use crate::session::Session;
use crate::source::{Lines, Script};
use crate::talk;
use crate::verb;

/// Does what `options` ask for.
///
/// # Errors
/// Why it was not done; what of it was done stays done.
pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    if let Some(verb) = &options.verb {
        return verb::run(verb, options);
    }
    let input = options.input();
    if options.check {
        // Stdin may be empty, and have no problems.
        if let (Some(file), None) = (options.file_as_address(), &options.file) {
            let message = format!("to check the file {file} say -f {file} --check");
            return Err(Failure::new(Exit::Usage, message));
        }
        let script = whole(input)?;
        let catalogue = Book::new().catalogue;
        let problems = check(&script, &catalogue, options.begins_in()?, options.keep_going);
        return refuse_if_any(&problems).map(|()| Exit::Done);
    }
    let login = options.login()?;
    smol::block_on(async {
        match input {
            Input::Prompt => run_shell(options, &login).await,
            Input::Pipe => run_lines(options, &login, Lines::of_stdin()).or(interrupted()).await,
            Input::Options(lines) => {
                let lines = Lines::of_script(Script::of_options(&lines));
                run_lines(options, &login, lines).or(interrupted()).await
            }
            Input::File(_) | Input::StdinFile => {
                run_script(options, &login, whole(input)?).or(interrupted()).await
            }
        }
    })
}

/// Lets the user talk.
async fn run_shell(options: &Options, login: &Login) -> Result<Exit, Failure> {
    let look = options.look()?;
    // Who sits there can go on in the lobby when the room is not to be had.
    let outside = Login { room: None, ..login.clone() };
    let mut session = open(options, &outside).or(interrupted()).await?;
    let outcome = match login.enter(&mut session).or(interrupted()).await {
        Err(failure) if !matches!(failure.exit, Exit::Refused | Exit::Unauthorized) => Err(failure),
        entered => {
            if let Err(refusal) = entered {
                talk::say(&refusal.message);
            }
            repl::run(&mut session, look).await
        }
    };
    session.quit().await;
    outcome
}

/// Runs lines as they come.
async fn run_lines(options: &Options, login: &Login, lines: Lines) -> Result<Exit, Failure> {
    let mut session = open(options, login).await?;
    let outcome = script::run(&mut session, lines, options.manner()).await;
    session.quit().await;
    outcome
}

/// Runs a script that is found good, by the server's own catalogue in the end.
async fn run_script(options: &Options, login: &Login, script: Script) -> Result<Exit, Failure> {
    let begins_in = options.begins_in()?;
    let problems = check(&script, &Book::new().catalogue, begins_in, options.keep_going);
    // What nobody here has heard of, the server may know.
    if problems.iter().any(|problem| !problem.is_unheard_of) {
        refuse_if_any(&problems)?;
    }
    let mut session = open(options, login).await?;
    let catalogue = Arc::clone(&session.book().catalogue);
    let problems = check(&script, &catalogue, begins_in, options.keep_going);
    let outcome = match refuse_if_any(&problems) {
        Ok(()) => script::run(&mut session, Lines::of_script(script), options.manner()).await,
        Err(failure) => Err(failure),
    };
    session.quit().await;
    outcome
}

/// A session in the state that the options ask for.
pub(crate) async fn open(options: &Options, login: &Login) -> Result<Session, Failure> {
    Arc::new(Entrance::of(options, login)?).enter().await
}

/// Ends when the user has had enough.
pub(crate) async fn interrupted<T>() -> Result<T, Failure> {
    match Signals::new([Signal::Int]) {
        Ok(mut signals) => {
            signals.next().await;
            Err(Failure::interrupted())
        }
        // Then the signal ends us in its own way.
        Err(_) => smol::future::pending().await,
    }
}

/// The script that `input` is, read to its end.
fn whole(input: Input) -> Result<Script, Failure> {
    let (name, bytes) = match input {
        Input::Options(lines) => return Ok(Script::of_options(&lines)),
        Input::File(file) => (file.display().to_string(), read(&file)?),
        Input::StdinFile | Input::Pipe => {
            let mut bytes = Vec::new();
            let read = io::stdin().read_to_end(&mut bytes);
            read.map_err(|e| Failure::new(Exit::Usage, format!("cannot read stdin: {e}")))?;
            ("stdin".into(), bytes)
        }
        Input::Prompt => {
            return Err(Failure::new(Exit::Usage, "there is no script to check: say -f SCRIPT"));
        }
    };
    Script::read(name, &bytes).map_err(|report| {
        talk::report(&report);
        Failure::new(Exit::Usage, "")
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |e| Failure::new(Exit::Usage, format!("cannot read {}: {e}", file.display()));
    fs::read(file).map_err(cannot)
}

/// Tells all problems, if there are any.
fn refuse_if_any(problems: &[Problem]) -> Result<(), Failure> {
    problems.iter().for_each(|problem| talk::report(&problem.report()));
    match problems {
        [] => Ok(()),
        _ => Err(Failure::new(Exit::Usage, "")),
    }
}
