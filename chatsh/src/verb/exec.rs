//! A command of the user's, run for one message.

use std::io;
use std::process::Stdio;

use futures_lite::AsyncWriteExt;
use serde_json::Value;
use smol::process::Command;

use crate::exit::{Exit, Failure};
use crate::json;
use crate::link::Received;

/// The fields of a message that a command has in its environment.
///
/// Only these: a server must not set any variable that it likes.
const FIELDS: [&str; 6] = ["from", "to", "text", "room", "seq", "ts"];

/// Runs `command` for a message, and waits for its end.
///
/// # Errors
/// It could not be run, or failed.
pub(super) async fn run(command: &str, push: &Received) -> Result<(), Failure> {
    let failed = |why: String| {
        let seq = push.message.data.get("seq").map_or(String::new(), |seq| format!("seq {seq}: "));
        Failure::new(Exit::Refused, format!("{seq}the command failed: {why}"))
    };
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).stdin(Stdio::piped());
    for field in FIELDS {
        let variable = format!("CHATSH_{}", field.to_uppercase());
        match push.message.data.get(field) {
            // No variable can have a NUL.
            Some(Value::String(text)) => shell.env(variable, text.replace('\0', "\u{fffd}")),
            Some(Value::Number(number)) => shell.env(variable, number.to_string()),
            _ => shell.env_remove(variable),
        };
    }
    let mut child = shell.spawn().map_err(|e| failed(e.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        let line = format!("{}\n", json::line(&push.body));
        match stdin.write_all(line.as_bytes()).await {
            // It need not read it.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                return Err(failed(error.to_string()));
            }
            _ => {}
        }
    }
    let status = child.status().await.map_err(|e| failed(e.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
