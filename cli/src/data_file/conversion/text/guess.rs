//! Recognizes UTF-16, with or without a byte order mark.

use std::fmt;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// What to do about a text in an encoding that restctl does not read.
pub(in crate::data_file::conversion) const TO_UTF8: &str =
    "convert it to UTF-8: iconv --from-code UTF-32 --to-code UTF-8 FILE > NEW-FILE";

/// Of how many code units in UTF-16 at least one is a Latin letter, a digit or a delimiter. All names and numbers are,
/// so a table in any script has more of them.
const UNITS_PER_LATIN_UNIT: usize = 16;

/// The encoding of a text that is not UTF-8, and how it is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::data_file::conversion) struct TextEncoding {
    pub(in crate::data_file::conversion) encoding: &'static Encoding,
    evidence: Evidence,
}

#[derive(Debug, Clone, Copy)]
enum Evidence {
    Chosen,
    Mark,
    Pattern,
}

impl TextEncoding {
    /// Returns the encoding that the user chose. `None` if it is UTF-8.
    pub(in crate::data_file::conversion) fn chosen(encoding: &'static Encoding) -> Option<Self> {
        (encoding != UTF_8).then_some(Self { encoding, evidence: Evidence::Chosen })
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding.name())?;
        f.write_str(match self.evidence {
            Evidence::Chosen => ", as --encoding says",
            Evidence::Mark => " with a byte order mark",
            Evidence::Pattern => " without a byte order mark",
        })
    }
}

/// Returns the encoding of a text that begins with `head`, or `None` if it may be UTF-8.
///
/// # Errors
/// If the text is in an encoding that restctl does not read.
pub(in crate::data_file::conversion) fn guess_encoding(head: &[u8]) -> Result<Option<TextEncoding>, String> {
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return Err("it is UTF-32, which restctl does not read".to_owned());
    }
    let marked = |encoding| Some(TextEncoding { encoding, evidence: Evidence::Mark });
    Ok(match head {
        [0xff, 0xfe, ..] => marked(UTF_16LE),
        [0xfe, 0xff, ..] => marked(UTF_16BE),
        _ => [UTF_16LE, UTF_16BE]
            .into_iter()
            .find(|encoding| looks_like(head, encoding))
            .map(|encoding| TextEncoding { encoding, evidence: Evidence::Pattern }),
    })
}

/// Tells whether `head` is a text in UTF-16: no control characters, whole surrogate pairs, and enough Latin units.
/// Binary data fails the first of these, and UTF-8 the last.
fn looks_like(head: &[u8], encoding: &'static Encoding) -> bool {
    let (pairs, _) = head.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match encoding == UTF_16LE {
        true => u16::from_le_bytes(*pair),
        false => u16::from_be_bytes(*pair),
    };
    let units: Vec<u16> = pairs.iter().map(unit).collect();
    // The last unit may be half of a pair.
    let whole = units.len().saturating_sub(usize::from(units.last().is_some_and(|last| is_surrogate(*last))));
    let latin = units.iter().filter(|unit| **unit < 0x100).count();
    latin > 0
        && latin * UNITS_PER_LATIN_UNIT >= units.len()
        && char::decode_utf16(units.into_iter().take(whole)).all(|character| character.is_ok_and(is_text))
}

fn is_surrogate(unit: u16) -> bool {
    (0xd800..0xe000).contains(&unit)
}

fn is_text(character: char) -> bool {
    !character.is_control() || matches!(character, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(head: &[u8]) -> Option<String> {
        guess_encoding(head).unwrap().map(|encoding| encoding.to_string())
    }

    fn utf16(text: &str, to_bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn utf16_is_recognized_by_its_mark_or_by_its_latin_units() {
        let japanese = "id,名前\r\n1,東京都千代田区丸の内一丁目 🗼\r\n";
        for text in ["id,name\n1,a\n", japanese] {
            let little = utf16(text, u16::to_le_bytes);
            let big = utf16(text, u16::to_be_bytes);
            assert_eq!(guess(&little).unwrap(), "UTF-16LE without a byte order mark");
            assert_eq!(guess(&big).unwrap(), "UTF-16BE without a byte order mark");
            assert_eq!(
                guess(&[b"\xff\xfe", &little[..]].concat()).unwrap(),
                "UTF-16LE with a byte order mark"
            );
            assert_eq!(guess(&[b"\xfe\xff", &big[..]].concat()).unwrap(), "UTF-16BE with a byte order mark");
        }
    }

    #[test]
    fn other_texts_and_binary_data_are_not_utf16() {
        let nul_heavy: Vec<u8> = (0..400_u16).flat_map(|n| [n as u8, 0]).collect();
        let floats: Vec<u8> = (1..400).flat_map(|n| f64::from(n).to_le_bytes()).collect();
        let texts = ["", "i", "id,name\n1,a\n", "id,名前\n1,東京\n", "ĀĀĀĀ"];
        for head in texts.map(str::as_bytes).into_iter().chain([&nul_heavy[..], &floats[..], &[0; 64]]) {
            assert_eq!(guess(head), None, "{head:?}");
        }
        assert!(guess_encoding(b"\xff\xfe\0\0i\0\0\0").is_err());
    }
}
