//! `chatd user`: accounts, without a client. A running server does it; without one it
//! is done here.

use std::io::{BufRead, IsTerminal, stdin};

use color_eyre::eyre::{Report, eyre};
use proto::{Password, UserName};
use zeroize::Zeroizing;

use crate::accounts::Accounts;
use crate::config::Config;
use crate::control::{self, Ask, Told};
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::folder::{self, Folder};
use crate::options::UserAction;

/// Does what the administrator asked for; gives what is for stdout.
///
/// # Errors
/// What was refused, and what cannot be reached.
pub(crate) fn run(config: &Config, action: UserAction) -> Result<String, Failure> {
    let usage = |report: Report| Failure::new(Exit::Usage, report);
    let name = |name: String| UserName::new(&name).map_err(|e| usage(eyre!("{name:?}: {e}")));
    let data = config.data().map_err(|e| usage(eyre!(e)))?;
    // Nobody types a password for a folder that is the wrong one.
    let ask = match action {
        UserAction::Add { name: user } => {
            let name = name(user)?;
            if folder::check_used(&data).is_err() {
                eprintln!("chatd: {}: this is a new data folder", data.display());
            }
            Ask::AddUser { name, password: password().map_err(usage)? }
        }
        UserAction::Passwd { name: user } => {
            let name = name(user)?;
            folder::check_used(&data)?;
            Ask::SetPassword { name, password: password().map_err(usage)? }
        }
        UserAction::List => {
            folder::check_used(&data)?;
            Ask::ListUsers
        }
    };
    let told = match Folder::try_lock(&data)? {
        Ok(folder) => alone(config, &folder, ask)?,
        Err(_) => control::ask(&data, &ask).map_err(|e| Failure::new(Exit::Unavailable, e))?,
    };
    match told {
        Told::Done(lines) => Ok(lines.iter().map(|line| format!("{line}\n")).collect()),
        Told::Refused(why) => Err(Failure::new(Exit::Refused, eyre!(why))),
        Told::Damaged(why) => Err(Failure::new(Exit::Damaged, eyre!(why))),
    }
}

/// Does it with the database itself, which nobody else has.
fn alone(config: &Config, folder: &Folder, ask: Ask) -> Result<Told, Failure> {
    let opened = Database::open(&folder.database(), config);
    let (database, writer, _tail) = opened.map_err(crate::server::database_failure)?;
    let accounts =
        Accounts::new(database.clone(), config).map_err(|e| Failure::new(Exit::Usage, e.into()))?;
    let told = smol::block_on(ask.perform(&accounts, None));
    database.close();
    writer.join();
    Ok(told)
}

/// Asked for twice on a terminal, without echo; elsewhere the first line of stdin.
fn password() -> Result<Password, Report> {
    let secret = if stdin().is_terminal() {
        let ask = |prompt: &str| rpassword::prompt_password(prompt).map(Zeroizing::new);
        let first = ask("Password: ")?;
        if *ask("Again: ")? != *first {
            return Err(eyre!("the passwords differ"));
        }
        first
    } else {
        let mut line = Zeroizing::new(String::new());
        stdin().lock().read_line(&mut line)?;
        Zeroizing::new(line.trim_end_matches(['\n', '\r']).to_owned())
    };
    Ok(Password::new(secret)?)
}
