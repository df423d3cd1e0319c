//! What was typed and is not done yet: lines whose turn has not come, and what becomes of them.

use std::time::{Duration, Instant};

use super::Repl;
use super::asking::Sending;
use crate::editor::Lines;
use crate::exit::{Exit, Failure};
use crate::masking;

/// A paste of more lines is asked about: it may not be what was meant to be pasted.
const PASTED_LINES_MAX: usize = 3;

/// How often is said how many lines still wait, which a server takes no faster than it likes.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// A line whose turn has not come.
#[derive(Default)]
pub(super) struct Queued {
    pub(super) text: String,
    /// The file that it is in and its number there, if it was not typed.
    pub(super) source: Option<(String, usize)>,
    /// Was it typed while the connection was lost?
    pub(super) is_late: bool,
    /// Was it pasted, with others?
    pub(super) is_pasted: bool,
    /// Is it a message as it stands, of several lines?
    pub(super) is_message: bool,
}

impl Queued {
    pub(super) fn typed(text: &str) -> Queued {
        Queued { text: text.into(), ..Queued::default() }
    }
}

impl Repl<'_> {
    /// Takes what was typed.
    pub(super) async fn take(&mut self, text: &str, lines: Lines) -> Result<(), Failure> {
        let is_late = self.away.is_some();
        if is_late && !text.contains('\n') && self.needs_no_server(text) {
            // The line that is under way may be of a file.
            let source = self.source.take();
            let done = self.line(text).await;
            self.source = source;
            return done.map(drop);
        }
        let before = self.lines.len();
        match self.sending(text, lines).await? {
            Some(Sending::Each) => {
                let is_pasted = text.lines().count() > 1;
                let queued = |line| Queued { is_pasted, ..Queued::typed(line) };
                self.lines.extend(text.lines().map(queued));
            }
            Some(Sending::AsOne) if text.trim().is_empty() => {}
            Some(Sending::AsOne) if text.starts_with('/') => {
                let text = text.trim_end_matches('\n');
                let (_, further) = text.split_once('\n').unwrap_or_default();
                if self.may_go_with(further).await? {
                    self.lines.push_back(Queued::typed(text));
                }
            }
            Some(Sending::AsOne) if self.may_be_said(text).await? => {
                let text = text.trim_end_matches('\n');
                self.lines.push_back(Queued { is_message: true, ..Queued::typed(text) });
            }
            Some(Sending::AsOne) | None => {}
        }
        if is_late {
            let late = self.lines.iter_mut().skip(before);
            let has_text = late.fold(false, |has_text, line| {
                line.is_late = true;
                has_text || !line.text.trim().is_empty()
            });
            self.are_late(has_text);
        }
        Ok(())
    }

    /// `line` is what the user meant, who was asked.
    pub(super) fn take_instead(&mut self, line: &str) {
        let is_late = self.away.is_some();
        self.lines.push_front(Queued { is_late, ..Queued::typed(line) });
        if is_late {
            self.are_late(true);
        }
    }

    async fn sending(&mut self, text: &str, lines: Lines) -> Result<Option<Sending>, Failure> {
        if lines == Lines::Message {
            return Ok(Some(Sending::AsOne));
        }
        let count = text.lines().filter(|line| !line.trim().is_empty()).count();
        // What is behind the first line of a private message would be said to all.
        let has_command = count > 1 && text.lines().any(|line| line.starts_with('/'));
        let is_recalled = count > 1 && lines == Lines::Recalled;
        match count > PASTED_LINES_MAX || has_command || is_recalled {
            true => self.how_to_send(text, count).await,
            false => Ok(Some(Sending::Each)),
        }
    }

    /// What comes behind a line of a paste that was refused, or behind the end of a stay in the
    /// room, is not sent: as in a script, it would be said with a hole, or elsewhere. So with lines
    /// that were typed while the connection was lost, when nobody saw what became of the one before.
    pub(super) fn drop_paste(&mut self) {
        if self.lines.front().is_some_and(|line| line.is_pasted || line.is_late) {
            self.drop_lines();
        }
    }

    /// Says now and then how many lines wait, while many do.
    pub(super) fn tell_progress(&mut self) {
        if self.lines.is_empty() {
            self.behind_since = None;
            return;
        }
        let since = *self.behind_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= PROGRESS_EVERY {
            self.behind_since = Some(Instant::now());
            self.remark(&match self.lines.len() {
                1 => "1 line to go; Ctrl-C drops it".into(),
                many => format!("{many} lines to go; Ctrl-C drops them"),
            });
        }
    }

    /// The end for that reason, with what was typed in vain.
    pub(super) fn with_unsent(&self, failure: Failure) -> Failure {
        let Some(unsent) = self.unsent() else { return failure };
        let exit = match failure.exit {
            // It is known that these had no effect.
            Exit::NoConnection => Exit::Refused,
            other => other,
        };
        Failure::new(exit, format!("{}; {unsent}", failure.message))
    }

    /// `failure`, with what was typed of a line: it is gone with the shell.
    pub(super) fn with_draft(&self, failure: Failure) -> Failure {
        let Some(draft) = self.editor.draft().filter(|_| !failure.message.is_empty()) else {
            return failure;
        };
        let draft = self.presentable(&draft);
        let message = format!("{}; what you were typing: {draft}", failure.message);
        Failure { message, ..failure }
    }

    /// The lines whose turn has not come are not done.
    pub(super) fn drop_lines(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let mut lines = lines.iter().filter(|line| !line.text.trim().is_empty());
        let Some(first) = lines.next().map(|line| self.presentable(&line.text)) else { return };
        match lines.count() {
            0 => self.complain(&format!("not sent: {first}")),
            more => self.complain(&format!("not sent, with {more} more behind it: {first}")),
        }
    }

    /// Which lines were not sent, if there are such.
    pub(super) fn unsent(&self) -> Option<String> {
        let lines = self.lines.iter().map(|line| &line.text);
        let lines = lines.chain(self.typed_before.iter().map(|(text, _)| text));
        let lines = lines.filter(|line| !line.trim().is_empty());
        let lines: Vec<_> = lines.map(|line| self.presentable(line)).collect();
        match lines.as_slice() {
            [] => None,
            [line] => Some(format!("this line was not sent: {line}")),
            lines => {
                Some(format!("these {} lines were not sent: {}", lines.len(), lines.join(" | ")))
            }
        }
    }

    /// A line as it may be shown again: of one with a secret its command only.
    pub(super) fn presentable(&self, line: &str) -> String {
        let book = self.session.book();
        let is_secret = |line: &&str| masking::secret_from(line, &book.catalogue).is_some();
        // A message that was pasted has several.
        match line.lines().find(is_secret) {
            Some(line) => line.split_whitespace().next().unwrap_or_default().to_owned(),
            None => line.trim().to_owned(),
        }
    }
}
