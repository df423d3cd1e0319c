//! The rows that a line takes on the terminal: as rustyline counts them, and as they are.

use rustyline::GraphemeClusterMode;
use rustyline::completion::Pair;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::safe;

/// How many columns rustyline leaves between candidates, at least.
const GAP_COLUMNS: usize = 2;

/// How many candidates are listed at most, however large the window is.
const LISTED_MAX: usize = 1000;

/// How the line was drawn last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Drawn {
    /// In how many columns.
    pub(crate) columns: usize,
    /// How much of it fills whole rows, behind which rustyline has begun another line: it does so
    /// at the very end of a row. What is longer the terminal wraps, and knows as one line.
    pub(crate) apart: usize,
}

impl Drawn {
    /// How many rows are above the cursor, which is behind `width` columns of it, below `whole`
    /// ones of so many columns: as rustyline believes, and as it is when the terminal has become
    /// another size and has put together and cut the rows of a line anew. None if it is as wide as
    /// before.
    pub(crate) fn rows_above(
        self,
        whole: &[usize],
        width: usize,
        columns: usize,
    ) -> Option<(usize, usize)> {
        if self.columns == 0 || columns == 0 || columns == self.columns {
            return None;
        }
        let rows_of = |columns: usize| -> usize {
            whole.iter().map(|width| width.saturating_sub(1) / columns + 1).sum()
        };
        let apart = if width < self.apart { 0 } else { self.apart };
        let rest = width - apart;
        // At the very end of a row a cursor may stay in it. What is one row too few leaves a piece
        // of the line on the screen; one too many would take away what somebody said.
        let is_narrower = columns < self.columns;
        let rows = if is_narrower { rest.saturating_sub(1) / columns } else { rest / columns };
        let believed = rows_of(self.columns) + width / self.columns;
        Some((believed, rows_of(columns) + apart.div_ceil(columns) + rows))
    }
}

/// Those of `candidates` for which the window has place in a list, as rustyline makes it, so that
/// there is nothing to page through: while it is, nothing else is shown, and no key does anything
/// else. The last one says how many more there are.
pub(crate) fn listed(candidates: Vec<String>, columns: usize, rows: usize) -> Vec<Pair> {
    let begun_alike = common_beginning(&candidates).to_owned();
    // Of files the folder, in which all of them are, is not said again; commands begin with a slash.
    let folder_len = begun_alike.rfind('/').filter(|at| *at > 0).map_or(0, |at| at + 1);
    let pair = |candidate: String| Pair {
        display: candidate[folder_len..].to_owned(),
        replacement: candidate,
    };
    let more = |count: usize| format!("… {count} more");
    let width = |found: &String| found[folder_len..].width();
    let widest = candidates.iter().map(width).max().unwrap_or(0);
    let widest = widest.max(more(candidates.len()).width()) + GAP_COLUMNS;
    let places = (columns / widest).max(1) * rows.saturating_sub(2);
    if candidates.len() <= places.min(LISTED_MAX) {
        return candidates.into_iter().map(pair).collect();
    }
    let shown = places.min(LISTED_MAX).saturating_sub(1);
    let rest = more(candidates.len() - shown);
    let rest = Pair { display: rest, replacement: begun_alike };
    candidates.into_iter().take(shown).map(pair).chain([rest]).collect()
}

/// What all of them begin with.
fn common_beginning(candidates: &[String]) -> &str {
    let mut candidates = candidates.iter();
    let first = candidates.next().map_or("", String::as_str);
    candidates.fold(first, |common, candidate| {
        let letters = common.char_indices().zip(candidate.chars());
        let other = letters.into_iter().find(|((_, a), b)| a != b);
        match other {
            Some(((at, _), _)) => &common[..at],
            None => &common[..common.len().min(candidate.len())],
        }
    })
}

/// As much of `hint` as fits into what is left of the row, `columns`: it must not push the line
/// away. The last column stays free, where some terminals begin another row.
pub(crate) fn fitting(hint: &str, columns: usize) -> String {
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

/// How many columns `text` takes, as rustyline counts them.
pub(crate) fn width(text: &str) -> usize {
    let mode = GraphemeClusterMode::from_env();
    text.graphemes(true).map(|letter| usize::from(mode.width(letter))).sum()
}

/// How many rows down the end of `text` is from its beginning, as rustyline counts them.
pub(crate) fn rows_to_end(text: &str, columns: usize) -> usize {
    let (mut row, mut column) = (0, 0);
    let mode = GraphemeClusterMode::from_env();
    for letter in text.graphemes(true) {
        let width = match letter {
            "\n" => {
                (row, column) = (row + 1, 0);
                continue;
            }
            "\t" => safe::TAB_COLUMNS - column % safe::TAB_COLUMNS,
            letter => usize::from(mode.width(letter)),
        };
        column += width;
        if column > columns {
            (row, column) = (row + 1, width);
        }
    }
    row + usize::from(column == columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_place_in_the_window() {
        let listed = |count: usize, columns, rows| {
            let names = (0..count).map(|number| format!("/tmp/a-long-file-{number:05} ")).collect();
            let listed = listed(names, columns, rows);
            let last = listed.last().unwrap();
            (listed.len(), last.display.clone(), last.replacement.clone())
        };
        let all = |count: usize| {
            let last = format!("a-long-file-{:05} ", count - 1);
            (count, last.clone(), format!("/tmp/{last}"))
        };
        let some = |len: usize, rest: &str, common: &str| (len, rest.to_owned(), common.to_owned());
        // Four in a row.
        assert_eq!(listed(88, 80, 24), all(88));
        assert_eq!(listed(89, 80, 24), some(88, "… 2 more", "/tmp/a-long-file-000"));
        assert_eq!(listed(70_000, 80, 24), some(88, "… 69913 more", "/tmp/a-long-file-"));
        assert_eq!(listed(9, 10, 8), some(6, "… 4 more", "/tmp/a-long-file-0000"));
        assert_eq!(listed(70_000, 9000, 9000).0, LISTED_MAX);
        assert_eq!(listed(9, 10, 1), some(1, "… 9 more", "/tmp/a-long-file-0000"));
    }

    #[test]
    fn candidates_begin_alike_up_to_a_letter() {
        let common = |candidates: &[&str]| {
            let candidates: Vec<_> = candidates.iter().map(|&c| c.into()).collect();
            common_beginning(&candidates).to_owned()
        };
        assert_eq!(common(&["äb", "ä", "äc"]), "ä");
        assert_eq!(common(&["鍵a", "錠a"]), "");
        assert_eq!(common(&["ab", "abc"]), "ab");
        assert_eq!(common(&[]), "");
    }

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
            assert_eq!(drawn.rows_above(&[], width, columns), rows, "{drawn:?} {width} {columns}");
        }
        // Below lines of the same message, an empty one among them.
        for (whole, before, width, columns, rows) in [
            (&[100, 0][..], 80, 20, 200, Some((3, 2))),
            (&[100, 0][..], 200, 20, 80, Some((2, 3))),
            (&[80][..], 80, 0, 40, Some((1, 2))),
        ] {
            let drawn = Drawn { columns: before, apart: 0 };
            assert_eq!(
                drawn.rows_above(whole, width, columns),
                rows,
                "{whole:?} {before} {columns}"
            );
        }
    }

    #[test]
    fn the_end_of_a_line_is_found_from_its_beginning() {
        for (text, columns, rows) in [
            ("", 10, 0),
            ("ann> 1234", 10, 0),
            // Rustyline begins another row as soon as one is full.
            ("ann> 12345", 10, 1),
            ("ann> 123456", 10, 1),
            ("ann> 1234\n1234\n", 10, 2),
            // A wide letter is not cut.
            ("ann> 1234鍵", 10, 1),
            ("ann> 1234鍵12345678", 10, 2),
            ("ann> \t12", 10, 1),
        ] {
            assert_eq!(rows_to_end(text, columns), rows, "{text:?}");
        }
    }
}
