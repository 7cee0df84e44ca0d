//! Names of objects in XML, which cannot hold every character of them.

use aws_sdk_s3::types::EncodingType;

/// Decodes a name or a marker of a listing that was requested with [`EncodingType::Url`]. In it, S3 writes a space as a
/// plus sign, and a plus sign as `%2B`. `encoding` is what the answer says: emulators may not encode.
pub(super) fn decode_key(text: &str, encoding: Option<&EncodingType>) -> String {
    if encoding != Some(&EncodingType::Url) {
        return text.to_owned();
    }
    let spaces = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaces).decode_utf8_lossy().into_owned()
}

/// Returns whether the body of a request can hold the name: XML 1.0 has no control characters and neither U+FFFE nor
/// U+FFFF (section 2.2), and turns a carriage return into a line feed (section 2.11).
pub(super) fn fits_into_xml(key: &str) -> bool {
    !key.chars().any(|character| character.is_ascii_control() || matches!(character, '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_only_if_the_answer_is_encoded() {
        let url = Some(&EncodingType::Url);
        for (text, key) in [
            ("a+b.csv", "a b.csv"),
            ("a%2Bb.csv", "a+b.csv"),
            ("a%20b.csv", "a b.csv"),
            ("100%25.csv", "100%.csv"),
            ("in/%C3%BC%01.csv", "in/ü\u{1}.csv"),
            ("", ""),
        ] {
            assert_eq!(decode_key(text, url), key, "{text}");
            assert_eq!(decode_key(text, None), text);
        }
    }

    #[test]
    fn names_that_xml_cannot_hold_are_recognized() {
        for key in ["a.csv", "größe & <co>\".csv", "日本 🚀"] {
            assert!(fits_into_xml(key), "{key}");
        }
        for key in ["a\u{1}", "a\n", "a\r", "a\tb", "\u{7f}", "a\u{ffff}"] {
            assert!(!fits_into_xml(key), "{key:?}");
        }
    }
}
