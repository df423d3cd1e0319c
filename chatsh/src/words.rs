//! The words of a line that is still being typed, and where they begin: quotes may be
//! open, options incomplete. Reading a finished line is proto's.

/// Gives the words as they stand, quotes and all, each with its place in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(text: &'a str) -> Words<'a> {
        Words { text, at: 0 }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<(usize, &'a str)> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        let mut quote = None;
        let mut is_escaped = false;
        let end = self.text[start..].char_indices().find(|(_, c)| {
            match (quote, *c) {
                _ if is_escaped => is_escaped = false,
                (None | Some('"'), '\\') => is_escaped = true,
                (None, '\'' | '"') => quote = Some(*c),
                (Some(open), c) if c == open => quote = None,
                (None, c) => return c.is_whitespace(),
                (Some(_), _) => {}
            }
            false
        });
        self.at = end.map_or(self.text.len(), |(offset, _)| start + offset);
        (self.at > start).then(|| (start, &self.text[start..self.at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_word_together_even_when_they_are_open() {
        let words = |text| Words::new(text).collect::<Vec<_>>();
        assert_eq!(words("  ab 'c d'e  \"f g"), [(2, "ab"), (5, "'c d'e"), (13, "\"f g")]);
        assert_eq!(
            words(r#"a\ b "c\" d" 'e\' f"#),
            [(0, r"a\ b"), (5, r#""c\" d""#), (13, r"'e\'"), (18, "f")]
        );
        assert_eq!(words("  "), []);
        assert_eq!(words("é ü"), [(0, "é"), (3, "ü")]);
    }
}
