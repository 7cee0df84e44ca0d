//! Everything that belongs to a stack, inside and beside it: its size, how to remove it, and whether it still exists.

use std::fmt;

use indicatif::HumanBytes;
use restctl_contract::stack::{STACK_TAG, StackName};
use serde_json::{Value, json};

use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, acm, dynamodb, s3, secretsmanager, ssm, sts};
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings;
use crate::terminal::progress;

/// The most object versions of a bucket that are counted.
const MAX_COUNTED: usize = 20_000;

pub(super) enum OwnedResource {
    Stack {
        stack: Box<Stack>,
        resources: usize,
    },
    /// DynamoDB updates `items` and `bytes` every six hours.
    Table {
        name: String,
        items: u64,
        bytes: u64,
    },
    Bucket {
        name: String,
        holds_data: bool,
        versions: usize,
        bytes: u64,
    },
    Certificate {
        arn: String,
    },
    Parameters {
        stack: StackName,
        number: usize,
    },
    Secret {
        name: String,
    },
}

/// Lists the resources in the order in which they can be removed. The certificate's secret comes last because it names the
/// certificates: an interrupted `destroy` can find them again.
pub(super) async fn list_owned_resources(context: &Context) -> Result<Vec<OwnedResource>> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let stack = cloudformation::find_own(aws, name).await?;
    let mut owned = Vec::new();
    let (mut tables, mut buckets) = (Vec::new(), Vec::new());
    if let Some(stack) = stack {
        let resources = cloudformation::list_resources(aws, &stack).await?;
        let ids = |kind| {
            resources.iter().filter(move |resource| resource.kind == kind).map(|resource| resource.id.clone())
        };
        tables.extend(ids("AWS::DynamoDB::Table"));
        buckets.extend(ids("AWS::S3::Bucket"));
        owned.push(OwnedResource::Stack { stack: Box::new(stack), resources: resources.len() });
    }
    // A deleted stack leaves tables and buckets behind.
    for table in dynamodb::find_tables_by_tag(aws, &format!("{name}-"), (STACK_TAG, name.as_str())).await? {
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    for bucket in s3::find_buckets_by_tag(aws, &format!("{name}-"), (STACK_TAG, name.as_str())).await? {
        if !buckets.contains(&bucket) {
            buckets.push(bucket);
        }
    }
    for table in tables {
        if let Some((items, bytes)) = dynamodb::table_size(aws, &table).await? {
            owned.push(OwnedResource::Table { name: table, items, bytes });
        }
    }
    let artifacts = name.artifact_bucket(&sts::read_account(aws).await?, &aws.region);
    let buckets = buckets.into_iter().map(|bucket| (bucket, true)).chain([(artifacts, false)]);
    for (bucket, holds_data) in buckets {
        if s3::bucket_exists(aws, &bucket).await? {
            let (versions, bytes) = s3::bucket_size(aws, &bucket, MAX_COUNTED).await?;
            owned.push(OwnedResource::Bucket { name: bucket, holds_data, versions, bytes });
        }
    }
    let certificate = settings::read_certificate(aws, name).await?;
    let arns = certificate
        .into_iter()
        .flat_map(|certificate| [vec![certificate.arn], certificate.supersedes].concat());
    owned.extend(arns.map(|arn| OwnedResource::Certificate { arn }));
    let number = ssm::read_settings(aws, name).await?.iter().flatten().count();
    if number > 0 {
        owned.push(OwnedResource::Parameters { stack: name.clone(), number });
    }
    for secret in [name.client_secret(), name.certificate_secret()] {
        if secretsmanager::read_secret(aws, &secret).await?.is_some() {
            owned.push(OwnedResource::Secret { name: secret });
        }
    }
    Ok(owned)
}

impl OwnedResource {
    /// Whether it holds the operator's data, which no deployment can restore.
    pub(super) fn is_data(&self) -> bool {
        matches!(self, OwnedResource::Table { .. } | OwnedResource::Bucket { holds_data: true, .. })
    }

    /// Deletes all objects of a bucket. Does nothing to any other resource.
    pub(super) async fn empty_if_bucket(&self, aws: &Aws) -> Result<()> {
        match self {
            OwnedResource::Bucket { name, .. } => s3::empty_bucket(aws, name).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Removes a resource beside the stack; [`crate::deployment::operation::delete_stack`] removes the stack
    /// itself.
    pub(super) async fn remove(&self, aws: &Aws) -> Result<()> {
        match self {
            OwnedResource::Stack { .. } => Ok(()),
            OwnedResource::Table { name, .. } => dynamodb::delete_table(aws, name).await,
            OwnedResource::Bucket { name, .. } => {
                s3::empty_bucket(aws, name).await?;
                s3::delete_bucket(aws, name).await
            }
            OwnedResource::Certificate { arn } => {
                let waiting = progress::new_spinner("waiting until no load balancer uses the certificate");
                let deleted = acm::delete_certificate(aws, arn).await;
                waiting.finish_and_clear();
                deleted
            }
            OwnedResource::Parameters { stack, .. } => ssm::delete_settings(aws, stack).await,
            OwnedResource::Secret { name } => secretsmanager::delete_secret(aws, name).await,
        }
    }

    /// Tags a bucket that stays so that a later `destroy` finds it. CloudFormation tags buckets itself; the local cloud does
    /// not.
    pub(super) async fn tag_for_later(&self, aws: &Aws, stack: &StackName) -> Result<()> {
        match self {
            OwnedResource::Bucket { name, .. } => {
                s3::tag_untagged_bucket(aws, name, (STACK_TAG, stack.as_str())).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn exists(&self, aws: &Aws) -> Result<bool> {
        match self {
            OwnedResource::Stack { stack, .. } => {
                cloudformation::is_deleted(aws, &stack.id).await.map(|gone| !gone)
            }
            OwnedResource::Table { name, .. } => Ok(dynamodb::table_size(aws, name).await?.is_some()),
            OwnedResource::Bucket { name, .. } => s3::bucket_exists(aws, name).await,
            OwnedResource::Certificate { arn } => Ok(acm::describe_certificate(aws, arn).await?.is_some()),
            OwnedResource::Parameters { stack, .. } => {
                Ok(ssm::read_settings(aws, stack).await?.iter().any(Option::is_some))
            }
            OwnedResource::Secret { name } => Ok(secretsmanager::read_secret(aws, name).await?.is_some()),
        }
    }

    /// Returns its kind, its name and its size, if it has one.
    pub(super) fn to_json(&self) -> Value {
        match self {
            OwnedResource::Stack { stack, resources } => {
                json!({ "kind": "stack", "name": stack.id, "resources": resources })
            }
            OwnedResource::Table { name, items, bytes } => {
                json!({ "kind": "table", "name": name, "items": items, "bytes": bytes })
            }
            OwnedResource::Bucket { name, versions, bytes, .. } => {
                json!({ "kind": "bucket", "name": name, "versions": versions, "bytes": bytes })
            }
            OwnedResource::Certificate { arn } => json!({ "kind": "certificate", "name": arn }),
            OwnedResource::Parameters { stack, number } => {
                json!({ "kind": "parameters", "name": format!("/restctl/{stack}/"), "number": number })
            }
            OwnedResource::Secret { name } => json!({ "kind": "secret", "name": name }),
        }
    }
}

impl fmt::Display for OwnedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OwnedResource::Stack { resources, .. } => write!(f, "the stack with {resources} resources"),
            OwnedResource::Table { name, items, bytes } => {
                write!(f, "the table {name} with about {items} items, {}", HumanBytes(*bytes))
            }
            OwnedResource::Bucket { name, versions, bytes, .. } => {
                let more = if *versions >= MAX_COUNTED { "more than " } else { "" };
                let s = if *versions == 1 { "" } else { "s" };
                let size = HumanBytes(*bytes);
                write!(f, "the bucket {name} with {more}{versions} object version{s}, {size}")
            }
            OwnedResource::Certificate { arn } => write!(f, "the certificate {arn}"),
            OwnedResource::Parameters { stack, number } => {
                write!(f, "{number} parameters /restctl/{stack}/…")
            }
            OwnedResource::Secret { name } => write!(f, "the secret {name}"),
        }
    }
}
