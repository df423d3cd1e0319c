//! What `/set` changes, until chatsh ends.

use std::time::Duration;

use clap::ValueEnum;

use crate::local::duration;
use crate::style::Colour;

/// The most messages that are shown on entering: as many as a server gives.
const RECENT_LEN_MAX: usize = 200;

/// The names, for who mistypes one.
pub(crate) const NAMES: &str = "color, bell, clock, history or timeout";

/// All names.
pub(crate) const ALL: [&str; 5] = ["color", "bell", "clock", "history", "timeout"];

/// What the setting `name` can be, if it is one of few.
pub(crate) fn choices(name: &str) -> &'static [&'static str] {
    match name {
        "color" => &["auto", "always", "never"],
        "bell" | "clock" => &["on", "off"],
        _ => &[],
    }
}

/// One setting, with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// When there are colours.
    Color(Colour),
    /// Does the bell ring for a message that names the user?
    Bell(bool),
    /// Does the time stand beside what is said?
    Clock(bool),
    /// How many messages are shown on entering a room.
    History(usize),
    /// How long a reply may take.
    Timeout(Duration),
}

impl Setting {
    /// The setting `name` with this value.
    ///
    /// # Errors
    /// Says what there is.
    pub(crate) fn read(name: &str, value: &str) -> Result<Setting, String> {
        let fit = |what: &str| format!("{name} is {what}, not {value:?}");
        match name {
            "color" => Colour::from_str(value, false)
                .map(Setting::Color)
                .map_err(|_| fit("auto, always or never")),
            "bell" | "clock" => {
                let is_on = match value {
                    "on" | "true" => true,
                    "off" | "false" => false,
                    _ => return Err(fit("on or off")),
                };
                Ok(if name == "bell" { Setting::Bell(is_on) } else { Setting::Clock(is_on) })
            }
            "history" => match value.parse() {
                Ok(len) if len <= RECENT_LEN_MAX => Ok(Setting::History(len)),
                _ => Err(fit(&format!("a number from 0 to {RECENT_LEN_MAX}"))),
            },
            "timeout" => match duration(value) {
                Ok(time) if !time.is_zero() => Ok(Setting::Timeout(time)),
                _ => Err(fit("a time, such as 10s")),
            },
            _ => Err(unknown(name)),
        }
    }
}

/// The setting of this name.
///
/// # Errors
/// Says which there are.
pub(crate) fn named(name: &str) -> Result<&'static str, String> {
    ALL.into_iter().find(|known| *known == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> String {
    format!("there is no setting {name:?}: it is {NAMES}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_says_what_it_takes() {
        assert_eq!(Setting::read("color", "never"), Ok(Setting::Color(Colour::Never)));
        assert_eq!(Setting::read("bell", "off"), Ok(Setting::Bell(false)));
        assert_eq!(Setting::read("clock", "on"), Ok(Setting::Clock(true)));
        assert_eq!(Setting::read("clock", "false"), Ok(Setting::Clock(false)));
        assert_eq!(Setting::read("history", "0"), Ok(Setting::History(0)));
        assert_eq!(Setting::read("history", "200"), Ok(Setting::History(200)));
        assert_eq!(Setting::read("timeout", "2s"), Ok(Setting::Timeout(Duration::from_secs(2))));
        for (name, value, why) in [
            ("color", "red", r#"color is auto, always or never, not "red""#),
            ("bell", "1", r#"bell is on or off, not "1""#),
            ("history", "201", r#"history is a number from 0 to 200, not "201""#),
            ("timeout", "0", r#"timeout is a time, such as 10s, not "0""#),
            (
                "colour",
                "never",
                r#"there is no setting "colour": it is color, bell, clock, history or timeout"#,
            ),
        ] {
            assert_eq!(Setting::read(name, value), Err(why.into()));
        }
    }
}
