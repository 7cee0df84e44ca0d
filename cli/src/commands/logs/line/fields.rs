//! The fields of a line besides its message.

use console::Style;
use serde_json::{Map, Value};

use super::{MAX_CHARACTERS, member_text};
use crate::terminal::sanitize::sanitize_line;
use crate::terminal::text::Text;

#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// Fields that the line shows elsewhere, or that are for programs.
const LEFT_OUT: [&str; 6] = ["_aws", "timestamp", "target", "message", "name", "xrayTraceId"];

impl Fields {
    pub(super) fn push(&mut self, name: &str, value: Option<Value>) {
        let name = match name {
            "requestId" | "request_id" => "request",
            name => name,
        };
        let is_present = |value: &Value| !value.is_null();
        if let Some(value) = value.filter(is_present)
            && !self.0.iter().any(|(known, _)| known == name)
        {
            self.0.push((name.to_owned(), member_text(Some(value))));
        }
    }

    /// Adds the members of an object and of what a `tracing` subscriber nests in it: its own first, then those of the spans,
    /// the outermost first. A message's id is left out if there is a load's.
    pub(super) fn add_object(&mut self, object: Map<String, Value>) {
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
            self.add_object(inner);
        }
    }

    /// Returns as many fields as a line has room for.
    pub(super) fn to_text(&self) -> Text {
        let mut text = Text::default();
        let mut left = MAX_CHARACTERS;
        for (place, (name, value)) in self.0.iter().enumerate() {
            let (name, value) =
                (sanitize_line(name, 100), quote_if_needed(&sanitize_line(value, MAX_CHARACTERS)));
            let length = name.len() + value.len();
            if place > 0 && length > left {
                text.push(format!("… ({} more fields)", self.0.len() - place));
                return text;
            }
            left = left.saturating_sub(length);
            text.push(if place > 0 { " " } else { "" });
            text.push(Text::styled(&format!("{name}="), &Style::new().dim()));
            text.push(value);
        }
        text
    }
}

/// Quotes a value if its end would not be visible otherwise.
fn quote_if_needed(value: &str) -> String {
    match value.is_empty() || value.contains([' ', '"', '=']) && !value.starts_with(['{', '[']) {
        true => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        false => value.to_owned(),
    }
}
