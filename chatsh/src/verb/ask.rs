//! `ask` and `wait`: a message that somebody else says, after a question or without one.

use std::time::Duration;

use clap::Args;
use proto::{Code, UserName};
use regex::Regex;
use serde_json::json;

use super::errand::{Errand, in_time, print_push};
use super::{key, pages};
use crate::exit::{Exit, Failure};
use crate::link::Received;
use crate::local::{self, Wait};
use crate::session::object;
use crate::talk;

/// Which message is waited for.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Only one that has this regular expression
    #[arg(long = "match", value_name = "REGEX", value_parser = local::regex)]
    text: Option<Regex>,

    /// Only one of this user
    #[arg(long, value_name = "USER", value_parser = UserName::new)]
    from: Option<UserName>,
}

/// What to ask, and which message is the answer.
#[derive(Debug, Args)]
pub struct Ask {
    /// What to ask
    #[arg(value_name = "QUESTION", required = true)]
    question: Vec<String>,

    #[command(flatten)]
    wanted: Wanted,
}

impl Ask {
    /// Says the question, and prints the answer.
    pub(super) async fn run(
        &self,
        errand: &mut Errand,
        timeout: Option<Duration>,
    ) -> Result<Exit, Failure> {
        let (command, mut data) = errand.speech(&self.question.join(" "))?;
        if command.args.iter().any(|arg| arg.name == "key") {
            data.insert("key".into(), key::fresh().as_str().into());
        }
        // From here on what others say is kept.
        let question = errand.ask(&command.spec.name, &data).await?;
        // When it was asked before, what was said since then may be the answer.
        errand.last = pages::seq(&question);
        self.wanted.print(errand, timeout, "no answer").await
    }
}

impl Wanted {
    /// Prints the next message that is wanted.
    pub(super) async fn run(
        &self,
        errand: &mut Errand,
        timeout: Option<Duration>,
    ) -> Result<Exit, Failure> {
        self.print(errand, timeout, "no such message").await
    }

    async fn print(
        &self,
        errand: &mut Errand,
        timeout: Option<Duration>,
        none: &str,
    ) -> Result<Exit, Failure> {
        let seconds = timeout.unwrap_or_default().as_secs_f64();
        let too_late = format!("{none} within {seconds} s");
        let message = in_time(timeout, &too_late, self.next(errand)).await?;
        print_push(errand.manner, &message).map(|()| Exit::Done)
    }

    /// Says so when nobody has the name that is waited for. A bot may still come.
    async fn look_for_sender(&self, errand: &mut Errand) -> Result<(), Failure> {
        let Some(from) = &self.from else { return Ok(()) };
        let can_ask = {
            let book = errand.session.book();
            let whois = book.catalogue.find("whois");
            whois.is_some_and(|whois| whois.spec.states.contains(book.state))
        };
        if !can_ask {
            return Ok(());
        }
        match errand.session.ask("whois", &object(json!({ "username": from }))).await {
            Ok(reply) if reply.is_error(Code::NoSuchUser) => {
                talk::say(&format!("there is no user {} yet; waiting all the same", from.as_str()));
            }
            // After a cut whoever listens next comes back.
            Err(failure) if !errand.session.is_over() => return Err(failure),
            _ => {}
        }
        Ok(())
    }

    async fn next(&self, errand: &mut Errand) -> Result<Received, Failure> {
        self.look_for_sender(errand).await?;
        let wait = Wait::new(self.from.clone(), self.text.clone(), None);
        loop {
            let said = errand.next_said().await?;
            if wait.is_for(&said.message) {
                return Ok(said);
            }
        }
    }
}
