//! The headers of answers.

use serde_json::{Map, Value, json};

/// Each header's name, whether every answer that may have it has it, and its meaning.
const ALL: [(&str, bool, &str); 10] = [
    ("X-Request-Id", true, "The request's id, as in the function's log."),
    ("X-Content-Type-Options", true, "Always `nosniff`."),
    ("Strict-Transport-Security", true, "Always `max-age=31536000` (RFC 6797)."),
    ("Cache-Control", true, "Whether the answer may be cached, and by whom."),
    ("Vary", true, "The request headers on which the answer depends."),
    ("ETag", true, "Identifies this state of the resource (RFC 9110, section 8.8.3). Always weak."),
    ("WWW-Authenticate", true, "The challenge, and what is wrong with the token (RFC 6750, section 3)."),
    ("Retry-After", true, "Seconds to wait before trying again."),
    ("Allow", true, "The methods that the path allows."),
    ("Accept-Encoding", false, "`identity`, if the body's encoding was refused."),
];

const IN_EVERY_ANSWER: [&str; 4] =
    ["X-Request-Id", "X-Content-Type-Options", "Strict-Transport-Security", "Cache-Control"];

/// Returns each header by its name, for the document's components.
pub(super) fn header_components() -> Map<String, Value> {
    ALL.iter()
        .map(|(name, required, meaning)| {
            let header =
                json!({ "description": meaning, "required": required, "schema": { "type": "string" } });
            ((*name).to_owned(), header)
        })
        .collect()
}

pub(super) fn success_headers(is_cached: bool, is_open: bool) -> Value {
    let cached: &[&str] = if is_cached { &["ETag"] } else { &[] };
    let varying: &[&str] = if is_open { &[] } else { &["Vary"] };
    header_references([IN_EVERY_ANSWER.as_slice(), cached, varying].concat())
}

pub(super) fn problem_headers(status: u16) -> Value {
    let particular: &[&str] = match status {
        401 | 403 => &["WWW-Authenticate"],
        405 => &["Allow"],
        415 => &["Accept-Encoding"],
        503 => &["Retry-After"],
        _ => &[],
    };
    header_references([IN_EVERY_ANSWER.as_slice(), particular].concat())
}

pub(super) fn if_none_match_parameter() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of an earlier answer. If nothing has changed since, the answer is 304 without a body.",
        "schema": { "type": "string" },
    })
}

fn header_references(names: Vec<&str>) -> Value {
    let named = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    Value::Object(names.into_iter().map(named).collect())
}
