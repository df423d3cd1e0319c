//! Where in the past to begin: at a number, or at a time.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::errand::Errand;
use super::pages;
use crate::exit::Failure;
use crate::moment;
use crate::session::object;

/// How far a time may be ahead of our clock.
///
/// It may be the `ts` of a message, by the clock of a server.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);

/// After which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// The one of this number.
    Seq(i64),
    /// The last one before this time.
    Time(Timestamp),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Since, String> {
        if let Some(seq) = text.parse().ok().filter(|seq| *seq >= 0) {
            return Ok(Since::Seq(seq));
        }
        past(
            moment::read(text)
                .map_err(|why| format!("it is a seq (7), a time or a while: {why}"))?,
        )
    }
}

/// `time`, unless it is yet to come.
fn past(time: Timestamp) -> Result<Since, String> {
    match time.duration_since(Timestamp::now()) > AHEAD_MAX {
        true => Err("this time is yet to come: say one that has passed, or leave it out".into()),
        false => Ok(Since::Time(time)),
    }
}

impl Since {
    /// The number behind which it begins, in a room that `entered` tells of.
    ///
    /// # Errors
    /// The server does not tell of the past.
    pub(super) async fn seq(
        self,
        errand: &mut Errand,
        entered: &Map<String, Value>,
    ) -> Result<i64, Failure> {
        let time = match self {
            Since::Seq(seq) => return Ok(seq),
            Since::Time(time) => time,
        };
        let bound = |name: &str| entered.get(name).and_then(Value::as_i64).unwrap_or_default();
        // All up to `before` is older; the first message behind `after` is not.
        let (mut before, mut after) = ((bound("oldest") - 1).max(0), bound("last_seq"));
        while before < after {
            let middle = before + (after - before) / 2;
            let next = object(json!({ "after": middle, "limit": 1 }));
            let next = pages::page(errand, &next).await?.messages;
            let ts = |name: &Value| name.as_str()?.parse::<Timestamp>().ok();
            let older = next
                .first()
                .filter(|said| said.message.data.get("ts").and_then(ts).is_some_and(|ts| ts < time))
                .and_then(pages::seq);
            match older {
                Some(seq) => before = seq.max(middle + 1),
                None => after = middle,
            }
        }
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_a_time_or_a_while() {
        assert_eq!("7".parse(), Ok(Since::Seq(7)));
        let noon = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!("2026-01-31T12:00:00Z".parse(), Ok(Since::Time(noon)));
        assert_eq!("2026-01-31T13:00:00+01:00".parse(), Ok(Since::Time(noon)));
        for text in ["", "yesterday", "-7", "-10m", "-1d", "2026-13-31", "25:00"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }

    /// `tail --since 2099-01-01` said nothing, for years.
    #[test]
    fn a_time_that_is_yet_to_come_is_none() {
        let ahead = |seconds| Timestamp::now() + SignedDuration::from_secs(seconds);
        let since = |time: Timestamp| time.to_string().parse::<Since>();
        assert!(since(ahead(30)).is_ok(), "the clock of the server may be ahead");
        let zoned = since(ahead(90)).unwrap_err();
        assert!(zoned.starts_with("this time is yet to come"), "{zoned}");
        assert_eq!("2099-01-01".parse::<Since>().unwrap_err(), zoned);
        assert_eq!("2099-01-01 12:00".parse::<Since>().unwrap_err(), zoned);
    }
}
