//! `send`: says a text, or every line of stdin, in a room or to one user.

use std::io::{self, Read};

use clap::Args;
use proto::{Key, UserName};
use serde_json::{Map, Value, json};

use super::errand::Errand;
use super::stripped::strip;
use super::{key, lines};
use crate::exit::{Exit, Failure};
use crate::session::object;
use crate::source::{LINE_BYTES_MAX, Script};
use crate::talk;

/// What to say, and to whom.
#[derive(Debug, Args)]
pub struct Send {
    /// To this user alone, in a room or not, here or away
    #[arg(short = 't', long, value_name = "USER", value_parser = UserName::new)]
    pub(super) to: Option<UserName>,

    /// What to say; `-` is all of stdin, `--` goes before a text that begins with a dash
    #[arg(value_name = "TEXT")]
    text: Vec<String>,

    /// Say each line of stdin as it comes and as it stands
    ///
    /// A line that can be no message (empty, too long, with control characters) is told
    /// with its number and left out, and the exit code is 1 (but see --strip). Any other
    /// refusal ends it, and names the lines behind it that were under way, and were said.
    #[arg(long, conflicts_with = "text")]
    lines: bool,

    /// Say of stdin what one reads on a terminal, without colours; with `-` or --lines
    ///
    /// Escape sequences and control characters are left out, and of a line all that stands
    /// before its last carriage return (progress bars). What is not UTF-8 becomes U+FFFD. With
    /// --lines a line that is too long is said in parts, and one with nothing in it is left out.
    #[arg(long)]
    pub(super) strip: bool,

    /// Said again within ten minutes, the same key is the same message
    ///
    /// With --lines the number of the line is added to it. Without it each message has a
    /// key that nobody used before: when the connection is lost it is said again with that,
    /// but not by another run.
    #[arg(long, value_name = "KEY", value_parser = Key::new)]
    pub(super) key: Option<Key>,
}

impl Send {
    /// Is there no text, and none to be read?
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && !self.lines
    }

    /// The text, if it is one; reads stdin when that is the text.
    ///
    /// # Errors
    /// [`Exit::Usage`] if stdin is no text.
    pub(super) fn text(&self) -> Result<Option<String>, Failure> {
        match self.text.as_slice() {
            [] => Ok(None),
            [stdin] if stdin == "-" => self.stdin_text().map(Some),
            _ if self.strip => {
                let message = "--strip is for what a program prints: say `-` or --lines";
                Err(Failure::new(Exit::Usage, message))
            }
            words => Ok(Some(words.join(" "))),
        }
    }

    /// Says `text`, or the lines of stdin if there is none.
    pub(super) async fn run(
        &self,
        errand: &mut Errand,
        text: Option<String>,
    ) -> Result<Exit, Failure> {
        let Some(text) = text else { return lines::say(self, errand).await };
        let key = match &self.key {
            Some(key) => key.clone(),
            None => key::fresh(),
        };
        let (kind, data) = self.request(errand, &text, &key)?;
        let reply = errand.ask(&kind, &data).await.map_err(|failure| match failure.exit {
            Exit::UnknownOutcome | Exit::Timeout => {
                let again =
                    format!("; with `--key {key}` it can be said again", key = key.as_str());
                Failure { message: failure.message + &again, ..failure }
            }
            _ => failure,
        })?;
        errand.print_reply(&reply, "").map(|()| Exit::Done)
    }

    /// The request that says `text`: its type and its data.
    ///
    /// # Errors
    /// [`Exit::Refused`] if the server has no such thing, or it is no text.
    pub(super) fn request(
        &self,
        errand: &Errand,
        text: &str,
        key: &Key,
    ) -> Result<(String, Map<String, Value>), Failure> {
        if text.is_empty() {
            return Err(Failure::new(Exit::Refused, "it is empty, which no message is"));
        }
        let (command, mut data) = match &self.to {
            Some(to) => (errand.command("tell")?, object(json!({ "to": to, "text": text }))),
            None => errand.speech(text)?,
        };
        match command.args.iter().any(|arg| arg.name == "key") {
            true => drop(data.insert("key".into(), key.as_str().into())),
            false if self.key.is_none() => {}
            false => return Err(Failure::new(Exit::Refused, "the server knows no keys")),
        }
        Ok((command.spec.name.into(), data))
    }

    /// All of stdin, which is one text. Its last line need not end.
    fn stdin_text(&self) -> Result<String, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message);
        let mut bytes = Vec::new();
        let bytes_max = LINE_BYTES_MAX as u64;
        let read = io::stdin().take(bytes_max + 1).read_to_end(&mut bytes);
        read.map_err(|e| usage(format!("cannot read stdin: {e}")))?;
        if bytes.len() > LINE_BYTES_MAX {
            return Err(usage(format!("stdin is longer than {LINE_BYTES_MAX} bytes")));
        }
        if self.strip {
            let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(strip).collect();
            return Ok(lines.join("\n").trim_end_matches('\n').to_owned());
        }
        let script = Script::read("stdin".into(), &bytes).map_err(|report| {
            talk::report(&report);
            usage(String::new())
        })?;
        let lines: Vec<_> = script.lines.into_iter().map(|line| line.text).collect();
        Ok(lines.join("\n"))
    }
}
