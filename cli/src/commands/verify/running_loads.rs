//! Loads that may change the table during the comparison.

use restctl_contract::load::{LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use serde::Serialize;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb, sqs};
use crate::failure::Result;
use crate::terminal::output;

#[derive(Default, Serialize)]
pub(super) struct RunningLoads {
    /// Loads in the state `loading`.
    pub(super) loads: Vec<LoadId>,
    /// About how many messages are in the queue, one for each load.
    pub(super) queued: u64,
}

impl RunningLoads {
    pub(super) async fn find(aws: &Aws, stack: &Stack) -> Result<Self> {
        let (entries, depth) = tokio::try_join!(
            dynamodb::read_ledger_entries(aws, stack.output(stack_output::LEDGER_TABLE)?),
            sqs::read_depth(aws, stack.output(stack_output::LOAD_QUEUE)?),
        )?;
        let mut loads = Vec::new();
        for entry in entries.into_values() {
            match entry {
                Ok(entry) if entry.state == LoadState::Loading => loads.push(entry.load),
                Ok(_) => {}
                Err(failure) => output::print_failure(&failure),
            }
        }
        Ok(Self { loads, queued: depth.total_messages() as u64 })
    }

    /// Adds the loads of `later`.
    pub(super) fn merge(mut self, later: Self) -> Self {
        self.loads.extend(later.loads);
        self.loads.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        self.loads.dedup();
        Self { queued: self.queued.max(later.queued), loads: self.loads }
    }

    pub(super) fn print_note(&self) {
        if self.loads.is_empty() && self.queued == 0 {
            return;
        }
        output::print_message(format!(
            "note: the table is being loaded ({} loads running, {} messages queued), so differences may be temporary: \
             restctl loads ls",
            self.loads.len(),
            self.queued
        ));
    }
}
