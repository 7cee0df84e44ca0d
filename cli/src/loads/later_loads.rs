//! What other loads have written since a load that is found instead of a new one.

use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use serde::Serialize;

use crate::aws::{Aws, dynamodb};
use crate::failure::Result;
use crate::terminal::output;

/// How many later loads to show.
const SHOWN_LOADS: usize = 5;

/// A load of the same bytes that ended before the command began.
#[derive(Serialize)]
pub(crate) struct AlreadyLoaded {
    ended: String,
    /// The loads of newer uploads that have written rows, those of the same object first.
    later_loads: Vec<LaterLoad>,
}

#[derive(Serialize)]
struct LaterLoad {
    load: LoadId,
    object: String,
    uploaded: String,
    state: LoadState,
    /// Rows that it has written.
    written: u64,
}

impl From<LedgerEntry> for LaterLoad {
    fn from(entry: LedgerEntry) -> Self {
        let written = entry.receipt.new + entry.receipt.changed;
        Self { load: entry.load, object: entry.object, uploaded: entry.uploaded, state: entry.state, written }
    }
}

impl AlreadyLoaded {
    /// Reads which loads have written since the load of this entry. Prints why an entry cannot be read, and leaves it out.
    pub(crate) async fn read(aws: &Aws, ledger: &str, entry: &LedgerEntry) -> Result<Self> {
        let entries = dynamodb::read_ledger_entries(aws, ledger).await?.into_values();
        let readable = entries.filter_map(|read| read.inspect_err(output::print_failure).ok());
        Ok(Self::from_entries(entry, readable))
    }

    fn from_entries(entry: &LedgerEntry, others: impl Iterator<Item = LedgerEntry>) -> Self {
        let stamp = entry.stamp();
        let mut later: Vec<LedgerEntry> = others.filter(|other| other.stamp() > stamp).collect();
        later.sort_by_key(|other| (other.object != entry.object, other.stamp()));
        let later = later.into_iter().map(|other| (other.state, LaterLoad::from(other)));
        // One that is still loading may write at any time.
        let later = later.filter(|(state, load)| load.written > 0 || *state == LoadState::Loading);
        Self { ended: entry.updated.clone(), later_loads: later.map(|(_, load)| load).collect() }
    }

    /// Says when the load ended and what was loaded since. `command` loads the file again.
    pub(crate) fn print(&self, entry: &LedgerEntry, command: &str) {
        output::print_message(format!("it was uploaded at {} and ended at {}", entry.uploaded, self.ended));
        if self.later_loads.is_empty() {
            output::print_message("nothing has been loaded since");
            return;
        }
        output::print_message("later loads have written to the table since:");
        for LaterLoad { load, object, uploaded, written, .. } in self.later_loads.iter().take(SHOWN_LOADS) {
            output::print_message(format!("  {load} of {object}, uploaded at {uploaded}: {written} rows"));
        }
        if let Some(more) = self.later_loads.len().checked_sub(SHOWN_LOADS).filter(|more| *more > 0) {
            output::print_message(format!("  and {more} more: restctl loads ls"));
        }
        output::print_message(format!(
            "later loads may have replaced its rows; to load it again as the newest: {command}"
        ));
    }

    /// Returns the names and figures that a receipt has besides its own.
    pub(super) fn figures(&self) -> Vec<(&'static str, String)> {
        vec![("ended", self.ended.clone()), ("later loads", self.later_loads.len().to_string())]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::loads::test_entry::ledger_entry;

    #[test]
    fn only_newer_loads_that_wrote_are_later() {
        let entry = |object: &str, minute: u32, members: Value| {
            let uploaded = format!("2026-01-15T09:{minute:02}:00.000Z");
            let load = format!("{minute:016}");
            let mut all = json!({ "load": load, "object": object, "uploaded": uploaded });
            all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            ledger_entry(&all)
        };
        let first = entry("a.csv", 10, json!({ "new": 3 }));
        let others = [
            entry("b.csv", 9, json!({ "new": 1 })),
            first.clone(),
            entry("b.csv", 11, json!({ "changed": 2 })),
            entry("a.csv", 12, json!({ "new": 1, "changed": 1 })),
            entry("c.csv", 13, json!({ "unchanged": 9, "stale": 9 })),
            entry("d.csv", 14, json!({ "state": "failed" })),
            entry("e.csv", 15, json!({ "state": "loading" })),
        ];
        let since = AlreadyLoaded::from_entries(&first, others.into_iter());
        let found: Vec<_> = since.later_loads.iter().map(|load| (&*load.object, load.written)).collect();
        assert_eq!(found, [("a.csv", 2), ("b.csv", 2), ("e.csv", 0)]);
        assert!(AlreadyLoaded::from_entries(&first, [first.clone()].into_iter()).later_loads.is_empty());
    }
}
