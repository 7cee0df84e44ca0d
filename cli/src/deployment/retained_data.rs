//! The data that deleted stacks left: CloudFormation keeps tables, data buckets and logs, and their tags say whose they were.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_cloudformation::types::ResourceToImport;
use indicatif::HumanBytes;
use restctl_contract::key::{Key, KeyType};
use restctl_contract::load::LEDGER_KEY;
use restctl_contract::stack::{STACK_TAG, StackName};
use restctl_contract::template::output::{API_LOGS, DATA_BUCKET, INGEST_LOGS, ITEMS_TABLE, LEDGER_TABLE};
use serde_json::{Value, json};

use crate::aws::dynamodb::{self, TaggedTable};
use crate::aws::s3::{self, MAX_COUNTED, OwnBucket};
use crate::aws::{Aws, cloudwatchlogs};
use crate::failure::{Failure, Result};

/// The resources that CloudFormation keeps when it deletes a stack, by their names in the template, in the order in which they
/// are shown. They are outputs, too.
pub(crate) const RETAINED: [&str; 5] = [ITEMS_TABLE, LEDGER_TABLE, DATA_BUCKET, API_LOGS, INGEST_LOGS];

/// CloudFormation's own tags with the name of a resource in its template and with the name of the stack. Nobody else can set
/// them, and they outlive the stack ("CloudFormation resource tagging", AWS CloudFormation User Guide).
const TEMPLATE_NAME_TAG: &str = "aws:cloudformation:logical-id";
const STACK_NAME_TAG: &str = "aws:cloudformation:stack-name";

pub(crate) struct RetainedResource {
    /// The stack that left it.
    pub(crate) stack: String,
    pub(crate) name: String,
    /// Its name in the template. `None` if that is unknown, or if its key does not fit.
    pub(crate) template_name: Option<&'static str>,
    /// Whether CloudFormation made it for the stack. Anyone who may tag it can give it the stack's tag.
    pub(crate) is_certain: bool,
    pub(crate) kind: RetainedKind,
    /// `None` if it was not counted.
    pub(crate) bytes: Option<u64>,
    /// RFC 3339.
    pub(crate) created: Option<String>,
}

pub(crate) enum RetainedKind {
    /// DynamoDB counts the items every six hours.
    Table {
        key: Option<Key>,
        items: u64,
    },
    /// `None` if the versions were not counted.
    Bucket {
        versions: Option<usize>,
    },
    Log,
}

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

impl RetainedResource {
    fn from_table(table: TaggedTable) -> Option<Self> {
        let stack = table.tags.get(STACK_TAG)?.clone();
        let is_ledger = |key: &Key| key.name == LEDGER_KEY && key.kind == KeyType::String;
        // DynamoDB has no tags of CloudFormation (aws-cloudformation/cloudformation-coverage-roadmap, issue 1360).
        let role = Role::find(&table.name, &stack, &table.tags, &[ITEMS_TABLE, LEDGER_TABLE], true);
        let key = table.key.as_ref();
        let likely = key.map(|key| if is_ledger(key) { LEDGER_TABLE } else { ITEMS_TABLE });
        let template_name = if role.is_unnamed { likely } else { role.template_name };
        // Another key would make CloudFormation replace the table, or the functions fail.
        let has_fitting_key = |name: &&str| key.is_some_and(|key| *name != LEDGER_TABLE || is_ledger(key));
        Some(Self {
            template_name: template_name.filter(has_fitting_key),
            is_certain: role.is_certain,
            stack,
            name: table.name,
            kind: RetainedKind::Table { key: table.key, items: table.items },
            bytes: Some(table.bytes),
            created: table.created,
        })
    }

    fn from_bucket(bucket: s3::TaggedBucket, is_emulator: bool) -> Option<Self> {
        let stack = match bucket.tags.get(STACK_TAG) {
            Some(stack) => stack.clone(),
            None => stack_of_bucket(&bucket.name)?.to_owned(),
        };
        let role = Role::find(&bucket.name, &stack, &bucket.tags, &[DATA_BUCKET], is_emulator);
        Some(Self {
            template_name: if role.is_unnamed { Some(DATA_BUCKET) } else { role.template_name },
            is_certain: role.is_certain,
            stack,
            name: bucket.name,
            kind: RetainedKind::Bucket { versions: None },
            bytes: None,
            created: bucket.created,
        })
    }

    fn from_log(log: cloudwatchlogs::TaggedGroup, is_emulator: bool) -> Option<Self> {
        let stack = log.tags.get(STACK_TAG)?.clone();
        let role = Role::find(&log.name, &stack, &log.tags, &[API_LOGS, INGEST_LOGS], is_emulator);
        Some(Self {
            template_name: role.template_name,
            is_certain: role.is_certain,
            stack,
            name: log.name,
            kind: RetainedKind::Log,
            bytes: Some(log.bytes),
            created: log.created,
        })
    }

    /// Returns the request to import the resource. `None` if its name in the template is unknown.
    pub(crate) fn to_import(&self) -> Option<ResourceToImport> {
        let (resource_type, identifier) = match self.kind {
            RetainedKind::Table { .. } => ("AWS::DynamoDB::Table", "TableName"),
            RetainedKind::Bucket { .. } => ("AWS::S3::Bucket", "BucketName"),
            RetainedKind::Log => ("AWS::Logs::LogGroup", "LogGroupName"),
        };
        let import =
            ResourceToImport::builder().resource_type(resource_type).logical_resource_id(self.template_name?);
        Some(import.resource_identifier(identifier, &self.name).build())
    }

    /// Returns why it is adopted only if it is named, or not at all.
    pub(crate) fn doubt(&self) -> Option<&'static str> {
        match (self.template_name, &self.kind) {
            (Some(_), _) if self.is_certain => None,
            (Some(_), _) => Some("not made by CloudFormation for this stack"),
            (None, RetainedKind::Table { .. }) => Some("its key fits neither an items table nor a ledger"),
            (None, _) => Some("what it is in the stack is unknown"),
        }
    }

    pub(crate) fn is_log(&self) -> bool {
        matches!(self.kind, RetainedKind::Log)
    }

    /// Returns what it is, in a word or two.
    pub(crate) fn kind_name(&self) -> &'static str {
        match (&self.kind, self.template_name) {
            (RetainedKind::Table { .. }, Some(ITEMS_TABLE)) => "items table",
            (RetainedKind::Table { .. }, Some(LEDGER_TABLE)) => "ledger",
            (RetainedKind::Table { .. }, _) => "table",
            (RetainedKind::Bucket { .. }, _) => "bucket",
            (RetainedKind::Log, _) => "log",
        }
    }

    /// Returns the number of items or object versions.
    pub(crate) fn describe_number(&self) -> Option<String> {
        match &self.kind {
            RetainedKind::Table { items, .. } => Some(format!("about {items} items")),
            RetainedKind::Bucket { versions: Some(versions) } => {
                let more = if *versions >= MAX_COUNTED { "more than " } else { "" };
                Some(format!("{more}{versions} object version{}", if *versions == 1 { "" } else { "s" }))
            }
            RetainedKind::Bucket { versions: None } | RetainedKind::Log => None,
        }
    }

    /// Returns its kind, its name, its size, if it is known, and when it was created.
    pub(crate) fn to_json(&self) -> Value {
        let kind = match self.kind {
            RetainedKind::Table { .. } => "table",
            RetainedKind::Bucket { .. } => "bucket",
            RetainedKind::Log => "log",
        };
        let mut json = json!({
            "stack": self.stack,
            "kind": kind,
            "name": self.name,
            "resource": self.template_name.filter(|_| self.is_certain),
            "bytes": self.bytes,
            "created": self.created,
        });
        match &self.kind {
            RetainedKind::Table { items, .. } => json["items"] = json!(items),
            RetainedKind::Bucket { versions } => json["versions"] = json!(versions),
            RetainedKind::Log => {}
        }
        json
    }
}

impl fmt::Display for RetainedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {}", self.kind_name(), self.name)?;
        if let Some(number) = self.describe_number() {
            write!(f, " with {number}")?;
        }
        if let Some(bytes) = self.bytes {
            write!(f, ", {}", HumanBytes(bytes))?;
        }
        if let Some(created) = &self.created {
            write!(f, ", created {created}")?;
        }
        match self.doubt() {
            Some(doubt) => write!(f, "; {doubt}"),
            None => Ok(()),
        }
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

/// Which resource of the template something is.
struct Role {
    template_name: Option<&'static str>,
    is_certain: bool,
    /// Whether neither a tag of CloudFormation nor the name says which resource it is.
    is_unnamed: bool,
}

impl Role {
    /// Finds the role by CloudFormation's tags, or by the name, which CloudFormation makes of both names. `name_suffices` if
    /// CloudFormation sets no tags of its own.
    fn find(
        name: &str,
        stack: &str,
        tags: &HashMap<String, String>,
        resources: &[&'static str],
        name_suffices: bool,
    ) -> Self {
        let tag = tags.get(TEMPLATE_NAME_TAG);
        let name = name.to_lowercase();
        let has_name = |resource: &str| {
            let resource = resource.to_lowercase();
            name.starts_with(&format!("{stack}-{resource}-"))
                || name.ends_with(&format!("/{stack}/{resource}"))
        };
        let template_name = resources.iter().copied().find(|resource| match tag {
            Some(tag) => tag == resource,
            None => has_name(resource),
        });
        let is_of_stack = match (tag, tags.get(STACK_NAME_TAG)) {
            (Some(_), Some(made_for)) => made_for == stack,
            _ => name_suffices,
        };
        Self {
            template_name,
            is_certain: template_name.is_some() && is_of_stack,
            is_unnamed: template_name.is_none() && tag.is_none(),
        }
    }
}

/// Returns the stack that CloudFormation has named a data bucket after. The name ends with letters and digits.
fn stack_of_bucket(name: &str) -> Option<&str> {
    let (stack, rest) = name.rsplit_once(&format!("-{}-", DATA_BUCKET.to_lowercase()))?;
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(stack)
}

#[cfg(test)]
mod tests;
