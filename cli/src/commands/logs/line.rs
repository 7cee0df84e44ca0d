//! Formats an event as a line for people.

mod fields;
mod platform;

use console::Style;
use serde_json::{Map, Value};

use self::fields::Fields;
pub(super) use self::platform::is_routine;
use super::function::LoggedFunction;
use crate::terminal::sanitize::sanitize_line;
use crate::terminal::text::Text;

/// The width of the functions' names.
pub(super) const NAME_COLUMNS: usize = 6;

/// Limit for a text and for all fields of a line; what is cut is counted.
const MAX_CHARACTERS: usize = 4_000;

/// The content of a line, whether the function or the platform wrote it.
struct LogLine {
    level: String,
    text: Text,
    fields: Fields,
}

/// Returns the event as one colored line. `time` is the time of day.
pub(super) fn format_line(function: LoggedFunction, time: &str, message: &str) -> Text {
    let LogLine { level, text, fields } = match serde_json::from_str::<Map<String, Value>>(message) {
        Ok(object) => LogLine::parse(object),
        Err(_) => LogLine {
            level: String::new(),
            text: sanitize_line(message, MAX_CHARACTERS).into(),
            fields: Fields::default(),
        },
    };
    let mut line = Text::styled(time, &Style::new().dim());
    let name = Text::styled(&format!("{:NAME_COLUMNS$}", function.name()), &Style::new().cyan());
    for part in [name, colored_level(&level), text, fields.to_text()] {
        if !part.is_empty() {
            line.push(" ");
            line.push(part);
        }
    }
    line
}

impl LogLine {
    fn parse(mut object: Map<String, Value>) -> Self {
        if let Some(line) = platform::parse_platform_line(&mut object) {
            return line;
        }
        let level = member_text(object.shift_remove("level"));
        let mut fields = Fields::default();
        let text = match object.get("route") {
            Some(_) => describe_request(&mut object, &mut fields),
            None => {
                let inner = object.get("fields").and_then(|fields| fields.get("message")).cloned();
                let message = member_text(object.shift_remove("message").or(inner));
                sanitize_line(&message, MAX_CHARACTERS).into()
            }
        };
        fields.add_object(object);
        Self { level, text, fields }
    }
}

/// Describes a request from the line that the API writes for it.
fn describe_request(object: &mut Map<String, Value>, fields: &mut Fields) -> Text {
    for figure in ["message", "stack", "requests", "errors", "key_id", "jwks_fetches"] {
        object.shift_remove(figure);
    }
    let mut part = |name| sanitize_line(&member_text(object.shift_remove(name)), MAX_CHARACTERS);
    let (method, route, status, latency) =
        (part("method"), part("route"), part("status"), part("latency_ms"));
    for name in ["subject", "problem", "reason", "cause"] {
        fields.push(name, object.shift_remove(name));
    }
    let mut text = Text::from(format!("{method} {route} "));
    text.push(colored_status(&status));
    text.push(format!(" {latency} ms"));
    text
}

fn colored_status(status: &str) -> Text {
    let style = match status.as_bytes().first() {
        Some(b'2' | b'3') => Style::new().green(),
        Some(b'4') => Style::new().yellow(),
        _ => Style::new().red(),
    };
    Text::styled(status, &style)
}

fn colored_level(level: &str) -> Text {
    let style = match level {
        "ERROR" | "FATAL" => Style::new().red().bold(),
        "WARN" => Style::new().yellow(),
        "INFO" => Style::new().green(),
        _ => Style::new().dim(),
    };
    Text::styled(&format!("{:5}", sanitize_line(level, 20)), &style)
}

/// Returns the text of a member, or nothing if it is missing.
fn member_text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_line(message: &str) -> String {
        let line = format_line(LoggedFunction::Api, "09:30:05.000", message);
        let line = console::strip_ansi_codes(line.as_str()).trim_end().to_owned();
        line.strip_prefix("09:30:05.000 api    ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    #[test]
    fn a_request_shows_what_matters() {
        let message = r#"{"_aws":{"Timestamp":1},"timestamp":"2026-01-15T09:30:05Z","level":"INFO","message":"request",
            "request_id":"id-1","method":"GET","route":"none","status":401,"subject":null,"key_id":"k",
            "problem":"token-missing","reason":"send the header","stack":"restctl","requests":1,"errors":1,
            "latency_ms":0.167,"jwks_fetches":0}"#;
        let expected =
            r#"INFO  GET none 401 0.167 ms problem=token-missing reason="send the header" request=id-1"#;
        assert_eq!(plain_line(message), expected);
    }

    #[test]
    fn a_line_of_a_load_shows_its_spans() {
        let message = r#"{"timestamp":"t","level":"WARN","message":"failed","read":3,"note":"","spans":[
            {"requestId":"id-1","xrayTraceId":"Root","name":"Lambda runtime invoke"},
            {"id":"m","load":"0123456789abcdef","object":"a b.csv","name":"message"}]}"#;
        assert_eq!(
            plain_line(message),
            r#"WARN  failed read=3 note="" request=id-1 load=0123456789abcdef object="a b.csv""#
        );
        let nested = r#"{"level":"ERROR","fields":{"message":"gone","load":"l"},"target":"x","span":{"requestId":"r","name":"n"}}"#;
        assert_eq!(plain_line(nested), "ERROR gone load=l request=r");
    }

    #[test]
    fn text_is_shown_and_harmless() {
        assert_eq!(
            plain_line("REPORT RequestId: x\tDuration: 5 ms\n"),
            "      REPORT RequestId: x Duration: 5 ms"
        );
        assert_eq!(plain_line("\u{9b}2J[1] {"), "      \\u{9b}2J[1] {");
        let message = "{\"level\":\"\u{7f}\",\"message\":\"a\\u001b[2Jb\",\"\\u001b]0;x\":\"\\u0007\",\"n\":{\"k\":\"\\u009b\"}}";
        let line = format_line(LoggedFunction::Api, "", message);
        assert!(!console::strip_ansi_codes(line.as_str()).contains(char::is_control), "{line:?}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = "x".repeat(100_000);
        assert!(plain_line(&long).len() < 5_000);
        assert!(plain_line(&format!("{{\"message\":\"{long}\",\"reason\":\"{long}\"}}")).len() < 10_000);
        let many: Map<String, Value> = (0..5_000).map(|n| (format!("field{n}"), Value::from(n))).collect();
        let line = plain_line(&Value::Object(many).to_string());
        assert!(line.len() < 5_000 && line.contains("field9=9"), "{line}");
        assert!(line.ends_with("more fields)"), "{line}");
    }
}
