//! The answers to requests that fail.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::headers;
use super::schemas::schema_reference;
use crate::problem::kind::ProblemKind;

/// The kinds of problem that every operation may report.
const COMMON: [ProblemKind; 3] =
    [ProblemKind::METHOD_NOT_ALLOWED, ProblemKind::NOT_ACCEPTABLE, ProblemKind::INTERNAL];

/// The kinds of problem that every operation with a token may report.
const TOKEN_PROBLEMS: [ProblemKind; 5] = [
    ProblemKind::AUTHORIZATION_REPEATED,
    ProblemKind::TOKEN_MISSING,
    ProblemKind::TOKEN_REFUSED,
    ProblemKind::SCOPE_MISSING,
    ProblemKind::KEYS_UNAVAILABLE,
];

/// Returns the answers of an operation that may report these kinds of problem, by status.
pub(super) fn problem_responses(own: &[ProblemKind], is_open: bool) -> impl Iterator<Item = (String, Value)> {
    let token_problems: &[ProblemKind] = if is_open { &[] } else { &TOKEN_PROBLEMS };
    let mut by_status: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    for kind in COMMON.iter().chain(token_problems).chain(own) {
        by_status.entry(kind.status.as_u16()).or_default().push(*kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), problem_response(status, &kinds)))
}

fn problem_response(status: u16, kinds: &[ProblemKind]) -> Value {
    let types: Vec<String> = kinds.iter().map(|kind| kind.type_uri()).collect();
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
    let mut schema = schema_reference("Problem");
    schema["properties"] = json!({ "type": { "enum": types }, "status": { "const": status } });
    json!({
        "description": format!("{}.", titles.join(", or: ")),
        "headers": headers::problem_headers(status),
        "content": { "application/problem+json": { "schema": schema } },
    })
}
