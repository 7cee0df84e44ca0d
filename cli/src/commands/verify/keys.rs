//! The keys of a file and the last record of each, in memory that does not grow with their number.

use std::hash::{BuildHasher, RandomState};
use std::io;

use super::hashes::{HashWriter, SortedHashes};
use crate::data_file::external_sort::{SortedRecords, SortedRuns};

pub(super) const KEYS_ON_DISK: &str = "cannot keep the keys in a temporary file";

/// Keys that are handled before the task yields.
const KEYS_BETWEEN_YIELDS: u64 = 1 << 16;

/// Collects keys as 64-bit hashes, each with the number of its record. Among 100 million keys, the odds that any two
/// different ones share a hash, so that the earlier one counts as superseded, are 1 in 3,700.
#[derive(Default)]
pub(super) struct KeyCollector {
    hasher: RandomState,
    places: SortedRuns<2>,
}

impl KeyCollector {
    /// Adds the key of a record. The number `record` must be greater than in the calls before.
    pub(super) fn push(&mut self, key: &str, record: u64) -> io::Result<()> {
        self.places.push([self.hasher.hash_one(key), record])
    }

    /// Returns the keys, and the numbers of the last records of the keys to compare, in the order of the file.
    ///
    /// With `sample`, selects only that many keys to compare, each with the same odds: those with the smallest hashes, whose
    /// secret differs from run to run.
    pub(super) async fn finish(self, sample: Option<u64>) -> io::Result<(FileKeys, SortedRecords<1>)> {
        let mut places = self.places.into_sorted()?;
        let mut distinct = HashWriter::create()?;
        let (mut last, mut compared) = (SortedRuns::default(), 0);
        let (mut next, mut passed) = (places.next()?, 0_u64);
        while let Some([hash, record]) = next {
            passed += 1;
            if passed.is_multiple_of(KEYS_BETWEEN_YIELDS) {
                tokio::task::yield_now().await;
            }
            next = places.next()?;
            if next.is_some_and(|[following, _]| following == hash) {
                continue;
            }
            distinct.push(hash)?;
            if sample.is_none_or(|sample| compared < sample) {
                last.push([record])?;
                compared += 1;
            }
        }
        let keys = FileKeys { hasher: self.hasher, hashes: distinct.finish()?, compared };
        Ok((keys, last.into_sorted()?))
    }
}

pub(super) struct FileKeys {
    hasher: RandomState,
    hashes: SortedHashes,
    /// The number of keys to compare.
    pub(super) compared: u64,
}

impl FileKeys {
    pub(super) fn count(&self) -> u64 {
        self.hashes.count
    }

    pub(super) fn contains(&self, key: &str) -> io::Result<bool> {
        self.hashes.contains(self.hasher.hash_one(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collect_keys(sample: Option<u64>, keys: &[&str]) -> (FileKeys, Vec<u64>) {
        let mut collector = KeyCollector::default();
        keys.iter().zip(0..).for_each(|(key, record)| collector.push(key, record).unwrap());
        let (keys, mut last) = collector.finish(sample).await.unwrap();
        let last = std::iter::from_fn(|| last.next().unwrap()).map(|[record]| record).collect();
        (keys, last)
    }

    #[tokio::test]
    async fn the_last_record_of_each_key_is_found() {
        let (keys, last) = collect_keys(None, &["a", "b", "a", "c", "c", "a", "d"]).await;
        assert_eq!((keys.count(), keys.compared, last), (4, 4, vec![1, 4, 5, 6]));
        for (key, is_there) in [("a", true), ("d", true), ("e", false), ("", false)] {
            assert_eq!(keys.contains(key).unwrap(), is_there, "{key}");
        }
    }

    #[tokio::test]
    async fn a_sample_is_drawn_evenly_from_the_keys() {
        let all: Vec<String> = (0..10).map(|key| key.to_string()).collect();
        // Key 0 has nine of eighteen records, but one of ten shares.
        let mut records: Vec<&str> = vec!["0"; 8];
        records.extend(all.iter().map(String::as_str));
        let mut drawn = [0; 10];
        for _ in 0..2000 {
            let (keys, last) = collect_keys(Some(3), &records).await;
            assert_eq!((keys.count(), keys.compared, last.len()), (10, 3, 3));
            last.iter().for_each(|record| drawn[*record as usize - 8] += 1);
        }
        // 600 of 2,000 each; six standard deviations are 123.
        assert!(drawn.iter().all(|times| (450..750).contains(times)), "{drawn:?}");
        let (keys, last) = collect_keys(Some(11), &records).await;
        assert_eq!((keys.compared, last.len()), (10, 10));
    }
}
