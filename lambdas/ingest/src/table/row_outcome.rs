use restctl_rows::Row;

use super::stored_item::StoredItem;

/// What a load has done with a row, or will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOutcome {
    /// The table has no item with the row's key.
    New,
    /// The table has another item, written by an older load or by no load.
    Changed,
    /// The table has the same item, written by an older load or by no load.
    Unchanged,
    /// The table has an item from a newer upload.
    Stale,
    /// The row's own load has written the same item.
    AlreadyWritten,
    /// The row's own load has written another row with the same key.
    Superseding,
    /// The table refuses the item.
    Refused,
}

impl RowOutcome {
    pub(crate) fn needs_write(self) -> bool {
        matches!(self, RowOutcome::New | RowOutcome::Changed | RowOutcome::Superseding)
    }
}

/// Compares a row with the item that has its key. `stamp` is that of the row's load.
pub(super) fn compare_row(row: &Row, item: &StoredItem<'_>, stamp: &str) -> RowOutcome {
    let item_stamp = item.stamp.as_deref().unwrap_or_default();
    if item_stamp > stamp {
        return RowOutcome::Stale;
    }
    let is_same = item.has_exactly(row.values.iter().map(|(name, value)| (&**name, value)));
    match (item_stamp == stamp, is_same) {
        (false, false) => RowOutcome::Changed,
        (false, true) => RowOutcome::Unchanged,
        (true, true) => RowOutcome::AlreadyWritten,
        (true, false) => RowOutcome::Superseding,
    }
}
