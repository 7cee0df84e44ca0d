//! Text for people. What is added to it is escaped; only restctl's own line breaks and styles come from here.

use comfy_table::Table;
use console::Style;

use super::sanitize::{cut_line, sanitize};

/// Others' text in a message or a cell is cut after so many characters.
const MAX_LINE_CHARACTERS: usize = 4_000;

/// Lines that are safe to print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// Returns the lines, each escaped.
    pub(crate) fn from_lines(lines: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        let mut text = Self::default();
        for (place, line) in lines.into_iter().enumerate() {
            if place > 0 {
                text.0.push('\n');
            }
            text.0.push_str(&line.into().0);
        }
        text
    }

    /// Returns a table as lines. A line break within a cell must be restctl's own: [`super::output::new_table`] sees to that.
    pub(crate) fn from_table(table: &Table) -> Self {
        Self::from_lines(table.trim_fmt().lines())
    }

    pub(crate) fn styled(text: &str, style: &Style) -> Self {
        Self(style.apply_to(sanitize(text)).to_string())
    }

    pub(crate) fn push(&mut self, text: impl Into<Text>) {
        self.0.push_str(&text.into().0);
    }

    pub(crate) fn push_line(&mut self, line: impl Into<Text>) {
        self.0.push('\n');
        self.push(line);
    }

    /// Returns the lines with `margin` spaces before each.
    pub(crate) fn indented(&self, margin: usize) -> Self {
        let lines: Vec<String> = self.0.lines().map(|line| format!("{:margin$}{line}", "")).collect();
        Self(lines.join("\n"))
    }

    /// Cuts each line that is too long for a message.
    pub(crate) fn cut(self) -> Self {
        Self(cut_lines(&self.0))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Cuts each line that is too long for a message.
pub(super) fn cut_lines(text: &str) -> String {
    let reset = if text.contains('\u{1b}') { "\u{1b}[0m" } else { "" };
    let cut = |line| cut_line(line, MAX_LINE_CHARACTERS, |kept| format!("{kept}{reset}"));
    match text.len() {
        ..=MAX_LINE_CHARACTERS => text.to_owned(),
        _ => text.split('\n').map(cut).collect::<Vec<_>>().join("\n"),
    }
}

/// One line.
impl From<&str> for Text {
    fn from(line: &str) -> Self {
        Self(sanitize(line))
    }
}

/// One line.
impl From<&String> for Text {
    fn from(line: &String) -> Self {
        Self::from(line.as_str())
    }
}

/// One line.
impl From<String> for Text {
    fn from(line: String) -> Self {
        Self::from(line.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_line_breaks_and_styles_stay() {
        let red = Style::new().red().force_styling(true);
        let mut text = Text::from_lines(["a\nb", "c\u{1b}[2J"]);
        text.push_line(Text::styled("d\u{1b}[0m", &red));
        assert_eq!(text.as_str(), "a\\nb\nc\\u{1b}[2J\n\u{1b}[31md\\u{1b}[0m\u{1b}[0m");
        assert_eq!(Text::from_lines(["a", "b"]).indented(2).as_str(), "  a\n  b");
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let long = "x".repeat(1_000_000);
        let cut = Text::from_lines([long.as_str(), "short"]).cut();
        assert_eq!(cut.as_str(), format!("{}… (996000 bytes more)\nshort", "x".repeat(4_000)));
    }
}
