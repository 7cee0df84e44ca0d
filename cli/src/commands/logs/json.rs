//! Formats an event for programs.

use serde_json::{Map, Value, json};

use super::function::LoggedFunction;
use crate::terminal::sanitize::escape_json;

/// Returns the log's own JSON unchanged, or any other text as the `message` of an object. The result is one line, in
/// which unsafe characters are escaped wherever it goes: pipes lead to pagers, too.
pub(super) fn json_line(function: LoggedFunction, written: &str, message: &str) -> String {
    let message = message.trim_end();
    let text = match serde_json::from_str::<Map<String, Value>>(message) {
        Ok(_) if !message.contains(['\n', '\r', '\t']) => message.to_owned(),
        Ok(object) => Value::Object(object).to_string(),
        Err(_) => {
            json!({ "timestamp": written, "function": function.name(), "message": message }).to_string()
        }
    };
    escape_json(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingest_json_line(message: &str) -> String {
        json_line(LoggedFunction::Ingest, "2026-01-15T09:30:05.000Z", message)
    }

    #[test]
    fn json_is_unchanged() {
        let own = r#"{"level":"INFO", "status":200,"big":12345678901234567890.123}"#;
        assert_eq!(ingest_json_line(&format!("{own}\n")), own);
        assert_eq!(ingest_json_line("{\n\t\"b\": 1,\n\t\"a\": 2\n}"), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn other_text_is_wrapped_in_an_object() {
        let wrapped = r#"{"timestamp":"2026-01-15T09:30:05.000Z","function":"ingest","message":"#;
        for (message, text) in [
            ("END RequestId: x", r#""END RequestId: x""#),
            ("7", r#""7""#),
            ("{broken", r#""{broken""#),
            ("a\u{1b}[2J\nb", r#""a\u001b[2J\nb""#),
        ] {
            assert_eq!(ingest_json_line(message), format!("{wrapped}{text}}}"));
        }
    }

    #[test]
    fn unsafe_characters_are_escaped() {
        let own = "{\"reason\":\"\u{9b}31m\u{202e}\u{7f}\u{200b}é\"}";
        let shown = ingest_json_line(own);
        assert_eq!(shown, "{\"reason\":\"\\u009b31m\\u202e\\u007f\\u200bé\"}");
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&shown), value(own));
    }
}
