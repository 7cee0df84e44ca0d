//! Decodes a text to UTF-8, chunk by chunk.

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::guess::TextEncoding;
use crate::data_file::conversion::refusal::cannot_convert;
use crate::failure::Failure;

pub(in crate::data_file::conversion) struct Transcoding {
    encoding: &'static Encoding,
    decoder: Decoder,
    /// In bytes of the text before it is decoded.
    position: u64,
    line: u64,
    /// A line feed that comes now belongs to a line end that was counted.
    after_carriage_return: bool,
}

/// Bytes that are no character of the encoding.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::data_file::conversion) struct Undecodable {
    line: u64,
    /// Of the first one, counted from 1.
    byte: u64,
    bytes: Vec<u8>,
    encoding: &'static str,
}

impl Transcoding {
    pub(super) fn new(encoding: TextEncoding) -> Self {
        let encoding = encoding.encoding;
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { encoding, decoder, position: 0, line: 1, after_carriage_return: false }
    }

    /// Decodes the next chunk. `is_last` says that nothing follows it.
    pub(super) fn push(&mut self, chunk: &[u8], is_last: bool) -> Result<String, Undecodable> {
        let mut text = String::with_capacity(self.decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(0));
        let (result, read) = self.decoder.decode_to_string_without_replacement(chunk, &mut text, is_last);
        self.count_lines(&text);
        if let DecoderResult::Malformed(length, after) = result {
            return Err(self.undecodable(chunk, read, length.into(), after.into()));
        }
        self.position += read as u64;
        Ok(text)
    }

    /// The `length` bytes end `after` bytes before what was read of the chunk, and may begin in an earlier one.
    fn undecodable(&self, chunk: &[u8], read: usize, length: usize, after: usize) -> Undecodable {
        let end = read.saturating_sub(after);
        let bytes = chunk.get(end.saturating_sub(length)..end).unwrap_or_default().to_vec();
        let start = (self.position + end as u64).saturating_sub(length as u64);
        Undecodable { line: self.line, byte: start + 1, bytes, encoding: self.encoding.name() }
    }

    fn count_lines(&mut self, text: &str) {
        for byte in text.bytes() {
            let ends_line = byte == b'\r' || (byte == b'\n' && !self.after_carriage_return);
            self.line += u64::from(ends_line);
            self.after_carriage_return = byte == b'\r';
        }
    }
}

impl Undecodable {
    pub(super) fn into_failure(self, shown: &str) -> Failure {
        let Self { line, byte, bytes, encoding } = self;
        let shown_bytes = match bytes.as_slice() {
            [] => "the text ends within a character".to_owned(),
            bytes => bytes.iter().map(|byte| format!("0x{byte:02X}")).collect::<Vec<_>>().join(" "),
        };
        let why =
            format!("line {line}, byte {byte} of the text: {shown_bytes} is no character in {encoding}");
        let next = "name the encoding that the file has, such as --encoding windows-1252, or fix these bytes";
        cannot_convert(shown, why, next)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, SHIFT_JIS, UTF_16LE, WINDOWS_1252};

    use super::*;

    fn transcode(encoding: &'static Encoding, text: &[u8], chunk: usize) -> Result<String, Undecodable> {
        let mut transcoding = Transcoding::new(TextEncoding::chosen(encoding).unwrap());
        let mut out = String::new();
        for chunk in text.chunks(chunk) {
            out += &transcoding.push(chunk, false)?;
        }
        Ok(out + &transcoding.push(&[], true)?)
    }

    #[test]
    fn chunks_of_any_size_give_the_same_text() {
        for chunk in 1..9 {
            assert_eq!(transcode(WINDOWS_1252, b"\x80 \x93caf\xe9\x94", chunk).unwrap(), "€ “café”");
            assert_eq!(transcode(SHIFT_JIS, b"\x93\x8c\x8b\x9e", chunk).unwrap(), "東京");
            assert_eq!(transcode(UTF_16LE, b"\xff\xfei\0d\0=\xd8\xfc\xdd", chunk).unwrap(), "id🗼");
        }
    }

    #[test]
    fn bytes_without_a_character_are_named_by_line_and_byte() {
        for chunk in 1..12 {
            let fault = transcode(BIG5, b"id\r\n1\r2\na\xffb\n", chunk).unwrap_err();
            assert_eq!((fault.line, fault.byte), (4, 10), "chunks of {chunk}");
        }
        let failure = transcode(BIG5, b"id\na\xffb", 64).unwrap_err().into_failure("a.csv").to_string();
        assert!(failure.contains("line 2, byte 5 of the text: 0xFF is no character in Big5"), "{failure}");
        let fault = transcode(UTF_16LE, b"i\0d\0\n\0x", 64).unwrap_err();
        assert_eq!((fault.line, fault.byte), (2, 7));
    }
}
