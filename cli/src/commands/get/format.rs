//! The formats of items, and which of their attributes are written.

use clap::ValueEnum;
use restctl_contract::api::Item;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ItemFormat {
    Json,
    Ndjson,
    Csv,
    Table,
}

/// The attributes of --fields, in their order.
pub(super) struct SelectedFields {
    pub(super) names: Vec<String>,
    /// The names that no item has had so far.
    pub(super) unseen: Vec<String>,
}

impl SelectedFields {
    /// Returns `None` if there are no names: then items keep all attributes.
    pub(super) fn from_names(names: Vec<String>) -> Option<Self> {
        let mut once: Vec<String> = Vec::new();
        for name in names {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        (!once.is_empty()).then(|| Self { unseen: once.clone(), names: once })
    }

    /// Returns the item with the selected attributes only.
    pub(super) fn select_from(&mut self, mut item: Item) -> Item {
        self.unseen.retain(|name| item.get(name).is_none());
        Item { attributes: self.names.iter().filter_map(|name| item.take(name)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_in_the_requested_order() {
        let mut fields =
            SelectedFields::from_names(["b", "id", "b", "nowhere"].map(str::to_owned).into()).unwrap();
        let item = |item: serde_json::Value| serde_json::from_value::<Item>(item).unwrap();
        let chosen = fields.select_from(item(json!({ "a": 1, "b": null, "c": 3, "id": "1" })));
        assert_eq!(serde_json::to_string(&chosen).unwrap(), r#"{"b":null,"id":"1"}"#);
        assert_eq!(fields.select_from(item(json!({ "a": 1 }))), Item::default());
        assert_eq!(fields.unseen, ["nowhere"]);
        assert!(SelectedFields::from_names(Vec::new()).is_none());
    }
}
