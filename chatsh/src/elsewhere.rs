//! What people who come from IRC, or from other chats, type first, and what it is here.

use proto::Catalogue;

/// Names of other chats, and the command of ours, which may have options.
const ELSEWHERE: [(&[&str], &str); 14] = [
    (&["join", "j"], "enter"),
    (&["part", "leave"], "exit"),
    (&["who", "names", "users", "members"], "list"),
    (&["rooms", "channels"], "list --all"),
    (&["info", "mode", "bans", "ops"], "room"),
    (&["query", "dm", "pm", "w", "whisper", "notice"], "tell"),
    (&["?", "h", "man"], "help"),
    (&["disconnect", "bye", "q"], "quit"),
    (&["server"], "connect"),
    (&["scrollback", "lastlog"], "history"),
    (&["search", "grep", "find"], "history --search"),
    (&["mail", "unread"], "inbox"),
    (&["clock", "time", "timestamps"], "set clock"),
    (&["bell", "beep"], "set bell"),
];

/// What there is in other chats and not here, which is no typing error either: what changes
/// the name there is spelled like what puts somebody out here. And what to do instead.
const NOWHERE: [(&str, &str); 14] = [
    ("nick", "a name is for good"),
    ("me", "what you do is said like anything else"),
    ("away", "who is not here finds messages in /history and /inbox"),
    ("uninvite", "/ban keeps out who was invited"),
    ("clear", "Ctrl-L clears the screen"),
    ("cls", "Ctrl-L clears the screen"),
    ("version", "chatsh --version tells it"),
    ("ignore", "an operator can /mute somebody for all"),
    ("block", "an operator can /mute somebody for all"),
    ("react", "say it: a message has no signs on it"),
    ("rename", "a name is for good"),
    ("pin", "/topic keeps what all are to know"),
    ("say", "a line without a slash is said"),
    ("send", "a line without a slash is said"),
];

/// What to do in place of the command `name` of other chats, which is not here.
pub(crate) fn instead(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    NOWHERE.iter().find(|(theirs, _)| *theirs == name).map(|(_, instead)| *instead)
}

/// What was probably meant by `name`, which is no command.
pub(crate) fn meant(name: &str, catalogue: &Catalogue) -> Option<String> {
    let name = name.to_lowercase();
    if instead(&name).is_some() {
        return None;
    }
    if catalogue.find(&name).is_some() {
        return Some(name);
    }
    let ours = ELSEWHERE.iter().find(|(theirs, _)| theirs.contains(&&*name)).map(|(_, ours)| *ours);
    let ours = ours.filter(|ours| catalogue.find(ours.split(' ').next().unwrap_or(ours)).is_some());
    let mut begun =
        catalogue.commands.iter().filter(|command| command.spec.name.starts_with(&name));
    let only = begun.next().filter(|_| name.len() > 1 && begun.next().is_none());
    let nearest =
        || only.or_else(|| catalogue.nearest(&name)).map(|near| near.spec.name.to_string());
    ours.map(String::from).or_else(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{local, testing};

    #[test]
    fn a_command_of_other_chats_is_one_of_ours() {
        let mut catalogue = testing::catalogue();
        catalogue.commands.extend(local::commands());
        for (name, ours) in [
            ("join", Some("enter")),
            ("LIST", Some("list")),
            ("q", Some("quit")),
            ("entre", Some("enter")),
            ("con", Some("connect")),
            ("r", None),
            ("timestamps", Some("set clock")),
            ("react", None),
            ("rename", None),
            ("nick", None),
            ("xyzzy", None),
        ] {
            assert_eq!(meant(name, &catalogue).as_deref(), ours, "{name}");
        }
        // A server may have none of it.
        assert_eq!(meant("bans", &testing::catalogue()), None);
    }
}
