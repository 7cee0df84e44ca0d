/// The most of a record that is kept to show which one it was, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;

/// The most of a name that is shown in a message.
const MAX_NAME_BYTES: usize = 100;

/// The beginning of a record for people to read, without its line end. `bytes` is the record or its
/// beginning, `length` the whole record's.
pub(crate) fn excerpt(bytes: &[u8], length: usize) -> String {
    let shown = &bytes[..bytes.len().min(MAX_BYTES)];
    let shown = match std::str::from_utf8(shown) {
        // The cut went through a character.
        Err(error) if error.error_len().is_none() => &shown[..error.valid_up_to()],
        _ => shown,
    };
    let text = String::from_utf8_lossy(shown);
    if length > MAX_BYTES { format!("{text}…") } else { text.trim_end_matches(['\r', '\n']).to_owned() }
}

/// The beginning of a name that comes from a file, for a message.
pub(crate) fn shown(name: &str) -> String {
    match name.get(..name.floor_char_boundary(MAX_NAME_BYTES)) {
        Some(start) if start.len() < name.len() => format!("{start}…"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_records_are_cut_at_a_character() {
        assert_eq!(excerpt(b"1,a\r\n", 5), "1,a");
        let long = "é".repeat(MAX_BYTES);
        let odd = format!("a{long}");
        assert_eq!(excerpt(odd.as_bytes(), odd.len()), format!("a{}…", "é".repeat(MAX_BYTES / 2 - 1)));
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        assert_eq!(shown("naïve"), "naïve");
        assert_eq!(shown(&"x".repeat(MAX_NAME_BYTES)).len(), MAX_NAME_BYTES);
        assert_eq!(shown(&format!("a{}", "é".repeat(MAX_NAME_BYTES))), format!("a{}…", "é".repeat(49)));
    }
}
