//! Finds items of the table whose keys are not in the file.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use restctl_contract::key::WRITTEN_BY;

use super::finding::{ItemVerdict, KeyFinding, WriterLoad};
use super::keys::{FileKeys, KEYS_ON_DISK};
use crate::aws::dynamodb::items::{Items, Segment};
use crate::failure::{FailureContext, Result};
use crate::terminal::progress;

/// Segments that are scanned at the same time. A scan of the whole table has this many.
const SEGMENTS_IN_FLIGHT: i32 = 4;

/// DynamoDB allows up to 1,000,000 segments; this is the power of two below.
const MAX_SEGMENTS: u64 = 1 << 19;

/// A sample consists of many segments with few items, so that each item has the same odds and neighbors matter little.
const ITEMS_PER_SEGMENT: u64 = 16;

/// If most of this many random segments are empty, the table has fewer items than expected, and there are too many
/// segments by this factor or more.
const PROBES: usize = 4;
const SEGMENT_REDUCTION: u64 = 16;

/// How much of the table is scanned.
#[derive(Clone, Copy)]
pub(super) enum ScanExtent {
    Whole,
    /// `items` of about `table_items`.
    Sample {
        items: u64,
        table_items: u64,
    },
}

/// Reports each item that the file does not have. Returns how many items were scanned.
pub(super) async fn find_extra_items(
    items: &Items<'_>,
    keys: &FileKeys,
    extent: ScanExtent,
    mut report: impl FnMut(KeyFinding),
) -> Result<u64> {
    let (segments, most, page_items) = match extent {
        ScanExtent::Whole => (segments_in_order(SEGMENTS_IN_FLIGHT), u64::MAX, None),
        ScanExtent::Sample { items: most, table_items } => {
            let page_items = i32::try_from(most.min(1000)).ok();
            (shuffled_segments(choose_segment_count(items, table_items).await?), most, page_items)
        }
    };
    let pages = stream::iter(segments).map(|segment| Box::pin(items.scan_keys(segment, page_items)));
    let mut pages = pin!(pages.flatten_unordered(SEGMENTS_IN_FLIGHT as usize));
    let progress = progress::rows_bar("looking for extra items", None);
    let mut scanned = 0;
    while scanned < most
        && let Some(page) = pages.try_next().await?
    {
        scanned += page.len() as u64;
        progress.set_position(scanned);
        for item in &page {
            let Some(key) = items.key_of(item) else { continue };
            if !keys.contains(&key).context_of_temporary_file(KEYS_ON_DISK)? {
                let load = item.get(WRITTEN_BY).and_then(WriterLoad::from_stamp);
                let (key, table) = (key.into_owned(), ItemVerdict::Extra);
                report(KeyFinding { key, line: None, table, api: None, load });
            }
        }
    }
    progress.finish_and_clear();
    Ok(scanned)
}

fn segments_in_order(total: i32) -> Box<dyn Iterator<Item = Segment>> {
    Box::new((0..total).map(move |number| Segment { number, total }))
}

/// Returns how many segments a table of about `table_items` items needs, so that most of them have items.
async fn choose_segment_count(items: &Items<'_>, table_items: u64) -> Result<u64> {
    let mut segments = (table_items / ITEMS_PER_SEGMENT).clamp(1, MAX_SEGMENTS).next_power_of_two();
    while segments > 1 {
        let probes = shuffled_segments(segments).take(PROBES);
        let pages = stream::iter(probes).map(|segment| Box::pin(items.scan_keys(segment, Some(1)).take(1)));
        let pages = pages.flatten_unordered(PROBES);
        let found = pages.try_fold(0, async |found, page| Ok(found + page.len())).await?;
        if found * 2 >= PROBES {
            break;
        }
        segments = (segments / SEGMENT_REDUCTION).max(1);
    }
    Ok(segments)
}

/// Returns each of `total` segments once, in an order that differs from run to run. `total` is a power of two.
fn shuffled_segments(total: u64) -> Box<dyn Iterator<Item = Segment>> {
    let random = || RandomState::new().build_hasher().finish();
    // An odd step reaches every number below a power of two before it repeats one.
    let (start, step) = (random() % total, (random() % total) | 1);
    Box::new((0..total).map(move |index| {
        let number = (start + index * step) % total;
        Segment { number: number as i32, total: total as i32 }
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_segment_comes_exactly_once() {
        for total in [1, 2, 256, MAX_SEGMENTS] {
            let segments: Vec<Segment> = shuffled_segments(total).collect();
            let numbers: HashSet<u64> = segments.iter().map(|segment| segment.number as u64).collect();
            assert_eq!((segments.len() as u64, numbers.len() as u64), (total, total));
            assert!(segments.iter().all(|segment| segment.total as u64 == total));
            assert!(numbers.iter().all(|number| (0..total).contains(number)));
        }
    }
}
