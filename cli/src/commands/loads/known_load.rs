//! What is known about a load: the ledger's entry, or else the version of the object that it will load.

use restctl_contract::load::{LedgerEntry, LoadId, LoadState, REJECTS_PREFIX};
use restctl_contract::template::output as stack_output;
use serde::Serialize;

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb, s3};
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output;

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum KnownLoad {
    Begun(Box<LedgerEntry>),
    Queued(QueuedLoad),
}

/// A version of an object that the ledger does not know yet; its fields are those of [`LedgerEntry`].
#[derive(Serialize)]
pub(super) struct QueuedLoad {
    pub(super) load: LoadId,
    pub(super) object: String,
    pub(super) version: String,
    pub(super) size: u64,
    pub(super) uploaded: String,
    state: &'static str,
}

impl From<s3::ObjectVersion> for QueuedLoad {
    fn from(version: s3::ObjectVersion) -> Self {
        Self {
            load: LoadId::for_version(&version.key, &version.id),
            object: version.key,
            version: version.id,
            size: version.size,
            uploaded: version.uploaded,
            state: "queued",
        }
    }
}

impl KnownLoad {
    pub(super) fn load_id(&self) -> &LoadId {
        match self {
            KnownLoad::Begun(entry) => &entry.load,
            KnownLoad::Queued(queued) => &queued.load,
        }
    }

    /// Returns whether the object is not data.
    pub(super) fn is_ignored(&self) -> bool {
        matches!(self, KnownLoad::Begun(entry) if entry.state == LoadState::Ignored)
    }

    pub(super) fn upload_time(&self) -> &str {
        match self {
            KnownLoad::Begun(entry) => &entry.uploaded,
            KnownLoad::Queued(queued) => &queued.uploaded,
        }
    }
}

/// Returns every load of the stack, the newest upload first. Prints why an entry cannot be read, and leaves it out.
pub(super) async fn list_loads(aws: &Aws, stack: &Stack) -> Result<Vec<KnownLoad>> {
    // The ledger is read first, so a load that begins meanwhile is listed once, as queued.
    let entries = dynamodb::read_ledger_entries(aws, stack.output(stack_output::LEDGER_TABLE)?).await?;
    let queued =
        uploaded_versions(aws, stack).await?.filter(|queued| !entries.contains_key(queued.load.as_str()));
    let mut loads: Vec<KnownLoad> = queued.map(KnownLoad::Queued).collect();
    for entry in entries.into_values() {
        match entry {
            Ok(entry) => loads.push(KnownLoad::Begun(Box::new(entry))),
            Err(failure) => output::print_failure(&failure),
        }
    }
    loads.sort_by(|one, other| other.upload_time().cmp(one.upload_time()));
    Ok(loads)
}

/// Returns one load, begun or queued.
pub(super) async fn find_load(aws: &Aws, stack: &Stack, id: &LoadId) -> Result<KnownLoad> {
    let ledger = stack.output(stack_output::LEDGER_TABLE)?;
    if let Some(entry) = dynamodb::read_ledger_entry(aws, ledger, id).await? {
        return Ok(KnownLoad::Begun(Box::new(entry)));
    }
    let queued = uploaded_versions(aws, stack).await?.find(|queued| queued.load == *id);
    queued.map(KnownLoad::Queued).ok_or_else(|| {
        Failure::new(format!("there is no load {id}")).exit(Exit::NotFound).next("restctl loads ls")
    })
}

/// Returns every version of every data file in the bucket, loaded or not.
async fn uploaded_versions(aws: &Aws, stack: &Stack) -> Result<impl Iterator<Item = QueuedLoad>> {
    let versions = s3::list_versions(aws, stack.output(stack_output::DATA_BUCKET)?).await?.into_iter();
    Ok(versions.filter(|version| !version.key.starts_with(REJECTS_PREFIX)).map(QueuedLoad::from))
}
