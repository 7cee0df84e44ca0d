//! The answers to requests that fail.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::headers;
use super::schemas::reference;

/// Every kind of problem, its status and its title.
pub(super) const KINDS: [(&str, u16, &str); 21] = [
    ("authorization-repeated", 400, "More than one token is sent"),
    ("id-invalid", 400, "An id is invalid"),
    ("body-malformed", 400, "The body is malformed"),
    ("query-invalid", 400, "The query is invalid"),
    ("cursor-invalid", 400, "The cursor is invalid"),
    ("token-missing", 401, "A token is needed"),
    ("token-refused", 401, "The token is refused"),
    ("scope-missing", 403, "The token lacks a scope"),
    ("path-unknown", 404, "Unknown path"),
    ("item-not-found", 404, "Item not found"),
    ("list-off", 404, "The list is off"),
    ("method-not-allowed", 405, "Method not allowed"),
    ("not-acceptable", 406, "Not acceptable"),
    ("body-too-large", 413, "The body is too large"),
    ("media-type-unsupported", 415, "Unsupported media type"),
    ("body-invalid", 422, "The body is invalid"),
    ("ids-too-many", 422, "Too many ids"),
    ("item-too-large", 500, "An item is too large"),
    ("internal", 500, "The function failed"),
    ("keys-unavailable", 503, "Tokens cannot be verified at the moment"),
    ("table-busy", 503, "The table is busy"),
];

/// The answers of an operation that may end in these kinds of problem, by status.
pub(super) fn responses(kinds: &[&str]) -> impl Iterator<Item = (String, Value)> {
    let mut by_status: BTreeMap<u16, Vec<_>> = BTreeMap::new();
    for (kind, status, title) in KINDS {
        if kind == "method-not-allowed" || kinds.contains(&kind) {
            by_status.entry(status).or_default().push((kind, title));
        }
    }
    by_status.into_iter().map(|(status, problems)| (status.to_string(), response(status, &problems)))
}

fn response(status: u16, problems: &[(&str, &str)]) -> Value {
    let types: Vec<String> = problems.iter().map(|(kind, _)| format!("urn:restctl:problem:{kind}")).collect();
    let titles: Vec<&str> = problems.iter().map(|(_, title)| *title).collect();
    let mut schema = reference("Problem");
    schema["properties"] = json!({ "type": { "enum": types }, "status": { "const": status } });
    json!({
        "description": format!("{}.", titles.join(", or: ")),
        "headers": headers::of_problem(status),
        "content": { "application/problem+json": { "schema": schema } },
    })
}
