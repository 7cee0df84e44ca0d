//! Text from a token or a key set, made safe to print.

use restctl_contract::escape::escape_text;

/// The longest text that is shown, in characters.
pub const MAX_SHOWN_CHARS: usize = 120;

/// Escapes what could act on a terminal and limits the length, because the text may come from anyone.
pub(crate) fn sanitize(text: &str) -> String {
    let mut sanitized = String::new();
    let mut length = 0;
    for character in text.chars() {
        let written = escape_text(character.encode_utf8(&mut [0; 4]));
        length += written.chars().count();
        if length >= MAX_SHOWN_CHARS {
            sanitized.push('…');
            break;
        }
        sanitized.push_str(&written);
    }
    sanitized
}
