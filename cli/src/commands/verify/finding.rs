//! What `verify` reports about a key that is not equal in the file, the table and the API.

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::load::{LedgerEntry, LoadId};
use serde::Serialize;

use super::difference::{AttributeDifference, ItemDifference};

#[derive(Serialize)]
pub(super) struct KeyFinding {
    pub(super) key: String,
    /// The line of the key's last row; `None` if the file has no such key.
    pub(super) line: Option<u64>,
    pub(super) table: ItemVerdict,
    /// `None` if the API was not asked.
    pub(super) api: Option<ItemVerdict>,
    /// The load that wrote the table's item.
    pub(super) load: Option<WriterLoad>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub(super) enum ItemVerdict {
    Equal,
    /// In the file only.
    Missing,
    Different(ItemDifference),
    /// In the table only.
    Extra,
}

/// A load, identified by the stamp that it leaves in each item it writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WriterLoad {
    pub(super) load: LoadId,
    /// From the ledger; `None` if the ledger does not know the load.
    pub(super) object: Option<String>,
    pub(super) uploaded: String,
}

impl WriterLoad {
    /// Returns `None` if this is not a stamp: something else wrote the item.
    pub(super) fn from_stamp(stamp: &AttributeValue) -> Option<Self> {
        let (uploaded, load) = LedgerEntry::parse_stamp(stamp.as_s().ok()?)?;
        Some(Self { load, object: None, uploaded: uploaded.to_owned() })
    }

    fn describe(&self) -> String {
        let object = self.object.as_deref().unwrap_or("an object that the ledger does not know");
        format!("load {} of {object}, uploaded {}", self.load, self.uploaded)
    }
}

impl KeyFinding {
    /// Describes the finding for people: the first line says what is wrong with which key, the others are indented.
    pub(super) fn to_lines(&self) -> Vec<String> {
        let place = self.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let mut lines = vec![format!("{}{place}: {}", self.key, self.summary())];
        match (&self.table, &self.api) {
            (ItemVerdict::Different(table), Some(ItemVerdict::Different(api))) if table == api => {
                lines.extend(difference_lines(table, "table and API"));
            }
            (table, api) => {
                for (verdict, side) in [(Some(table), "table"), (api.as_ref(), "API")] {
                    if let Some(ItemVerdict::Different(difference)) = verdict {
                        lines.extend(difference_lines(difference, side));
                    }
                }
            }
        }
        lines.extend(self.load.as_ref().map(|load| format!("  written by {}", load.describe())));
        lines
    }

    fn summary(&self) -> &'static str {
        use ItemVerdict::{Different, Equal, Extra, Missing};
        match (&self.table, &self.api) {
            (Extra, _) => "extra, in the table and not in the file",
            (Missing, Some(Missing)) => "missing in the table and the API",
            (Different(_), Some(Different(_))) => "different in the table and the API",
            (Missing, Some(Different(_))) => "missing in the table, different in the API",
            (Different(_), Some(Missing)) => "different in the table, missing in the API",
            (Missing, _) => "missing in the table",
            (Different(_), _) => "different in the table",
            (Equal, Some(Missing)) => "missing in the API",
            (Equal, Some(Different(_))) => "different in the API",
            (Equal, _) => "equal",
        }
    }
}

fn difference_lines(difference: &ItemDifference, side: &str) -> Vec<String> {
    let line = |AttributeDifference { name, file, found, .. }: &AttributeDifference| match (file, found) {
        (Some(file), Some(found)) => format!("  {name}: {file} in the file, {found} in {side}"),
        (Some(file), None) => format!("  {name}: {file} in the file, not in {side}"),
        (_, found) => {
            let found = found.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("  {name}: {found} in {side}, not in the file")
        }
    };
    let mut lines: Vec<String> = difference.attributes.iter().map(line).collect();
    if difference.left_out > 0 {
        lines.push(format!("  and {} more attributes", difference.left_out));
    }
    lines
}

#[cfg(test)]
mod tests {
    use restctl_contract::json::Json;

    use super::*;

    fn different_price(found: &str) -> ItemVerdict {
        let (file, found) = (Some(Json::Number("12.5".to_owned())), Some(Json::from(found)));
        let attribute = AttributeDifference { name: "price".into(), file, found, is_cut: false };
        ItemVerdict::Different(ItemDifference { attributes: vec![attribute], left_out: 2 })
    }

    fn sample_finding(table: ItemVerdict, api: Option<ItemVerdict>) -> KeyFinding {
        KeyFinding { key: "42".into(), line: Some(7), table, api, load: None }
    }

    #[test]
    fn a_difference_that_table_and_api_share_is_reported_once() {
        let both = sample_finding(different_price("13"), Some(different_price("13")));
        let expected = [
            "42 (line 7): different in the table and the API",
            "  price: 12.5 in the file, \"13\" in table and API",
            "  and 2 more attributes",
        ];
        assert_eq!(both.to_lines(), expected);
        let apart = sample_finding(different_price("13"), Some(different_price("14"))).to_lines();
        assert_eq!(apart.len(), 5);
        assert!(apart[3].contains("\"14\" in API"), "{apart:?}");
        assert_eq!(
            sample_finding(ItemVerdict::Equal, Some(ItemVerdict::Missing)).to_lines(),
            ["42 (line 7): missing in the API"]
        );
    }

    #[test]
    fn a_stamp_identifies_its_load() {
        let stamp = |text: &str| WriterLoad::from_stamp(&AttributeValue::S(text.into()));
        let (uploaded, began) = ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z");
        let writer = stamp(&format!("{uploaded}/{began}/0123456789abcdef")).unwrap();
        assert_eq!((writer.load.as_str(), writer.uploaded.as_str()), ("0123456789abcdef", uploaded));
        for text in ["", "a", "a/b/c", "0123456789abcdef"] {
            assert_eq!(stamp(text), None, "{text}");
        }
        assert_eq!(WriterLoad::from_stamp(&AttributeValue::Bool(true)), None);
    }
}
