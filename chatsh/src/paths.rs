//! Where files are kept, as the XDG Base Directory Specification says.

use std::path::PathBuf;

/// The servers that chatsh has met.
pub(crate) fn known_hosts() -> Option<PathBuf> {
    Some(data_home()?.join("chatsh/known_hosts"))
}

/// The hosts that have a name.
pub(crate) fn config() -> Option<PathBuf> {
    Some(base("XDG_CONFIG_HOME", ".config")?.join("chatsh/chatsh.toml"))
}

/// What was typed at the prompt.
pub(crate) fn history() -> Option<PathBuf> {
    Some(base("XDG_STATE_HOME", ".local/state")?.join("chatsh/history"))
}

/// Where this user's own chatd may have its key.
pub(crate) fn chatd_data() -> Vec<PathBuf> {
    let state = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    let home = data_home().map(|home| home.join("chatd"));
    state.into_iter().chain(home).collect()
}

/// `file` as a shell would name it: `~/` is the user's home.
pub(crate) fn at_home(file: &str) -> PathBuf {
    match (file.strip_prefix("~/"), std::env::home_dir()) {
        (Some(inside), Some(home)) => home.join(inside),
        _ => file.into(),
    }
}

fn data_home() -> Option<PathBuf> {
    base("XDG_DATA_HOME", ".local/share")
}

/// The folder that `variable` names; one that is not absolute counts as not set.
fn base(variable: &str, in_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(std::env::home_dir()?.join(in_home)))
}
