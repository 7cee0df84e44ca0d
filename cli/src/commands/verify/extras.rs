//! Items of the table whose keys the file does not have.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use restctl_contract::key::WRITTEN_BY;

use super::KEYS_ON_DISK;
use super::finding::{Finding, Verdict, Writer};
use super::keys::Keys;
use crate::aws::items::{Items, Segment};
use crate::failure::{During, Result};
use crate::output;

/// Segments that are scanned at the same time, and into how many a table is cut that is scanned whole.
const SEGMENTS_IN_FLIGHT: i32 = 4;

/// DynamoDB takes up to 1,000,000 segments; this is the power of two below.
const MAX_SEGMENTS: u64 = 1 << 19;

/// A sample is many segments of few items: so each item has the same odds, and neighbours matter little.
const ITEMS_PER_SEGMENT: u64 = 16;

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
        Extent::Sample { items, of } => {
            let page_items = i32::try_from(items.min(1000)).ok();
            (at_random(of), items, page_items)
        }
    };
    let pages = stream::iter(segments).map(|segment| Box::pin(items.keys_in(segment, page_items)));
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
            if !keys.contain(&key).during(KEYS_ON_DISK)? {
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

/// Each segment once, in an order that differs from run to run.
fn at_random(items: u64) -> Box<dyn Iterator<Item = Segment>> {
    let of = (items / ITEMS_PER_SEGMENT).clamp(1, MAX_SEGMENTS).next_power_of_two();
    let random = || RandomState::new().build_hasher().finish();
    // An odd step meets every number below a power of two before it comes round.
    let (start, step) = (random() % of, random() % of | 1);
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
    fn every_segment_comes_once_and_no_more_than_dynamodb_takes() {
        for (items, expected) in [(0, 1), (16, 1), (3000, 256), (1 << 20, 1 << 16), (u64::MAX, 1 << 19)] {
            let segments: Vec<Segment> = at_random(items).collect();
            assert!(segments.iter().all(|segment| segment.of == expected), "{items}");
            let numbers: HashSet<i32> = segments.iter().map(|segment| segment.number).collect();
            assert_eq!((segments.len(), numbers.len()), (expected as usize, expected as usize));
            assert!(numbers.iter().all(|number| (0..expected).contains(number)));
        }
    }
}
