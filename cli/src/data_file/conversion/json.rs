//! Writes JSON text.

use serde::Serialize as _;

/// Appends a string, with quotes and escapes.
pub(super) fn push_string(text: &str, json: &mut Vec<u8>) {
    // A string cannot fail to be serialized into memory.
    let _ = text.serialize(&mut serde_json::Serializer::new(json));
}

/// Appends the name of the next member of an object. `start` is where the object begins.
pub(super) fn push_name(name: &str, start: usize, json: &mut Vec<u8>) {
    if json.len() > start + 1 {
        json.push(b',');
    }
    push_string(name, json);
    json.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_and_escaped() {
        let mut json = b"[{".to_vec();
        for name in ["a\"\n", "é"] {
            push_name(name, 1, &mut json);
            push_string("\\\u{1}", &mut json);
        }
        assert_eq!(String::from_utf8(json).unwrap(), "[{\"a\\\"\\n\":\"\\\\\\u0001\",\"é\":\"\\\\\\u0001\"");
    }
}
