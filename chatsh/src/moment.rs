//! A point in time, as a person says it.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, Zoned};
use proto::Description;
use serde_json::{Map, Value};

/// The option of a command that is one.
const SINCE: &str = "since";

/// What is one.
pub(crate) const WORDS: &str = "a time is 12:00 (the last one), 2026-01-31, '2026-01-31 12:00' or \
                                2026-01-31T12:00:00Z, a while is 10m, 24h or 1d";

/// A time with its zone, a day or a time of this place, or how long ago it was.
///
/// # Errors
/// Says what is one.
pub(crate) fn read(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let now = Zoned::now();
    if let Ok(local) = text.parse::<DateTime>() {
        let time = local.to_zoned(now.time_zone().clone());
        // Outside of all years that there are.
        return time.map(|time| time.timestamp()).map_err(|_| WORDS.into());
    }
    // A time alone is the last one that it was.
    if let Ok(time) = text.parse::<Time>() {
        let today = now.date().to_datetime(time);
        let local = if today > now.datetime() { today.yesterday() } else { Ok(today) };
        let local = local.and_then(|local| local.to_zoned(now.time_zone().clone()));
        return local.map(|time| time.timestamp()).map_err(|_| WORDS.into());
    }
    text.parse::<Span>()
        .ok()
        .filter(|ago| !ago.is_negative())
        .and_then(|ago| now.checked_sub(ago).ok())
        .map(|then| then.timestamp())
        .ok_or_else(|| WORDS.into())
}

/// Does the command take such a time?
pub(crate) fn is_taken_by(command: &Description) -> bool {
    command.args.iter().any(|arg| arg.name == SINCE && !arg.required)
}

/// Puts the time that is meant where a request of `command` has one in our words.
///
/// # Errors
/// It is none.
pub(crate) fn give(command: &Description, data: &mut Map<String, Value>) -> Result<(), String> {
    let Some(Value::String(text)) = data.get_mut(SINCE).filter(|_| is_taken_by(command)) else {
        return Ok(());
    };
    // What is in the server's words stays as it is.
    if text.parse::<Timestamp>().is_err() {
        *text = read(text).map_err(|why| format!("{SINCE}: {why}"))?.to_string();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_time_without_a_zone_is_of_this_place() {
        let here = Zoned::now().time_zone().clone();
        for (text, time) in [
            ("2026-01-31", date(2026, 1, 31).at(0, 0, 0, 0)),
            ("2026-01-31 08:22", date(2026, 1, 31).at(8, 22, 0, 0)),
            ("2026-01-31T08:22:05", date(2026, 1, 31).at(8, 22, 5, 0)),
        ] {
            let time = time.to_zoned(here.clone()).unwrap().timestamp();
            assert_eq!(read(text), Ok(time), "{text}");
        }
    }

    #[test]
    fn a_time_alone_is_the_last_one_that_it_was() {
        for text in ["00:00", "08:22", "23:59:59"] {
            let then = read(text).unwrap();
            let ago = Timestamp::now().duration_since(then).as_secs();
            assert!((0..=25 * 3600).contains(&ago), "{text}: {ago}");
            let clock = then.to_zoned(Zoned::now().time_zone().clone());
            assert!(clock.strftime("%H:%M:%S").to_string().starts_with(text), "{clock}");
        }
    }

    #[test]
    fn a_while_is_how_long_ago_it_was() {
        for (text, seconds) in [("10m", 600), ("24h", 86_400), ("1h 30m", 5400)] {
            let then = read(text).unwrap();
            let ago = Timestamp::now().duration_since(then).as_secs();
            assert!((seconds..seconds + 60).contains(&ago), "{text}: {ago}");
        }
        // A day may have an hour more or less.
        let then = read("1d").unwrap();
        let ago = Timestamp::now().duration_since(then).as_secs();
        assert!((82_800..90_060).contains(&ago), "{ago}");
        for text in ["", "yesterday", "-10m", "-1d", "2026-13-31", "25:00"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
