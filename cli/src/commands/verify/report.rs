//! The result of a verification.

use std::collections::HashMap;

use serde::Serialize;

use super::comparison::ComparedWindow;
use super::finding::{ItemVerdict, KeyFinding};
use super::reading::FileReading;
use super::running_loads::RunningLoads;
use crate::aws::{Aws, dynamodb};
use crate::data_file::source::Source;
use crate::failure::{Exit, Failure, Result};

/// Findings that are reported; the others are counted.
pub(super) const MAX_FINDINGS: usize = 1000;

#[derive(Default, Serialize)]
pub(super) struct VerifyReport {
    pub(super) file: String,
    /// Records of the file, loadable or not.
    pub(super) rows: u64,
    pub(super) rejected: u64,
    /// The first of the rejected rows.
    pub(super) rejects: Vec<ReportedReject>,
    /// Rows that a later row with the same key supersedes.
    pub(super) superseded: u64,
    pub(super) keys: u64,
    /// Keys of the file that were compared with the table and the API: all of them, or a sample.
    pub(super) compared: u64,
    /// Keys that are equal in both.
    pub(super) equal: u64,
    pub(super) is_sample: bool,
    pub(super) table: TableCounts,
    pub(super) api: ApiCounts,
    #[serde(rename = "under_way")]
    pub(super) running_loads: RunningLoads,
    pub(super) findings: Vec<KeyFinding>,
    pub(super) findings_left_out: u64,
}

#[derive(Serialize)]
pub(super) struct ReportedReject {
    pub(super) line: u64,
    pub(super) column: Option<String>,
    pub(super) reason: String,
}

#[derive(Default, Serialize)]
pub(super) struct TableCounts {
    pub(super) missing: u64,
    pub(super) different: u64,
    pub(super) extra: u64,
    /// Items of the table whose keys were looked up in the file.
    pub(super) looked_at: u64,
    pub(super) calls: u64,
    pub(super) read_units: f64,
    /// Whether the local cloud counted them, which does not know the size of an item.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) units_are_estimated: bool,
}

#[derive(Default, Serialize)]
pub(super) struct ApiCounts {
    pub(super) missing: u64,
    pub(super) different: u64,
    pub(super) calls: u64,
}

impl VerifyReport {
    pub(super) fn new(source: &Source, reading: &FileReading, sample: Option<u64>) -> Self {
        let rejects = reading.rejects.iter().map(|reject| ReportedReject {
            line: reject.line,
            column: reject.column.clone(),
            reason: reject.reason.clone(),
        });
        Self {
            file: source.shown.clone(),
            rows: reading.rows + reading.rejected,
            rejected: reading.rejected,
            rejects: rejects.collect(),
            superseded: reading.rows - reading.keys.count(),
            keys: reading.keys.count(),
            is_sample: sample.is_some(),
            ..Self::default()
        }
    }

    pub(super) fn add_window(&mut self, window: ComparedWindow) {
        self.compared += window.rows;
        self.equal += window.rows - window.findings.len() as u64;
        window.findings.into_iter().for_each(|finding| self.add_finding(finding));
    }

    pub(super) fn add_finding(&mut self, finding: KeyFinding) {
        match finding.table {
            ItemVerdict::Equal => {}
            ItemVerdict::Missing => self.table.missing += 1,
            ItemVerdict::Different(_) => self.table.different += 1,
            ItemVerdict::Extra => self.table.extra += 1,
        }
        match finding.api {
            Some(ItemVerdict::Missing) => self.api.missing += 1,
            Some(ItemVerdict::Different(_)) => self.api.different += 1,
            _ => {}
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }

    /// Looks up the objects of the loads in the findings.
    pub(super) async fn look_up_objects(&mut self, aws: &Aws, ledger: &str) -> Result<()> {
        let mut objects: HashMap<String, Option<String>> = HashMap::new();
        for writer in self.findings.iter_mut().filter_map(|finding| finding.load.as_mut()) {
            if !objects.contains_key(writer.load.as_str()) {
                let entry = dynamodb::read_ledger_entry(aws, ledger, &writer.load).await?;
                objects.insert(writer.load.to_string(), entry.map(|entry| entry.object));
            }
            writer.object = objects.get(writer.load.as_str()).cloned().flatten();
        }
        Ok(())
    }

    pub(super) fn is_equal(&self) -> bool {
        self.equal == self.compared && self.table.extra == 0
    }

    /// # Errors
    /// If the file, the table and the API are not equal.
    pub(super) fn into_result(self) -> Result<()> {
        if self.is_equal() {
            return Ok(());
        }
        let Self { table, api, .. } = &self;
        let mut next = Vec::new();
        if table.missing + table.different > 0 {
            next.push(
                "to load the file again: restctl upload FILE, with another --name if it was loaded before"
                    .to_owned(),
            );
        } else if api.missing + api.different > 0 {
            next.push(
                "the table is right, but the API is not: restctl deploy, or restctl rollback".to_owned(),
            );
        }
        let load = self.findings.iter().find_map(|finding| finding.load.as_ref());
        next.extend(load.map(|writer| format!("to see what a load did: restctl loads show {}", writer.load)));
        let failure = Failure::new(format!("{}, the table and the API are not equal", self.file));
        let failure = failure.exit(Exit::Partial);
        Err(match next.as_slice() {
            [] => failure
                .why("the table has items that no load has written")
                .next("find out which tool wrote them, and delete those that should not be there"),
            next => failure.next(next.join("\n")),
        })
    }
}
