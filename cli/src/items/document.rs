//! `{"items":[…],"missing":[…]}`, with `"invalid":[…]` if there are any, written while the items arrive.

use restctl_contract::api::{InvalidId, Item};
use restctl_contract::json::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::spool::Spool;
use crate::failure::{FailureContext, Result};

/// How many ids are written at a time.
const IDS_AT_A_TIME: usize = 1_000;

#[derive(Default)]
pub(crate) struct JsonDocument {
    has_begun: bool,
    has_items: bool,
    missing: Option<Spool>,
    invalid: Option<Spool>,
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
    pub(crate) fn push_missing(&mut self, ids: &[Json]) -> Result<()> {
        push_all(&mut self.missing, ids)
    }

    /// Keeps the ids for the end of the document.
    pub(crate) fn push_invalid(&mut self, ids: &[InvalidId]) -> Result<()> {
        push_all(&mut self.invalid, ids)
    }

    /// Writes the rest of the document.
    pub(crate) async fn finish(mut self, mut sink: impl AsyncFnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        let mut text = self.opening_text().to_owned();
        text.push_str(if self.has_items { "\n  ],\n  \"missing\": [" } else { "],\n  \"missing\": [" });
        write_list::<Json>(&mut text, self.missing, &mut sink).await?;
        if self.invalid.is_some() {
            text.push_str(",\n  \"invalid\": [");
            write_list::<InvalidId>(&mut text, self.invalid, &mut sink).await?;
        }
        text.push_str("\n}\n");
        sink(text.into_bytes()).await
    }

    /// Returns the start of the document, once.
    fn opening_text(&mut self) -> &'static str {
        if std::mem::replace(&mut self.has_begun, true) { "" } else { "{\n  \"items\": [" }
    }
}

fn push_all(spool: &mut Option<Spool>, values: &[impl Serialize]) -> Result<()> {
    if spool.is_none() && !values.is_empty() {
        *spool = Some(Spool::new()?);
    }
    values.iter().try_for_each(|value| spool.as_mut().map_or(Ok(()), |spool| spool.push(value)))
}

/// Writes the elements and the end of a list, after the text so far.
async fn write_list<T: Serialize + DeserializeOwned>(
    text: &mut String,
    spool: Option<Spool>,
    sink: &mut impl AsyncFnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    if let Some(spool) = spool {
        for (place, value) in spool.into_values::<T>()?.enumerate() {
            push_element(text, place > 0, &value?)?;
            if place % IDS_AT_A_TIME == 0 {
                sink(std::mem::take(text).into_bytes()).await?;
            }
        }
        text.push_str("\n  ");
    }
    text.push(']');
    Ok(())
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
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn the_text_equals_that_of_the_whole_document() {
        let item = |id: &str| json!({ "id": id, "text": "a\nb", "list": [1, { "k": [] }] });
        let bad = |id: Value| json!({ "id": id, "detail": "is empty" });
        for (items, missing, invalid) in [
            (vec![], vec![], vec![]),
            (vec![item("1")], vec![], vec![bad(json!(""))]),
            (vec![], vec!["x".to_owned()], vec![]),
            (vec![item("1"), item("2"), item("3")], (0..2_500).map(|id| id.to_string()).collect(), vec![]),
            (vec![item("1")], vec!["x".to_owned()], vec![bad(json!("")), bad(json!({ "a": [1.5] }))]),
        ] {
            let mut whole = json!({ "items": items, "missing": missing });
            if !invalid.is_empty() {
                whole["invalid"] = json!(invalid);
            }
            let missing: Vec<Json> = missing.into_iter().map(Json::from).collect();
            let invalid: Vec<InvalidId> = serde_json::from_value(Value::Array(invalid)).unwrap();
            let items: Vec<Item> = serde_json::from_value(Value::Array(items)).unwrap();
            let (mut document, mut text) = (JsonDocument::default(), Vec::new());
            for (place, item) in items.into_iter().enumerate() {
                text.extend(document.push_items(&[item]).unwrap());
                document.push_missing(missing.get(place..=place).unwrap_or_default()).unwrap();
            }
            document
                .push_missing(missing.get(whole["items"].as_array().unwrap().len()..).unwrap_or_default())
                .unwrap();
            document.push_invalid(&invalid).unwrap();
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
