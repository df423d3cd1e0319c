//! Passwords that a command leaves out are asked for, unseen, as they are on the command line.

use proto::{Arg, Catalogue, Description, Kind, Line, State, quoted, read_line};

use super::Repl;
use crate::exit::Failure;
use crate::words::Words;

impl Repl<'_> {
    /// `line` with the passwords that it leaves out; none if it leaves none out, or may not be
    /// done here.
    ///
    /// # Errors
    /// See [`Repl::talk`]. An empty line inside: the user gives none.
    pub(super) async fn with_passwords(
        &mut self,
        line: &str,
        catalogue: &Catalogue,
        state: State,
    ) -> Result<Option<String>, Failure> {
        let Some((command, missing)) = missing(line, catalogue, state) else { return Ok(None) };
        // There it would be seen, as the greeting says.
        if self.editor.is_linear() {
            return Ok(None);
        }
        // Behind the dashes it is no option, whatever it begins with.
        let mut whole = format!("{} --", line.trim_end());
        for arg in missing {
            let question = question(line, arg);
            let password = self.password(&question).await?;
            let is_new = command.spec.name == "register" || arg.name == "new";
            if !password.is_empty()
                && is_new
                && self.password("The same again: ").await? != password
            {
                self.complain("these two are not the same, so nothing was sent");
                return Ok(Some(String::new()));
            }
            if password.is_empty() {
                self.complain("no password was typed, so nothing was sent");
                return Ok(Some(String::new()));
            }
            whole.push(' ');
            whole.push_str(&quoted(&password));
        }
        Ok(Some(whole))
    }
}

/// The command of `line` and the passwords that it leaves out, if it leaves out nothing else.
fn missing<'a>(
    line: &str,
    catalogue: &'a Catalogue,
    state: State,
) -> Option<(&'a Description, Vec<&'a Arg>)> {
    let Line::Command { name, arguments, .. } = read_line(line, false) else { return None };
    let command = catalogue.find(name).filter(|command| command.spec.states.contains(state))?;
    let mut words = Words::new(arguments);
    let given = words.clone().count();
    if words.any(|(_, word)| word.starts_with("--")) {
        return None;
    }
    let required = command.args.iter().filter(|arg| arg.required);
    let missing: Vec<_> = required.skip(given).collect();
    let are_passwords = missing.iter().all(|arg| arg.kind == Kind::Password);
    (!missing.is_empty() && are_passwords).then_some((command, missing))
}

/// What to ask for `arg` of `line`.
fn question(line: &str, arg: &Arg) -> String {
    let whose = line.split_whitespace().nth(1);
    match (&*arg.name, whose) {
        ("password", Some(name)) => format!("Password of {name}: "),
        ("password", None) => "Password: ".into(),
        (which, _) => format!("The {which} password: "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_asked_for_if_nothing_else_is_missing() {
        let catalogue = Catalogue::shipped();
        let questions = |line: &str, state: State| -> Vec<String> {
            let missing = missing(line, &catalogue, state).map(|(_, missing)| missing);
            missing.into_iter().flatten().map(|arg| question(line, arg)).collect()
        };
        assert_eq!(questions("/login ann ", State::Auth), ["Password of ann: "]);
        assert_eq!(questions("/register ann", State::Auth), ["Password of ann: "]);
        assert_eq!(questions("/unregister", State::Lobby), ["Password: "]);
        let both = ["The old password: ", "The new password: "];
        assert_eq!(questions("/passwd", State::Lobby), both);
        assert_eq!(questions("/passwd 1234", State::Lobby), both[1..]);
        for line in ["/login", "/login ann 1234", "/login --user", "/resume", "/list", "login ann"]
        {
            assert_eq!(questions(line, State::Auth), [""; 0], "{line}");
        }
        assert_eq!(questions("/login ann", State::Chat), [""; 0]);
    }
}
