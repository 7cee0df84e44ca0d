//! How a row of the file and an item differ.

use std::collections::HashMap;

use restctl_contract::json::Json;
use restctl_rows::Row;
use serde::Serialize;

use super::item_value::{ItemValue, to_json};

/// Attributes that are reported for one item; the others are counted.
const MAX_ATTRIBUTES: usize = 10;

/// How much of a name or a value is shown.
const MAX_SHOWN_BYTES: usize = 500;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ItemDifference {
    pub(super) attributes: Vec<AttributeDifference>,
    /// Attributes that differ and are not reported.
    #[serde(rename = "attributes_left_out")]
    pub(super) left_out: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct AttributeDifference {
    pub(super) name: String,
    /// Absent if the file has no such attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<Json>,
    /// Absent if the item has no such attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) found: Option<Json>,
    /// Whether a value is too long and only its beginning is shown, as a string.
    pub(super) is_cut: bool,
}

/// Returns `None` if the row and the item are equal.
pub(super) fn find_difference(row: &Row, mut item: HashMap<String, ItemValue>) -> Option<ItemDifference> {
    let mut difference = ItemDifference { attributes: Vec::new(), left_out: 0 };
    for (name, value) in &row.values {
        match item.remove(&**name) {
            Some(found) if found.equals(value) => {}
            found => difference.add_attribute(name, Some(to_json(value)), found.map(ItemValue::into_json)),
        }
    }
    let mut others: Vec<(String, ItemValue)> = item.into_iter().collect();
    others.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    for (name, found) in others {
        difference.add_attribute(&name, None, Some(found.into_json()));
    }
    (!difference.attributes.is_empty()).then_some(difference)
}

impl ItemDifference {
    fn add_attribute(&mut self, name: &str, file: Option<Json>, found: Option<Json>) {
        if self.attributes.len() == MAX_ATTRIBUTES {
            self.left_out += 1;
            return;
        }
        let mut is_cut = false;
        let mut shown = |value: Json| {
            let text = value.to_string();
            let beginning = shown_part(&text);
            if beginning.len() == text.len() {
                return value;
            }
            is_cut = true;
            Json::from(format!("{beginning}…"))
        };
        let (file, found) = (file.map(&mut shown), found.map(&mut shown));
        let name = match shown_part(name) {
            all if all.len() == name.len() => all.to_owned(),
            beginning => format!("{beginning}…"),
        };
        self.attributes.push(AttributeDifference { name, file, found, is_cut });
    }
}

fn shown_part(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SHOWN_BYTES)]
}

#[cfg(test)]
mod tests {
    use restctl_contract::api::Item;
    use restctl_contract::key::{Key, KeyType, WRITTEN_BY};
    use restctl_rows::{Compression, Dialect, Format, Parser};
    use serde_json::{Value, json};

    use super::*;
    use crate::commands::verify::item_value;

    fn parse_row(json: &Value) -> Row {
        let key = Key { name: "id".into(), kind: KeyType::String };
        let dialect = Dialect::new(Format::Ndjson, Compression::None);
        let (mut parser, mut rows) = (Parser::new(&dialect, &key), Vec::new());
        let text = json.to_string();
        let mut text = text.as_bytes();
        while parser.read(&mut text, &mut rows).unwrap() {}
        parser.finish(&mut rows).unwrap();
        rows.remove(0).unwrap()
    }

    fn find_api_difference(file: &Value, answer: Value) -> Option<ItemDifference> {
        let item: Item = serde_json::from_value(answer).unwrap();
        find_difference(&parse_row(file), item_value::from_api_item(item))
    }

    #[test]
    fn each_differing_attribute_is_reported_with_both_values() {
        let file = json!({ "id": "1", "price": 12.50, "name": "Mug", "tags": ["a"] });
        let answer = json!({ "tags": ["a"], "name": "Mug", "price": 12.5, "id": "1" });
        assert_eq!(find_api_difference(&file, answer), None);

        let answer = json!({ "id": "1", "price": 13, "tags": ["a", "b"], "zip": null, WRITTEN_BY: "a load" });
        let reported = find_api_difference(&file, answer).unwrap();
        let expected = json!({
            "attributes": [
                { "name": "price", "file": 12.5, "found": 13, "is_cut": false },
                { "name": "name", "file": "Mug", "is_cut": false },
                { "name": "tags", "file": ["a"], "found": ["a", "b"], "is_cut": false },
                { "name": WRITTEN_BY, "found": "a load", "is_cut": false },
                { "name": "zip", "found": null, "is_cut": false },
            ],
            "attributes_left_out": 0,
        });
        assert_eq!(serde_json::to_value(reported).unwrap(), expected);
    }

    #[test]
    fn the_report_of_an_item_is_bounded() {
        let mut file: Value = (0..30).map(|index| (format!("a{index}"), "é".repeat(3_000))).collect();
        file["id"] = json!("1");
        let reported = find_api_difference(&file, json!({ "id": "1" })).unwrap();
        assert_eq!((reported.attributes.len(), reported.left_out), (MAX_ATTRIBUTES, 20));
        assert!(reported.attributes.iter().all(|attribute| attribute.is_cut));
        assert!(serde_json::to_string(&reported).unwrap().len() < MAX_ATTRIBUTES * 600);
    }
}
