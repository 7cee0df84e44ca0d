//! Items as the API returns them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::json::Json;

/// An item as the API returns it: its attributes, ordered by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Item {
    pub attributes: Vec<(String, Json)>,
}

impl Item {
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Takes the attribute out of the item.
    pub fn take(&mut self, name: &str) -> Option<(String, Json)> {
        let place = self.attributes.iter().position(|(other, _)| other == name)?;
        Some(self.attributes.remove(place))
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.attributes.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Object(attributes) => Ok(Item { attributes }),
            other => Err(de::Error::custom(format_args!("an item is an object, not {}", other.type_name()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_keeps_its_order_digits_and_names() {
        let text = r#"{"b":12345678901234567890.10,"a":[{}],"$serde_json::private::Number":"1"}"#;
        let mut item: Item = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&item).unwrap(), text);
        assert_eq!(item.get("b"), Some(&Json::Number("12345678901234567890.10".to_owned())));
        assert_eq!(item.take("a").unwrap().1.to_string(), "[{}]");
        assert_eq!(item.take("a"), None);
        assert_eq!(item.get("a"), None);
        for other in ["[]", "null", "\"{}\"", "1"] {
            assert!(serde_json::from_str::<Item>(other).is_err(), "{other}");
        }
    }
}
