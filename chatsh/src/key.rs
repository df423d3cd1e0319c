//! Keys: a message that has one can be sent again, and is kept once.

use std::time::Duration;

use proto::Description;
use serde_json::{Map, Value};

use crate::random;

/// How long after it was first sent a message may be sent again.
///
/// A server knows a key for ten minutes of its uptime; the last of them is for the way.
pub(crate) const REPEATABLE_FOR: Duration = Duration::from_secs(9 * 60);

/// The argument that is one.
const KEY: &str = "key";

/// A key that nobody used before.
pub(crate) fn fresh() -> String {
    format!("{:032x}", random::bits())
}

/// Gives a request of `command` a key, if it can have one and has none yet.
pub(crate) fn give(command: &Description, data: &mut Map<String, Value>) {
    if takes_one(command) && !data.contains_key(KEY) {
        data.insert(KEY.into(), fresh().into());
    }
}

/// May a request of `command` with this data be sent again?
pub(crate) fn is_repeatable(command: &Description, data: &Map<String, Value>) -> bool {
    takes_one(command) && data.contains_key(KEY)
}

fn takes_one(command: &Description) -> bool {
    // Where it is required it means something else.
    command.args.iter().any(|arg| arg.name == KEY && !arg.required)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_can_have_a_key_has_one_of_its_own() {
        let catalogue = testing::catalogue();
        let [msg, enter] = ["msg", "enter"].map(|name| catalogue.find(name).unwrap());
        let given = |command, mut data: Map<String, Value>| {
            give(command, &mut data);
            (is_repeatable(command, &data), data.remove(KEY))
        };
        let (is_repeatable, first) = given(msg, Map::new());
        assert!(is_repeatable);
        assert_eq!(first.as_ref().and_then(Value::as_str).map(str::len), Some(32));
        assert_ne!(given(msg, Map::new()).1, first);
        let own = Map::from_iter([(KEY.to_owned(), Value::from("mine"))]);
        assert_eq!(given(msg, own.clone()), (true, Some("mine".into())));
        assert_eq!(given(enter, Map::new()), (false, None));
        assert!(!given(enter, own).0);
    }
}
