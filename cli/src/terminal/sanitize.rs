//! Makes text that others wrote safe to show on a terminal.

/// Returns `text` as one line of at most `max_characters` characters. Characters that control the terminal or change the
/// writing direction are replaced.
pub(crate) fn sanitize_line(text: &str, max_characters: usize) -> String {
    let mut characters = text.trim_end().chars();
    let shown: String = characters.by_ref().take(max_characters).map(replace_unsafe).collect();
    match characters.as_str().len() {
        0 => shown,
        rest => format!("{shown}… ({rest} bytes more)"),
    }
}

/// Replaces the characters of `text` that control the terminal or change the writing direction, including line breaks.
pub(crate) fn sanitize(text: &str) -> String {
    text.replace(controls_terminal, "\u{fffd}")
}

/// Whether the character controls the terminal: control characters, line separators beyond ASCII, and characters that
/// change the writing direction (Unicode Standard Annex 9).
pub(crate) fn controls_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn replace_unsafe(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => ' ',
        _ if controls_terminal(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_control_the_terminal_are_replaced() {
        assert_eq!(
            sanitize_line("a\u{1b}[2Jb\u{9b}31m\u{7}\0", 100),
            "a\u{fffd}[2Jb\u{fffd}31m\u{fffd}\u{fffd}"
        );
        assert_eq!(sanitize_line("one\ttwo\r\nthree\n", 100), "one two  three");
        assert_eq!(sanitize_line("safe\u{202e}fdp.exe", 100), "safe\u{fffd}fdp.exe");
        assert_eq!(sanitize_line("Türkiye 日本 🚀", 100), "Türkiye 日本 🚀");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(sanitize_line("äöü", 3), "äöü");
        assert_eq!(sanitize_line("äöü", 2), "äö… (2 bytes more)");
    }
}
