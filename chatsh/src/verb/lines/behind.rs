//! What became of the lines that were under way when one before them ended it all.

use smol::Timer;
use smol::future::FutureExt;

use proto::State;

use super::{Sender, Sent, place};
use crate::exit::Failure;
use crate::json;
use crate::output::print;
use crate::reply::accepted;
use crate::session::Heard;

impl Sender<'_> {
    /// `failure`, which ends it, with the lines behind that one which were said all the same:
    /// they had been sent, and whoever runs this would say them again.
    pub(super) async fn with_those_behind(&mut self, failure: Failure) -> Failure {
        let mut said = Vec::new();
        let why = loop {
            self.under_way.retain(|sent| sent.what.is_ok());
            if self.under_way.is_empty() {
                break None;
            }
            let timeout = self.errand.session.timeout();
            let late = async {
                Timer::after(timeout).await;
                None
            };
            let heard = async { Some(self.errand.session.hear().await) };
            match heard.or(late).await {
                Some(Ok(Heard::Reply(reply))) => {
                    let Some(Sent { number, .. }) = self.under_way.pop_front() else { break None };
                    if self.errand.manner.is_json
                        && let Err(failure) = print(&json::line(&reply.body))
                    {
                        return failure;
                    }
                    if accepted(reply.message, State::Chat).is_ok() {
                        said.push(number);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    break Some(format!(
                        "{} may or may not have been said",
                        place(&self.under_way)
                    ));
                }
            }
        };
        said.dedup();
        let said = (!said.is_empty()).then(|| format!("said all the same: {}", lines(&said)));
        let parts = [Some(failure.message), said, why];
        let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        Failure { message, ..failure }
    }
}

/// The lines with these numbers, which grow.
fn lines(numbers: &[usize]) -> String {
    let runs: Vec<_> = numbers
        .chunk_by(|before, next| *next == before + 1)
        .map(|run| match run {
            [first, .., last] => format!("{first} to {last}"),
            _ => run.iter().map(usize::to_string).collect(),
        })
        .collect();
    let word = if numbers.len() == 1 { "line" } else { "lines" };
    format!("{word} {}", runs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_by_their_runs() {
        for (numbers, said) in [
            (&[7][..], "line 7"),
            (&[7, 8], "lines 7 to 8"),
            (&[2, 4, 5, 6, 9], "lines 2, 4 to 6, 9"),
        ] {
            assert_eq!(lines(numbers), said);
        }
    }
}
