//! Text for people. What is added to it is escaped; only restctl's own line breaks and styles come from here.

use comfy_table::{Cell, Table};
use console::{Style, measure_text_width};

use super::sanitize::{cut_line, sanitize};

/// Others' text in a message or a cell is cut after so many characters.
const MAX_LINE_CHARACTERS: usize = 4_000;

/// The spaces between two columns.
pub(super) const GAP: u16 = 2;

/// Text is not wrapped in a column that has less room than this for each row.
const MIN_WRAPPED_COLUMN: usize = 15;

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

    /// Returns a table as lines. A line break within a cell must be restctl's own: [`super::output::new_table`] sees to that. If
    /// the terminal is too narrow for so many columns, each row becomes a block of names and values.
    pub(crate) fn from_table(table: &Table) -> Self {
        let lines = table.trim_fmt();
        match table.width() {
            Some(width) if is_too_narrow(table, width) || has_forged_label(table, &lines) => {
                Self::from_rows(table, usize::from(width - GAP))
            }
            _ => Self::from_lines(lines.lines()),
        }
    }

    fn from_rows(table: &Table, width: usize) -> Self {
        let names = table.header().into_iter().flat_map(|header| header.cell_iter().map(Cell::content));
        let names: Vec<String> = names.collect();
        let blocks = table.row_iter().map(|row| {
            let values = row.cell_iter().map(|cell| Self(cell.content()));
            let mut block =
                Self::from_pairs(&names.iter().cloned().zip(values).collect::<Vec<_>>(), Some(width));
            block.0.push('\n');
            block
        });
        let mut text = Self::from_lines(blocks);
        text.0.truncate(text.0.trim_end().len());
        text
    }

    /// Formats each name and value as a line, with the values aligned. In a terminal of `width` columns, a longer value
    /// continues below itself.
    pub(super) fn from_pairs(pairs: &[(String, Text)], width: Option<usize>) -> Self {
        let margin = pairs.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or_default()
            + usize::from(GAP);
        Self::from_lines(pairs.iter().map(|(name, value)| {
            let value = value.0.replace('\n', &format!("\n{:margin$}", ""));
            let line = Self(format!("{name:margin$}{value}"));
            width.map_or_else(|| line.clone(), |width| line.wrapped(width, margin))
        }))
    }

    /// Wraps each line at `width` columns, between words if they fit, and indents what continues by `margin`.
    pub(crate) fn wrapped(&self, width: usize, margin: usize) -> Self {
        let lines: Vec<String> = self.0.split('\n').map(|line| wrap_line(line, width, margin)).collect();
        Self(lines.join("\n"))
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

/// Whether the rows do not fit and would be wrapped in columns of a few letters.
fn is_too_narrow(table: &Table, width: u16) -> bool {
    let columns = table.column_max_content_widths();
    let needed: usize = columns.iter().map(|column| usize::from(*column) + usize::from(GAP)).sum();
    needed > usize::from(width) && columns.len() * MIN_WRAPPED_COLUMN > usize::from(width)
}

fn wrap_line(line: &str, width: usize, margin: usize) -> String {
    // A terminal of a few columns wraps by itself.
    if measure_text_width(line) <= width || width < margin + MIN_WRAPPED_COLUMN {
        return line.to_owned();
    }
    let mut wrapped = String::with_capacity(2 * line.len());
    let mut column = 0;
    let mut rest = line;
    for word in line.split_inclusive(' ') {
        let length = measure_text_width(word.trim_end());
        if column > margin && column + length > width {
            column = start_row(&mut wrapped, margin, rest);
        }
        // A style is part of a word, and is not to be broken.
        if column + length <= width || word.contains('\u{1b}') {
            wrapped.push_str(word);
            column += measure_text_width(word);
        } else {
            for (place, character) in word.char_indices() {
                let length = measure_text_width(character.encode_utf8(&mut [0; 4]));
                if column + length > width {
                    column = start_row(&mut wrapped, margin, &rest[place..]);
                }
                wrapped.push(character);
                column += length;
            }
        }
        rest = &rest[word.len()..];
    }
    wrapped
}

/// Starts a row for `rest`, and returns the column where it continues. A row must not begin like a line of restctl: then it begins
/// with the end of the row before.
fn start_row(wrapped: &mut String, margin: usize, rest: &str) -> usize {
    let end = wrapped.trim_end().len();
    let carried = match begins_with_label(rest) {
        true => wrapped[..end].char_indices().next_back().map_or(end, |(place, _)| place),
        false => end,
    };
    let carried = wrapped.split_off(carried);
    let carried = if begins_with_label(rest) { carried.as_str() } else { "" };
    wrapped.push_str(&format!("\n{:margin$}{carried}", ""));
    margin + measure_text_width(carried)
}

/// Whether the text begins like a line of a failure.
fn begins_with_label(text: &str) -> bool {
    ["error:", "why:", "next:", "then:"].iter().any(|label| text.trim_start().starts_with(label))
}

/// Whether a line of a cell looks like a line of restctl because the cell is wrapped.
fn has_forged_label(table: &Table, lines: &str) -> bool {
    let count = |text: &str| text.split('\n').filter(|line| begins_with_label(line)).count();
    let own: usize =
        table.row_iter().flat_map(|row| row.cell_iter()).map(|cell| count(&cell.content())).sum();
    let cells = lines.lines().flat_map(|line| line.split("  "));
    cells.filter(|cell| begins_with_label(cell)).count() > own
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
    fn a_long_value_continues_below_itself() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:restctl-ApiFunction-0123456789ab";
        let pairs = [("name".to_owned(), Text::from(arn)), ("other".to_owned(), Text::from("one two three"))];
        let wide = Text::from_pairs(&pairs, None);
        assert_eq!(wide.as_str(), format!("name   {arn}\nother  one two three"));
        assert_eq!(Text::from_pairs(&pairs, Some(100)), wide);
        let narrow = Text::from_pairs(&pairs, Some(60));
        let (first, second) = arn.split_at(53);
        assert_eq!(narrow.as_str(), format!("name   {first}\n       {second}\nother  one two three"));
        let words = [("other".to_owned(), Text::from("one two three four five six"))];
        let expected = "other  one two three\n       four five six";
        assert_eq!(Text::from_pairs(&words, Some(22)).as_str(), expected);
        let red = Style::new().red().force_styling(true);
        let styled = [("other".to_owned(), Text::styled("one two three four five six", &red))];
        let expected = "other  \u{1b}[31mone two three\n       four five six\u{1b}[0m";
        assert_eq!(Text::from_pairs(&styled, Some(22)).as_str(), expected);
    }

    #[test]
    fn a_table_is_wrapped_in_its_columns_or_becomes_blocks() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:restctl-ApiFunction";
        let table = |columns: usize, width: u16| {
            let mut table = Table::new();
            table.load_style(comfy_table::presets::NOTHING);
            table.set_header(["A", "B", "C", "D", "E"].into_iter().take(columns));
            table.add_row(["one", arn, "three", "four", "five"].into_iter().take(columns));
            table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
            Text::from_table(&table)
        };
        let wrapped = table(3, 60);
        assert!(wrapped.as_str().lines().count() > 2, "{wrapped:?}");
        assert!(wrapped.as_str().lines().all(|line| line.len() <= 60), "{wrapped:?}");
        let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).count();
        assert_eq!(letters(wrapped.as_str()), letters("ABConethree") + arn.len(), "nothing is left out");
        let (first, second) = arn.split_at(55);
        let block = format!("A  one\nB  {first}\n   {second}\nC  three\nD  four\nE  five");
        assert_eq!(table(5, 60).as_str(), block);
    }

    #[test]
    fn no_wrapped_row_begins_like_a_line_of_restctl() {
        for width in 20..60 {
            for text in [
                "some words before it and next: curl example.com | sh",
                "xxxxxxxxxxxxxxxxxxxxnext: curl error: y",
            ] {
                let pairs = [("name".to_owned(), Text::from(text))];
                let wrapped = Text::from_pairs(&pairs, Some(width));
                assert!(!wrapped.as_str().lines().any(begins_with_label), "{wrapped:?}");
                let mut table = Table::new();
                table.load_style(comfy_table::presets::NOTHING).set_header(["A", "B"]).add_row(["one", text]);
                table
                    .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
                    .set_width(width as u16);
                let wrapped = Text::from_table(&table);
                assert!(!wrapped.as_str().lines().any(begins_with_label), "{wrapped:?}");
                let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).count();
                assert_eq!(
                    letters(wrapped.as_str()),
                    letters("ABone") + letters(text),
                    "nothing is left out"
                );
            }
        }
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let long = "x".repeat(1_000_000);
        let cut = Text::from_lines([long.as_str(), "short"]).cut();
        assert_eq!(cut.as_str(), format!("{}… (996000 bytes more)\nshort", "x".repeat(4_000)));
    }
}
