//! The load balancer's limits on an answer.

use restctl_contract::api::MAX_ANSWER_BYTES;

/// The largest body as an escaped JSON string. The load balancer accepts 1 MB, and the rest is for headers.
const MAX_ESCAPED_BYTES: usize = 950_000;

/// The part of the load balancer's limits that a piece of a body takes. Pieces add up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AnswerSize {
    bytes: usize,
    escaped: usize,
}

impl AnswerSize {
    /// Measures a piece of JSON text, which has no control characters to escape.
    pub(crate) fn of_json(json: &str) -> Self {
        let escapes = json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        Self { bytes: json.len(), escaped: json.len() + escapes }
    }

    pub(crate) fn is_within_limits(self) -> bool {
        self.bytes <= MAX_ANSWER_BYTES && self.escaped <= MAX_ESCAPED_BYTES
    }
}

impl std::ops::Add for AnswerSize {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, escaped: self.escaped + other.escaped }
    }
}

impl std::ops::Sub for AnswerSize {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { bytes: self.bytes - other.bytes, escaped: self.escaped - other.escaped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_an_escaped_json_string() {
        for json in [r#"{"a":"b"}"#, r#"{"a":"\"\\"}"#, "[]", r#""é\u0001""#] {
            let string = serde_json::to_string(json).unwrap();
            assert_eq!(AnswerSize::of_json(json).escaped, string.len() - 2, "{json}");
        }
    }

    #[test]
    fn quotes_count_twice() {
        assert!(AnswerSize::of_json(&"x".repeat(MAX_ANSWER_BYTES)).is_within_limits());
        assert!(!AnswerSize::of_json(&"x".repeat(MAX_ANSWER_BYTES + 1)).is_within_limits());
        assert!(!AnswerSize::of_json(&"\"".repeat(MAX_ANSWER_BYTES)).is_within_limits());
    }
}
