//! A line of a log for programs.

use serde_json::{Map, Value, json};

use super::Function;
use crate::terminal::sanitize::controls_terminal;

/// The log's own JSON as it stands; anything else as the `message` of an object. One line in any case, and without
/// anything that would steer a terminal, which JSON can say in other words.
pub(super) fn line(function: Function, written: &str, message: &str) -> String {
    let message = message.trim_end();
    let text = match serde_json::from_str::<Map<String, Value>>(message) {
        Ok(_) if !message.contains(['\n', '\r', '\t']) => message.to_owned(),
        Ok(object) => Value::Object(object).to_string(),
        Err(_) => {
            json!({ "timestamp": written, "function": function.name(), "message": message }).to_string()
        }
    };
    if !text.contains(controls_terminal) {
        return text;
    }
    // Between JSON's words there are none of these: they stand in strings, where an escape means the same.
    text.chars()
        .map(|character| match controls_terminal(character) {
            true => format!("\\u{:04x}", u32::from(character)),
            false => character.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lined(message: &str) -> String {
        line(Function::Ingest, "2026-01-15T09:30:05.000Z", message)
    }

    #[test]
    fn json_stays_as_it_is() {
        let own = r#"{"level":"INFO", "status":200,"big":12345678901234567890.123}"#;
        assert_eq!(lined(&format!("{own}\n")), own);
        assert_eq!(lined("{\n\t\"b\": 1,\n\t\"a\": 2\n}"), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn what_is_no_object_is_wrapped() {
        let wrapped = r#"{"timestamp":"2026-01-15T09:30:05.000Z","function":"ingest","message":"#;
        for (message, text) in [
            ("END RequestId: x", r#""END RequestId: x""#),
            ("7", r#""7""#),
            ("{broken", r#""{broken""#),
            ("a\u{1b}[2J\nb", r#""a\u001b[2J\nb""#),
        ] {
            assert_eq!(lined(message), format!("{wrapped}{text}}}"));
        }
    }

    #[test]
    fn what_steers_a_terminal_is_escaped_and_means_the_same() {
        let own = "{\"reason\":\"\u{9b}31m\u{202e}\u{7f}é\"}";
        let shown = lined(own);
        assert_eq!(shown, "{\"reason\":\"\\u009b31m\\u202e\\u007fé\"}");
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&shown), value(own));
    }
}
