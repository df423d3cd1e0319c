//! The administrator's way to a running server: a socket in the data folder that only
//! its owner can open. One line of JSON asks, one line answers.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use async_executor::Executor;
use async_io::Async;
use color_eyre::eyre::{Report, WrapErr, eyre};
use commands::Hall;
use proto::{Code, Password, Refusal, UserName};
use rusqlite::ErrorCode;
use serde::{Deserialize, Serialize};
use smol::Task;
use smol::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use crate::accounts::Accounts;
use crate::exit::{Exit, Failure};
use crate::folder::{Folder, control_socket};

/// The longest line that is read, in bytes: a name and a password, in JSON.
const LINE_BYTES_MAX: u64 = 4096;

/// What an administrator can ask for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Make an account.
    AddUser { name: UserName, password: Password },
    /// Give an account another password; ends its tokens and its sessions.
    SetPassword { name: UserName, password: Password },
    /// Name every account.
    ListUsers,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// It was done; the lines are for stdout.
    Done(Vec<String>),
    /// It was not.
    Refused(String),
    /// It could not be, since the database is damaged.
    Damaged(String),
}

impl Ask {
    /// Does it; `hall` has those who are logged in, if the server runs.
    pub(crate) async fn perform(self, accounts: &Accounts, hall: Option<&Hall>) -> Told {
        let result: Result<Vec<String>, Refusal> = match self {
            Ask::AddUser { name, password } => accounts.add(name, password).await.map(|()| vec![]),
            Ask::SetPassword { name, password } => {
                accounts.set_password(&name, password).await.map(|account| {
                    let why = "your password was changed by the administrator: log in again";
                    let why = Refusal::new(Code::Unauthorized, why);
                    tracing::info!(user = %name, "the administrator has changed a password");
                    hall.into_iter().for_each(|hall| hall.disconnect(account, &why));
                    vec![]
                })
            }
            Ask::ListUsers => match accounts.list().await {
                Ok(names) => Ok(names),
                Err(error) => return unreadable(&error),
            },
        };
        match result {
            Ok(lines) => Told::Done(lines),
            Err(refusal) => Told::Refused(refusal.message.into_owned()),
        }
    }
}

fn unreadable(error: &rusqlite::Error) -> Told {
    tracing::error!(%error, "the accounts cannot be read");
    let why = format!("the accounts cannot be read: {error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Told::Damaged(why),
        _ => Told::Refused(why),
    }
}

/// Answers administrators for ever.
///
/// # Errors
/// When the socket cannot be made.
pub(crate) fn listen(
    folder: &Folder,
    executor: &'static Executor<'static>,
    accounts: Arc<Accounts>,
    hall: Arc<Hall>,
) -> Result<Task<()>, Failure> {
    let path = control_socket(folder.path());
    let bind = || -> std::io::Result<Async<UnixListener>> {
        // The folder's lock is ours, so what is there belongs to a chatd that is gone.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = Async::<UnixListener>::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    let listener = bind()
        .wrap_err_with(|| format!("{}: cannot listen", path.display()))
        .map_err(|report| Failure::new(Exit::CannotMake, report))?;
    Ok(executor.spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (accounts, hall) = (accounts.clone(), hall.clone());
                    executor.spawn(async move { answer(stream, &accounts, &hall).await }).detach();
                }
                Err(error) => {
                    tracing::error!(%error, "no administrator can be let in");
                    async_io::Timer::after(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }))
}

async fn answer(stream: Async<UnixStream>, accounts: &Accounts, hall: &Hall) {
    let mut line = zeroize::Zeroizing::new(String::new());
    let mut reader = smol::io::BufReader::new((&stream).take(LINE_BYTES_MAX));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    let told = match serde_json::from_str::<Ask>(&line) {
        Ok(ask) => ask.perform(accounts, Some(hall)).await,
        Err(error) => Told::Refused(format!("not understood: {error}")),
    };
    let mut text = serde_json::to_string(&told).expect("strings become JSON");
    text.push('\n');
    // The administrator may be gone; what was asked for is done all the same.
    let _ = (&stream).write_all(text.as_bytes()).await;
}

/// Asks the chatd that uses this folder.
///
/// # Errors
/// When it cannot be asked.
pub(crate) fn ask(folder: &Path, ask: &Ask) -> Result<Told, Report> {
    let path = control_socket(folder);
    let mut stream = UnixStream::connect(&path)
        .wrap_err_with(|| format!("{}: the running chatd cannot be asked", path.display()))?;
    let mut line = zeroize::Zeroizing::new(serde_json::to_string(ask)?);
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut told = String::new();
    BufReader::new(stream).read_line(&mut told)?;
    serde_json::from_str(&told)
        .map_err(|_| eyre!("{}: no answer from the running chatd", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It was said to be refused, with code 1: a script took it for a mistake of its own.
    #[test]
    fn a_table_that_is_damaged_is_no_refusal() {
        let told = |code| {
            let error = rusqlite::ffi::Error::new(code);
            unreadable(&rusqlite::Error::SqliteFailure(error, None))
        };
        assert!(matches!(told(rusqlite::ffi::SQLITE_CORRUPT), Told::Damaged(_)));
        assert!(matches!(told(rusqlite::ffi::SQLITE_NOTADB), Told::Damaged(_)));
        assert!(matches!(told(rusqlite::ffi::SQLITE_IOERR), Told::Refused(_)));
    }
}
