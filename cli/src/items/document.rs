//! `{"items":[…],"missing":[…]}`, written while the items arrive.

use restctl_contract::api::Item;
use serde::Serialize;
use serde_json::Value;

use super::spool::Spool;
use crate::failure::{FailureContext, Result};

/// How many missing ids are written at a time.
const IDS_AT_A_TIME: usize = 1_000;

#[derive(Default)]
pub(crate) struct JsonDocument {
    has_begun: bool,
    has_items: bool,
    missing: Option<Spool>,
}

impl JsonDocument {
    /// Returns the next part of the document's text.
    pub(crate) fn push_items(&mut self, items: &[Item]) -> Result<Vec<u8>> {
        let mut text = self.opening_text().to_owned();
        for item in items {
            push_element(&mut text, self.has_items, item)?;
            self.has_items = true;
        }
        Ok(text.into_bytes())
    }

    /// Keeps the ids for the end of the document.
    pub(crate) fn push_missing(&mut self, ids: &[Value]) -> Result<()> {
        if self.missing.is_none() && !ids.is_empty() {
            self.missing = Some(Spool::new()?);
        }
        let mut spool = self.missing.as_mut();
        ids.iter().try_for_each(|id| spool.as_mut().map_or(Ok(()), |spool| spool.push(id)))
    }

    /// Writes the rest of the document.
    pub(crate) async fn finish(mut self, mut sink: impl AsyncFnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        let mut text = self.opening_text().to_owned();
        text.push_str(if self.has_items { "\n  ],\n  \"missing\": [" } else { "],\n  \"missing\": [" });
        if let Some(missing) = self.missing {
            for (place, id) in missing.into_values::<Value>()?.enumerate() {
                push_element(&mut text, place > 0, &id?)?;
                if place % IDS_AT_A_TIME == 0 {
                    sink(std::mem::take(&mut text).into_bytes()).await?;
                }
            }
            text.push_str("\n  ");
        }
        text.push_str("]\n}\n");
        sink(text.into_bytes()).await
    }

    /// Returns the start of the document, once.
    fn opening_text(&mut self) -> &'static str {
        if std::mem::replace(&mut self.has_begun, true) { "" } else { "{\n  \"items\": [" }
    }
}

/// Appends an element in the form that pretty-printing the whole document would give it.
fn push_element(text: &mut String, follows_another: bool, value: &impl Serialize) -> Result<()> {
    let pretty = serde_json::to_string_pretty(value).context("cannot write an item as JSON")?;
    text.push_str(if follows_another { ",\n    " } else { "\n    " });
    text.push_str(&pretty.replace('\n', "\n    "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn the_text_equals_that_of_the_whole_document() {
        let item = |id: &str| json!({ "id": id, "text": "a\nb", "list": [1, { "k": [] }] });
        for (items, missing) in [
            (vec![], vec![]),
            (vec![item("1")], vec![]),
            (vec![], vec![json!("x")]),
            (vec![item("1"), item("2"), item("3")], (0..2_500).map(|id| json!(id.to_string())).collect()),
        ] {
            let whole = json!({ "items": items, "missing": missing });
            let items: Vec<Item> = serde_json::from_value(Value::Array(items)).unwrap();
            let (mut document, mut text) = (JsonDocument::default(), Vec::new());
            for (place, item) in items.into_iter().enumerate() {
                text.extend(document.push_items(&[item]).unwrap());
                document.push_missing(missing.get(place..=place).unwrap_or_default()).unwrap();
            }
            document
                .push_missing(missing.get(whole["items"].as_array().unwrap().len()..).unwrap_or_default())
                .unwrap();
            document
                .finish(async |bytes| {
                    text.extend(bytes);
                    Ok(())
                })
                .await
                .unwrap();
            let expected = serde_json::to_string_pretty(&whole).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), format!("{expected}\n"));
        }
    }
}
