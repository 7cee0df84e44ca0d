//! An item of the table as it comes in DynamoDB's JSON, read without copying what need not be copied.

use std::borrow::Cow;
use std::fmt;

use restctl_contract::key::WRITTEN_BY;
use restctl_rows::Value;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

#[derive(Debug, Default)]
pub(super) struct Stored<'a> {
    /// Sorted by name, the stamp not among them.
    attributes: Vec<(Cow<'a, str>, Attribute<'a>)>,
    /// Which load wrote it; none of an item that something else has put there.
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
    /// Binary values and sets, which no file has.
    Other,
}

impl Stored<'_> {
    /// The key's text, a number's in its one plain notation.
    pub(super) fn key(&self, name: &str) -> Option<Cow<'_, str>> {
        match find(&self.attributes, name)? {
            Attribute::String(text) => Some(Cow::Borrowed(text)),
            Attribute::Number(digits) => match Value::number(digits) {
                Ok(Value::Number(plain)) => Some(Cow::Owned(plain)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it has these attributes and, its stamp aside, no other.
    pub(super) fn holds<'b>(&self, values: impl ExactSizeIterator<Item = (&'b str, &'b Value)>) -> bool {
        same_members(&self.attributes, values)
    }
}

fn find<'a, 'b>(sorted: &'a [(Cow<'b, str>, Attribute<'b>)], name: &str) -> Option<&'a Attribute<'b>> {
    let place = sorted.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
    Some(&sorted[place].1)
}

fn same_members<'a>(
    sorted: &[(Cow<'_, str>, Attribute<'_>)],
    values: impl ExactSizeIterator<Item = (&'a str, &'a Value)>,
) -> bool {
    let mut values = values;
    sorted.len() == values.len()
        && values.all(|(name, value)| find(sorted, name).is_some_and(|found| same(found, value)))
}

fn same(attribute: &Attribute<'_>, value: &Value) -> bool {
    match (attribute, value) {
        (Attribute::Null, Value::Null) => true,
        (Attribute::Bool(a), Value::Bool(b)) => a == b,
        (Attribute::String(a), Value::String(b)) => a == b,
        // DynamoDB may give back another notation of the same number.
        (Attribute::Number(a), Value::Number(b)) => a == b || Value::number(a).is_ok_and(|a| a == *value),
        (Attribute::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Attribute::Map(a), Value::Map(b)) => {
            same_members(a, b.iter().map(|(name, value)| (name.as_str(), value)))
        }
        _ => false,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Stored<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut stored = Stored { attributes: deserializer.deserialize_map(Members)?, stamp: None };
        if let Ok(place) = stored.attributes.binary_search_by(|(name, _)| (**name).cmp(WRITTEN_BY)) {
            stored.stamp = match stored.attributes.remove(place).1 {
                Attribute::String(stamp) => Some(stamp),
                _ => None,
            };
        }
        Ok(stored)
    }
}

/// Attributes by name, sorted.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, Attribute<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), attribute)) = map.next_entry()? {
            members.push((name, attribute));
        }
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(members)
    }
}

impl<'de> Deserialize<'de> for Attribute<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Descriptor)
    }
}

/// `{"S": "text"}`: one member, whose name is the type.
struct Descriptor;

impl<'de> Visitor<'de> for Descriptor {
    type Value = Attribute<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value under the name of its type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some(Text(kind)) = map.next_key()? else {
            return Err(serde::de::Error::custom("an attribute has no type"));
        };
        let attribute = match &*kind {
            "S" => Attribute::String(map.next_value::<Text<'_>>()?.0),
            "N" => Attribute::Number(map.next_value::<Text<'_>>()?.0),
            "BOOL" => Attribute::Bool(map.next_value()?),
            "L" => Attribute::List(map.next_value()?),
            "M" => Attribute::Map(map.next_value::<Map<'_>>()?.0),
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

struct Map<'a>(Vec<(Cow<'a, str>, Attribute<'a>)>);

impl<'de> Deserialize<'de> for Map<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members).map(Self)
    }
}

/// A text, borrowed where the JSON has it without escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_row::row_with;

    fn holds(item: serde_json::Value, values: &[(&str, Value)]) -> bool {
        let item = item.to_string();
        let stored: Stored<'_> = serde_json::from_str(&item).unwrap();
        let row = row_with("1", values);
        stored.holds(row.values.iter().map(|(name, value)| (&**name, value)))
    }

    #[test]
    fn attributes_are_compared_whatever_their_order_and_notation() {
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
        assert!(holds(item.clone(), &values));
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
            assert!(!holds(changed, &values), "{name}");
        }
        assert!(!holds(item, &values[1..]));
    }

    #[test]
    fn the_stamp_and_the_key_are_told() {
        let item = r#"{"id":{"N":"1E+1"},"restctl:load":{"S":"stamp"},"b":{"B":"AA=="}}"#;
        let stored: Stored<'_> = serde_json::from_str(item).unwrap();
        assert_eq!(stored.stamp.as_deref(), Some("stamp"));
        assert_eq!(stored.key("id").as_deref(), Some("10"));
        assert_eq!((stored.key("b"), stored.key("none")), (None, None));
        assert!(serde_json::from_str::<Stored<'_>>(r#"{"id":{}}"#).is_err());
    }
}
