//! A bulk call: the ids it asks for, and the answer that fits the load balancer.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};
use restctl_contract::api::{BatchGetRequest, MAX_IDS_PER_CALL};
use restctl_contract::key::KeyType;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;
use tokio::time::Instant;

use super::id::Id;
use super::size::Size;
use super::table::{Found, Table};
use crate::problem::Failure;

/// What DynamoDB reads in one call.
const IDS_PER_BATCH: usize = 100;

/// Batches that are read at the same time. Each may bring 16 MB into the function's memory.
const BATCHES_IN_FLIGHT: usize = 4;

/// Each id once, in the order of the request.
#[derive(Debug)]
pub(crate) struct Wanted {
    ids: Vec<Id>,
    /// Each id as the request wrote it.
    written: Vec<Value>,
}

impl Wanted {
    pub(crate) fn parse(kind: KeyType, body: &[u8]) -> Result<Self, Failure> {
        let request = parse(body)?;
        if request.ids.len() > MAX_IDS_PER_CALL {
            return Err(Failure::TooManyIds(request.ids.len()));
        }
        let mut wanted = Self { ids: Vec::new(), written: Vec::new() };
        let mut seen = HashSet::new();
        for (index, written) in request.ids.into_iter().enumerate() {
            let id = Id::from_json(kind, &written)
                .map_err(|problem| Failure::InvalidId(format!("ids[{index}] {problem}")))?;
            if seen.insert(id.clone()) {
                wanted.ids.push(id);
                wanted.written.push(written);
            }
        }
        Ok(wanted)
    }

    /// Reads the items, and puts them together as the JSON of a [`restctl_contract::api::BatchGetAnswer`].
    ///
    /// # Errors
    /// If not one id could be read.
    pub(crate) async fn read(&self, table: &Table, deadline: Instant) -> Result<String, Failure> {
        let mut answer = Answer::begin(self);
        let batches = stream::iter(self.ids.chunks(IDS_PER_BATCH));
        let mut batches = batches.map(|ids| table.get_many(ids, deadline)).buffered(BATCHES_IN_FLIGHT);
        while !answer.is_full
            && let Some(outcome) = batches.next().await
        {
            match outcome {
                Ok(found) => answer.add(&found)?,
                // What has been read is worth an answer, which names the rest.
                Err(Failure::TableBusy { .. }) if answer.taken > 0 => break,
                Err(failure) => return Err(failure),
            }
        }
        Ok(answer.end())
    }
}

fn parse(body: &[u8]) -> Result<BatchGetRequest, Failure> {
    // An array would be taken for the members of a request in their order.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        let parsed = serde_json::from_slice::<IgnoredAny>(body);
        parsed.map_err(|error| Failure::MalformedBody(error.to_string()))?;
        return Err(Failure::InvalidBody("it is no object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Failure::InvalidBody(error.to_string()),
        _ => Failure::MalformedBody(error.to_string()),
    })
}

/// The three lists of an answer, cut at the item that would not fit any more.
struct Answer<'a> {
    ids: &'a [Id],
    written: Vec<String>,
    /// How many of the ids have been looked at.
    taken: usize,
    size: Size,
    is_full: bool,
    items: String,
    missing: String,
    remaining: String,
}

impl<'a> Answer<'a> {
    fn begin(wanted: &'a Wanted) -> Self {
        let written: Vec<String> = wanted.written.iter().map(|id| format!("{id},")).collect();
        // Each id is in one of the three lists, so that it costs its own text until its item takes its place.
        let envelope = Size::of(r#"{"items":[],"missing":[],"remaining":[]}"#);
        let size = written.iter().fold(envelope, |size, id| size + Size::of(id));
        let (items, missing, remaining) = Default::default();
        Self { ids: &wanted.ids, written, taken: 0, size, is_full: false, items, missing, remaining }
    }

    /// The next batch of ids. Where the first item does not fit, no progress would be made by answering that
    /// everything remains.
    fn add(&mut self, found: &Found) -> Result<(), Failure> {
        for index in self.taken..self.ids.len().min(self.taken + IDS_PER_BATCH) {
            let (id, written) = (&self.ids[index], &self.written[index]);
            match found.items.get(id) {
                _ if self.is_full || found.unread.contains(id) => self.remaining.push_str(written),
                None => self.missing.push_str(written),
                Some(item) => {
                    let with_item = self.size - Size::of(written) + Size::of(item) + Size::of(",");
                    if with_item.fits() {
                        self.size = with_item;
                        self.items.push_str(item);
                        self.items.push(',');
                    } else if self.items.is_empty() {
                        return Err(Failure::ItemTooLarge(TOO_LARGE_AMONG_OTHERS.to_owned()));
                    } else {
                        self.is_full = true;
                        self.remaining.push_str(written);
                    }
                }
            }
            self.taken = index + 1;
        }
        Ok(())
    }

    fn end(mut self) -> String {
        self.written[self.taken..].iter().for_each(|written| self.remaining.push_str(written));
        let (items, missing) = (self.items.trim_end_matches(','), self.missing.trim_end_matches(','));
        match self.remaining.trim_end_matches(',') {
            "" => format!(r#"{{"items":[{items}],"missing":[{missing}]}}"#),
            remaining => format!(r#"{{"items":[{items}],"missing":[{missing}],"remaining":[{remaining}]}}"#),
        }
    }
}

const TOO_LARGE_AMONG_OTHERS: &str =
    "the first of these items is too large to be answered beside so many ids; ask for it alone";

#[cfg(test)]
mod tests {
    use super::*;
    use restctl_contract::api::{BatchGetAnswer, MAX_ANSWER_BYTES};
    use serde_json::json;

    fn wanted(ids: Value) -> Wanted {
        Wanted::parse(KeyType::String, json!({"ids": ids}).to_string().as_bytes()).unwrap()
    }

    fn found(items: &[(&str, String)], unread: &[&str]) -> Found {
        let id = |id: &str| Id::String(id.to_owned());
        Found {
            items: items.iter().map(|(key, item)| (id(key), item.clone())).collect(),
            unread: unread.iter().map(|key| id(key)).collect(),
        }
    }

    fn text(wanted: &Wanted, found: &Found) -> Result<String, Failure> {
        let mut answer = Answer::begin(wanted);
        while !answer.is_full && answer.taken < wanted.ids.len() {
            answer.add(found)?;
        }
        Ok(answer.end())
    }

    fn answer(wanted: &Wanted, found: &Found) -> BatchGetAnswer {
        let text = text(wanted, found).unwrap();
        assert!(Size::of(&text).fits(), "{} bytes", text.len());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_order_is_kept_and_an_id_is_answered_once() {
        let wanted = wanted(json!(["b", "x", "a", "b", "y", "c"]));
        let found = found(&[("a", r#"{"id":"a"}"#.into()), ("b", r#"{"id":"b"}"#.into())], &["c"]);
        let answered = text(&wanted, &found).unwrap();
        assert_eq!(answered, r#"{"items":[{"id":"b"},{"id":"a"}],"missing":["x","y"],"remaining":["c"]}"#);
        let none = self::wanted(json!([]));
        assert_eq!(text(&none, &found).unwrap(), r#"{"items":[],"missing":[]}"#);
    }

    #[test]
    fn an_answer_is_cut_at_the_item_that_does_not_fit() {
        let item = |text: &str, length: usize| format!(r#"{{"v":"{}"}}"#, text.repeat(length / text.len()));
        let wanted = wanted(json!(["a", "b", "none", "c", "d"]));
        for (text, size) in [("x", MAX_ANSWER_BYTES / 3), (r#"\""#, 200_000)] {
            // The last would fit, but items come in the order of the request, over several calls, too.
            let mut items = ["a", "b", "c", "d"].map(|id| (id, item(text, size)));
            items[3].1 = "{}".to_owned();
            let answer = answer(&wanted, &found(&items, &[]));
            assert_eq!(answer.items.len(), 2, "{text}");
            assert_eq!(
                (answer.missing, answer.remaining),
                (vec![json!("none")], vec![json!("c"), json!("d")])
            );
        }
    }

    #[test]
    fn batches_that_are_not_read_remain() {
        let ids: Vec<String> = (0..250).map(|id| id.to_string()).collect();
        let wanted = wanted(json!(ids));
        let item = |id: &str| format!(r#"{{"v":"{id}{}"}}"#, "x".repeat(4000));
        let items: Vec<(&str, String)> = ids.iter().map(|id| (id.as_str(), item(id))).collect();
        let answer = answer(&wanted, &found(&items, &[]));
        let cut = answer.items.len();
        assert!((100..200).contains(&cut), "{cut}");
        let rest: Vec<Value> = ids[cut..].iter().map(|id| json!(id)).collect();
        assert_eq!(answer.remaining, rest);
    }

    #[test]
    fn an_item_that_never_fits_is_an_error_and_no_endless_loop() {
        let wanted = wanted(json!(["a", "b"]));
        let large = format!(r#"{{"v":"{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
        let items = [("a", large.clone()), ("b", "{}".to_owned())];
        assert!(matches!(text(&wanted, &found(&items, &[])), Err(Failure::ItemTooLarge(_))));
        let items = [("a", "{}".to_owned()), ("b", large)];
        assert_eq!(answer(&wanted, &found(&items, &[])).remaining, [json!("b")]);
    }

    #[test]
    fn bodies_that_are_refused() {
        let parse = |body: &str| Wanted::parse(KeyType::String, body.as_bytes()).unwrap_err();
        for body in ["", "{", "ids=1", r#"{"ids":["a"]} x"#, &"[".repeat(100_000)] {
            assert!(matches!(parse(body), Failure::MalformedBody(_)), "{body}");
        }
        for body in [
            "null",
            "[]",
            "{}",
            r#"{"ids":"a"}"#,
            r#"{"ids":null}"#,
            r#"{"ids":["a"],"limit":1}"#,
            r#"[["a"]]"#,
            r#"{"ids":["a"],"ids":["b"]}"#,
        ] {
            assert!(matches!(parse(body), Failure::InvalidBody(_)), "{body}");
        }
        let failure = parse(r#"{"ids":["a",42]}"#);
        assert!(failure.to_string().starts_with("ids[1] is a number"), "{failure}");
        let many = json!({"ids": vec!["a"; MAX_IDS_PER_CALL + 1]}).to_string();
        assert!(matches!(parse(&many), Failure::TooManyIds(1001)));
    }
}
