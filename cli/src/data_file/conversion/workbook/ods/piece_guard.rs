//! Bounds what an XML parser holds in memory.

use std::io::{self, Read};

/// The longest piece of XML between two `<`: a tag or a text. The longest text of a cell in LibreOffice has fewer bytes.
const MAX_PIECE_BYTES: usize = 8 * 1024 * 1024;

/// Fails if a piece of the XML that it reads is too long.
pub(super) struct PieceGuard<R> {
    xml: R,
    piece_bytes: usize,
}

impl<R> PieceGuard<R> {
    pub(super) fn new(xml: R) -> Self {
        Self { xml, piece_bytes: 0 }
    }
}

impl<R: Read> Read for PieceGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.xml.read(buffer)?;
        let read = buffer.get(..length).unwrap_or_default();
        self.piece_bytes = match read.iter().rposition(|byte| *byte == b'<') {
            Some(last) => length - last,
            None => self.piece_bytes + length,
        };
        if self.piece_bytes > MAX_PIECE_BYTES {
            let reason = "a tag or a text has more than 8 MiB";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_bounded_and_not_their_sum() {
        let read = |xml: Vec<u8>| io::copy(&mut PieceGuard::new(xml.as_slice()), &mut io::sink());
        assert!(read(b"<a>".repeat(MAX_PIECE_BYTES)).is_ok());
        assert!(read([b"<a>", vec![b'x'; MAX_PIECE_BYTES].as_slice()].concat()).is_err());
    }
}
