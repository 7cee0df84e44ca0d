//! A resource that a deleted stack left.

use std::fmt;

use aws_sdk_cloudformation::types::ResourceToImport;
use indicatif::HumanBytes;
use restctl_contract::key::{Key, KeyType};
use restctl_contract::load::LEDGER_KEY;
use restctl_contract::stack::STACK_TAG;
use restctl_contract::template::output::{API_LOGS, DATA_BUCKET, INGEST_LOGS, ITEMS_TABLE, LEDGER_TABLE};
use serde_json::{Value, json};

use super::role::{Role, stack_of_bucket};
use crate::aws::cloudwatchlogs::TaggedGroup;
use crate::aws::dynamodb::TaggedTable;
use crate::aws::s3::{MAX_COUNTED, TaggedBucket};

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

impl RetainedResource {
    pub(super) fn from_table(table: TaggedTable) -> Option<Self> {
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

    pub(super) fn from_bucket(bucket: TaggedBucket, is_emulator: bool) -> Option<Self> {
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

    pub(super) fn from_log(log: TaggedGroup, is_emulator: bool) -> Option<Self> {
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
