//! What is known of a load: the ledger's entry, or else the version of the object that it will load.

use restctl_contract::load::{LedgerEntry, LoadId, REJECTS_PREFIX};
use restctl_contract::template::output as stack_output;
use serde::Serialize;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb, s3};
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output;

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Known {
    Begun(LedgerEntry),
    Queued(Queued),
}

/// A version of an object of which the ledger knows nothing yet; fields as in [`LedgerEntry`].
#[derive(Serialize)]
pub(super) struct Queued {
    pub(super) load: LoadId,
    pub(super) object: String,
    pub(super) version: String,
    pub(super) size: u64,
    pub(super) uploaded: String,
    state: &'static str,
}

impl From<s3::ObjectVersion> for Queued {
    fn from(version: s3::ObjectVersion) -> Self {
        Self {
            load: LoadId::of(&version.key, &version.id),
            object: version.key,
            version: version.id,
            size: version.size,
            uploaded: version.uploaded,
            state: "queued",
        }
    }
}

impl Known {
    pub(super) fn load(&self) -> &LoadId {
        match self {
            Known::Begun(entry) => &entry.load,
            Known::Queued(queued) => &queued.load,
        }
    }

    pub(super) fn uploaded(&self) -> &str {
        match self {
            Known::Begun(entry) => &entry.uploaded,
            Known::Queued(queued) => &queued.uploaded,
        }
    }
}

/// Every load of the stack, the newest upload first. What cannot be read is said and left out.
pub(super) async fn all(aws: &Aws, stack: &Stack) -> Result<Vec<Known>> {
    // In this order: what begins meanwhile is listed once, as queued.
    let entries = dynamodb::read_ledger_entries(aws, stack.output(stack_output::LEDGER_TABLE)?).await?;
    let queued = versions(aws, stack).await?.filter(|queued| !entries.contains_key(queued.load.as_str()));
    let mut loads: Vec<Known> = queued.map(Known::Queued).collect();
    for entry in entries.into_values() {
        match entry {
            Ok(entry) => loads.push(Known::Begun(entry)),
            Err(failure) => output::print_failure(&failure),
        }
    }
    loads.sort_by(|one, other| other.uploaded().cmp(one.uploaded()));
    Ok(loads)
}

/// One load, wherever it is known.
pub(super) async fn one(aws: &Aws, stack: &Stack, id: &LoadId) -> Result<Known> {
    let ledger = stack.output(stack_output::LEDGER_TABLE)?;
    if let Some(entry) = dynamodb::read_ledger_entry(aws, ledger, id).await? {
        return Ok(Known::Begun(entry));
    }
    let queued = versions(aws, stack).await?.find(|queued| queued.load == *id);
    queued.map(Known::Queued).ok_or_else(|| {
        Failure::new(format!("there is no load {id}")).exit(Exit::NotFound).next("restctl loads ls")
    })
}

/// Every version of every object that is to be loaded, whether it was or not.
async fn versions(aws: &Aws, stack: &Stack) -> Result<impl Iterator<Item = Queued>> {
    let versions = s3::list_versions(aws, stack.output(stack_output::DATA_BUCKET)?).await?.into_iter();
    Ok(versions.filter(|version| !version.key.starts_with(REJECTS_PREFIX)).map(Queued::from))
}
