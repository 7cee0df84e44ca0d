//! A line of a log for people.

mod fields;
mod platform;

use console::{StyledObject, style};
use serde_json::{Map, Value};

use self::fields::Fields;
use super::Function;
use crate::terminal::sanitize::sanitize_line;

/// Of a text, and of a line in all; the rest is said to be there.
const MOST: usize = 4_000;

/// What a line says, whoever wrote it.
struct Said {
    level: String,
    what: String,
    fields: Fields,
}

/// `time` is that of a clock.
pub(super) fn line(function: Function, time: &str, message: &str) -> String {
    let Said { level, what, fields } = match serde_json::from_str::<Map<String, Value>>(message) {
        Ok(object) => Said::of(object),
        Err(_) => {
            Said { level: String::new(), what: sanitize_line(message, MOST), fields: Fields::default() }
        }
    };
    let line = format!(
        "{} {} {} {what} {fields}",
        style(time).dim(),
        style(format!("{:6}", function.name())).cyan(),
        colored(&level),
    );
    line.trim_end().to_owned()
}

impl Said {
    fn of(mut object: Map<String, Value>) -> Self {
        if let Some(said) = platform::said(&mut object) {
            return said;
        }
        let level = text(object.shift_remove("level"));
        let mut fields = Fields::default();
        let what = match object.get("route") {
            Some(_) => request(&mut object, &mut fields),
            None => {
                let inner = object.get("fields").and_then(|fields| fields.get("message")).cloned();
                sanitize_line(&text(object.shift_remove("message").or(inner)), MOST)
            }
        };
        fields.take(object);
        Self { level, what, fields }
    }
}

/// The line that the API writes of each request.
fn request(object: &mut Map<String, Value>, fields: &mut Fields) -> String {
    for figure in ["message", "stack", "requests", "errors", "key_id", "jwks_fetches"] {
        object.shift_remove(figure);
    }
    let mut part = |name| sanitize_line(&text(object.shift_remove(name)), MOST);
    let (method, route, status, latency) =
        (part("method"), part("route"), part("status"), part("latency_ms"));
    for name in ["subject", "problem", "reason", "cause"] {
        fields.push(name, object.shift_remove(name));
    }
    format!("{method} {route} {} {latency} ms", by_status(status))
}

fn by_status(status: String) -> StyledObject<String> {
    let colored = style(status.clone());
    match status.as_bytes().first() {
        Some(b'2' | b'3') => colored.green(),
        Some(b'4') => colored.yellow(),
        _ => colored.red(),
    }
}

fn colored(level: &str) -> StyledObject<String> {
    let shown = style(format!("{:5}", sanitize_line(level, 20)));
    match level {
        "ERROR" | "FATAL" => shown.red().bold(),
        "WARN" => shown.yellow(),
        "INFO" => shown.green(),
        _ => shown.dim(),
    }
}

/// Of a member that may be missing.
fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> String {
        let line = line(Function::Api, "09:30:05.000", message);
        let line = console::strip_ansi_codes(&line).into_owned();
        line.strip_prefix("09:30:05.000 api    ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    #[test]
    fn a_request_is_told_with_what_matters() {
        let message = r#"{"_aws":{"Timestamp":1},"timestamp":"2026-01-15T09:30:05Z","level":"INFO","message":"request",
            "request_id":"id-1","method":"GET","route":"none","status":401,"subject":null,"key_id":"k",
            "problem":"token-missing","reason":"send the header","stack":"restctl","requests":1,"errors":1,
            "latency_ms":0.167,"jwks_fetches":0}"#;
        let told =
            r#"INFO  GET none 401 0.167 ms problem=token-missing reason="send the header" request=id-1"#;
        assert_eq!(said(message), told);
    }

    #[test]
    fn a_line_of_a_load_is_told_with_its_spans() {
        let message = r#"{"timestamp":"t","level":"WARN","message":"failed","read":3,"note":"","spans":[
            {"requestId":"id-1","xrayTraceId":"Root","name":"Lambda runtime invoke"},
            {"id":"m","load":"0123456789abcdef","object":"a b.csv","name":"message"}]}"#;
        assert_eq!(
            said(message),
            r#"WARN  failed read=3 note="" request=id-1 load=0123456789abcdef object="a b.csv""#
        );
        let nested = r#"{"level":"ERROR","fields":{"message":"gone","load":"l"},"target":"x","span":{"requestId":"r","name":"n"}}"#;
        assert_eq!(said(nested), "ERROR gone load=l request=r");
    }

    #[test]
    fn text_is_told_as_it_is_and_harmless() {
        assert_eq!(said("REPORT RequestId: x\tDuration: 5 ms\n"), "      REPORT RequestId: x Duration: 5 ms");
        assert_eq!(said("\u{9b}2J[1] {"), "      \u{fffd}2J[1] {");
        let message = "{\"level\":\"\u{7f}\",\"message\":\"a\\u001b[2Jb\",\"\\u001b]0;x\":\"\\u0007\",\"n\":{\"k\":\"\\u009b\"}}";
        let line = line(Function::Api, "", message);
        assert!(!console::strip_ansi_codes(&line).contains(char::is_control), "{line:?}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = "x".repeat(100_000);
        assert!(said(&long).len() < 5_000);
        assert!(said(&format!("{{\"message\":\"{long}\",\"reason\":\"{long}\"}}")).len() < 10_000);
        let many: Map<String, Value> = (0..5_000).map(|n| (format!("field{n}"), Value::from(n))).collect();
        let line = said(&Value::Object(many).to_string());
        assert!(line.len() < 5_000 && line.contains("field9=9"), "{line}");
        assert!(line.ends_with("more fields)"), "{line}");
    }
}
