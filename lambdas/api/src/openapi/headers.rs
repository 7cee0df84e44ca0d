//! The headers that answers bear.

use serde_json::{Map, Value, json};

/// Name, whether each answer that may have it has it, meaning.
const ALL: [(&str, bool, &str); 9] = [
    ("X-Request-Id", true, "Lambda's id of the request, as the log has it."),
    ("X-Content-Type-Options", true, "Always `nosniff`."),
    ("Cache-Control", true, "Whether and for whom the answer may be kept."),
    ("Vary", true, "The request's headers that the answer depends on."),
    ("ETag", true, "Names this state of what is answered (RFC 9110, section 8.8.3); always a weak one."),
    ("WWW-Authenticate", true, "The challenge, and what is wrong with the token (RFC 6750, section 3)."),
    ("Retry-After", true, "Seconds to wait before trying again."),
    ("Allow", true, "The methods that the path knows."),
    ("Accept-Encoding", false, "`identity`, where the body's encoding is refused."),
];

const OF_EACH_ANSWER: [&str; 3] = ["X-Request-Id", "X-Content-Type-Options", "Cache-Control"];

/// Each header by its name, for the document's components.
pub(super) fn all() -> Map<String, Value> {
    ALL.iter()
        .map(|(name, required, meaning)| {
            let header =
                json!({ "description": meaning, "required": required, "schema": { "type": "string" } });
            ((*name).to_owned(), header)
        })
        .collect()
}

pub(super) fn of_success(cached: bool, open: bool) -> Value {
    let cached: &[&str] = if cached { &["ETag"] } else { &[] };
    let shared: &[&str] = if open { &[] } else { &["Vary"] };
    references([OF_EACH_ANSWER.as_slice(), cached, shared].concat())
}

pub(super) fn of_problem(status: u16) -> Value {
    let particular: &[&str] = match status {
        401 | 403 => &["WWW-Authenticate"],
        405 => &["Allow"],
        415 => &["Accept-Encoding"],
        503 => &["Retry-After"],
        _ => &[],
    };
    references([OF_EACH_ANSWER.as_slice(), particular].concat())
}

pub(super) fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of an earlier answer; where nothing has changed since, 304 comes without a body.",
        "schema": { "type": "string" },
    })
}

fn references(names: Vec<&str>) -> Value {
    let named = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    Value::Object(names.into_iter().map(named).collect())
}
