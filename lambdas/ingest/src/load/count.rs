use restctl_contract::load::{LedgerEntry, Position, Receipt};
use restctl_rows::Reject;

use crate::error::{Error, LoadError};
use crate::rejects::RejectsPart;
use crate::source::Window;
use crate::table::{ComparedRows, RowOutcome, WrittenRows};

/// How far an attempt has come. The receipt adds up at any time, since a row counts once its outcome is known.
pub(super) struct Progress {
    /// Every row before this position is counted.
    pub(super) position: Position,
    pub(super) receipt: Receipt,
    pub(super) rejects: RejectsPart,
    /// The table was empty when the load began, so all its items come from this load.
    pub(super) blind: bool,
    /// An earlier attempt stopped early, so it may have written rows after the position.
    pub(super) resumed: bool,
}

/// A window of rows that have been compared with the table.
pub(super) struct ComparedWindow {
    pub(super) window: Window,
    pub(super) compared: ComparedRows,
}

impl Progress {
    /// Returns the progress that the ledger's entry records.
    pub(super) fn from_entry(entry: &LedgerEntry) -> Self {
        Self {
            position: entry.position,
            receipt: entry.receipt,
            rejects: RejectsPart::new(entry.reject_parts),
            blind: entry.blind,
            resumed: entry.attempts > 1,
        }
    }

    /// Notes whether the table is empty at the start of the file.
    pub(super) fn set_table_is_empty(&mut self, is_empty: bool) {
        self.blind = is_empty || self.blind && self.resumed;
        self.resumed &= !is_empty;
    }

    /// Returns whether the table may hold items that this attempt has not written.
    pub(super) fn must_compare(&self) -> bool {
        !self.blind || self.resumed
    }

    /// Counts a window of rows that has been written, and moves on to its end.
    pub(super) fn count_window(
        &mut self,
        compared_window: ComparedWindow,
        written: WrittenRows,
    ) -> Result<(), Error> {
        let ComparedWindow { window, mut compared } = compared_window;
        self.count_rejects(&window.rejects)?;
        for (key, reject) in &written.refused {
            self.rejects.push(reject)?;
            if let Some(index) = window.index_of(key) {
                compared.outcomes[index] = RowOutcome::Refused;
            }
        }
        for outcome in compared.outcomes {
            *self.counter_for(outcome) += 1;
        }
        self.receipt.duplicates += window.duplicates;
        self.receipt.read += window.rows.len() as u64 + window.duplicates;
        self.receipt.read_units += compared.read_units;
        self.receipt.write_units += written.write_units;
        self.position = window.end;
        Ok(())
    }

    pub(super) fn count_rejects(&mut self, rejects: &[Reject]) -> Result<(), Error> {
        for reject in rejects {
            self.rejects.push(reject)?;
        }
        self.receipt.read += rejects.len() as u64;
        self.receipt.rejected += rejects.len() as u64;
        Ok(())
    }

    fn counter_for(&mut self, outcome: RowOutcome) -> &mut u64 {
        let receipt = &mut self.receipt;
        match outcome {
            RowOutcome::New => &mut receipt.new,
            RowOutcome::Changed => &mut receipt.changed,
            RowOutcome::Unchanged => &mut receipt.unchanged,
            RowOutcome::Stale => &mut receipt.stale,
            RowOutcome::Refused => &mut receipt.rejected,
            // The earlier attempt wrote the row. What the table had before is known only if it was empty.
            RowOutcome::AlreadyWritten if self.resumed && self.blind => &mut receipt.new,
            RowOutcome::AlreadyWritten if self.resumed => &mut receipt.changed,
            RowOutcome::AlreadyWritten | RowOutcome::Superseding => &mut receipt.duplicates,
        }
    }

    /// Moves duplicates that a blind load has counted as new: it does not see that an earlier window of the file has
    /// written the same key. `duplicates` is their number as the uploader counted it.
    pub(super) fn correct_duplicates(&mut self, duplicates: Option<u64>) {
        if self.blind
            && let Some(duplicates) = duplicates
        {
            let receipt = &mut self.receipt;
            let missed = duplicates.saturating_sub(receipt.duplicates).min(receipt.new);
            receipt.new -= missed;
            receipt.duplicates += missed;
        }
    }

    /// Fails if more than the share `max_rejects` of all rows up to the end of `windows` are rejected.
    pub(super) fn check_rejects<'w>(
        &self,
        max_rejects: f64,
        windows: impl Iterator<Item = &'w Window> + Clone,
    ) -> Result<(), LoadError> {
        let read = self.receipt.read + windows.clone().map(Window::rows_read).sum::<u64>();
        let rejected = self.receipt.rejected + windows.map(|window| window.rejects.len() as u64).sum::<u64>();
        if rejected as f64 > read as f64 * max_rejects {
            // In percent, as the user wrote it.
            let percent = (max_rejects * 1e8).round() / 1e6;
            return Err(LoadError::Permanent(format!(
                "{rejected} of the first {read} rows are rejected, more than {percent}%: fix the file, or allow more with \
                 --max-rejects"
            )));
        }
        Ok(())
    }
}
