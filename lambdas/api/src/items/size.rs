//! What the load balancer takes of an answer.

use restctl_contract::api::MAX_ANSWER_BYTES;

/// Of the 1 MB that the load balancer takes, what a body may cost as a JSON string; the rest is for headers.
const MAX_ESCAPED_BYTES: usize = 950_000;

/// What a piece of a body takes of the load balancer's limits. Pieces add up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    bytes: usize,
    escaped: usize,
}

impl Size {
    /// Of a piece of JSON text, which has no control characters to escape.
    pub(crate) fn of(json: &str) -> Self {
        let escapes = json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        Self { bytes: json.len(), escaped: json.len() + escapes }
    }

    pub(crate) fn fits(self) -> bool {
        self.bytes <= MAX_ANSWER_BYTES && self.escaped <= MAX_ESCAPED_BYTES
    }
}

impl std::ops::Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, escaped: self.escaped + other.escaped }
    }
}

impl std::ops::Sub for Size {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { bytes: self.bytes - other.bytes, escaped: self.escaped - other.escaped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_what_the_body_takes_as_a_json_string() {
        for json in [r#"{"a":"b"}"#, r#"{"a":"\"\\"}"#, "[]", r#""é\u0001""#] {
            let string = serde_json::to_string(json).unwrap();
            assert_eq!(Size::of(json).escaped, string.len() - 2, "{json}");
        }
    }

    #[test]
    fn quotes_count_twice() {
        assert!(Size::of(&"x".repeat(MAX_ANSWER_BYTES)).fits());
        assert!(!Size::of(&"x".repeat(MAX_ANSWER_BYTES + 1)).fits());
        assert!(!Size::of(&"\"".repeat(MAX_ANSWER_BYTES)).fits());
    }
}
