//! A bulk call: the ids it asks for, and the answer that fits the load balancer.

use std::collections::HashSet;

use restctl_contract::api::{BatchGetRequest, MAX_IDS_PER_CALL};
use restctl_contract::key::KeyType;
use serde_json::Value;

use crate::answer::Cost;
use crate::failure::Failure;
use crate::id::Id;
use crate::items::Found;

/// Each id once, in the order of the request.
#[derive(Debug)]
pub(crate) struct Wanted {
    ids: Vec<Id>,
    /// Each id as the request wrote it.
    written: Vec<Value>,
}

impl Wanted {
    pub(crate) fn parse(kind: KeyType, body: &[u8]) -> Result<Self, Failure> {
        let body: Value =
            serde_json::from_slice(body).map_err(|error| Failure::MalformedBody(error.to_string()))?;
        let request: BatchGetRequest =
            serde_json::from_value(body).map_err(|error| Failure::InvalidBody(error.to_string()))?;
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

    pub(crate) fn ids(&self) -> &[Id] {
        &self.ids
    }

    /// The JSON of a [`restctl_contract::api::BatchGetAnswer`], cut at the item that would not fit any more.
    pub(crate) fn answer(&self, found: &Found) -> Result<String, Failure> {
        let written: Vec<String> = self.written.iter().map(|id| format!("{id},")).collect();
        let (mut items, mut missing, mut remaining) = (String::new(), String::new(), String::new());
        // Each id is in one of the three, so that it costs its own text until its item takes its place.
        let envelope = Cost::of(r#"{"items":[],"missing":[],"remaining":[]}"#);
        let mut cost = written.iter().fold(envelope, |cost, id| cost + Cost::of(id));
        let mut full = false;
        for (id, written) in self.ids.iter().zip(&written) {
            match found.items.get(id) {
                _ if full || found.unread.contains(id) => remaining.push_str(written),
                None => missing.push_str(written),
                Some(item) => {
                    let with_item = cost - Cost::of(written) + Cost::of(item) + Cost::of(",");
                    if with_item.fits() {
                        cost = with_item;
                        items.push_str(item);
                        items.push(',');
                    } else if items.is_empty() {
                        return Err(Failure::ItemTooLarge(TOO_LARGE_AMONG_OTHERS.to_owned()));
                    } else {
                        full = true;
                        remaining.push_str(written);
                    }
                }
            }
        }
        let (items, missing) = (items.trim_end_matches(','), missing.trim_end_matches(','));
        Ok(match remaining.trim_end_matches(',') {
            "" => format!(r#"{{"items":[{items}],"missing":[{missing}]}}"#),
            remaining => format!(r#"{{"items":[{items}],"missing":[{missing}],"remaining":[{remaining}]}}"#),
        })
    }
}

/// No progress would be made by answering that everything remains.
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

    fn answer(wanted: &Wanted, found: &Found) -> BatchGetAnswer {
        let text = wanted.answer(found).unwrap();
        assert!(Cost::of(&text).fits(), "{} bytes", text.len());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_order_is_kept_and_an_id_is_answered_once() {
        let wanted = wanted(json!(["b", "x", "a", "b", "y", "c"]));
        let found = found(&[("a", r#"{"id":"a"}"#.into()), ("b", r#"{"id":"b"}"#.into())], &["c"]);
        let text = wanted.answer(&found).unwrap();
        assert_eq!(text, r#"{"items":[{"id":"b"},{"id":"a"}],"missing":["x","y"],"remaining":["c"]}"#);
        let none = self::wanted(json!([]));
        assert_eq!(none.answer(&found).unwrap(), r#"{"items":[],"missing":[]}"#);
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
    fn an_item_that_never_fits_is_an_error_and_no_endless_loop() {
        let wanted = wanted(json!(["a", "b"]));
        let large = format!(r#"{{"v":"{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
        let items = [("a", large.clone()), ("b", "{}".to_owned())];
        assert!(matches!(wanted.answer(&found(&items, &[])), Err(Failure::ItemTooLarge(_))));
        let items = [("a", "{}".to_owned()), ("b", large)];
        assert_eq!(answer(&wanted, &found(&items, &[])).remaining, [json!("b")]);
    }

    #[test]
    fn bodies_that_are_refused() {
        let parse = |body: &str| Wanted::parse(KeyType::String, body.as_bytes()).unwrap_err();
        for body in ["", "{", "ids=1", r#"{"ids":["a"]} x"#, &"[".repeat(100_000)] {
            assert!(matches!(parse(body), Failure::MalformedBody(_)), "{body}");
        }
        for body in ["null", "[]", "{}", r#"{"ids":"a"}"#, r#"{"ids":null}"#, r#"{"ids":["a"],"limit":1}"#] {
            assert!(matches!(parse(body), Failure::InvalidBody(_)), "{body}");
        }
        let failure = parse(r#"{"ids":["a",42]}"#);
        assert!(failure.to_string().starts_with("ids[1] is a number"), "{failure}");
        let many = json!({"ids": vec!["a"; MAX_IDS_PER_CALL + 1]}).to_string();
        assert!(matches!(parse(&many), Failure::TooManyIds(101)));
    }
}
