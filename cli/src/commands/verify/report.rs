//! What came of it, for people and for programs.

use std::collections::HashMap;

use serde::Serialize;

use super::comparison::Compared;
use super::finding::{Finding, Verdict};
use super::reading::Reading;
use super::running_loads::UnderWay;
use crate::aws::{Aws, dynamodb};
use crate::data_file::source::Source;
use crate::failure::{Exit, Failure, Result};

/// Findings that are told; the others are counted.
pub(super) const MAX_FINDINGS: usize = 1000;

#[derive(Default, Serialize)]
pub(super) struct Report {
    pub(super) file: String,
    /// Records of the file: those that can be loaded and those that cannot.
    pub(super) rows: u64,
    pub(super) rejected: u64,
    /// The first of these.
    pub(super) rejects: Vec<Rejected>,
    /// Rows that a later row of the same key supersedes.
    pub(super) superseded: u64,
    pub(super) keys: u64,
    /// Keys of the file whose last row was compared with both sides: all of them, or a sample.
    pub(super) compared: u64,
    /// Keys that are equal on both sides.
    pub(super) equal: u64,
    pub(super) is_sample: bool,
    pub(super) table: Table,
    pub(super) api: Answered,
    pub(super) under_way: UnderWay,
    pub(super) findings: Vec<Finding>,
    pub(super) findings_left_out: u64,
}

#[derive(Serialize)]
pub(super) struct Rejected {
    pub(super) line: u64,
    pub(super) column: Option<String>,
    pub(super) reason: String,
}

#[derive(Default, Serialize)]
pub(super) struct Table {
    pub(super) missing: u64,
    pub(super) different: u64,
    pub(super) extra: u64,
    /// Items whose keys were looked for in the file.
    pub(super) looked_at: u64,
    pub(super) calls: u64,
    pub(super) read_units: f64,
}

#[derive(Default, Serialize)]
pub(super) struct Answered {
    pub(super) missing: u64,
    pub(super) different: u64,
    pub(super) calls: u64,
}

impl Report {
    pub(super) fn of(source: &Source, reading: &Reading, sample: Option<u64>) -> Self {
        let rejects = reading.rejects.iter().map(|reject| Rejected {
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

    pub(super) fn add(&mut self, compared: Compared) {
        self.compared += compared.rows;
        self.equal += compared.rows - compared.findings.len() as u64;
        compared.findings.into_iter().for_each(|finding| self.tell(finding));
    }

    pub(super) fn tell(&mut self, finding: Finding) {
        match finding.table {
            Verdict::Equal => {}
            Verdict::Missing => self.table.missing += 1,
            Verdict::Different(_) => self.table.different += 1,
            Verdict::Extra => self.table.extra += 1,
        }
        match finding.api {
            Some(Verdict::Missing) => self.api.missing += 1,
            Some(Verdict::Different(_)) => self.api.different += 1,
            _ => {}
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }

    /// Asks the ledger which objects the loads are of that the findings name.
    pub(super) async fn name_objects(&mut self, aws: &Aws, ledger: &str) -> Result<()> {
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

    pub(super) fn verdict(&self) -> Result<()> {
        let Self { table, api, .. } = self;
        if self.is_equal() {
            return Ok(());
        }
        let mut next = Vec::new();
        if table.missing + table.different > 0 {
            next.push("to load the file on top: restctl upload FILE, with another --name where it was loaded before".to_owned());
        } else if api.missing + api.different > 0 {
            next.push(
                "the table is right and the API is not: restctl deploy, or restctl rollback".to_owned(),
            );
        }
        let load = self.findings.iter().find_map(|finding| finding.load.as_ref());
        next.extend(load.map(|writer| format!("what a load did: restctl loads show {}", writer.load)));
        let failure = Failure::new(format!("{}, the table and the API are not equal", self.file));
        let failure = failure.exit(Exit::Partial);
        Err(match next.as_slice() {
            [] => failure.next("see who put the extra items there; no load removes any"),
            next => failure.next(next.join("\n")),
        })
    }
}
