//! Whole numbers as values of options.

use std::fmt::Display;
use std::str::FromStr;

/// What reads a number from `first` on, and up to `last` if there is one; of what is none
/// it says which are taken.
pub(super) fn number<T>(
    first: T,
    last: Option<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok();
        let number = number.filter(|n| *n >= first && last.is_none_or(|last| *n <= last));
        number.ok_or_else(|| match last {
            Some(last) => format!("it is a whole number from {first} to {last}"),
            None => format!("it is a whole number from {first} on"),
        })
    }
}
