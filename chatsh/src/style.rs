//! Colours, or none: what the user, the terminal and NO_COLOR agree on.

use clap::ValueEnum;

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Even into a pipe.
    Always,
    /// Not at all.
    Never,
}

impl Colour {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Colour::Auto => "auto",
            Colour::Always => "always",
            Colour::Never => "never",
        }
    }
}

/// How output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// When there are colours, as the user wants it.
    pub(crate) colour: Colour,
    has_colour: bool,
    /// Linear, for screen readers: no colours, no drawing signs, nothing beside the line.
    pub(crate) is_plain: bool,
    /// How wide it is; 0 if lines have no end.
    columns: usize,
}

/// The colours of names, as SGR numbers: what can be read on black and on white, and is not
/// the red of errors.
const NAME_COLOURS: [u8; 8] = [32, 33, 34, 35, 36, 92, 94, 95];

impl Style {
    /// Text and nothing else, as into a pipe.
    pub(crate) const NONE: Style =
        Style { colour: Colour::Never, has_colour: false, is_plain: false, columns: 0 };

    /// The style for an output that is, or is not, a terminal.
    pub(crate) fn of(colour: Colour, is_plain: bool, is_terminal: bool) -> Style {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = || std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let has_colour = match colour {
            Colour::Always => !is_plain,
            Colour::Never => false,
            Colour::Auto => is_terminal && !is_plain && !is_set("NO_COLOR") && !is_dumb(),
        };
        Style { colour, has_colour, is_plain, columns: 0 }
    }

    /// The same on a terminal of so many columns; 0 if it does not say.
    pub(crate) fn within(self, columns: usize) -> Style {
        Style { columns, ..self }
    }

    /// The same for what is moved so many columns to the right.
    pub(crate) fn indented(self, by: usize) -> Style {
        Style { columns: self.columns.saturating_sub(by), ..self }
    }

    /// The same without colours.
    pub(crate) fn uncoloured(self) -> Style {
        Style { has_colour: false, ..self }
    }

    /// Into how many columns a line must fit, if it must.
    pub(crate) fn columns(self) -> Option<usize> {
        (self.columns > 0).then_some(self.columns)
    }

    /// The same with these colours on a terminal.
    pub(crate) fn coloured(self, colour: Colour) -> Style {
        Style { columns: self.columns, ..Style::of(colour, self.is_plain, true) }
    }

    /// What stands before the further lines of a text.
    pub(crate) fn bar(self) -> &'static str {
        if self.is_plain { "|" } else { "│" }
    }

    /// What is not a word of the user's or the server's.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What went wrong.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// A name; the same one always has the same colour.
    pub(crate) fn name(self, name: &str) -> String {
        let sum =
            name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let colour = NAME_COLOURS[sum as usize % NAME_COLOURS.len()];
        self.paint(&colour.to_string(), name)
    }

    /// The name of one who means you.
    pub(crate) fn loud(self, name: &str) -> String {
        self.paint("1;7", name)
    }

    fn paint(self, sgr: &str, text: &str) -> String {
        match self.has_colour {
            true => format!("\x1b[{sgr}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn into_a_pipe_there_are_colours_only_on_demand() {
        assert_eq!(Style::of(Colour::Auto, false, false).error("no"), "no");
        assert_eq!(Style::of(Colour::Always, false, false).error("no"), "\x1b[31mno\x1b[0m");
        assert_eq!(Style::of(Colour::Never, false, true).error("no"), "no");
        assert_eq!(Style::of(Colour::Auto, true, true).error("no"), "no");
    }

    #[test]
    fn a_name_keeps_its_colour() {
        let style = Style::of(Colour::Always, false, true);
        assert_eq!(style.name("ann"), style.name("ann"));
        assert_ne!(style.name("ann"), style.name("bob"));
        for letter in 'a'..='z' {
            let name = style.name(&letter.to_string());
            assert!(!name.contains("[31m") && !name.contains("[91m"), "{name:?} is an error");
        }
    }
}
