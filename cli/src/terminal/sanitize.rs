//! Makes text that others wrote safe to show on a terminal: unsafe characters are escaped, secrets that were sent are removed.

use restctl_contract::escape::{escape_text, escape_unless, is_unsafe};

use super::sent_secrets;

/// What bytes on standard output are, which decides how they are escaped on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// JSON texts, each complete.
    Json,
    /// Complete records of CSV.
    Csv,
    /// Lines that restctl wrote.
    Lines,
}

/// Returns `text` as one line, with its unsafe characters escaped.
pub(crate) fn sanitize(text: &str) -> String {
    escape_text(&sent_secrets::redact(text))
}

/// Returns an excerpt of `text`: one line of at most `max_characters` characters, in which line breaks and tabs are spaces.
pub(crate) fn sanitize_line(text: &str, max_characters: usize) -> String {
    let redacted = sent_secrets::redact(text.trim_end());
    cut_line(&redacted.replace(['\t', '\n', '\r'], " "), max_characters, escape_text)
}

/// Cuts `text` after `max_characters` characters, before they are escaped, and says how much is left out.
pub(super) fn cut_line(text: &str, max_characters: usize, escape: impl Fn(&str) -> String) -> String {
    match text.char_indices().nth(max_characters) {
        None => escape(text),
        Some((end, _)) => format!("{}… ({} bytes more)", escape(&text[..end]), text.len() - end),
    }
}

/// Escapes the unsafe characters of JSON texts. In JSON they occur only in strings, where an escape means the same; line breaks
/// occur only between values.
pub(crate) fn escape_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push(character),
            _ if is_unsafe(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Escapes data for a terminal. Bytes that are not UTF-8 are escaped, too: some terminals take them for control characters.
pub(super) fn escape_data(bytes: &[u8], syntax: Syntax) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    let mut is_quoted = false;
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        match syntax {
            Syntax::Json => escaped.push_str(&escape_json(text)),
            Syntax::Lines => escaped.push_str(&escape_unless(text, |character| character == '\n')),
            Syntax::Csv => {
                for part in text.split_inclusive('"') {
                    escaped.push_str(&escape_unless(part, |character| character == '\n' && !is_quoted));
                    is_quoted ^= part.ends_with('"');
                }
            }
        }
        chunk.invalid().iter().for_each(|byte| escaped.push_str(&format!("\\x{byte:02x}")));
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line() {
        assert_eq!(sanitize_line("a\u{1b}[2Jb\u{9b}31m\u{7}\0", 100), r"a\u{1b}[2Jb\u{9b}31m\u{7}\u{0}");
        assert_eq!(sanitize_line("one\ttwo\r\nthree\n", 100), "one two  three");
        assert_eq!(sanitize_line("safe\u{202e}fdp.exe", 100), r"safe\u{202e}fdp.exe");
        assert_eq!(sanitize_line("Türkiye 日本 🚀", 100), "Türkiye 日本 🚀");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(sanitize_line("äöü", 3), "äöü");
        assert_eq!(sanitize_line("äöü", 2), "äö… (2 bytes more)");
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{9b}31m\u{7f}\n\t", "\u{e0041}é\u{fe0f}"] });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escape_data(text.as_bytes(), Syntax::Json);
        assert!(
            escaped.contains(r"\u009b31m\u007f\n\t") && escaped.contains(r"\udb40\udc41é\ufe0f"),
            "{escaped}"
        );
        assert!(!escaped.contains(|character| is_unsafe(character) && character != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn a_line_break_within_a_csv_cell_forges_no_row() {
        let csv = "id,a\n1,\"two\nlines \"\"q\"\"\n\"\n2,\u{1b}c\n".as_bytes();
        assert_eq!(escape_data(csv, Syntax::Csv), "id,a\n1,\"two\\nlines \"\"q\"\"\\n\"\n2,\\u{1b}c\n");
        assert_eq!(escape_data(b"a\x9b\xc2\n", Syntax::Lines), "a\\x9b\\xc2\n");
    }
}
