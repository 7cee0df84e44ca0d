use restctl_contract::load::LedgerEntry;

use super::{Load, Reached};
use crate::message::Deadline;
use crate::source::{Object, Source};
use crate::stop::Stop;
use crate::table::Verdict;

impl Load<'_> {
    /// Gives the rows that newer loads left unchanged those loads' stamps.
    ///
    /// An unchanged row costs no write, so its item still bears an older stamp. That does no harm while loads come in
    /// the order of their uploads. A late load, though, would take such an item for one that it may replace.
    pub(super) async fn confirm_newer_loads(&mut self, deadline: Deadline) -> Result<Reached, Stop> {
        for newer in self.ledger.newer_than(&self.stamp).await? {
            let left = newer.receipt.unchanged > 0 && newer.confirmed.offset < newer.position.offset;
            if left && let Reached::Checkpoint = self.confirm(newer, deadline).await? {
                return Ok(Reached::Checkpoint);
            }
        }
        Ok(Reached::End)
    }

    async fn confirm(&mut self, mut newer: LedgerEntry, deadline: Deadline) -> Result<Reached, Stop> {
        let s3 = &self.ingest.s3;
        let object = Object::find(s3, self.bucket, &newer.object, Some(&newer.version)).await?;
        let object = object.ok_or_else(|| cannot_tell(&newer))?;
        let (key, size) = (&self.ingest.key, self.ingest.window_size);
        let mut source = Source::new(s3, &object, key, newer.confirmed, size)?;
        let stamp = newer.stamp();
        while newer.confirmed.offset < newer.position.offset {
            let window = match source.next().await {
                Ok(Some(window)) => window,
                Err(Stop::ForNow(error)) => return Err(error.into()),
                // The newer load did not come any further either.
                Ok(None) | Err(Stop::ForGood(_)) => break,
            };
            let compared = self.table.compare(&window.rows, &stamp).await?;
            let rows = window.rows.iter().zip(&compared.verdicts);
            let rows: Vec<_> =
                rows.filter(|(_, verdict)| **verdict == Verdict::Unchanged).map(|(row, _)| row).collect();
            let written = self.table.write(&rows, &stamp).await?;
            self.receipt.read_units += compared.units;
            self.receipt.write_units += written.units;
            newer.confirmed = window.end;
            self.ledger.write(&newer).await?;
            if deadline.is_short() {
                return Ok(Reached::Checkpoint);
            }
        }
        newer.confirmed = newer.position;
        self.ledger.write(&newer).await?;
        Ok(Reached::End)
    }
}

fn cannot_tell(newer: &LedgerEntry) -> Stop {
    Stop::ForGood(format!(
        "the file {:?} was uploaded later, its rows may be newer, and it is gone from the bucket: upload this file again",
        newer.object
    ))
}
