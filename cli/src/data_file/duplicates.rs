//! Counts duplicate keys exactly, in memory that does not grow with their number.

use std::hash::{BuildHasher, RandomState};
use std::io;

use crate::data_file::external_sort::SortedRuns;

/// Keys as 64-bit hashes. Among 100 million keys, the odds that any two different ones share a hash are 1 in 3,700.
#[derive(Default)]
pub(crate) struct Duplicates {
    hasher: RandomState,
    keys: u64,
    hashes: SortedRuns<1>,
}

impl Duplicates {
    pub(crate) fn push(&mut self, key: &str) -> io::Result<()> {
        self.keys += 1;
        self.hashes.push([self.hasher.hash_one(key)])
    }

    /// Returns how many of the keys were pushed again later.
    pub(crate) fn count(self) -> io::Result<u64> {
        let mut hashes = self.hashes.into_sorted()?;
        let (mut distinct, mut last) = (0, None);
        while let Some(hash) = hashes.next()? {
            distinct += u64::from(last != Some(hash));
            last = Some(hash);
        }
        Ok(self.keys - distinct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count_duplicates(keys: impl IntoIterator<Item = u32>) -> u64 {
        let mut duplicates = Duplicates::default();
        keys.into_iter().for_each(|key| duplicates.push(&key.to_string()).unwrap());
        duplicates.count().unwrap()
    }

    #[test]
    fn each_repetition_of_a_key_counts() {
        assert_eq!(count_duplicates([]), 0);
        assert_eq!(count_duplicates([1, 2]), 0);
        assert_eq!(count_duplicates([1, 1, 2, 1]), 2);
        assert_eq!(count_duplicates((0..5000).chain(0..5000)), 5000);
    }
}
