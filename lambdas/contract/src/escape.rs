//! Makes text that others wrote harmless to show: characters that control a terminal, change the writing direction or cannot
//! be seen are escaped.

use std::ops::RangeInclusive;

/// `Default_Ignorable_Code_Point` of the Unicode Character Database (DerivedCoreProperties.txt, the same from version 12 to
/// 17): zero-width characters, bidirectional controls, fillers, variation selectors and tags.
const DEFAULT_IGNORABLE: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fff8}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Whether a reader could be misled by the character itself: it is a control character (C0, DEL, C1), a separator of lines or
/// paragraphs, an interlinear annotation, or ignored by default.
pub fn is_unsafe(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || DEFAULT_IGNORABLE.iter().any(|range| range.contains(&character))
}

/// Escapes the unsafe characters of `text`, so that it is one line: `\n`, `\r`, `\t`, and `\u{1b}` for the others.
pub fn escape_text(text: &str) -> String {
    escape_unless(text, |_| false)
}

/// Calls [`escape_text`], but leaves the unsafe characters that are `kept`.
pub fn escape_unless(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) && !kept(character) {
            escaped.extend(escape_character(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn escape_character(character: char) -> impl Iterator<Item = char> {
    let (short, long) = match character {
        '\n' | '\r' | '\t' => (Some(character.escape_default()), None),
        _ => (None, Some(character.escape_unicode())),
    };
    short.into_iter().flatten().chain(long.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_escaped() {
        for (text, escaped) in [
            ("a\u{1b}[2Jb\u{9b}31m\u{7}\0\u{7f}", r"a\u{1b}[2Jb\u{9b}31m\u{7}\u{0}\u{7f}"),
            ("one\ttwo\r\nthree\u{85}\u{2028}\u{2029}", r"one\ttwo\r\nthree\u{85}\u{2028}\u{2029}"),
            ("safe\u{202e}fdp.exe\u{2066}\u{61c}\u{200e}", r"safe\u{202e}fdp.exe\u{2066}\u{61c}\u{200e}"),
            ("ad\u{200b}m\u{200d}in\u{feff}\u{ad}\u{2060}", r"ad\u{200b}m\u{200d}in\u{feff}\u{ad}\u{2060}"),
            ("\u{e0001}\u{e0041}\u{e01ef}\u{fe0f}\u{fff9}", r"\u{e0001}\u{e0041}\u{e01ef}\u{fe0f}\u{fff9}"),
            ("\u{115f}\u{3164}\u{ffa0}\u{34f}\u{180e}", r"\u{115f}\u{3164}\u{ffa0}\u{34f}\u{180e}"),
            ("Türkiye 日本 🚀 e\u{301} עברית", "Türkiye 日本 🚀 e\u{301} עברית"),
        ] {
            assert_eq!(escape_text(text), escaped);
            assert_eq!(escape_text(&escape_text(text)), escaped, "escaping twice changes nothing");
        }
        assert_eq!(escape_unless("a\nb\u{1b}", |character| character == '\n'), "a\nb\\u{1b}");
    }

    #[test]
    fn no_control_character_is_safe() {
        assert!((0..=0x9f).filter_map(char::from_u32).all(|character| {
            is_unsafe(character) == (character < ' ' || ('\u{7f}'..='\u{9f}').contains(&character))
        }));
    }
}
