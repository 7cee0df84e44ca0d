//! Prints a report.

use super::report::{MAX_FINDINGS, ReportedReject, VerifyReport};
use crate::failure::Result;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// Findings that are shown to people.
const SHOWN_FINDINGS: usize = 20;

impl VerifyReport {
    pub(super) fn print(&self) -> Result<()> {
        match output::chosen_format() {
            Format::Json => output::print_json(self),
            Format::Text => {
                self.print_rejects();
                self.running_loads.print_note();
                output::print_text(self.summary_text())?;
                if self.is_equal() {
                    let part = if self.is_sample { "the sample of " } else { "" };
                    output::print_message(format!("{part}{}, the table and the API are equal", self.file));
                }
                Ok(())
            }
        }
    }

    fn print_rejects(&self) {
        if self.rejected == 0 {
            return;
        }
        output::print_message(format!(
            "{} rows cannot be loaded and are not expected anywhere",
            self.rejected
        ));
        for ReportedReject { line, column, reason } in &self.rejects {
            let column = column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            output::print_message(format!("  line {line}{column}: {reason}"));
        }
    }

    fn summary_text(&self) -> Text {
        let text = |number: u64| number.to_string();
        let estimated = if self.table.units_are_estimated { " (estimated)" } else { "" };
        let mut summary = vec![
            ("rows", text(self.rows)),
            ("rejected", text(self.rejected)),
            ("superseded", text(self.superseded)),
            ("keys", text(self.keys)),
            ("compared", text(self.compared)),
            ("equal", text(self.equal)),
            ("missing in table", text(self.table.missing)),
            ("missing in API", text(self.api.missing)),
            ("different in table", text(self.table.different)),
            ("different in API", text(self.api.different)),
            ("extra in table", text(self.table.extra)),
            ("items looked at", text(self.table.looked_at)),
            ("read units", format!("{:.1}{estimated}", self.table.read_units)),
            ("API calls", text(self.api.calls)),
        ];
        if self.is_sample {
            summary.insert(0, ("extent", "a sample of the file's keys and of the table's items".to_owned()));
        }
        let mut text = output::align_values(&summary);
        for finding in self.findings.iter().take(SHOWN_FINDINGS) {
            text.push_line("");
            text.push_line(Text::from_lines(finding.to_lines()));
        }
        let found = self.findings.len() as u64 + self.findings_left_out;
        if found > SHOWN_FINDINGS as u64 {
            text.push_line("");
            text.push_line(format!(
                "and {} more; --output json lists the first {MAX_FINDINGS}",
                found - SHOWN_FINDINGS as u64
            ));
        }
        text
    }
}
