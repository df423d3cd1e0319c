//! Which part of a typed line is a secret: it is masked while it is typed, and the line
//! does not enter the history.
//!
//! In doubt it is one: a mistyped `/logn harper 1234` has the password in it, too.

use proto::{Catalogue, Description};

use crate::words::Words;

/// Where the secret in `line` begins, in bytes; what follows counts as secret as well.
pub(crate) fn secret_from(line: &str, catalogue: &Catalogue) -> Option<usize> {
    let blanks = line.len() - line.trim_start().len();
    let slash = line[blanks..].len() - line[blanks..].trim_start_matches('/').len();
    let name_at = blanks + slash;
    // Behind a slash a blank is a slip.
    let gap =
        if slash > 0 { line[name_at..].len() - line[name_at..].trim_start().len() } else { 0 };
    let name_at = name_at + gap;
    let name = line[name_at..].split(char::is_whitespace).next().unwrap_or_default();
    let arguments_at = name_at + name.len();
    let arguments = &line[arguments_at..];
    let meant: Vec<_> = match (catalogue.find(&name.to_lowercase()), slash > 0) {
        (Some(command), true) => vec![command],
        (Some(command), false) if is_whole(command, arguments) => vec![command],
        (_, false) => Vec::new(),
        (None, true) => {
            let secret = catalogue.commands.iter().filter(|command| has_secret(command));
            secret.filter(|command| is_like(name, command, catalogue)).collect()
        }
    };
    let starts = meant.into_iter().filter_map(|command| secret_in(arguments, command));
    starts.min().map(|start| arguments_at + start)
}

/// Is there something in the secret of `line` that is read as in a shell, and may be meant as it
/// stands? Not if all of it is quoted.
pub(crate) fn may_be_misread(line: &str, catalogue: &Catalogue) -> bool {
    let signs = ['\'', '"', '\\'];
    let Some(start) = secret_from(line, catalogue) else { return false };
    Words::new(&line[start..]).any(|(_, word)| {
        let inside = |sign: char| word.strip_prefix(sign)?.strip_suffix(sign);
        let is_quoted = |sign| inside(sign).is_some_and(|inside| !inside.contains(signs));
        word.contains(signs) && !is_quoted('\'') && !is_quoted('"')
    })
}

fn has_secret(command: &Description) -> bool {
    command.args.iter().any(|arg| arg.kind.is_secret())
}

/// Is `name` probably meant to be `command`?
fn is_like(name: &str, command: &Description, catalogue: &Catalogue) -> bool {
    let name = name.to_lowercase();
    let spelled = &*command.spec.name;
    !name.is_empty() && (spelled.starts_with(&name) || name.starts_with(spelled))
        || catalogue.nearest(&name).is_some_and(|near| near.spec.name == command.spec.name)
}

/// Are `arguments` just those that `command` needs? Then its slash was forgotten, and it
/// is no sentence that happens to begin with the word.
fn is_whole(command: &Description, arguments: &str) -> bool {
    let required = command.args.iter().filter(|arg| arg.required).count();
    let is_secret = |option: &str| {
        let name = option.split('=').next().unwrap_or_default();
        command.args.iter().any(|arg| arg.kind.is_secret() && arg.name == name)
    };
    let mut words = Words::new(arguments).map(|(_, word)| word);
    required > 0 && Words::new(arguments).count() <= required
        || words.any(|word| word.strip_prefix("--").is_some_and(is_secret))
}

/// Where the first secret begins in `arguments`, in bytes.
fn secret_in(arguments: &str, command: &Description) -> Option<usize> {
    let mut positional: Vec<_> = command.args.iter().rev().filter(|arg| arg.required).collect();
    let mut words = Words::new(arguments);
    let mut options_over = false;
    while let Some((start, word)) = words.next() {
        if word == "--" && !options_over {
            options_over = true;
        } else if let Some(option) = word.strip_prefix("--").filter(|_| !options_over) {
            let (name, inline) = option.split_once('=').unwrap_or((option, ""));
            let Some(arg) = command.args.iter().find(|arg| arg.name == name) else {
                // One that is still being typed; else it may be the secret, or stand before it.
                let is_begun = command.args.iter().any(|arg| arg.name.starts_with(option))
                    && start + word.len() == arguments.len();
                return (!is_begun && has_secret(command)).then_some(start);
            };
            // No option, but it says what it is meant to be.
            positional.retain(|required| required.name != arg.name);
            let is_secret = arg.kind.is_secret();
            if option.contains('=') {
                if is_secret {
                    return Some(start + word.len() - inline.len());
                }
            } else if arg.kind != proto::Kind::Boolean {
                let value = words.next();
                if is_secret {
                    return value.map(|(start, _)| start);
                }
            }
        } else {
            let arg = positional.pop()?;
            if arg.kind.is_secret() {
                return Some(start);
            }
            if arg.rest {
                return None;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[track_caller]
    fn check(line: &str, secret: &str) {
        let start = secret_from(line, &testing::catalogue());
        assert_eq!(start.map_or("", |start| &line[start..]), secret, "{line:?}");
    }

    #[test]
    fn a_password_is_secret_from_its_first_letter_on() {
        check("/login harper", "");
        check("/login harper ", "");
        check("/login harper 1", "1");
        check("/login harper 1234 5", "1234 5");
        check("/login 'har per' \"12 34", "\"12 34");
        check("  /login harper 1234", "1234");
        check("//login harper 1234", "1234");
        check("/resume --room ops t0p", "t0p");
        check("/resume t0p --room ops", "t0p --room ops");
        check("/resume --after=7 -- --t0p", "--t0p");
    }

    /// They were shown, and kept in the history.
    #[test]
    fn a_password_behind_a_slip_is_secret_too() {
        check("/login --username=harper --password=1234", "1234");
        check("/login --username harper --password 1234", "1234");
        check("/login --username=harper 1234", "1234");
        check("/login harper --pass=1234", "--pass=1234");
        check("/login harper --1234", "--1234");
        check("/login --pass 1234", "--pass 1234");
        check("/login --pas", "");
        check("/resume --roo", "");
        check("/enter --secret 1234", "");
        check("login --username harper --password 1234", "1234");
        check("login --password=1234 harper", "1234 harper");
        check("/ login harper 1234", "1234");
        check("// \tlogin harper 1234", "1234");
    }

    #[test]
    fn what_is_like_a_command_with_a_secret_has_one() {
        check("/logn harper 1234", "1234");
        check("/Login harper 1234", "1234");
        check("/reg harper 1234", "1234");
        check("/registers harper 1234", "1234");
        check("login harper 1234", "1234");
        check("Login harper 1234", "1234");
        check("REGISTER harper 1234", "1234");
        check(" register harper 1234", "1234");
    }

    #[test]
    fn a_password_that_is_read_as_in_a_shell_is_known() {
        let is_misread = |line: &str| may_be_misread(line, &testing::catalogue());
        for line in [r"/login harper my$pass\word", "/login harper it's", r#"/login harper pa"ss""#]
        {
            assert!(is_misread(line), "{line}");
        }
        for line in
            ["/login harper 12$34", "/login harper 'pass word' 'more'", r"/msg bob it\s", ""]
        {
            assert!(!is_misread(line), "{line}");
        }
    }

    #[test]
    fn what_is_not_is_shown() {
        check("/enter tech talk", "");
        check("/msg bob /login harper 1234", "");
        check("/list of things", "");
        check("login is what you need first", "");
        check("hello harper 1234", "");
        check("/ harper 1234", "");
        check("", "");
    }
}
