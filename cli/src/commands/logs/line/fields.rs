//! What a line says beside its message.

use std::fmt;

use console::style;
use serde_json::{Map, Value};

use super::{MOST, text};
use crate::terminal::sanitize::sanitize_line;

#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// What the line says elsewhere, or what is for programs.
const LEFT_OUT: [&str; 6] = ["_aws", "timestamp", "target", "message", "name", "xrayTraceId"];

impl Fields {
    pub(super) fn push(&mut self, name: &str, value: Option<Value>) {
        let name = match name {
            "requestId" | "request_id" => "request",
            name => name,
        };
        let is_there = |value: &Value| !value.is_null();
        if let Some(value) = value.filter(is_there)
            && !self.0.iter().any(|(known, _)| known == name)
        {
            self.0.push((name.to_owned(), text(Some(value))));
        }
    }

    /// Of an object and what a subscriber of `tracing` nests in it: its own first, then those of the spans, the outermost
    /// first. The id of a message says less than its load's.
    pub(super) fn take(&mut self, object: Map<String, Value>) {
        let mut nested = Vec::new();
        for (name, value) in object {
            match (name.as_str(), value) {
                (name, _) if LEFT_OUT.contains(&name) => {}
                ("fields" | "span", Value::Object(inner)) => nested.push(inner),
                ("spans", Value::Array(spans)) => {
                    nested.extend(spans.into_iter().filter_map(|span| match span {
                        Value::Object(span) => Some(span),
                        _ => None,
                    }));
                }
                (name, value) => self.push(name, Some(value)),
            }
        }
        for mut inner in nested {
            if inner.contains_key("load") {
                inner.shift_remove("id");
            }
            self.take(inner);
        }
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = MOST;
        for (place, (name, value)) in self.0.iter().enumerate() {
            let (name, value) = (sanitize_line(name, 100), quoted(&sanitize_line(value, MOST)));
            let length = name.len() + value.len();
            if place > 0 && length > left {
                return write!(f, "… ({} more fields)", self.0.len() - place);
            }
            left = left.saturating_sub(length);
            let space = if place > 0 { " " } else { "" };
            write!(f, "{space}{}{value}", style(format!("{name}=")).dim())?;
        }
        Ok(())
    }
}

/// In quotes where it would not be seen where the value ends.
fn quoted(value: &str) -> String {
    match value.is_empty() || value.contains([' ', '"', '=']) && !value.starts_with(['{', '[']) {
        true => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        false => value.to_owned(),
    }
}
