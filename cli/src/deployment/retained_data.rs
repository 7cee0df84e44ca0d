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
use crate::failure::{AwsCause, Failure, Result};

/// CloudFormation's own tag with the name of a resource in its template.
const TEMPLATE_NAME_TAG: &str = "aws:cloudformation:logical-id";

pub(crate) struct RetainedResource {
    /// The stack that left it.
    pub(crate) stack: String,
    pub(crate) name: String,
    /// Its name in the template. `None` if that is not certain.
    pub(crate) template_name: Option<&'static str>,
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
        let is_bucket = |name: &str| is_free(name) && (stack.is_some() || stack_of_bucket(name).is_some());
        let buckets = s3::find_buckets_by_tag(aws, STACK_TAG, &prefix, is_bucket).await;
        data.extend("buckets", buckets, RetainedResource::from_bucket)?;
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
        data.extend("logs", logs, RetainedResource::from_log)?;
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
        match listed {
            Err(denied) if denied.aws_cause == Some(AwsCause::Denied) => self.unlisted.push((what, denied)),
            listed => self.resources.extend(listed?.into_iter().filter_map(convert)),
        }
        Ok(())
    }

    /// Counts the object versions of the buckets, unless the credentials may not list them.
    pub(crate) async fn count_objects(&mut self, aws: &Aws, account: &str) -> Result<()> {
        for resource in &mut self.resources {
            let RetainedKind::Bucket { versions } = &mut resource.kind else { continue };
            match s3::bucket_size(aws, OwnBucket { name: &resource.name, account }, MAX_COUNTED).await {
                Err(denied) if denied.aws_cause == Some(AwsCause::Denied) => {}
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
        let template_name = find_template_name(&table.name, &stack, &table.tags, [ITEMS_TABLE, LEDGER_TABLE]);
        // Another key would make CloudFormation replace the table, or the functions fail.
        let has_fitting_key =
            |name: &&str| table.key.as_ref().is_some_and(|key| *name != LEDGER_TABLE || is_ledger(key));
        Some(Self {
            template_name: template_name.filter(has_fitting_key),
            stack,
            name: table.name,
            kind: RetainedKind::Table { key: table.key, items: table.items },
            bytes: Some(table.bytes),
            created: table.created,
        })
    }

    fn from_bucket(bucket: s3::TaggedBucket) -> Option<Self> {
        let stack = match bucket.tags.get(STACK_TAG) {
            Some(stack) => stack.clone(),
            None => stack_of_bucket(&bucket.name)?.to_owned(),
        };
        Some(Self {
            template_name: find_template_name(&bucket.name, &stack, &bucket.tags, [DATA_BUCKET]),
            stack,
            name: bucket.name,
            kind: RetainedKind::Bucket { versions: None },
            bytes: None,
            created: bucket.created,
        })
    }

    fn from_log(log: cloudwatchlogs::TaggedGroup) -> Option<Self> {
        let stack = log.tags.get(STACK_TAG)?.clone();
        Some(Self {
            template_name: find_template_name(&log.name, &stack, &log.tags, [API_LOGS, INGEST_LOGS]),
            stack,
            name: log.name,
            kind: RetainedKind::Log,
            bytes: Some(log.bytes),
            created: log.created,
        })
    }

    /// Returns the request to import the resource. `None` if its name in the template is not certain.
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
            "resource": self.template_name,
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
        match &self.created {
            Some(created) => write!(f, ", created {created}"),
            None => Ok(()),
        }
    }
}

/// Returns which resource of the template it is: the tag says so, or the name, which CloudFormation makes of both names.
fn find_template_name<const N: usize>(
    name: &str,
    stack: &str,
    tags: &HashMap<String, String>,
    resources: [&'static str; N],
) -> Option<&'static str> {
    let name = name.to_lowercase();
    resources.into_iter().find(|resource| match tags.get(TEMPLATE_NAME_TAG) {
        Some(tag) => tag == resource,
        None => {
            let resource = resource.to_lowercase();
            name.starts_with(&format!("{stack}-{resource}-"))
                || name.ends_with(&format!("/{stack}/{resource}"))
        }
    })
}

/// Returns the stack that CloudFormation has named a data bucket after. The name ends with letters and digits.
fn stack_of_bucket(name: &str) -> Option<&str> {
    let (stack, rest) = name.rsplit_once(&format!("-{}-", DATA_BUCKET.to_lowercase()))?;
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(stack)
}

#[cfg(test)]
mod tests;
