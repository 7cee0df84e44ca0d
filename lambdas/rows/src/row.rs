pub(crate) mod rules;

use std::sync::Arc;

use crate::reject::Reject;
use crate::reject::excerpt::{self, excerpt};
use crate::types::value::Value;

/// A row that can become an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it starts in the file; the first line is 1.
    pub line: u64,
    /// The attributes in the order of the file, the key among them. An empty CSV cell is no attribute.
    pub values: Vec<(Arc<str>, Value)>,
    /// The item's size as DynamoDB counts it.
    pub bytes: usize,
    /// Which of the values the key is, a string or a number.
    pub(crate) key: usize,
}

impl Row {
    /// The key's text, a number's in its one plain notation: two rows have the same key where this is equal.
    pub fn key(&self) -> &str {
        let (_, Value::String(text) | Value::Number(text)) = &self.values[self.key] else {
            unreachable!("a key is a string or a number");
        };
        text
    }

    /// The reject that this row becomes when the table refuses it.
    pub fn reject(&self, reason: String) -> Reject {
        let mut text = String::new();
        for (name, value) in &self.values {
            let shown = match value {
                Value::String(text) | Value::Number(text) => text.clone(),
                other => format!("{other:?}"),
            };
            text.extend([if text.is_empty() { "" } else { "," }, name, "=", &shown]);
            if text.len() > excerpt::MAX_BYTES {
                break;
            }
        }
        Reject { line: self.line, column: None, reason, row: excerpt(text.as_bytes(), text.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_is_recognizable() {
        let values = vec![
            ("id".into(), Value::Number("7".into())),
            ("name".into(), Value::String("é".repeat(2000))),
            ("left".into(), Value::Bool(true)),
        ];
        let row = Row { line: 3, values, bytes: 0, key: 0 };
        assert_eq!(row.key(), "7");
        let reject = row.reject("is refused".into());
        assert!(reject.row.starts_with("id=7,name=é"), "{}", reject.row);
        assert!(reject.row.len() <= excerpt::MAX_BYTES + '…'.len_utf8());
        assert_eq!((reject.line, reject.reason.as_str()), (3, "is refused"));
    }
}
