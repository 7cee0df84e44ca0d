mod gzip;
#[cfg(test)]
mod tests;
mod zstd;

use gzip::Gzip;
use zstd::Zstd;

use crate::dialect::encoding::Compression;
use crate::unreadable::Unreadable;

/// As much text as is read at once, however large the chunk and however well it is compressed, in bytes.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;

/// The bytes of a compressed file to its text, a piece at a time, however well it is compressed.
pub(crate) struct Decompressor {
    codec: Codec,
    piece: Vec<u8>,
    taken: u64,
}

enum Codec {
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

impl Decompressor {
    pub(crate) fn of(compression: Compression) -> Option<Self> {
        let codec = match compression {
            Compression::None => return None,
            Compression::Gzip => Codec::Gzip(Box::default()),
            Compression::Zstd => Codec::Zstd(Box::default()),
        };
        Some(Self { codec, piece: vec![0; PIECE_BYTES], taken: 0 })
    }

    /// How many bytes of the file have been taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// The text that comes next, and whether there may be more of it without another chunk.
    pub(crate) fn read(&mut self, chunk: &mut &[u8]) -> Result<(&[u8], bool), Unreadable> {
        let given = chunk.len();
        let length = match &mut self.codec {
            Codec::Gzip(codec) => codec.read(chunk, &mut self.piece)?,
            Codec::Zstd(codec) => codec.read(chunk, &mut self.piece)?,
        };
        self.taken += (given - chunk.len()) as u64;
        Ok((&self.piece[..length], length == self.piece.len() || !chunk.is_empty()))
    }

    /// There is no more of the file.
    pub(crate) fn finish(&self) -> Result<(), Unreadable> {
        match &self.codec {
            Codec::Gzip(codec) => codec.finish(),
            Codec::Zstd(codec) => codec.finish(),
        }
    }
}
