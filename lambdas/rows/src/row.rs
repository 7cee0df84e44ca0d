pub(crate) mod item;
pub(crate) mod rules;

use std::sync::Arc;

use crate::reject::excerpt::{MAX_EXCERPT_BYTES, shorten_record};
use crate::reject::{Fault, Reject};
use crate::types::value::Value;

/// A row that can become an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line on which it starts; the first line is 1.
    pub line: u64,
    /// The attributes in the order of the file, including the key. An empty CSV cell is not an attribute.
    pub values: Vec<(Arc<str>, Value)>,
    /// The item's size as DynamoDB counts it.
    pub bytes: usize,
    /// The index of the key among the values. The key is a string or a number.
    pub(crate) key: usize,
}

impl Row {
    /// Returns the text of the key. A number is in plain notation, so two rows have the same key if this is equal.
    pub fn key(&self) -> &str {
        let (_, Value::String(text) | Value::Number(text)) = &self.values[self.key] else {
            unreachable!("a key is a string or a number");
        };
        text
    }

    /// Returns about how many bytes of memory the row takes.
    pub fn memory(&self) -> usize {
        let values = self.values.iter();
        values.map(|(name, value)| size_of::<(Arc<str>, Value)>() + name.len() + value.heap_memory()).sum()
    }

    /// Returns the reject that this row becomes if the table refuses it.
    pub fn to_reject(&self, reason: String) -> Reject {
        let mut text = String::new();
        for (name, value) in &self.values {
            let value_text = match value {
                Value::String(text) | Value::Number(text) => text.clone(),
                other => format!("{other:?}"),
            };
            text.extend([if text.is_empty() { "" } else { "," }, name, "=", &value_text]);
            if text.len() > MAX_EXCERPT_BYTES {
                break;
            }
        }
        Fault::in_row(reason).into_reject(self.line, shorten_record(text.as_bytes(), text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_shows_its_values() {
        let values = vec![
            ("id".into(), Value::Number("7".into())),
            ("name".into(), Value::String("é".repeat(2000))),
            ("left".into(), Value::Bool(true)),
        ];
        let row = Row { line: 3, values, bytes: 0, key: 0 };
        assert_eq!(row.key(), "7");
        let reject = row.to_reject("is refused".into());
        assert!(reject.row.starts_with("id=7,name=é"), "{}", reject.row);
        assert!(reject.row.len() <= MAX_EXCERPT_BYTES + '…'.len_utf8());
        assert_eq!((reject.line, reject.reason.as_str()), (3, "is refused"));
    }
}
