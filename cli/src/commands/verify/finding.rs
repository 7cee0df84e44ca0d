//! What is not as it should be, a key at a time.

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::load::{LedgerEntry, LoadId};
use serde::Serialize;

use super::difference::{Attribute, Difference};
use crate::terminal::sanitize::sanitize;

#[derive(Serialize)]
pub(super) struct Finding {
    pub(super) key: String,
    /// Where the key's last row is in the file; none where the file has no such key.
    pub(super) line: Option<u64>,
    pub(super) table: Verdict,
    /// None where the API was not asked.
    pub(super) api: Option<Verdict>,
    /// The load whose stamp the table's item bears.
    pub(super) load: Option<Writer>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub(super) enum Verdict {
    Equal,
    /// In the file alone.
    Missing,
    Different(Difference),
    /// In the table alone.
    Extra,
}

/// A load by the stamp that it leaves in each item it writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Writer {
    pub(super) load: LoadId,
    /// As the ledger has it; none where the ledger knows no such load.
    pub(super) object: Option<String>,
    pub(super) uploaded: String,
}

impl Writer {
    /// None where it is no stamp: the item was put there by something else.
    pub(super) fn of(stamp: &AttributeValue) -> Option<Self> {
        let (uploaded, load) = LedgerEntry::read_stamp(stamp.as_s().ok()?)?;
        Some(Self { load, object: None, uploaded: uploaded.to_owned() })
    }

    fn describe(&self) -> String {
        let object = self.object.as_deref().unwrap_or("an object that the ledger does not know");
        format!("load {} of {object}, uploaded {}", self.load, self.uploaded)
    }
}

impl Finding {
    /// For people: the first line says what is wrong with which key, the others are indented.
    pub(super) fn lines(&self) -> Vec<String> {
        let place = self.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let mut lines = vec![format!("{}{place}: {}", self.key, self.summary())];
        match (&self.table, &self.api) {
            (Verdict::Different(table), Some(Verdict::Different(api))) if table == api => {
                lines.extend(told(table, "table and API"));
            }
            (table, api) => {
                for (verdict, side) in [(Some(table), "table"), (api.as_ref(), "API")] {
                    if let Some(Verdict::Different(difference)) = verdict {
                        lines.extend(told(difference, side));
                    }
                }
            }
        }
        lines.extend(self.load.as_ref().map(|load| format!("  its stamp: {}", load.describe())));
        // A file's control characters are not for the terminal.
        lines.iter().map(|line| sanitize(line)).collect()
    }

    fn summary(&self) -> &'static str {
        use Verdict::{Different, Equal, Extra, Missing};
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

fn told(difference: &Difference, side: &str) -> Vec<String> {
    let line = |Attribute { name, file, found, .. }: &Attribute| match (file, found) {
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
    use serde_json::json;

    use super::*;

    fn different(found: &str) -> Verdict {
        let (file, found) = (Some(json!(12.5)), Some(json!(found)));
        let attribute = Attribute { name: "price".into(), file, found, is_cut: false };
        Verdict::Different(Difference { attributes: vec![attribute], left_out: 2 })
    }

    fn finding(table: Verdict, api: Option<Verdict>) -> Finding {
        Finding { key: "4\u{1b}2".into(), line: Some(7), table, api, load: None }
    }

    #[test]
    fn what_table_and_api_have_in_common_is_told_once() {
        let both = finding(different("13"), Some(different("13")));
        let expected = [
            "4\u{fffd}2 (line 7): different in the table and the API",
            "  price: 12.5 in the file, \"13\" in table and API",
            "  and 2 more attributes",
        ];
        assert_eq!(both.lines(), expected);
        let apart = finding(different("13"), Some(different("\u{9b}2J"))).lines();
        assert_eq!(apart.len(), 5);
        assert!(apart[3].contains("\"\u{fffd}2J\" in API"), "{apart:?}");
        assert_eq!(
            finding(Verdict::Equal, Some(Verdict::Missing)).lines(),
            ["4\u{fffd}2 (line 7): missing in the API"]
        );
    }

    #[test]
    fn a_stamp_names_its_load() {
        let stamp = |text: &str| Writer::of(&AttributeValue::S(text.into()));
        let (uploaded, began) = ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z");
        let writer = stamp(&format!("{uploaded}/{began}/0123456789abcdef")).unwrap();
        assert_eq!((writer.load.as_str(), writer.uploaded.as_str()), ("0123456789abcdef", uploaded));
        for no_stamp in ["", "a", "a/b/c", "0123456789abcdef"] {
            assert_eq!(stamp(no_stamp), None, "{no_stamp}");
        }
        assert_eq!(Writer::of(&AttributeValue::Bool(true)), None);
    }
}
