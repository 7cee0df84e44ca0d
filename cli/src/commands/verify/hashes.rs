//! Sorted hashes on disk, with a fast lookup.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

/// Hashes that are read at a time.
const PIECE_HASHES: u64 = 512;

const HASH_BYTES: u64 = size_of::<u64>() as u64;

pub(super) struct HashWriter(BufWriter<File>);

impl HashWriter {
    pub(super) fn create() -> io::Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile()?)))
    }

    /// Adds a hash, which must be greater than those before.
    pub(super) fn push(&mut self, hash: u64) -> io::Result<()> {
        self.0.write_all(&hash.to_le_bytes())
    }

    pub(super) fn finish(self) -> io::Result<SortedHashes> {
        let file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        let count = file.metadata()?.len() / HASH_BYTES;
        Ok(SortedHashes { file, count })
    }
}

pub(super) struct SortedHashes {
    file: File,
    pub(super) count: u64,
}

impl SortedHashes {
    /// Returns whether the hash was written. Hashes are spread evenly, so each one shows about where it must be: the lookup
    /// reads few pieces, however many there are.
    pub(super) fn contains(&self, hash: u64) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.count.div_ceil(PIECE_HASHES));
        let (mut least, mut greatest) = (0, u64::MAX);
        while low < high {
            let place = u128::from(hash - least) * u128::from(high - low);
            let index = low + (place / (u128::from(greatest - least) + 1)) as u64;
            let piece = self.read_piece(index)?;
            match (piece.first(), piece.last()) {
                (Some(first), _) if hash < *first => (high, greatest) = (index, *first),
                (_, Some(last)) if hash > *last => (low, least) = (index + 1, *last),
                _ => return Ok(piece.binary_search(&hash).is_ok()),
            }
        }
        Ok(false)
    }

    fn read_piece(&self, index: u64) -> io::Result<Vec<u64>> {
        let start = index * PIECE_HASHES;
        let length = (self.count - start).min(PIECE_HASHES);
        let mut bytes = vec![0; (length * HASH_BYTES) as usize];
        self.file.read_exact_at(&mut bytes, start * HASH_BYTES)?;
        let (hashes, _) = bytes.as_chunks();
        Ok(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    fn write_hashes(sorted: &[u64]) -> SortedHashes {
        let mut writer = HashWriter::create().unwrap();
        sorted.iter().for_each(|hash| writer.push(*hash).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn only_the_written_hashes_are_found() {
        let hasher = RandomState::new();
        for count in [0, 1, 2, 511, 512, 513, 10_000_u64] {
            let mut sorted: Vec<u64> = (0..count).map(|number| hasher.hash_one(number)).collect();
            sorted.sort_unstable();
            let hashes = write_hashes(&sorted);
            assert_eq!(hashes.count, count);
            assert!(sorted.iter().all(|hash| hashes.contains(*hash).unwrap()), "{count}");
            let others = (count..count + 1000).map(|number| hasher.hash_one(number));
            assert!(others.clone().all(|hash| !hashes.contains(hash).unwrap()), "{count}");
        }
    }

    #[test]
    fn the_ends_of_the_range_and_uneven_hashes_are_found() {
        let mut sorted: Vec<u64> = (0..3000).chain([u64::MAX - 1, u64::MAX]).collect();
        let all = write_hashes(&sorted);
        assert!(sorted.iter().all(|hash| all.contains(*hash).unwrap()));
        assert!(!all.contains(3000).unwrap());
        sorted.remove(0);
        sorted.pop();
        let inner = write_hashes(&sorted);
        assert!(!inner.contains(0).unwrap() && !inner.contains(u64::MAX).unwrap());
    }
}
