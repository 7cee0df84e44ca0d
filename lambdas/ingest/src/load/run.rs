use super::{Ingest, Load, Reached};
use crate::error::Error;
use crate::message::Deadline;
use crate::source::{Object, Source, Window};
use crate::stop::Stop;
use crate::table::{Verdict, Written};

/// A window whose rows have been compared with the table.
pub(super) struct Compared {
    pub(super) window: Window,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) units: f64,
}

impl Load<'_> {
    /// While a window is written the next one is read and compared, unless they share a key.
    pub(super) async fn read(&mut self, object: &Object, deadline: Deadline) -> Result<Reached, Stop> {
        let Ingest { s3, key, window_size, .. } = self.ingest;
        let mut source = Source::new(s3, object, key, self.position, *window_size)?;
        let mut waiting: Option<Compared> = None;
        let mut windows = 0;
        let reached = loop {
            // Each invocation writes a window at least, or a load could go on for ever.
            if windows > 1 && deadline.is_short() {
                break Ok(Reached::Checkpoint);
            }
            let window = match source.next().await {
                Ok(Some(window)) => window,
                Ok(None) => break Ok(Reached::End),
                Err(stop) => break Err(stop),
            };
            if let Some(stop) = self.too_many_rejects(object, waiting.as_ref(), &window) {
                self.count_rejects(&window.rejects)?;
                break Err(stop);
            }
            windows += 1;
            let apart = waiting.as_ref().is_none_or(|waiting| !waiting.window.shares_a_key_with(&window));
            waiting = Some(if apart {
                let (written, compared) =
                    tokio::try_join!(self.write(waiting.as_ref()), self.compare(window))?;
                self.count(waiting, written)?;
                compared
            } else {
                self.write_and_count(waiting).await?;
                self.compare(window).await?
            });
            self.keep_up().await?;
        };
        self.write_and_count(waiting).await?;
        reached
    }

    /// A load that began on an empty table need not look: whatever is there, it has written itself.
    async fn compare(&self, window: Window) -> Result<Compared, Error> {
        if self.entry.blind && !self.resumed {
            let verdicts = vec![Verdict::New; window.rows.len()];
            return Ok(Compared { window, verdicts, units: 0.0 });
        }
        let found = self.table.compare(&window.rows, &self.stamp).await?;
        Ok(Compared { window, verdicts: found.verdicts, units: found.units })
    }

    async fn write(&self, compared: Option<&Compared>) -> Result<Written, Error> {
        let Some(Compared { window, verdicts, .. }) = compared else { return Ok(Written::default()) };
        let rows = window.rows.iter().zip(verdicts);
        let rows: Vec<_> =
            rows.filter(|(_, verdict)| verdict.asks_for_a_write()).map(|(row, _)| row).collect();
        self.table.write(&rows, &self.stamp).await
    }

    async fn write_and_count(&mut self, compared: Option<Compared>) -> Result<(), Error> {
        let written = self.write(compared.as_ref()).await?;
        self.count(compared, written)
    }
}
