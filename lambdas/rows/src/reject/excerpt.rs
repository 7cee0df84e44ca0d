/// How many bytes of a record a reject shows.
pub(crate) const MAX_EXCERPT_BYTES: usize = 1024;

/// How many bytes of a name a message shows.
const MAX_NAME_BYTES: usize = 100;

/// How many names a message lists.
pub(crate) const MAX_LISTED: usize = 20;

/// Returns the beginning of a record in readable form, without its line end. `bytes` is the record or its beginning, and
/// `length` the length of the whole record.
pub(crate) fn shorten_record(bytes: &[u8], length: usize) -> String {
    let shown = &bytes[..bytes.len().min(MAX_EXCERPT_BYTES)];
    let shown = match std::str::from_utf8(shown) {
        // The cut is inside a character.
        Err(error) if error.error_len().is_none() => &shown[..error.valid_up_to()],
        _ => shown,
    };
    let text = String::from_utf8_lossy(shown);
    if length > MAX_EXCERPT_BYTES {
        format!("{text}…")
    } else {
        text.trim_end_matches(['\r', '\n']).to_owned()
    }
}

/// Returns a name from a file as a message shows it.
pub(crate) fn shorten_name(name: &str) -> String {
    match name.get(..name.floor_char_boundary(MAX_NAME_BYTES)) {
        Some(start) if start.len() < name.len() => format!("{start}…"),
        _ => name.to_owned(),
    }
}

/// Returns the names of columns or members as a message lists them.
pub(crate) fn list_names(names: &[&str]) -> String {
    if names.is_empty() {
        return "no names".to_owned();
    }
    let mut listed: Vec<String> =
        names.iter().take(MAX_LISTED).map(|name| format!("{:?}", shorten_name(name))).collect();
    if names.len() > MAX_LISTED {
        listed.push(format!("{} more", names.len() - MAX_LISTED));
    }
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_records_are_cut_at_a_character() {
        assert_eq!(shorten_record(b"1,a\r\n", 5), "1,a");
        let long = "é".repeat(MAX_EXCERPT_BYTES);
        let odd = format!("a{long}");
        assert_eq!(
            shorten_record(odd.as_bytes(), odd.len()),
            format!("a{}…", "é".repeat(MAX_EXCERPT_BYTES / 2 - 1))
        );
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        assert_eq!(shorten_name("naïve"), "naïve");
        assert_eq!(shorten_name(&"x".repeat(MAX_NAME_BYTES)).len(), MAX_NAME_BYTES);
        assert_eq!(
            shorten_name(&format!("a{}", "é".repeat(MAX_NAME_BYTES))),
            format!("a{}…", "é".repeat(49))
        );
    }
}
