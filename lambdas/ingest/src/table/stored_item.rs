//! An item of the table, parsed from DynamoDB's JSON with as few copies as possible.

use std::borrow::Cow;
use std::fmt;

use restctl_contract::key::WRITTEN_BY;
use restctl_contract::number;
use restctl_rows::{Value, number_bytes};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

#[derive(Debug, Default)]
pub(super) struct StoredItem<'a> {
    /// Sorted by name, without the stamp.
    attributes: Vec<(Cow<'a, str>, Attribute<'a>)>,
    /// The stamp of the load that wrote the item. `None` if no load wrote it.
    pub(super) stamp: Option<Cow<'a, str>>,
}

#[derive(Debug, PartialEq)]
enum Attribute<'a> {
    Null,
    Bool(bool),
    Number(Cow<'a, str>),
    String(Cow<'a, str>),
    List(Vec<Attribute<'a>>),
    Map(Vec<(Cow<'a, str>, Attribute<'a>)>),
    /// A binary value or a set, which no file has.
    Other,
}

impl StoredItem<'_> {
    /// Returns the text of the attribute `name` if it can be a key. A number is in its canonical notation.
    pub(super) fn key_text(&self, name: &str) -> Option<Cow<'_, str>> {
        match find_attribute(&self.attributes, name)? {
            Attribute::String(text) => Some(Cow::Borrowed(text)),
            Attribute::Number(digits) => number::normalize(digits).ok().map(Cow::Owned),
            _ => None,
        }
    }

    /// Returns whether the item has these attributes and, apart from its stamp, no others.
    pub(super) fn has_exactly<'b>(
        &self,
        values: impl ExactSizeIterator<Item = (&'b str, &'b Value)>,
    ) -> bool {
        has_same_members(&self.attributes, values)
    }

    /// Returns the item's size as DynamoDB counts it ("DynamoDB Item sizes and formats", Amazon DynamoDB Developer Guide).
    /// Binary values and sets are left out.
    pub(super) fn bytes(&self) -> usize {
        let stamp = self.stamp.as_ref().map_or(0, |stamp| WRITTEN_BY.len() + stamp.len());
        stamp + self.attributes.iter().map(|(name, value)| name.len() + value_bytes(value)).sum::<usize>()
    }
}

fn value_bytes(attribute: &Attribute<'_>) -> usize {
    match attribute {
        Attribute::Null | Attribute::Bool(_) => 1,
        Attribute::Number(digits) => number::normalize(digits).map_or(0, |plain| number_bytes(&plain)),
        Attribute::String(text) => text.len(),
        Attribute::List(values) => 3 + values.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        Attribute::Map(members) => {
            3 + members.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>()
        }
        Attribute::Other => 0,
    }
}

fn find_attribute<'a, 'b>(
    sorted: &'a [(Cow<'b, str>, Attribute<'b>)],
    name: &str,
) -> Option<&'a Attribute<'b>> {
    let index = sorted.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
    Some(&sorted[index].1)
}

fn has_same_members<'a>(
    sorted: &[(Cow<'_, str>, Attribute<'_>)],
    values: impl ExactSizeIterator<Item = (&'a str, &'a Value)>,
) -> bool {
    let mut values = values;
    sorted.len() == values.len()
        && values.all(|(name, value)| {
            find_attribute(sorted, name).is_some_and(|found| is_same_value(found, value))
        })
}

fn is_same_value(attribute: &Attribute<'_>, value: &Value) -> bool {
    match (attribute, value) {
        (Attribute::Null, Value::Null) => true,
        (Attribute::Bool(a), Value::Bool(b)) => a == b,
        (Attribute::String(a), Value::String(b)) => a == b,
        // DynamoDB may return the same number in another notation.
        (Attribute::Number(a), Value::Number(b)) => a == b || number::normalize(a).is_ok_and(|a| a == *b),
        (Attribute::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_value(a, b))
        }
        (Attribute::Map(a), Value::Map(b)) => {
            has_same_members(a, b.iter().map(|(name, value)| (name.as_str(), value)))
        }
        _ => false,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for StoredItem<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut item =
            StoredItem { attributes: deserializer.deserialize_map(AttributesVisitor)?, stamp: None };
        if let Ok(index) = item.attributes.binary_search_by(|(name, _)| (**name).cmp(WRITTEN_BY)) {
            item.stamp = match item.attributes.remove(index).1 {
                Attribute::String(stamp) => Some(stamp),
                _ => None,
            };
        }
        Ok(item)
    }
}

/// Sorts the attributes by name.
struct AttributesVisitor;

impl<'de> Visitor<'de> for AttributesVisitor {
    type Value = Vec<(Cow<'de, str>, Attribute<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut attributes = Vec::new();
        while let Some((JsonString(name), attribute)) = map.next_entry()? {
            attributes.push((name, attribute));
        }
        attributes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(attributes)
    }
}

impl<'de> Deserialize<'de> for Attribute<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributeVisitor)
    }
}

/// Reads `{"S": "text"}`: one member, named after the type.
struct AttributeVisitor;

impl<'de> Visitor<'de> for AttributeVisitor {
    type Value = Attribute<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value under the name of its type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some(JsonString(kind)) = map.next_key()? else {
            return Err(serde::de::Error::custom("an attribute has no type"));
        };
        let attribute = match &*kind {
            "S" => Attribute::String(map.next_value::<JsonString<'_>>()?.0),
            "N" => Attribute::Number(map.next_value::<JsonString<'_>>()?.0),
            "BOOL" => Attribute::Bool(map.next_value()?),
            "L" => Attribute::List(map.next_value()?),
            "M" => Attribute::Map(map.next_value::<Members<'_>>()?.0),
            "NULL" => {
                map.next_value::<IgnoredAny>()?;
                Attribute::Null
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
                Attribute::Other
            }
        };
        Ok(attribute)
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, Attribute<'a>)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributesVisitor).map(Self)
    }
}

/// Borrowed if the JSON has no escapes in it.
#[derive(serde::Deserialize)]
struct JsonString<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use restctl_testkit::small_stack::run_on_small_stack;
    use serde_json::json;

    use super::*;
    use crate::table::item_json::write_item;
    use crate::test_row::{parse_row, row_with};

    #[test]
    fn the_deepest_items_need_little_stack() {
        let item = |levels: usize, open: &str, close: &str| {
            format!("{{\"v\":{}{{\"S\":\"\"}}{}}}", open.repeat(levels), close.repeat(levels))
        };
        run_on_small_stack(move || {
            for (open, close) in [("{\"L\":[", "]}"), ("{\"M\":{\"a\":", "}}")] {
                // DynamoDB keeps at most 32 levels.
                assert!(serde_json::from_str::<StoredItem<'_>>(&item(32, open, close)).is_ok());
                assert!(serde_json::from_str::<StoredItem<'_>>(&item(100_000, open, close)).is_err());
            }
        });
    }

    fn has_exactly(item: serde_json::Value, values: &[(&str, Value)]) -> bool {
        let item = item.to_string();
        let stored: StoredItem<'_> = serde_json::from_str(&item).unwrap();
        let row = row_with("1", values);
        stored.has_exactly(row.values.iter().map(|(name, value)| (&**name, value)))
    }

    #[test]
    fn the_order_of_attributes_and_the_notation_of_numbers_do_not_matter() {
        let number = |text: &str| Value::Number(text.into());
        let values = [
            ("n", number("1000")),
            (
                "m",
                Value::Map(vec![("b".into(), Value::Null), ("a".into(), Value::List(vec![number("0.5")]))]),
            ),
            ("s", Value::String("x\"é".into())),
        ];
        let item = json!({
            "s": { "S": "x\"é" },
            "m": { "M": { "a": { "L": [{ "N": "5E-1" }] }, "b": { "NULL": true } } },
            "restctl:load": { "S": "stamp" },
            "n": { "N": "1E+3" },
            "id": { "S": "1" },
        });
        assert!(has_exactly(item.clone(), &values));
        for (name, other) in [
            ("n", json!({ "N": "1001" })),
            ("n", json!({ "S": "1000" })),
            ("s", json!({ "S": "x" })),
            ("s", json!({ "SS": ["x\"é"] })),
            ("m", json!({ "M": { "b": { "NULL": true } } })),
            ("new", json!({ "NULL": true })),
        ] {
            let mut changed = item.clone();
            changed[name] = other;
            assert!(!has_exactly(changed, &values), "{name}");
        }
        assert!(!has_exactly(item, &values[1..]));
    }

    #[test]
    fn a_stored_item_has_the_size_of_its_row() {
        let stamp = "x".repeat(66);
        for json in [
            json!({ "id": "é", "n": -12.5, "t": true, "z": null }),
            json!({ "id": "1", "l": [], "m": {}, "d": [1000, "", [false], { "a": { "b": 0.0001 } }] }),
        ] {
            let row = parse_row(&json.to_string());
            let mut item = Vec::new();
            write_item(&mut item, &row, &stamp);
            let stored: StoredItem<'_> = serde_json::from_slice(&item).unwrap();
            assert_eq!(stored.bytes(), row.bytes, "{json}");
        }
    }

    #[test]
    fn the_stamp_and_the_key_are_read() {
        let item = r#"{"id":{"N":"1E+1"},"restctl:load":{"S":"stamp"},"b":{"B":"AA=="}}"#;
        let stored: StoredItem<'_> = serde_json::from_str(item).unwrap();
        assert_eq!(stored.stamp.as_deref(), Some("stamp"));
        assert_eq!(stored.key_text("id").as_deref(), Some("10"));
        assert_eq!((stored.key_text("b"), stored.key_text("none")), (None, None));
        assert!(serde_json::from_str::<StoredItem<'_>>(r#"{"id":{}}"#).is_err());
    }
}
