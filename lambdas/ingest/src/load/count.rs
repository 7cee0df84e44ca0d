use restctl_rows::Reject;

use super::Load;
use super::run::Compared;
use crate::error::Error;
use crate::source::{Object, Window};
use crate::stop::Stop;
use crate::table::{Verdict, Written};

impl Load<'_> {
    /// Rows count once it is known what became of them, so that the receipt adds up at any time.
    pub(super) fn count(&mut self, compared: Option<Compared>, written: Written) -> Result<(), Error> {
        let Some(Compared { window, mut verdicts, units }) = compared else { return Ok(()) };
        self.count_rejects(&window.rejects)?;
        for (key, reject) in &written.refused {
            self.rejects.push(reject)?;
            if let Some(place) = window.place(key) {
                verdicts[place] = Verdict::Refused;
            }
        }
        for verdict in verdicts {
            *self.counter(verdict) += 1;
        }
        self.receipt.duplicates += window.duplicates;
        self.receipt.read += window.rows.len() as u64 + window.duplicates;
        self.receipt.read_units += units;
        self.receipt.write_units += written.units;
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

    fn counter(&mut self, verdict: Verdict) -> &mut u64 {
        let receipt = &mut self.receipt;
        match verdict {
            Verdict::New => &mut receipt.new,
            Verdict::Changed => &mut receipt.changed,
            Verdict::Unchanged => &mut receipt.unchanged,
            Verdict::Stale => &mut receipt.stale,
            Verdict::Refused => &mut receipt.rejected,
            // The attempt before wrote it and broke off. What was there until then is known only of an empty table.
            Verdict::Written if self.resumed && self.entry.blind => &mut receipt.new,
            Verdict::Written if self.resumed => &mut receipt.changed,
            Verdict::Written | Verdict::Superseding => &mut receipt.duplicates,
        }
    }

    /// A load that did not look has taken for new what an earlier window of its file had written already.
    pub(super) fn tell_duplicates(&mut self, duplicates: Option<u64>) {
        if self.entry.blind
            && let Some(duplicates) = duplicates
        {
            let receipt = &mut self.receipt;
            let missed = duplicates.saturating_sub(receipt.duplicates).min(receipt.new);
            receipt.new -= missed;
            receipt.duplicates += missed;
        }
    }

    /// Whether more rows than the uploader allows would be rejected once `window` is done.
    pub(super) fn too_many_rejects(
        &self,
        object: &Object,
        waiting: Option<&Compared>,
        window: &Window,
    ) -> Option<Stop> {
        let most = object.max_rejects()?;
        let windows = || waiting.map(|compared| &compared.window).into_iter().chain([window]);
        let read = self.receipt.read + windows().map(Window::read).sum::<u64>();
        let rejected =
            self.receipt.rejected + windows().map(|window| window.rejects.len() as u64).sum::<u64>();
        (rejected as f64 > read as f64 * most).then(|| {
            Stop::ForGood(format!(
                "{rejected} of the first {read} rows are rejected, more than the share of {most} that was allowed: \
                 mend the file, or allow more with --max-rejects"
            ))
        })
    }
}
