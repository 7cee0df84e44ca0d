mod gzip;
#[cfg(test)]
mod tests;
mod zstd;

use gzip::Gzip;
use zstd::Zstd;

use crate::dialect::compression::Compression;
use crate::unreadable::Unreadable;

/// How many bytes of text are read at once, however large the chunk is and however well it is compressed.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;

/// Turns the bytes of a compressed file into text, one piece at a time, however well it is compressed.
pub(crate) struct Decompressor {
    codec: Codec,
    piece: Vec<u8>,
    bytes_read: u64,
}

enum Codec {
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

impl Decompressor {
    /// Returns `None` if the file is not compressed.
    pub(crate) fn new(compression: Compression) -> Option<Self> {
        let codec = match compression {
            Compression::None => return None,
            Compression::Gzip => Codec::Gzip(Box::default()),
            Compression::Zstd => Codec::Zstd(Box::default()),
        };
        Some(Self { codec, piece: vec![0; PIECE_BYTES], bytes_read: 0 })
    }

    /// Returns how many bytes of the file have been read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Returns the next piece of text, and whether the chunk may contain more.
    pub(crate) fn decompress_piece(&mut self, chunk: &mut &[u8]) -> Result<(&[u8], bool), Unreadable> {
        let given = chunk.len();
        let length = match &mut self.codec {
            Codec::Gzip(codec) => codec.decompress(chunk, &mut self.piece)?,
            Codec::Zstd(codec) => codec.decompress(chunk, &mut self.piece)?,
        };
        self.bytes_read += (given - chunk.len()) as u64;
        Ok((&self.piece[..length], length == self.piece.len() || !chunk.is_empty()))
    }

    /// Checks that the file may end here.
    pub(crate) fn check_end(&self) -> Result<(), Unreadable> {
        match &self.codec {
            Codec::Gzip(codec) => codec.check_end(),
            Codec::Zstd(codec) => codec.check_end(),
        }
    }
}
