//! Sorts records of numbers in memory that does not grow with their number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

/// Numbers held in memory before they are sorted and written to disk: 8 MiB of them.
const RUN_NUMBERS: usize = 1 << 20;

/// How many records are read from a run at a time.
const PIECE_RECORDS: usize = 512;

const NUMBER_BYTES: usize = size_of::<u64>();

/// Collects records of `N` numbers into sorted runs.
pub(crate) struct SortedRuns<const N: usize> {
    run: Vec<[u64; N]>,
    run_length: usize,
    spill: Option<Spill>,
}

/// Runs on disk.
struct Spill {
    file: BufWriter<File>,
    /// Where each run ends, in bytes.
    ends: Vec<u64>,
}

impl<const N: usize> Default for SortedRuns<N> {
    fn default() -> Self {
        Self::with_run_length(RUN_NUMBERS / N)
    }
}

impl<const N: usize> SortedRuns<N> {
    fn with_run_length(run_length: usize) -> Self {
        Self { run: Vec::new(), run_length, spill: None }
    }

    pub(crate) fn push(&mut self, record: [u64; N]) -> io::Result<()> {
        if self.run.len() == self.run_length {
            self.spill_run()?;
        }
        self.run.push(record);
        Ok(())
    }

    fn spill_run(&mut self) -> io::Result<()> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill { file: BufWriter::new(tempfile::tempfile()?), ends: Vec::new() }),
        };
        self.run.sort_unstable();
        for number in self.run.as_flattened() {
            spill.file.write_all(&number.to_le_bytes())?;
        }
        let start = spill.ends.last().copied().unwrap_or(0);
        spill.ends.push(start + (self.run.len() * N * NUMBER_BYTES) as u64);
        self.run.clear();
        Ok(())
    }

    pub(crate) fn into_sorted(mut self) -> io::Result<SortedRecords<N>> {
        self.run.sort_unstable();
        let mut runs = vec![Run { at: 0, end: 0, piece: self.run.into_iter() }];
        let mut file = None;
        if let Some(spill) = self.spill {
            let starts = std::iter::once(0).chain(spill.ends.iter().copied());
            runs.extend(starts.zip(&spill.ends).map(|(at, end)| Run {
                at,
                end: *end,
                piece: Vec::new().into_iter(),
            }));
            file = Some(spill.file.into_inner().map_err(io::IntoInnerError::into_error)?);
        }
        let mut sorted = SortedRecords { file, runs, next: BinaryHeap::new() };
        (0..sorted.runs.len()).try_for_each(|index| sorted.advance_run(index))?;
        Ok(sorted)
    }
}

/// Merges sorted runs, the smallest record first.
pub(crate) struct SortedRecords<const N: usize> {
    file: Option<File>,
    runs: Vec<Run<N>>,
    next: BinaryHeap<Reverse<([u64; N], usize)>>,
}

impl<const N: usize> SortedRecords<N> {
    pub(crate) fn next(&mut self) -> io::Result<Option<[u64; N]>> {
        let Some(Reverse((record, index))) = self.next.pop() else { return Ok(None) };
        self.advance_run(index)?;
        Ok(Some(record))
    }

    fn advance_run(&mut self, index: usize) -> io::Result<()> {
        let record = self.runs[index].next(self.file.as_ref())?;
        self.next.extend(record.map(|record| Reverse((record, index))));
        Ok(())
    }
}

/// The rest of a run, read piece by piece.
struct Run<const N: usize> {
    at: u64,
    end: u64,
    piece: std::vec::IntoIter<[u64; N]>,
}

impl<const N: usize> Run<N> {
    fn next(&mut self, file: Option<&File>) -> io::Result<Option<[u64; N]>> {
        if self.piece.len() == 0
            && self.at < self.end
            && let Some(file) = file
        {
            let length = (self.end - self.at).min((PIECE_RECORDS * N * NUMBER_BYTES) as u64);
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, self.at)?;
            self.at += length;
            let (numbers, _) = bytes.as_chunks::<NUMBER_BYTES>();
            let record = |numbers: &[[u8; NUMBER_BYTES]]| {
                std::array::from_fn(|place| u64::from_le_bytes(numbers[place]))
            };
            self.piece = numbers.chunks_exact(N).map(record).collect::<Vec<_>>().into_iter();
        }
        Ok(self.piece.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort_in_runs<const N: usize>(run: usize, records: &[[u64; N]]) -> Vec<[u64; N]> {
        let mut runs = SortedRuns::with_run_length(run);
        records.iter().for_each(|record| runs.push(*record).unwrap());
        let mut sorted = runs.into_sorted().unwrap();
        std::iter::from_fn(|| sorted.next().unwrap()).collect()
    }

    #[test]
    fn the_run_length_does_not_change_the_order() {
        // 1,000 shuffled numbers, each 1 to 5 times, far apart.
        let shuffled = |round| (0..1000_u64).filter(move |n| n % 5 >= round).map(|n| n * 7919 % 1000);
        let numbers: Vec<[u64; 1]> = (0..5).flat_map(shuffled).map(|number| [number]).collect();
        let pairs: Vec<[u64; 2]> =
            numbers.iter().zip(0..).map(|([number], at)| [*number, 9999 - at]).collect();
        let mut expected = (numbers.clone(), pairs.clone());
        expected.0.sort_unstable();
        expected.1.sort_unstable();
        for run in [1, 2, 7, 999, 3000, 3001, 100_000] {
            assert_eq!((sort_in_runs(run, &numbers), sort_in_runs(run, &pairs)), expected, "runs of {run}");
        }
        assert_eq!(sort_in_runs::<1>(4, &[]), Vec::<[u64; 1]>::new());
    }

    #[test]
    fn runs_longer_than_a_piece_are_read_to_the_end() {
        let numbers: Vec<[u64; 3]> = (0..5000).map(|number| [4999 - number, number, 1]).collect();
        let sorted = sort_in_runs(2000, &numbers);
        assert!(sorted.iter().zip(0..).all(|(record, at)| *record == [at, 4999 - at, 1]));
        assert_eq!(sorted.len(), 5000);
    }
}
