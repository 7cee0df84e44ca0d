use restctl_rows::Row;

use super::stored_item::Stored;

/// What a row is to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The table does not have its key.
    New,
    /// The table has another item of an older load, or of none.
    Changed,
    /// The table has the same item of an older load, or of none.
    Unchanged,
    /// The table's item came from a newer upload.
    Stale,
    /// The row's own load has written the very same item.
    Written,
    /// The row's own load has written another row of the same key.
    Superseding,
    /// The table does not take it.
    Refused,
}

impl Verdict {
    pub(crate) fn asks_for_a_write(self) -> bool {
        matches!(self, Verdict::New | Verdict::Changed | Verdict::Superseding)
    }
}

/// `stamp` is that of the row's load.
pub(super) fn verdict(row: &Row, stored: &Stored<'_>, stamp: &str) -> Verdict {
    let by = stored.stamp.as_deref().unwrap_or_default();
    if by > stamp {
        return Verdict::Stale;
    }
    let same = stored.holds(row.values.iter().map(|(name, value)| (&**name, value)));
    match (by == stamp, same) {
        (false, false) => Verdict::Changed,
        (false, true) => Verdict::Unchanged,
        (true, true) => Verdict::Written,
        (true, false) => Verdict::Superseding,
    }
}
