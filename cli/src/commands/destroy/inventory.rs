//! What belongs to a stack, inside and beside it: each thing with its size, how it is removed, and whether it is gone.

use std::fmt;

use indicatif::HumanBytes;
use restctl_contract::stack::{STACK_TAG, StackName};
use serde_json::{Value, json};

use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, acm, dynamodb, s3, secretsmanager, ssm, sts};
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings;
use crate::terminal::output;

/// Of a bucket with more versions than this, only that many are counted beforehand.
const MAX_COUNTED: usize = 20_000;

pub(super) enum Thing {
    Stack {
        stack: Box<Stack>,
        resources: usize,
    },
    /// `items` and `bytes` as DynamoDB counts them every six hours.
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

/// In the order in which they can be removed. The certificate's secret is the last: it names the certificates, so that
/// what was interrupted before can be run again.
pub(super) async fn take(context: &Context) -> Result<Vec<Thing>> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let stack = cloudformation::find_own(aws, name).await?;
    let mut things = Vec::new();
    let (mut tables, mut buckets) = (Vec::new(), Vec::new());
    if let Some(stack) = stack {
        let resources = cloudformation::list_resources(aws, &stack).await?;
        let of_kind = |kind| resources.iter().filter(move |it| it.kind == kind).map(|it| it.id.clone());
        tables.extend(of_kind("AWS::DynamoDB::Table"));
        buckets.extend(of_kind("AWS::S3::Bucket"));
        things.push(Thing::Stack { stack: Box::new(stack), resources: resources.len() });
    }
    // What a stack left behind that is gone by now, too.
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
            things.push(Thing::Table { name: table, items, bytes });
        }
    }
    let artifacts = name.artifact_bucket(&sts::account(aws).await?, &aws.region);
    let buckets = buckets.into_iter().map(|bucket| (bucket, true)).chain([(artifacts, false)]);
    for (bucket, holds_data) in buckets {
        if s3::bucket_exists(aws, &bucket).await? {
            let (versions, bytes) = s3::bucket_size(aws, &bucket, MAX_COUNTED).await?;
            things.push(Thing::Bucket { name: bucket, holds_data, versions, bytes });
        }
    }
    let certificate = settings::read_certificate(aws, name).await?;
    let arns = certificate.into_iter().flat_map(|it| [vec![it.arn], it.supersedes].concat());
    things.extend(arns.map(|arn| Thing::Certificate { arn }));
    let number = ssm::read_settings(aws, name).await?.iter().flatten().count();
    if number > 0 {
        things.push(Thing::Parameters { stack: name.clone(), number });
    }
    for secret in [name.client_secret(), name.certificate_secret()] {
        if secretsmanager::read_secret(aws, &secret).await?.is_some() {
            things.push(Thing::Secret { name: secret });
        }
    }
    Ok(things)
}

impl Thing {
    /// The operator's data, which no deployment can make again.
    pub(super) fn is_data(&self) -> bool {
        matches!(self, Thing::Table { .. } | Thing::Bucket { holds_data: true, .. })
    }

    /// Leaves nothing in it.
    pub(super) async fn empty(&self, aws: &Aws) -> Result<()> {
        match self {
            Thing::Bucket { name, .. } => s3::empty_bucket(aws, name).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Removes what lies beside the stack; the stack itself is [`operation::delete_stack`]'s.
    pub(super) async fn remove(&self, aws: &Aws) -> Result<()> {
        match self {
            Thing::Stack { .. } => Ok(()),
            Thing::Table { name, .. } => dynamodb::delete_table(aws, name).await,
            Thing::Bucket { name, .. } => {
                s3::empty_bucket(aws, name).await?;
                s3::delete_bucket(aws, name).await
            }
            Thing::Certificate { arn } => {
                let waiting = output::spinner("waiting until no load balancer uses the certificate");
                let deleted = acm::delete(aws, arn).await;
                waiting.finish_and_clear();
                deleted
            }
            Thing::Parameters { stack, .. } => ssm::delete_settings(aws, stack).await,
            Thing::Secret { name } => secretsmanager::delete_secret(aws, name).await,
        }
    }

    /// Makes sure that what stays is found when it is to go. CloudFormation gives buckets the tags of the template; the
    /// local cloud does not.
    pub(super) async fn label(&self, aws: &Aws, stack: &StackName) -> Result<()> {
        match self {
            Thing::Bucket { name, .. } => {
                s3::tag_untagged_bucket(aws, name, (STACK_TAG, stack.as_str())).await
            }
            _ => Ok(()),
        }
    }

    /// Looks again.
    pub(super) async fn is_there(&self, aws: &Aws) -> Result<bool> {
        match self {
            Thing::Stack { stack, .. } => cloudformation::is_deleted(aws, &stack.id).await.map(|gone| !gone),
            Thing::Table { name, .. } => Ok(dynamodb::table_size(aws, name).await?.is_some()),
            Thing::Bucket { name, .. } => s3::bucket_exists(aws, name).await,
            Thing::Certificate { arn } => Ok(acm::describe(aws, arn).await?.is_some()),
            Thing::Parameters { stack, .. } => {
                Ok(ssm::read_settings(aws, stack).await?.iter().any(Option::is_some))
            }
            Thing::Secret { name } => Ok(secretsmanager::read_secret(aws, name).await?.is_some()),
        }
    }

    /// For programs: its kind, its name, and its size where it has one.
    pub(super) fn json(&self) -> Value {
        match self {
            Thing::Stack { stack, resources } => {
                json!({ "kind": "stack", "name": stack.id, "resources": resources })
            }
            Thing::Table { name, items, bytes } => {
                json!({ "kind": "table", "name": name, "items": items, "bytes": bytes })
            }
            Thing::Bucket { name, versions, bytes, .. } => {
                json!({ "kind": "bucket", "name": name, "versions": versions, "bytes": bytes })
            }
            Thing::Certificate { arn } => json!({ "kind": "certificate", "name": arn }),
            Thing::Parameters { stack, number } => {
                json!({ "kind": "parameters", "name": format!("/restctl/{stack}/"), "number": number })
            }
            Thing::Secret { name } => json!({ "kind": "secret", "name": name }),
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Stack { resources, .. } => write!(f, "the stack with {resources} resources"),
            Thing::Table { name, items, bytes } => {
                write!(f, "the table {name} with about {items} items, {}", HumanBytes(*bytes))
            }
            Thing::Bucket { name, versions, bytes, .. } => {
                let more = if *versions >= MAX_COUNTED { "more than " } else { "" };
                let s = if *versions == 1 { "" } else { "s" };
                let size = HumanBytes(*bytes);
                write!(f, "the bucket {name} with {more}{versions} object version{s}, {size}")
            }
            Thing::Certificate { arn } => write!(f, "the certificate {arn}"),
            Thing::Parameters { stack, number } => write!(f, "{number} parameters /restctl/{stack}/…"),
            Thing::Secret { name } => write!(f, "the secret {name}"),
        }
    }
}
