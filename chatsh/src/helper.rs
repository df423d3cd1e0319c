//! What rustyline asks while somebody types: candidates, hints, and how the line looks.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::book::Book;
use crate::floor::Floor;
use crate::printer::Standing;
use crate::style::Style;
use crate::terminal::{columns, wraps_anew};
use crate::{completion, masking};

/// Knows the book, and what the line is for.
pub(crate) struct Typist {
    book: Arc<Mutex<Book>>,
    style: Arc<Mutex<Style>>,
    standing: Standing,
    /// Is the line the answer to a question? Then it is neither completed nor masked.
    pub(crate) is_answering: bool,
    /// How many columns the prompt takes.
    pub(crate) prompt_width: usize,
    /// What stands in the line.
    pub(crate) draft: Draft,
    /// Told when rustyline reads, and when a line ends.
    pub(crate) floor: Floor,
    drawn: Cell<Drawn>,
}

/// A line as far as it is typed. It may have a password in it, so it is not for `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Draft(Arc<Mutex<String>>);

impl Draft {
    pub(crate) fn set(&self, line: &str) {
        line.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How the line was drawn last.
#[derive(Debug, Clone, Copy, Default)]
struct Drawn {
    /// In how many columns.
    columns: usize,
    /// How much of it fills whole rows, behind which rustyline has begun another line: it does so
    /// at the very end of a row. What is longer the terminal wraps, and knows as one line.
    apart: usize,
}

impl Drawn {
    /// How many rows are above the cursor, which is behind `width` columns of it: as rustyline
    /// believes, and as it is when the terminal has become another size and has put together
    /// and cut the rows of a line anew. None if it is as wide as before.
    fn rows_above(self, width: usize, columns: usize) -> Option<(usize, usize)> {
        if self.columns == 0 || columns == 0 || columns == self.columns {
            return None;
        }
        let apart = if width < self.apart { 0 } else { self.apart };
        let rest = width - apart;
        // At the very end of a row a cursor may stay in it. What is one row too few leaves a piece
        // of the line on the screen; one too many would take away what somebody said.
        let is_narrower = columns < self.columns;
        let rows = if is_narrower { rest.saturating_sub(1) / columns } else { rest / columns };
        Some((width / self.columns, apart.div_ceil(columns) + rows))
    }
}

impl Typist {
    pub(crate) fn new(
        book: Arc<Mutex<Book>>,
        style: Arc<Mutex<Style>>,
        standing: Standing,
    ) -> Typist {
        let draft = Draft::default();
        let (is_answering, prompt_width, floor) = (false, 0, Floor::default());
        let drawn = Cell::default();
        Typist { book, style, standing, is_answering, prompt_width, draft, floor, drawn }
    }

    /// Must `line` be kept out of the history?
    pub(crate) fn is_secret(&self, line: &str) -> bool {
        // A paste may have several lines.
        line.lines().any(|line| self.secret_from(line).is_some())
    }

    fn secret_from(&self, line: &str) -> Option<usize> {
        masking::secret_from(line, &self.book().catalogue)
    }

    /// The terminal has become another size, and the line has other rows: rustyline would go up
    /// by as many as there were. In a wider one that is over what stands above the line, in a
    /// narrower one pieces of the line stay there. So go to where it finds what it expects.
    ///
    /// In a wider terminal that does not put rows together, one of the line is seen twice.
    fn make_up_for_rows(&self, before_cursor: &str, columns: usize) {
        let drawn = self.drawn.get();
        self.drawn.set(Drawn { columns, ..drawn });
        let width = self.prompt_width + before_cursor.width();
        let Some((expected, rows)) = drawn.rows_above(width, columns) else { return };
        let motion = match expected.checked_sub(rows) {
            Some(fewer) => "\n".repeat(fewer),
            // To the first row, all of the line away, and down again.
            None if wraps_anew() => format!("\x1b[{rows}A\r\x1b[J{}", "\n".repeat(expected)),
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
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        match self.is_answering {
            true => Ok((pos, Vec::new())),
            false => {
                let (start, mut found) = completion::candidates(&line[..pos], &self.book());
                if line[pos..].starts_with(' ') {
                    // The blank that follows is there already.
                    found = found.iter().map(|candidate| candidate.trim_end().to_owned()).collect();
                }
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
        self.floor.is_read_from();
        self.draft.set(line);
        // One of several lines has rows that its width does not tell.
        if !line.contains('\n') {
            self.make_up_for_rows(&line[..pos], columns());
        }
        let is_wanted = !self.is_answering && !self.style().is_plain && pos == line.len();
        let hint = is_wanted.then(|| completion::hint(line, &self.book())).flatten()?;
        Some(Remark(match columns() {
            0 => hint,
            columns => fitting(&hint, columns - (self.prompt_width + line.width()) % columns),
        }))
    }
}

impl Highlighter for Typist {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        is_default: bool,
    ) -> Cow<'b, str> {
        match self.standing.prompt().filter(|now| is_default && now != prompt) {
            // Rustyline knows the width of the one that it began with.
            Some(now) => as_wide(&now, prompt.width()).into(),
            None => prompt.into(),
        }
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let (columns, width) = (columns(), self.prompt_width + line.width());
        let is_full = columns > 0 && width % columns == 0;
        self.drawn.set(Drawn { columns, apart: if is_full { width } else { 0 } });
        match self.secret_from(line) {
            Some(start) if !self.is_answering => {
                let mask: String = line[start..].chars().map(masked).collect();
                format!("{}{mask}", &line[..start]).into()
            }
            _ => line.into(),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.style().dim(hint).into()
    }

    fn highlight_char(&self, line: &str, _: usize, _: CmdKind) -> bool {
        // Else a letter typed at the end is drawn as it is, without asking for its mask.
        !self.is_answering && self.secret_from(line).is_some()
    }
}

/// As much of `hint` as fits into what is left of the row, `columns`: it must not push the line
/// away. The last column stays free, where some terminals begin another row.
fn fitting(hint: &str, columns: usize) -> String {
    if hint.width() < columns {
        return hint.to_owned();
    }
    let mut width = 0;
    let is_within = |letter: &char| {
        width += letter.width().unwrap_or(0);
        width + 1 < columns
    };
    let mut fitting: String = hint.chars().take_while(is_within).collect();
    if !fitting.is_empty() {
        fitting.push('…');
    }
    fitting
}

/// `prompt` in as many columns: with blanks behind it, or less of the user, or of the place.
fn as_wide(prompt: &str, columns: usize) -> String {
    if prompt.width() <= columns {
        return format!("{prompt}{}", " ".repeat(columns - prompt.width()));
    }
    let place = prompt.rfind(['@', '#']).unwrap_or_default();
    let (user, place) = prompt.split_at(place);
    if place.width() + 2 <= columns {
        let fits = |at: &usize| user[..*at].width() + 1 + place.width() <= columns;
        let ends = user.char_indices().map(|(at, _)| at).chain([user.len()]);
        let end = ends.take_while(fits).last().unwrap_or_default();
        let shown = format!("{}…{place}", &user[..end]);
        return format!("{}{shown}", " ".repeat(columns - shown.width()));
    }
    let fits = |(at, _): &(usize, char)| prompt[*at..].width() < columns;
    let end = prompt.char_indices().find(fits).map_or("", |(at, _)| &prompt[at..]);
    format!("{}…{end}", " ".repeat(columns.saturating_sub(1 + end.width())))
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
    fn a_hint_stays_on_its_row() {
        for (columns, shown) in [(12, "[--since S]"), (11, "[--since …"), (8, "[--sin…"), (1, "")]
        {
            assert_eq!(fitting("[--since S]", columns), shown);
            assert!(fitting("[--since S]", columns).width() < columns, "{columns}");
        }
    }

    #[test]
    fn in_another_width_the_line_has_other_rows() {
        for (apart, before, width, columns, rows) in [
            (0, 80, 113, 130, Some((1, 0))),
            (0, 80, 113, 100, Some((1, 1))),
            (0, 80, 70, 130, Some((0, 0))),
            (0, 50, 250, 110, Some((5, 2))),
            // Typed letter by letter: the last row is a line of its own.
            (80, 80, 113, 130, Some((1, 1))),
            (100, 50, 113, 110, Some((2, 1))),
            (100, 50, 90, 110, Some((1, 0))),
            // Narrower.
            (0, 200, 220, 90, Some((1, 2))),
            (0, 80, 70, 40, Some((0, 1))),
            (80, 80, 100, 40, Some((1, 2))),
            (0, 80, 30, 40, Some((0, 0))),
            // The cursor may be in the row that it has filled.
            (0, 100, 80, 40, Some((0, 1))),
            // As wide as before; never drawn; no terminal.
            (0, 80, 113, 80, None),
            (0, 0, 113, 80, None),
            (0, 80, 113, 0, None),
        ] {
            let drawn = Drawn { columns: before, apart };
            assert_eq!(drawn.rows_above(width, columns), rows, "{drawn:?} {width} {columns}");
        }
    }

    #[test]
    fn another_prompt_takes_as_many_columns() {
        for (columns, shown) in [
            (13, "ann@lobby>   "),
            (11, "ann@lobby> "),
            (10, "a…@lobby> "),
            (9, "…@lobby> "),
            (8, "…lobby> "),
            (2, "… "),
            (1, "…"),
        ] {
            assert_eq!(as_wide("ann@lobby> ", columns), shown);
        }
        assert_eq!(as_wide("harper@lobby> ", 13), "harp…@lobby> ");
        assert_eq!(as_wide("鍵鍵@lobby> ", 11), "鍵…@lobby> ");
        assert_eq!(as_wide("鍵鍵@lobby> ", 10), " …@lobby> ");
        assert_eq!(as_wide("127.0.0.1> ", 9), "….0.0.1> ");
        assert_eq!(as_wide("鍵鍵鍵> ", 6), " …鍵> ");
    }

    #[test]
    fn a_password_is_shown_as_stars_of_the_same_width() {
        let (book, style) = (Mutex::new(Book::new()), Mutex::new(Style::NONE));
        let typist = Typist::new(Arc::new(book), Arc::new(style), Standing::default());
        assert_eq!(typist.highlight("/login ann 12 鍵", 0), "/login ann ** **");
        assert_eq!(typist.highlight("/enter ann 1234", 0), "/enter ann 1234");
        assert!(typist.is_secret("hello\n/login ann 1234"));
        assert!(!typist.is_secret("hello\n/enter attic"));
    }
}
