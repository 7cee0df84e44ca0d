//! The answers to requests that fail.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::headers;
use super::schemas::reference;
use crate::problem::Kind;

/// In which any operation may end.
const OF_ALL: [Kind; 3] = [Kind::METHOD_NOT_ALLOWED, Kind::NOT_ACCEPTABLE, Kind::INTERNAL];

/// In which any operation may end that needs a token.
const OF_TOKENS: [Kind; 5] = [
    Kind::AUTHORIZATION_REPEATED,
    Kind::TOKEN_MISSING,
    Kind::TOKEN_REFUSED,
    Kind::SCOPE_MISSING,
    Kind::KEYS_UNAVAILABLE,
];

/// The answers of an operation that may end in these kinds of problem, by status.
pub(super) fn responses(own: &[Kind], open: bool) -> impl Iterator<Item = (String, Value)> {
    let of_tokens: &[Kind] = if open { &[] } else { &OF_TOKENS };
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in OF_ALL.iter().chain(of_tokens).chain(own) {
        by_status.entry(kind.status.as_u16()).or_default().push(*kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), response(status, &kinds)))
}

fn response(status: u16, kinds: &[Kind]) -> Value {
    let types: Vec<String> = kinds.iter().map(|kind| kind.uri()).collect();
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
    let mut schema = reference("Problem");
    schema["properties"] = json!({ "type": { "enum": types }, "status": { "const": status } });
    json!({
        "description": format!("{}.", titles.join(", or: ")),
        "headers": headers::of_problem(status),
        "content": { "application/problem+json": { "schema": schema } },
    })
}
