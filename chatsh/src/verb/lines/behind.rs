//! What became of the lines that were under way when one before them ended it all.

use super::{Sender, place};
use crate::exit::Failure;
use crate::session::Heard;
use crate::verb::errand::in_time;

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
            let timeout = Some(self.errand.session.timeout());
            let hear = self.errand.session.hear();
            let heard = async { hear.await.map_err(|ended| ended.failure(true)) };
            match in_time(timeout, "", heard).await {
                Ok(Heard::Reply(reply)) => match self.answered(&reply) {
                    Ok(Some((sent, None))) => said.push(sent.number),
                    Ok(_) => {}
                    Err(unread) => return unread,
                },
                Ok(_) => {}
                Err(_) => {
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
