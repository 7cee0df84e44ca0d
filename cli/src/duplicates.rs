//! How many keys come more than once, counted exactly in memory that does not grow with their number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

/// Hashes held in memory before they are sorted and put on disk: 8 MiB of them.
const RUN: usize = 1 << 20;

/// Bytes read of a run at a time.
const PIECE_BYTES: usize = 8 * 1024;

const HASH_BYTES: usize = size_of::<u64>();

/// Keys by their 64-bit hashes, in sorted runs. Among 100 million keys, the odds that any two different ones share
/// a hash are 1 in 3,700.
pub(crate) struct Duplicates {
    hasher: RandomState,
    keys: u64,
    run: Vec<u64>,
    run_length: usize,
    spill: Option<Spill>,
}

/// Runs on disk, each sorted.
struct Spill {
    file: BufWriter<File>,
    /// Where each run ends, in bytes.
    ends: Vec<u64>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self::with_runs_of(RUN)
    }
}

impl Duplicates {
    fn with_runs_of(run_length: usize) -> Self {
        Self { hasher: RandomState::new(), keys: 0, run: Vec::new(), run_length, spill: None }
    }

    pub(crate) fn push(&mut self, key: &str) -> io::Result<()> {
        self.keys += 1;
        self.run.push(self.hasher.hash_one(key));
        if self.run.len() == self.run_length { self.spill() } else { Ok(()) }
    }

    /// How many of the keys another one of the same text followed.
    pub(crate) fn count(mut self) -> io::Result<u64> {
        if self.spill.is_none() {
            self.run.sort_unstable();
            self.run.dedup();
            return Ok(self.keys - self.run.len() as u64);
        }
        self.spill()?;
        let Some(Spill { file, ends }) = self.spill else { return Ok(0) };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(self.keys - distinct(&file, &ends)?)
    }

    fn spill(&mut self) -> io::Result<()> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill { file: BufWriter::new(tempfile::tempfile()?), ends: Vec::new() }),
        };
        self.run.sort_unstable();
        for hash in &self.run {
            spill.file.write_all(&hash.to_le_bytes())?;
        }
        let start = spill.ends.last().copied().unwrap_or(0);
        spill.ends.push(start + (self.run.len() * HASH_BYTES) as u64);
        self.run.clear();
        Ok(())
    }
}

/// How many different hashes the sorted runs hold: they are read side by side, the smallest first.
fn distinct(file: &File, ends: &[u64]) -> io::Result<u64> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let mut runs: Vec<Run<'_>> = starts.zip(ends).map(|(at, end)| Run::new(file, at, *end)).collect();
    let mut next = BinaryHeap::new();
    for (index, run) in runs.iter_mut().enumerate() {
        next.extend(run.next()?.map(|hash| Reverse((hash, index))));
    }
    let (mut distinct, mut last) = (0, None);
    while let Some(Reverse((hash, index))) = next.pop() {
        distinct += u64::from(last != Some(hash));
        last = Some(hash);
        next.extend(runs[index].next()?.map(|hash| Reverse((hash, index))));
    }
    Ok(distinct)
}

/// What is left of a run, read piece by piece.
struct Run<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    piece: std::vec::IntoIter<u64>,
}

impl<'a> Run<'a> {
    fn new(file: &'a File, at: u64, end: u64) -> Self {
        Self { file, at, end, piece: Vec::new().into_iter() }
    }

    fn next(&mut self) -> io::Result<Option<u64>> {
        if self.piece.len() == 0 && self.at < self.end {
            let length = (self.end - self.at).min(PIECE_BYTES as u64);
            let mut bytes = [0; PIECE_BYTES];
            let bytes = &mut bytes[..length as usize];
            self.file.read_exact_at(bytes, self.at)?;
            self.at += length;
            let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
            self.piece = hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect::<Vec<_>>().into_iter();
        }
        Ok(self.piece.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(run: usize, keys: impl Iterator<Item = String>) -> u64 {
        let mut duplicates = Duplicates::with_runs_of(run);
        keys.for_each(|key| duplicates.push(&key).unwrap());
        duplicates.count().unwrap()
    }

    #[test]
    fn the_length_of_the_runs_does_not_matter() {
        // 1,000 keys, each 1 to 5 times, far apart.
        let keys = || (0..5_u32).flat_map(|round| (0..1000).filter(move |key| key % 5 >= round));
        let expected = keys().count() as u64 - 1000;
        for run in [1, 2, 7, 999, 3000, 3001, 100_000] {
            assert_eq!(count(run, keys().map(|key| key.to_string())), expected, "runs of {run}");
        }
    }

    #[test]
    fn few_keys_are_counted_too() {
        assert_eq!(count(4, std::iter::empty()), 0);
        assert_eq!(count(4, ["a", "b"].map(String::from).into_iter()), 0);
        for run in [2, 4, 5] {
            assert_eq!(count(run, ["a", "a", "b", "a"].map(String::from).into_iter()), 2);
        }
    }

    #[test]
    fn runs_longer_than_a_piece_are_read_to_their_end() {
        let keys = (0..5000).chain(0..5000).map(|key| key.to_string());
        assert_eq!(count(3000, keys), 5000);
    }
}
