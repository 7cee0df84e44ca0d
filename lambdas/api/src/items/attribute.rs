//! Attributes of items, from DynamoDB's JSON to plain JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use restctl_contract::json::{self, Json, Limits};
use restctl_contract::key::WRITTEN_BY;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};

use crate::problem::Failure;

/// Attributes by name, which is the order in which the API returns them.
pub(crate) type Attributes<'a> = BTreeMap<String, Attribute<'a>>;

/// A value in DynamoDB's JSON, such as `{"S": "text"}` ("AttributeValue", Amazon DynamoDB API Reference). Binary values
/// are base64 already.
#[derive(Debug, Deserialize)]
pub(crate) enum Attribute<'a> {
    #[serde(borrow)]
    S(Cow<'a, str>),
    N(Cow<'a, str>),
    B(Cow<'a, str>),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(IgnoredAny),
    M(Attributes<'a>),
    L(Vec<Attribute<'a>>),
    #[serde(rename = "SS")]
    Strings(Vec<Cow<'a, str>>),
    #[serde(rename = "NS")]
    Numbers(Vec<Cow<'a, str>>),
    #[serde(rename = "BS")]
    Binaries(Vec<Cow<'a, str>>),
}

/// Returns an item as the API shows it: attributes ordered by name, numbers with all their digits, sets as arrays, and
/// without the attribute that says which load wrote the item.
pub(crate) fn item_to_json(mut item: Attributes<'_>) -> Result<String, Failure> {
    item.remove(WRITTEN_BY);
    serde_json::to_string(&item).map_err(|error| Failure::Internal(error.to_string()))
}

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::S(text) | Self::B(text) => serializer.serialize_str(text),
            Self::N(digits) => NumberText(digits).serialize(serializer),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Null(_) => serializer.serialize_unit(),
            Self::M(members) => members.serialize(serializer),
            Self::L(members) => members.serialize(serializer),
            Self::Strings(members) | Self::Binaries(members) => members.serialize(serializer),
            Self::Numbers(members) => serializer.collect_seq(members.iter().map(|digits| NumberText(digits))),
        }
    }
}

/// A number in DynamoDB's notation.
struct NumberText<'a>(&'a str);

impl Serialize for NumberText<'_> {
    /// Writes a number that is not valid in JSON as a string.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match json::parse(self.0.as_bytes(), Limits { depth: 0, values: 1 }) {
            Ok(number @ Json::Number(_)) => number.serialize(serializer),
            _ => serializer.serialize_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use restctl_testkit::small_stack::run_on_small_stack;

    use super::*;

    #[test]
    fn the_deepest_items_need_little_stack() {
        let item = |levels: usize, open: &str, close: &str| {
            format!("{{\"v\":{}{{\"S\":\"\"}}{}}}", open.repeat(levels), close.repeat(levels))
        };
        run_on_small_stack(move || {
            for (open, close) in [("{\"L\":[", "]}"), ("{\"M\":{\"a\":", "}}")] {
                // DynamoDB keeps at most 32 levels.
                let deepest = item(32, open, close);
                assert!(item_to_json(serde_json::from_str(&deepest).unwrap()).is_ok());
                assert!(serde_json::from_str::<Attributes<'_>>(&item(100_000, open, close)).is_err());
            }
        });
    }

    #[test]
    fn attributes_become_json() {
        let item = r#"{
            "z": {"S": "é\u00e9\""},
            "number": {"N": "12345678901234567890.123456789012345678"},
            "small": {"N": "-1.50"},
            "list": {"L": [{"N": "1"}, {"NULL": true}]},
            "map": {"M": {"b": {"N": "1"}, "a": {"S": ""}}},
            "flag": {"BOOL": false},
            "blob": {"B": "/wA="},
            "strings": {"SS": ["b", "a"]},
            "numbers": {"NS": ["9007199254740993"]},
            "blobs": {"BS": ["aGk="]},
            "odd \"name\"": {"N": "Infinity"},
            "$serde_json::private::Number": {"M": {"$serde_json::private::Number": {"S": "1"}}},
            "$serde_json::private::RawValue": {"N": "1e5"},
            "restctl:load": {"S": "2024-01-01T00:00:00.000Z/0123456789abcdef"}
        }"#;
        let text = item_to_json(serde_json::from_str(item).unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"$serde_json::private::Number":{"$serde_json::private::Number":"1"},"#.to_owned()
                + r#""$serde_json::private::RawValue":1e5,"#
                + r#""blob":"/wA=","blobs":["aGk="],"flag":false,"list":[1,null],"map":{"a":"","b":1},"#
                + r#""number":12345678901234567890.123456789012345678,"numbers":[9007199254740993],"#
                + r#""odd \"name\"":"Infinity","small":-1.50,"strings":["b","a"],"z":"éé\""}"#
        );
    }
}
