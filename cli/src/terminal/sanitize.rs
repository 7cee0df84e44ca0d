//! Text that others wrote, on its way to a terminal.

/// As a terminal may have it: in one line, without anything that steers the terminal or turns the direction of what
/// follows, and of `most` characters at most.
pub(crate) fn sanitize_line(text: &str, most: usize) -> String {
    let mut characters = text.trim_end().chars();
    let shown: String = characters.by_ref().take(most).map(harmless).collect();
    match characters.as_str().len() {
        0 => shown,
        rest => format!("{shown}… ({rest} bytes more)"),
    }
}

fn harmless(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => ' ',
        _ if steers(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

/// Control characters, line ends beyond ASCII's, and what turns the direction of writing (Unicode Standard Annex 9).
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_replaced() {
        assert_eq!(
            sanitize_line("a\u{1b}[2Jb\u{9b}31m\u{7}\0", 100),
            "a\u{fffd}[2Jb\u{fffd}31m\u{fffd}\u{fffd}"
        );
        assert_eq!(sanitize_line("one\ttwo\r\nthree\n", 100), "one two  three");
        assert_eq!(sanitize_line("safe\u{202e}fdp.exe", 100), "safe\u{fffd}fdp.exe");
        assert_eq!(sanitize_line("Türkiye 日本 🚀", 100), "Türkiye 日本 🚀");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(sanitize_line("äöü", 3), "äöü");
        assert_eq!(sanitize_line("äöü", 2), "äö… (2 bytes more)");
    }
}
