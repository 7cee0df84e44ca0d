//! The data that deleted stacks left: CloudFormation keeps tables, data buckets and logs, and their tags say whose they were.

mod resource;
mod role;

use restctl_contract::stack::{STACK_TAG, StackName};
use restctl_contract::template::output::{API_LOGS, DATA_BUCKET, INGEST_LOGS, ITEMS_TABLE, LEDGER_TABLE};

pub(crate) use self::resource::{RetainedKind, RetainedResource};
use self::role::stack_of_bucket;
use crate::aws::s3::{self, MAX_COUNTED, OwnBucket};
use crate::aws::{Aws, cloudwatchlogs, dynamodb};
use crate::failure::{Failure, Result};

/// The resources that CloudFormation keeps when it deletes a stack, by their names in the template, in the order in which they
/// are shown. They are outputs, too.
pub(crate) const RETAINED: [&str; 5] = [ITEMS_TABLE, LEDGER_TABLE, DATA_BUCKET, API_LOGS, INGEST_LOGS];

/// What was found, and what could not be looked for.
#[derive(Default)]
pub(crate) struct RetainedData {
    pub(crate) resources: Vec<RetainedResource>,
    /// What the credentials may not list, such as "buckets", and the refusal.
    pub(crate) unlisted: Vec<(&'static str, Failure)>,
}

impl RetainedData {
    /// Finds what `stack` left, or what any stack left. Leaves out the names in `in_use`, those of stacks that exist.
    pub(crate) async fn find(aws: &Aws, stack: Option<&StackName>, in_use: &[String]) -> Result<Self> {
        let prefix = stack.map(|stack| format!("{stack}-")).unwrap_or_default();
        let is_free = |name: &str| !in_use.iter().any(|used| used == name);
        let mut data = Self::default();
        let is_table = |name: &str| {
            let is_own = |table| name.contains(&format!("-{table}-"));
            is_free(name)
                && name.starts_with(&prefix)
                && (stack.is_some() || [ITEMS_TABLE, LEDGER_TABLE].into_iter().any(is_own))
        };
        let tables = dynamodb::find_tables_by_tag(aws, STACK_TAG, is_table).await;
        data.extend("tables", tables, RetainedResource::from_table)?;
        let is_emulator = aws.endpoint_url.is_some();
        let is_bucket = |name: &str| is_free(name) && (stack.is_some() || stack_of_bucket(name).is_some());
        let buckets = s3::find_buckets_by_tag(aws, STACK_TAG, &prefix, is_bucket).await.map(|found| {
            // Buckets of other tools may have names that begin like the stack's.
            let denied = found.denied.into_iter().find(|(name, _)| stack_of_bucket(name).is_some());
            data.unlisted.extend(denied.map(|(_, denied)| ("buckets", denied)));
            found.tagged
        });
        data.extend("buckets", buckets, |bucket| RetainedResource::from_bucket(bucket, is_emulator))?;
        // CloudFormation puts the stack's name first, the local cloud puts it between slashes, and so did earlier templates.
        let between = stack.map(|stack| format!("/{stack}/")).unwrap_or_default();
        let is_log = |name: &str| {
            let is_named_so = name.starts_with(&prefix) || name.contains(&between);
            let is_own = |log| name.contains(&format!("-{log}-")) || name.ends_with(&format!("/{log}"));
            is_free(name)
                && is_named_so
                && (stack.is_some() || [API_LOGS, INGEST_LOGS].into_iter().any(is_own))
        };
        let part = stack.map(StackName::as_str).unwrap_or("Logs");
        let logs = cloudwatchlogs::find_groups_by_tag(aws, STACK_TAG, part, is_log).await;
        data.extend("logs", logs, |log| RetainedResource::from_log(log, is_emulator))?;
        data.resources.retain(|resource| stack.is_none_or(|stack| resource.stack == stack.as_str()));
        Ok(data)
    }

    /// Adds what was listed, or the refusal if the credentials may not list it.
    fn extend<T>(
        &mut self,
        what: &'static str,
        listed: Result<Vec<T>>,
        convert: impl Fn(T) -> Option<RetainedResource>,
    ) -> Result<()> {
        let listed = unless_denied(what, listed, &mut self.unlisted)?;
        self.resources.extend(listed.into_iter().filter_map(convert));
        Ok(())
    }

    /// Counts the object versions of the buckets, unless the credentials may not list them.
    pub(crate) async fn count_objects(&mut self, aws: &Aws, account: &str) -> Result<()> {
        for resource in &mut self.resources {
            let RetainedKind::Bucket { versions } = &mut resource.kind else { continue };
            match s3::bucket_size(aws, OwnBucket { name: &resource.name, account }, MAX_COUNTED).await {
                Err(denied) if denied.is_denied() => {}
                counted => {
                    let (number, bytes) = counted?;
                    (*versions, resource.bytes) = (Some(number), Some(bytes));
                }
            }
        }
        Ok(())
    }
}

/// Returns what was listed. If the credentials may not list it, returns nothing and adds the refusal to `unlisted`.
pub(crate) fn unless_denied<T>(
    what: &'static str,
    listed: Result<Vec<T>>,
    unlisted: &mut Vec<(&'static str, Failure)>,
) -> Result<Vec<T>> {
    match listed {
        Err(denied) if denied.is_denied() => {
            unlisted.push((what, denied));
            Ok(Vec::new())
        }
        listed => listed,
    }
}

/// Returns the note about what the credentials may not list.
pub(crate) fn note_unlisted(what: &str, denied: &Failure) -> String {
    format!("note: cannot look for {what} that a deleted stack left: {}", denied.to_single_line())
}

#[cfg(test)]
mod tests;
