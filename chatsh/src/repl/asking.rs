//! What the user is asked before it is done: a command that is mistyped, or typed without its
//! slash, and whatever else may not be meant.

use proto::{Arg, Catalogue, Kind, Line, State, States, quoted, read_line, usage};
use serde_json::Value;

use super::Repl;
use crate::editor::{Ask, Typed};
use crate::exit::Failure;
use crate::local::Local;
use crate::step::{self, Step};
use crate::{masking, safe, said};

/// A command as well, and the first thing that people say.
const GREETING: &str = "hello";

/// Words that stand for somebody, and are hardly anybody's name.
const PRONOUNS: [&str; 12] =
    ["me", "us", "you", "him", "her", "it", "them", "this", "that", "everybody", "everyone", "all"];

/// How lines that were pasted are sent.
pub(super) enum Sending {
    /// Each as if it was typed.
    Each,
    /// All of them as one message.
    AsOne,
}

impl Repl<'_> {
    /// Asks the user; what is no yes is a no.
    pub(super) async fn is_agreed(&mut self, question: &str) -> Result<bool, Failure> {
        Ok(self.answer(&format!("{question} [y/N] ")).await? == Some(true))
    }

    /// How the `count` lines of `text`, which were pasted, are to be sent, if they are.
    pub(super) async fn how_to_send(
        &mut self,
        text: &str,
        count: usize,
    ) -> Result<Option<Sending>, Failure> {
        let (state, catalogue) = self.session.here();
        let is_command = text.starts_with('/');
        let can_be_one = match is_command {
            true => {
                let step = step::understand(text, false, &catalogue, States::of(&[state]));
                matches!(step, Ok(Step::Ask { .. }))
            }
            false => catalogue.bare(state).is_some(),
        };
        let commands = text.lines().filter(|line| is_command_line(line)).count();
        let question = match (can_be_one, is_command) {
            (true, true) if commands > 1 => ". m keeps them one, y does each [y/m/N] ",
            // What stands behind a private message is for one only.
            (true, true) => ". m keeps them one, y says the others to all [y/m/N] ",
            (true, false) => ". y sends each, m all as one message [y/m/N] ",
            (false, _) => ", each done by itself: do them all? [y/N] ",
        };
        let commands = match commands {
            _ if !can_be_one => String::new(),
            1 if is_command => String::new(),
            0 => String::new(),
            1 => " with 1 command".into(),
            commands => format!(" with {commands} commands"),
        };
        let question = format!("That is {count} lines{commands}{question}");
        Ok(match &*self.reply_to(&question).await? {
            "y" | "Y" | "yes" => Some(Sending::Each),
            "m" | "M" if can_be_one => Some(Sending::AsOne),
            answer => {
                self.is_no(answer);
                None
            }
        })
    }

    /// What the user answers, if it is yes or no.
    async fn answer(&mut self, question: &str) -> Result<Option<bool>, Failure> {
        Ok(match &*self.reply_to(question).await? {
            "y" | "Y" | "yes" => Some(true),
            answer => self.is_no(answer).then_some(false),
        })
    }

    /// Is `answer` a no? Another one, or none, does nothing either, but is no answer.
    fn is_no(&mut self, answer: &str) -> bool {
        let is_no = matches!(answer, "n" | "N" | "no");
        if !is_no && !answer.is_empty() {
            // Typed before the question was read, most likely.
            let is_kept = !self.editor.is_linear() && !self.has_secret(answer);
            let way = if is_kept { ": Up brings back what you typed" } else { "" };
            self.complain(&format!("that is no answer, so nothing was sent{way}"));
        }
        is_no
    }

    /// The answer to a question; nothing, if the user gives none.
    async fn reply_to(&mut self, question: &str) -> Result<String, Failure> {
        let question = Ask::Answer(safe::one_line(question, self.look.style));
        Ok(self.asked(question).await?.trim().to_owned())
    }

    /// The password that the user types, unseen; nothing, if they type none.
    pub(super) async fn password(&mut self, question: &str) -> Result<String, Failure> {
        self.asked(Ask::Password(safe::one_line(question, self.look.style))).await
    }

    async fn asked(&mut self, question: Ask) -> Result<String, Failure> {
        // What is being typed is no answer to what was not asked yet.
        if self.editor.is_reading() {
            let which = match &self.unseen {
                Some(line) => said::beginning(line),
                None => "a line that was typed before".into(),
            };
            self.remark(&format!("there is a question about {which}: press Enter to see it"));
        }
        while self.editor.is_reading() {
            match self.turn().await? {
                None | Some(Typed::Cleared { .. }) => {}
                Some(Typed::Line(text, lines)) => self.typed_before.push_back((text, lines)),
                Some(Typed::Left) => return Ok(String::new()),
            }
        }
        self.editor.ask(question).await;
        loop {
            match self.turn().await? {
                None => {}
                Some(Typed::Line(answer, _)) => return Ok(answer),
                Some(Typed::Cleared { .. } | Typed::Left) => return Ok(String::new()),
            }
        }
    }

    /// Which line a question is about, if it is not the one above it.
    fn about(&self) -> String {
        let line = self.unseen.as_deref().map(said::beginning);
        line.map_or(String::new(), |line| format!("{line}: "))
    }

    /// Is `line` to be done, although nothing undoes it?
    pub(super) async fn is_meant(&mut self, line: &str) -> Result<bool, Failure> {
        let line = self.presentable(line);
        self.is_agreed(&format!("{line} cannot be undone. Do it?")).await
    }

    /// May a command be done whose text goes on with `further` lines, although there is something
    /// like a password in them?
    pub(super) async fn may_go_with(&mut self, further: &str) -> Result<bool, Failure> {
        let question = "Behind the first line there is what looks like a password. Send it?";
        Ok(!self.has_secret(further) || self.is_agreed(question).await?)
    }

    /// May `text` be said in the room, although there is something like a password in it?
    pub(super) async fn may_be_said(&mut self, text: &str) -> Result<bool, Failure> {
        let what = match self.unseen.as_deref().filter(|line| *line == self.presentable(text)) {
            Some(line) => format!("{line}: This"),
            None => "This".into(),
        };
        let question =
            format!("{what} looks like a password. Say it in the room, for all to read?");
        Ok(!self.has_secret(text) || self.is_agreed(&question).await?)
    }

    fn has_secret(&self, text: &str) -> bool {
        let book = self.session.book();
        text.lines().any(|line| masking::secret_from(line, &book.catalogue).is_some())
    }

    /// Is `line`, which has no slash at its start, to be said in the room? If it is a command
    /// without its slash, the user decides which it is; none if the command takes its place.
    pub(super) async fn is_to_be_said(
        &mut self,
        line: &str,
        catalogue: &Catalogue,
        state: State,
    ) -> Result<Option<bool>, Failure> {
        if masking::secret_from(line, catalogue).is_some() {
            return self.may_be_said(line).await.map(Some);
        }
        let Some(meant) = slashed(line, catalogue, state) else {
            let has_late_slash = line.trim_start().starts_with('/') && !line.starts_with('/');
            let question =
                format!("{}This looks like a command. Say it in the room?", self.about());
            return Ok(Some(!has_late_slash || self.is_agreed(&question).await?));
        };
        let name = first_word(&meant);
        let about = self.about();
        let question =
            format!("{about}Did you mean {name}? y does it, n says the line in the room [y/n] ");
        let answer = self.answer(&question).await?;
        if answer == Some(true) {
            self.take_instead(&meant);
            return Ok(None);
        }
        Ok(Some(answer == Some(false)))
    }

    /// There is no command `name`: if another one may be meant, the user is asked.
    pub(super) async fn has_mistyped(
        &mut self,
        line: &str,
        name: &str,
        nearest: Option<&str>,
    ) -> Result<bool, Failure> {
        let Some(meant) = nearest else { return Ok(false) };
        let about = self.about();
        let question = format!("{about}There is no command /{name}. Did you mean /{meant}?");
        if self.is_agreed(&question).await? {
            let (_, arguments) = line.split_once(name).unwrap_or_default();
            // The value of an option is one word.
            let arguments = match meant.contains(" --") && !arguments.trim().is_empty() {
                true => format!(" {}", quoted(arguments.trim())),
                false => arguments.to_owned(),
            };
            self.take_instead(&format!("/{meant}{arguments}"));
        } else {
            self.drop_paste();
        }
        Ok(true)
    }

    /// A line without a slash cannot be said here; if it is a command, the user is asked.
    pub(super) async fn has_meant_command(
        &mut self,
        line: &str,
        catalogue: &Catalogue,
        state: State,
    ) -> Result<bool, Failure> {
        let name = first_word(line).to_lowercase();
        let command = catalogue.find(&name).filter(|_| name != GREETING);
        let Some(command) = command else { return Ok(false) };
        match slashed(line, catalogue, state) {
            // What is refused here is no question.
            Some(meant) if !command.spec.states.contains(state) => {
                self.take_instead(&meant);
                return Ok(true);
            }
            Some(meant) => {
                let question = format!("{}Did you mean /{name}?", self.about());
                if self.is_agreed(&question).await? {
                    self.take_instead(&meant);
                    return Ok(true);
                }
            }
            None => self.complain(&format!("a command begins with a slash: {}", usage(command))),
        }
        self.drop_paste();
        Ok(true)
    }
}

/// Is `line` of a paste a command?
fn is_command_line(line: &str) -> bool {
    matches!(read_line(line, false), Line::Command { .. })
}

/// `line` as the command that it is but for its slash and the case of its first word; none
/// if it is none with these arguments.
///
/// "help me" is a command as well, and "kick him".
fn slashed(line: &str, catalogue: &Catalogue, state: State) -> Option<String> {
    let words = line.trim();
    let is_late = words.len() < line.trim_end().len();
    let words = words.strip_prefix('/').filter(|_| is_late).unwrap_or(words);
    let name = first_word(words);
    let arguments = &words[name.len()..];
    let name = name.to_lowercase();
    let is_greeting = name == GREETING && arguments.is_empty();
    catalogue.find(&name).filter(|_| !is_greeting)?;
    let meant = format!("/{name}{arguments}");
    let is_meant = match step::understand(&meant, false, catalogue, States::of(&[state])).ok()? {
        Step::Here(Local::Help(Some(about))) => catalogue.find(&about).is_some(),
        Step::Ask { command, data, .. } => {
            let is_name = |arg: &Arg| matches!(arg.kind, Kind::UserName | Kind::Addressee);
            let mut names = command.args.iter().filter(|arg| arg.required && is_name(arg));
            let is_somebody = |name: &str| !PRONOUNS.contains(&&*name.to_lowercase());
            names.all(|arg| data.get(&arg.name).and_then(Value::as_str).is_none_or(is_somebody))
        }
        _ => true,
    };
    is_meant.then_some(meant)
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{local, testing};

    #[test]
    fn what_is_a_command_but_for_its_slash_is_found() {
        let mut catalogue = testing::catalogue();
        catalogue.commands.extend(local::commands());
        for (line, meant) in [
            ("exit", "/exit"),
            (" /exit", "/exit"),
            ("quit ", "/quit"),
            ("Enter attic", "/enter attic"),
            ("msg bob hi  there", "/msg bob hi  there"),
            ("LIST", "/list"),
            ("help list", "/help list"),
            ("wait --from bob", "/wait --from bob"),
        ] {
            assert_eq!(slashed(line, &catalogue, State::Chat).as_deref(), Some(meant), "{line:?}");
        }
        for line in [
            "exit here",
            "//exit",
            "enter",
            "create",
            "set up now",
            "hello",
            "wait for me",
            "help me",
            "msg me later",
            "",
            " ",
        ] {
            assert_eq!(slashed(line, &catalogue, State::Chat), None, "{line:?}");
        }
    }
}
