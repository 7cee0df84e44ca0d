//! Text from a token or a key set, made safe to print.

/// The longest text that is shown, in characters.
pub const MAX_SHOWN_CHARS: usize = 120;

/// Bounded, and harmless to a terminal: the token may come from anyone.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for character in text.chars() {
        let harmless = character == ' ' || character.is_ascii_graphic() || character.is_alphanumeric();
        let written = if harmless { character.to_string() } else { character.escape_unicode().to_string() };
        length += written.chars().count();
        if length >= MAX_SHOWN_CHARS {
            shown.push('…');
            break;
        }
        shown.push_str(&written);
    }
    shown
}
