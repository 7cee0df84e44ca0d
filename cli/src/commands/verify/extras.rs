//! Items of the table whose keys the file does not have.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use restctl_contract::key::WRITTEN_BY;

use super::KEYS_ON_DISK;
use super::finding::{Finding, Verdict, Writer};
use super::keys::Keys;
use crate::aws::dynamodb::items::{Items, Segment};
use crate::failure::{FailureContext, Result};
use crate::terminal::output;

/// Segments that are scanned at the same time, and into how many a table is cut that is scanned whole.
const SEGMENTS_IN_FLIGHT: i32 = 4;

/// DynamoDB takes up to 1,000,000 segments; this is the power of two below.
const MAX_SEGMENTS: u64 = 1 << 19;

/// A sample is many segments of few items: so each item has the same odds, and neighbours matter little.
const ITEMS_PER_SEGMENT: u64 = 16;

/// Where this many segments at random are mostly empty, the table has fewer items than was thought: then there are too many
/// segments, by this factor or more.
const PROBES: usize = 4;
const FEWER: u64 = 16;

/// What part of the table is looked at.
#[derive(Clone, Copy)]
pub(super) enum Extent {
    Whole,
    /// As many `items`, where the table has about `of`.
    Sample {
        items: u64,
        of: u64,
    },
}

/// Tells of each item that the file does not have; answers how many items were looked at.
pub(super) async fn find(
    items: &Items<'_>,
    keys: &Keys,
    extent: Extent,
    mut tell: impl FnMut(Finding),
) -> Result<u64> {
    let (segments, most, page_items) = match extent {
        Extent::Whole => (in_order(SEGMENTS_IN_FLIGHT), u64::MAX, None),
        Extent::Sample { items: most, of } => {
            let page_items = i32::try_from(most.min(1000)).ok();
            (at_random(segments_with_items(items, of).await?), most, page_items)
        }
    };
    let pages = stream::iter(segments).map(|segment| Box::pin(items.scan_keys(segment, page_items)));
    let mut pages = pin!(pages.flatten_unordered(SEGMENTS_IN_FLIGHT as usize));
    let progress = output::rows_bar("looking for extra items", None);
    let mut looked_at = 0;
    while looked_at < most
        && let Some(page) = pages.try_next().await?
    {
        looked_at += page.len() as u64;
        progress.set_position(looked_at);
        for item in &page {
            let Some(key) = items.key_of(item) else { continue };
            if !keys.contain(&key).context(KEYS_ON_DISK)? {
                let load = item.get(WRITTEN_BY).and_then(Writer::of);
                let (key, table) = (key.into_owned(), Verdict::Extra);
                tell(Finding { key, line: None, table, api: None, load });
            }
        }
    }
    progress.finish_and_clear();
    Ok(looked_at)
}

fn in_order(of: i32) -> Box<dyn Iterator<Item = Segment>> {
    Box::new((0..of).map(move |number| Segment { number, of }))
}

/// Into how many segments a table of about `of` items is cut, so that each has some.
async fn segments_with_items(items: &Items<'_>, of: u64) -> Result<u64> {
    let mut segments = (of / ITEMS_PER_SEGMENT).clamp(1, MAX_SEGMENTS).next_power_of_two();
    while segments > 1 {
        let probes = at_random(segments).take(PROBES);
        let pages = stream::iter(probes).map(|segment| Box::pin(items.scan_keys(segment, Some(1)).take(1)));
        let pages = pages.flatten_unordered(PROBES);
        let found = pages.try_fold(0, async |found, page| Ok(found + page.len())).await?;
        if found * 2 >= PROBES {
            break;
        }
        segments = (segments / FEWER).max(1);
    }
    Ok(segments)
}

/// Each of so many segments once, a power of two, in an order that differs from run to run.
fn at_random(of: u64) -> Box<dyn Iterator<Item = Segment>> {
    let random = || RandomState::new().build_hasher().finish();
    // An odd step meets every number below a power of two before it comes round.
    let (start, step) = (random() % of, (random() % of) | 1);
    Box::new((0..of).map(move |index| {
        let number = (start + index * step) % of;
        Segment { number: number as i32, of: of as i32 }
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_segment_comes_once() {
        for of in [1, 2, 256, MAX_SEGMENTS] {
            let segments: Vec<Segment> = at_random(of).collect();
            let numbers: HashSet<u64> = segments.iter().map(|segment| segment.number as u64).collect();
            assert_eq!((segments.len() as u64, numbers.len() as u64), (of, of));
            assert!(segments.iter().all(|segment| segment.of as u64 == of));
            assert!(numbers.iter().all(|number| (0..of).contains(number)));
        }
    }
}
