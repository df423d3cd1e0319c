//! What rustyline asks while somebody types: candidates, hints, and how the line looks.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, raise};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context, GraphemeClusterMode, Helper};
use unicode_width::UnicodeWidthChar;

use crate::book::Book;
use crate::floor::Floor;
use crate::printer::Standing;
use crate::rows::{self, Drawn, fitting, listed, rows_to_end};
use crate::style::Style;
use crate::terminal::{self, columns, wraps_anew};
use crate::{completion, masking, safe};

/// Erases from the beginning of the row on. Not at once: what is erased from the first row of all
/// tmux takes for the whole screen, and keeps it in the scrollback (its option scroll-on-clear).
const ERASED: &str = "\r\x1b[K\x1b[C\x1b[J\r";

/// How many columns rustyline believes that a terminal has that does not say.
const COLUMNS_UNTOLD: usize = 80;

/// How many rows a terminal has at least that does not say.
const ROWS_UNTOLD: usize = 24;

/// Knows the book, and what the line is for.
pub(crate) struct Typist {
    book: Arc<Mutex<Book>>,
    style: Arc<Mutex<Style>>,
    standing: Standing,
    /// Is the line the answer to a question? Then it is not completed.
    is_answering: bool,
    /// Is it a password?
    is_password: bool,
    /// How many columns the prompt takes.
    prompt_width: usize,
    /// Was rustyline told to stop, since the prompt is another one now?
    is_stopping: AtomicBool,
    /// What stands in the line.
    pub(crate) draft: Draft,
    /// Told when rustyline reads, and when a line ends.
    pub(crate) floor: Floor,
    drawn: Cell<Drawn>,
    /// Is there a tab in what is drawn?
    has_tab: Cell<bool>,
    /// How rustyline counts columns in this terminal.
    clusters: GraphemeClusterMode,
    /// How many candidates of a list are still to be drawn.
    to_list: Cell<usize>,
}

/// A line as far as it is typed. It may have a password in it, so it is not for `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Draft(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    text: String,
    /// Before which byte the cursor is.
    cursor: usize,
    /// What it was, and where the cursor, before the history was searched: while it is, what is
    /// found stands there.
    before_search: Option<(String, usize)>,
}

impl Draft {
    fn set(&self, text: &str, cursor: usize) {
        let mut line = self.lock();
        text.clone_into(&mut line.text);
        line.cursor = cursor;
    }

    /// Whether the history is searched.
    fn set_searching(&self, is_searching: bool) {
        let mut line = self.lock();
        match is_searching {
            true if line.before_search.is_none() => {
                line.before_search = Some((line.text.clone(), line.cursor));
            }
            true => {}
            false => line.before_search = None,
        }
    }

    /// Is the history searched, so that something else is drawn?
    pub(crate) fn is_searching(&self) -> bool {
        self.lock().before_search.is_some()
    }

    pub(crate) fn text(&self) -> String {
        let (left, right) = self.parts();
        left + &right
    }

    /// What stands before the cursor, and behind it.
    pub(crate) fn parts(&self) -> (String, String) {
        let line = self.lock();
        let now = (&line.text, line.cursor);
        let (text, cursor) =
            line.before_search.as_ref().map_or(now, |(text, cursor)| (text, *cursor));
        let (left, right) = text.split_at_checked(cursor).unwrap_or((text, ""));
        (left.to_owned(), right.to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Typist {
    pub(crate) fn new(
        book: Arc<Mutex<Book>>,
        style: Arc<Mutex<Style>>,
        standing: Standing,
    ) -> Typist {
        let draft = Draft::default();
        let (is_answering, is_password) = (false, false);
        let (prompt_width, floor) = (0, Floor::default());
        let (drawn, has_tab, to_list) = (Cell::default(), Cell::default(), Cell::default());
        let clusters = GraphemeClusterMode::from_env();
        let is_stopping = AtomicBool::new(false);
        Typist {
            book,
            style,
            standing,
            is_answering,
            is_password,
            prompt_width,
            is_stopping,
            draft,
            floor,
            drawn,
            has_tab,
            clusters,
            to_list,
        }
    }

    /// A line is read behind a prompt of so many columns.
    pub(crate) fn begin(&mut self, is_answering: bool, is_password: bool, prompt_width: usize) {
        self.is_answering = is_answering;
        self.is_password = is_password;
        self.prompt_width = prompt_width;
        self.is_stopping.store(false, Ordering::Relaxed);
        self.draft.set("", 0);
        self.draft.set_searching(false);
    }

    /// Was rustyline told to stop since it began?
    pub(crate) fn has_stopped(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Takes `text` away, below which rustyline has left the cursor, if it did not print meanwhile;
    /// `remark` stands in its place.
    pub(crate) fn take_away(&self, text: &str, remark: Option<&str>) {
        let rows = rows_to_end(text, size().0) + 1;
        let remark = remark.map(|remark| format!("{}\r\n", self.style().error(remark)));
        let remark = remark.unwrap_or_default();
        self.floor.take_away(|is_last| {
            let erase = if is_last { format!("\x1b[{rows}A{ERASED}") } else { String::new() };
            let mut stdout = io::stdout();
            let _ = write!(stdout, "{erase}{remark}").and_then(|()| stdout.flush());
        });
    }

    /// Rustyline has ended in the middle of a line, and begins again. A text that is on its way to
    /// it meanwhile is shown with the line then.
    pub(crate) fn interrupt(&self) {
        self.floor.try_change();
    }

    /// How many rows the line takes, with the prompt.
    fn rows_of_line(&self) -> usize {
        let text = " ".repeat(self.prompt_width) + &self.draft.text();
        rows_to_end(&text, size().0) + 1
    }

    /// Must `line` be kept out of the history?
    pub(crate) fn is_secret(&self, line: &str) -> bool {
        // A paste may have several lines.
        line.lines().any(|line| self.secret_from(line).is_some())
    }

    fn secret_from(&self, line: &str) -> Option<usize> {
        if self.is_password {
            return Some(0);
        }
        masking::secret_from(line, &self.book().catalogue)
    }

    /// One row, with stars for what is secret in it.
    fn masked(&self, row: &str) -> String {
        let (shown, secret) = row.split_at(self.secret_from(row).unwrap_or(row.len()));
        shown.chars().map(String::from).chain(secret.chars().map(masked)).collect()
    }

    /// The terminal has become another size, and the line has other rows: rustyline would go up
    /// by as many as there were. In a wider one that is over what stands above the line, in a
    /// narrower one pieces of the line stay there. So go to where it finds what it expects.
    ///
    /// In a wider terminal that does not put rows together, one of the line is seen twice.
    fn make_up_for_rows(&self, before_cursor: &str, columns: usize) {
        let drawn = self.drawn.get();
        self.drawn.set(Drawn { columns, ..drawn });
        let mut whole: Vec<_> = before_cursor.split('\n').map(rows::width).collect();
        whole[0] += self.prompt_width;
        let width = whole.pop().unwrap_or_default();
        let Some((expected, rows)) = drawn.rows_above(&whole, width, columns) else { return };
        let motion = match expected.checked_sub(rows) {
            Some(fewer) => "\n".repeat(fewer),
            // To the first row, all of the line away, and down again.
            None if wraps_anew() => format!("\x1b[{rows}A{ERASED}{}", "\n".repeat(expected)),
            None => return,
        };
        let mut stdout = io::stdout();
        let _ = stdout.write_all(motion.as_bytes()).and_then(|()| stdout.flush());
    }

    fn style(&self) -> Style {
        *self.style.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Helper for Typist {}

impl Validator for Typist {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        // Every line is a line; this is asked for when it ends.
        self.floor.change();
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Typist {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        match self.is_answering {
            true => Ok((pos, Vec::new())),
            false => {
                let (start, mut found) = completion::candidates(&line[..pos], &self.book());
                if line[pos..].starts_with(' ') {
                    // The blank that follows is there already.
                    found = found.iter().map(|candidate| candidate.trim_end().to_owned()).collect();
                }
                let (columns, rows) = size();
                let found = listed(found, columns, rows.saturating_sub(self.rows_of_line() - 1));
                self.to_list.set(found.len());
                Ok((start, found))
            }
        }
    }
}

/// A hint is read, not inserted: it names arguments.
pub(crate) struct Remark(String);

impl Hint for Remark {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Typist {
    type Hint = Remark;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Remark> {
        // It is asked for when the line is drawn first, and after every change.
        if !self.has_stopped() {
            self.floor.is_read_from();
        }
        self.draft.set(line, pos);
        self.make_up_for_rows(&line[..pos], columns());
        let is_wanted = !self.is_answering && !self.style().is_plain && pos == line.len();
        let hint = is_wanted.then(|| completion::hint(line, &self.book())).flatten()?;
        Some(Remark(match columns() {
            0 => hint,
            columns => fitting(&hint, columns - (self.prompt_width + rows::width(line)) % columns),
        }))
    }
}

impl Highlighter for Typist {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        is_default: bool,
    ) -> Cow<'b, str> {
        self.draft.set_searching(!is_default);
        let is_another = self.standing.prompt().is_some_and(|now| is_default && now != prompt);
        if is_another && !self.has_stopped() && self.floor.try_change() {
            self.is_stopping.store(true, Ordering::Relaxed);
            // While rustyline reads this signal is its own, and the one thing that stops it. To this
            // thread, so that it is there before rustyline can have ended.
            let _ = raise(Signal::SIGINT);
        }
        prompt.into()
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let (columns, width) = (columns(), self.prompt_width + rows::width(line));
        self.has_tab.set(line.contains('\t'));
        let is_full = columns > 0 && width % columns == 0 && !line.contains('\n');
        self.drawn.set(Drawn { columns, apart: if is_full { width } else { 0 } });
        let drawn: Cow<'l, str> = match self.is_secret(line) {
            true => {
                line.split('\n').map(|row| self.masked(row)).collect::<Vec<_>>().join("\n").into()
            }
            false => line.into(),
        };
        // Where the terminal is not known for drawing as one what is joined.
        let is_apart = self.clusters == GraphemeClusterMode::WcWidth;
        let is_left_out = |c| is_obeyed(c) || (is_apart && is_joiner(c));
        if drawn.contains(is_left_out) { drawn.replace(is_left_out, "").into() } else { drawn }
    }

    /// Behind a list rustyline draws the line again, and goes up first by as many rows as the line
    /// has had, over the end of the list. So behind the last one of it there have to be as many.
    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        let left = self.to_list.get().saturating_sub(1);
        self.to_list.set(left);
        match left {
            0 => format!("{candidate}{}", "\n".repeat(self.rows_of_line() - 1)).into(),
            _ => candidate.into(),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.style().dim(hint).into()
    }

    fn highlight_char(&self, line: &str, pos: usize, kind: CmdKind) -> bool {
        if kind == CmdKind::MoveCursor {
            self.draft.set(line, pos);
        }
        // Else a letter typed at the end is drawn as it is, without asking for its mask, and what is
        // deleted at the end is erased in as many columns as it has by itself, of which a tab has none.
        line.contains(is_obeyed) || self.has_tab.get() || self.is_secret(line)
    }
}

/// The columns and rows of the terminal, as rustyline takes them.
fn size() -> (usize, usize) {
    let (columns, rows) = terminal::size();
    let told = |size, untold| if size == 0 { untold } else { size };
    (told(columns, COLUMNS_UNTOLD), told(rows, ROWS_UNTOLD))
}

/// Would a terminal obey `c`, which was pasted? Rustyline gives such letters no columns.
fn is_obeyed(c: char) -> bool {
    safe::drives(c) && c != '\n' && c.width().unwrap_or(0) == 0
}

/// Does `c` join letters, or change one? Rustyline counts the columns of each letter, and terminals
/// differ in how many they make of all together: a family of emoji takes six columns, or two.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{fe0f}')
}

/// As many stars as the letter has columns; the cursor is placed by those.
fn masked(letter: char) -> String {
    match letter.is_whitespace() {
        true => letter.to_string(),
        false => "*".repeat(letter.width().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_drawn() {
        let (book, style) = (Mutex::new(Book::new()), Mutex::new(Style::NONE));
        let typist = Typist::new(Arc::new(book), Arc::new(style), Standing::default());
        assert_eq!(typist.highlight("a\u{202e}b\u{9b}31mc\u{7}\nd", 0), "ab31mc\nd");
        for text in ["a\tb \u{5d0}", "می\u{200c}خواهم"] {
            assert_eq!(typist.highlight(text, 0), text);
        }
    }

    /// Tmux makes two columns of what rustyline counts as six, and the line was drawn elsewhere.
    #[test]
    fn what_is_joined_is_drawn_in_as_many_columns_as_rustyline_counts() {
        let (book, style) = (Mutex::new(Book::new()), Mutex::new(Style::NONE));
        let mut typist = Typist::new(Arc::new(book), Arc::new(style), Standing::default());
        typist.clusters = GraphemeClusterMode::WcWidth;
        let width = |text: &str| typist.clusters.width(text);
        for (text, drawn) in [
            ("a \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}", "a \u{1f469}\u{1f469}\u{1f467}"),
            ("\u{2764}\u{fe0f}!", "\u{2764}!"),
            ("\u{1f3f3}\u{fe0f}\u{200d}\u{1f308} क्\u{200d}ष", "\u{1f3f3}\u{1f308} क्ष"),
        ] {
            assert_eq!(typist.highlight(text, 0), drawn);
            assert_eq!(width(text), width(drawn));
        }
        typist.clusters = GraphemeClusterMode::Unicode;
        assert_eq!(typist.highlight("\u{2764}\u{fe0f}", 0), "\u{2764}\u{fe0f}");
    }

    #[test]
    fn a_password_is_shown_as_stars_of_the_same_width() {
        let (book, style) = (Mutex::new(Book::new()), Mutex::new(Style::NONE));
        let typist = Typist::new(Arc::new(book), Arc::new(style), Standing::default());
        assert_eq!(typist.highlight("/login ann 12 鍵", 0), "/login ann ** **");
        assert_eq!(typist.highlight("/enter ann 1234", 0), "/enter ann 1234");
        assert_eq!(typist.highlight("hi\n/login ann 12\nhi", 0), "hi\n/login ann **\nhi");
        assert!(typist.is_secret("hello\n/login ann 1234"));
        assert!(!typist.is_secret("hello\n/enter attic"));
    }
}
