//! How items are written, and which of their attributes.

use clap::ValueEnum;
use restctl_contract::api::Item;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Json,
    Ndjson,
    Csv,
    Table,
}

/// The attributes asked for, in their order.
pub(super) struct Fields {
    pub(super) names: Vec<String>,
    /// Those that no item has had so far.
    pub(super) unseen: Vec<String>,
}

impl Fields {
    /// None where none are named: then all are wanted.
    pub(super) fn of(names: Vec<String>) -> Option<Self> {
        let mut once: Vec<String> = Vec::new();
        for name in names {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        (!once.is_empty()).then(|| Self { unseen: once.clone(), names: once })
    }

    pub(super) fn choose(&mut self, mut item: Item) -> Item {
        self.unseen.retain(|name| !item.contains_key(name));
        self.names.iter().filter_map(|name| item.remove_entry(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_in_the_order_asked_for() {
        let mut fields = Fields::of(["b", "id", "b", "nowhere"].map(str::to_owned).into()).unwrap();
        let item = |item: serde_json::Value| serde_json::from_value::<Item>(item).unwrap();
        let chosen = fields.choose(item(json!({ "a": 1, "b": null, "c": 3, "id": "1" })));
        assert_eq!(serde_json::to_string(&chosen).unwrap(), r#"{"b":null,"id":"1"}"#);
        assert!(fields.choose(item(json!({ "a": 1 }))).is_empty());
        assert_eq!(fields.unseen, ["nowhere"]);
        assert!(Fields::of(Vec::new()).is_none());
    }
}
