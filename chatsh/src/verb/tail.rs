//! `tail`: what is said in a room, from some time on, as it is said.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use clap::Args;
use serde_json::{Map, Value};
use smol::future::FutureExt;

use super::errand::{Errand, in_time, print_push};
use super::exec;
use super::number::number;
use super::since::Since;
use crate::exit::{Exit, Failure};
use crate::link::Received;
use crate::options::Options;
use crate::script::Manner;
use crate::{output, talk};

/// How many messages wait while a command runs for one of them.
///
/// When there are more we read no further, and the server has to decide.
const WAITING_LEN_MAX: usize = 1024;

/// What to follow.
#[derive(Debug, Args)]
pub struct Tail {
    /// Begin with what was said after this
    ///
    /// The seq of a message; a time (2026-01-31T12:00:00Z), which without a zone is of this
    /// place (2026-01-31, '2026-01-31 12:00', or 12:00, the last time that it was); or a while
    /// ago (10m, 24h, 1d).
    #[arg(long, value_name = "SEQ|TIME", allow_hyphen_values = true)]
    since: Option<Since>,

    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = number::<u64>(1, None))]
    count: Option<u64>,

    /// Run this by /bin/sh for each message, one after the other, and print nothing
    ///
    /// It has the message as JSON on stdin, and $CHATSH_FROM, $CHATSH_TO, $CHATSH_TEXT,
    /// $CHATSH_ROOM, $CHATSH_SEQ and $CHATSH_TS: words of others, so put them in quotes.
    /// When it fails that is the end, with 1, unless --keep-going is given.
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
}

impl Tail {
    /// Does this make sense?
    ///
    /// # Errors
    /// [`Exit::Usage`] if it does not.
    pub(super) fn check(&self, options: &Options) -> Result<(), Failure> {
        match self.exec.is_some() && options.json {
            true => {
                let message = "--exec prints nothing, and has the JSON on stdin: leave out --json";
                Err(Failure::new(Exit::Usage, message))
            }
            false => Ok(()),
        }
    }

    /// Follows the room that `entered` tells of.
    pub(super) async fn run(
        &self,
        errand: &mut Errand,
        entered: &Map<String, Value>,
        timeout: Option<Duration>,
    ) -> Result<Exit, Failure> {
        let manner = errand.manner;
        let (queue, messages) = async_channel::bounded(WAITING_LEN_MAX);
        let (end, first_error) = (Cell::new(None), Cell::new(None));
        let follow = async {
            end.set(Some(self.follow(errand, entered, &queue).await));
            // What is in the queue is still done.
            queue.close();
            std::future::pending().await
        };
        let take = async {
            let is_enough = self.take(&messages, manner, &first_error).await?;
            match end.take().filter(|_| !is_enough) {
                None => Ok(first_error.get().unwrap_or(Exit::Done)),
                Some(failure) => Err(failure),
            }
        };
        let seconds = timeout.unwrap_or_default().as_secs_f64();
        let too_late = format!("{seconds} s have passed");
        let follow = in_time(timeout, &too_late, take.or(follow));
        let unread = async {
            // What a command prints is its own matter.
            if self.exec.is_some() {
                return std::future::pending().await;
            }
            Err(output::closed().await)
        };
        follow.or(unread).await.map_err(|failure| match first_error.get() {
            Some(exit) if !failure.is_unread => Failure { exit, ..failure },
            _ => failure,
        })
    }

    /// Queues what was and is said, until there is no more.
    async fn follow(
        &self,
        errand: &mut Errand,
        entered: &Map<String, Value>,
        queue: &Sender<Received>,
    ) -> Failure {
        let follow = async {
            if let Some(since) = self.since {
                let seq = since.seq(errand, entered).await?;
                errand.read_from(seq);
            }
            loop {
                let _ = queue.send(errand.next_said().await?).await;
            }
        };
        let Err::<Infallible, _>(failure) = follow.await;
        failure
    }

    /// Prints or hands on the messages; says whether they were as many as are wanted. The code
    /// of the first error that does not end it is kept.
    async fn take(
        &self,
        messages: &Receiver<Received>,
        manner: Manner,
        first_error: &Cell<Option<Exit>>,
    ) -> Result<bool, Failure> {
        let mut count = 0;
        while let Ok(push) = messages.recv().await {
            let done = match &self.exec {
                Some(command) => exec::run(command, &push).await,
                None => print_push(manner, &push),
            };
            match done {
                Err(failure) if manner.keeps_going && !failure.is_unread => {
                    talk::say(&failure.message);
                    first_error.set(first_error.get().or(Some(failure.exit)));
                }
                done => done?,
            }
            count += 1;
            if self.count == Some(count) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
