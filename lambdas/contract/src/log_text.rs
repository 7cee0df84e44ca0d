//! Texts of others in a log line.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

use crate::escape::escape_text;

/// How much of a text is logged, in bytes: an error that names an object of S3, whose name may have 1,024, and its cause.
pub const MAX_LOGGED_BYTES: usize = 2048;

/// A text that anyone may have written, as the log shows it: its first [`MAX_LOGGED_BYTES`] bytes, with `…` if it has
/// more, and [escaped](escape_text): a line of the log stays one line, even after a reader has decoded its JSON.
#[derive(Debug, Clone, Copy)]
pub struct LogText<'a>(pub &'a str);

impl fmt::Display for LogText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (logged, rest) = self.0.split_at(self.0.floor_char_boundary(MAX_LOGGED_BYTES));
        formatter.write_str(&escape_text(logged))?;
        if rest.is_empty() { Ok(()) } else { formatter.write_char('…') }
    }
}

impl Serialize for LogText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let longest = "x".repeat(MAX_LOGGED_BYTES);
        assert_eq!(LogText(&longest).to_string(), longest);
        assert_eq!(LogText(&format!("{longest}y")).to_string(), format!("{longest}…"));
        let odd = format!("a{}", "é".repeat(MAX_LOGGED_BYTES));
        assert_eq!(LogText(&odd).to_string(), format!("a{}…", "é".repeat(MAX_LOGGED_BYTES / 2 - 1)));
        // Escapes make it longer, but not without a limit.
        let escaped = LogText(&"\u{1b}".repeat(1_000_000)).to_string();
        assert_eq!(escaped, format!("{}…", "\\u{1b}".repeat(MAX_LOGGED_BYTES)));
    }

    #[test]
    fn a_text_stays_on_one_line() {
        let text = "a\nb\r\0\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}c";
        let logged = r"a\nb\r\u{0}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}c";
        assert_eq!(LogText(text).to_string(), logged);
        assert_eq!(serde_json::to_value(LogText(text)).unwrap(), logged);
        for harmless in ["", "uploads/items 2026+é.csv", "日本語 😀", r#""quoted" \ "#] {
            assert_eq!(LogText(harmless).to_string(), harmless);
        }
    }
}
