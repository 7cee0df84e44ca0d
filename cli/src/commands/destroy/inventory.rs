//! Everything that belongs to a stack, inside and beside it: its size, how to remove it, and whether it still exists.

use std::fmt;
use std::time::Duration;

use indicatif::HumanBytes;
use restctl_contract::stack::StackName;
use restctl_contract::template::output as stack_output;
use serde_json::{Value, json};

use crate::aws::cloudformation::{self, Stack};
use crate::aws::s3::{self, MAX_COUNTED, OwnBucket, OwnBucketState};
use crate::aws::{Aws, acm, cloudwatchlogs, dynamodb, secretsmanager, ssm, sts};
use crate::context::Context;
use crate::deployment::retained_data::{
    RETAINED, RetainedData, RetainedKind, RetainedResource, note_unlisted,
};
use crate::failure::{Exit, Failure, Result};
use crate::identity::settings;
use crate::terminal::{output, progress};

use super::certificate::UsedCertificate;

/// The pause between two looks at what should be gone.
const DELETION_PAUSE: Duration = Duration::from_secs(2);

/// How far the deletion of a resource has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeletionState {
    Deleted,
    InProgress,
    NotDeleted,
    Unchecked,
}

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
        /// The owner.
        account: String,
        holds_data: bool,
        versions: usize,
        bytes: u64,
    },
    Log {
        name: String,
        bytes: u64,
    },
    Certificate {
        arn: String,
        /// That of the stack, which uses it.
        load_balancer: Option<String>,
    },
    Parameters {
        stack: StackName,
        number: usize,
    },
    Secret {
        name: String,
    },
}

/// What belongs to a stack, in the order in which it can be removed.
#[derive(Default)]
pub(super) struct Inventory {
    pub(super) resources: Vec<OwnedResource>,
    /// What has the stack's tag and a name that begins like the stack's, but was not made by CloudFormation for it.
    pub(super) uncertain: Vec<RetainedResource>,
    /// What the credentials may not list, such as "buckets": whether a deleted stack left any is unknown.
    pub(super) unlisted: Vec<&'static str>,
}

/// Lists what belongs to the stack. The certificate's secret comes last because it names the certificates: an interrupted
/// `destroy` can find them again.
pub(super) async fn list_owned_resources(context: &Context) -> Result<Inventory> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let mut inventory = Inventory::default();
    let stack = inventory.add_stack(aws, name).await?;
    let retained = inventory.find_retained(aws, name, &stack).await?;
    let (buckets, others): (Vec<_>, Vec<_>) =
        retained.into_iter().partition(|resource| matches!(resource.kind, RetainedKind::Bucket { .. }));
    let (logs, tables): (Vec<_>, Vec<_>) = others.into_iter().partition(RetainedResource::is_log);
    inventory.add_tables(aws, stack.tables, tables).await?;
    let buckets = stack.buckets.into_iter().chain(buckets.into_iter().map(|bucket| bucket.name));
    inventory.add_buckets(aws, name, buckets).await?;
    let to_log =
        |log: RetainedResource| OwnedResource::Log { name: log.name, bytes: log.bytes.unwrap_or_default() };
    inventory.resources.extend(logs.into_iter().map(to_log));
    inventory.add_settings(aws, name, stack.load_balancer).await?;
    Ok(inventory)
}

/// The resources of the stack about which CloudFormation says too little.
#[derive(Default)]
struct StackResources {
    tables: Vec<String>,
    buckets: Vec<String>,
    /// Those that outlive the stack, and those that are deleted together with it.
    kept_logs: Vec<String>,
    deleted_logs: Vec<String>,
    load_balancer: Option<String>,
}

impl Inventory {
    async fn add_stack(&mut self, aws: &Aws, name: &StackName) -> Result<StackResources> {
        let Some(stack) = cloudformation::find_own(aws, name).await? else {
            return Ok(StackResources::default());
        };
        let resources = cloudformation::list_resources(aws, &stack).await?;
        let ids = |kind| {
            resources.iter().filter(move |resource| resource.kind == kind).map(|resource| resource.id.clone())
        };
        // The template of earlier versions deletes the logs together with the stack, and has no output for them. Nor has a stack
        // that consists of adopted data.
        let has_outputs = stack.output(stack_output::API_LOGS).is_ok();
        let keeps_logs =
            has_outputs || resources.iter().all(|resource| RETAINED.contains(&resource.name.as_str()));
        let found = StackResources {
            tables: ids("AWS::DynamoDB::Table").collect(),
            buckets: ids("AWS::S3::Bucket").collect(),
            kept_logs: ids("AWS::Logs::LogGroup").filter(|_| keeps_logs).collect(),
            deleted_logs: ids("AWS::Logs::LogGroup").filter(|_| !keeps_logs).collect(),
            load_balancer: ids("AWS::ElasticLoadBalancingV2::LoadBalancer").next(),
        };
        self.resources.push(OwnedResource::Stack { stack: Box::new(stack), resources: resources.len() });
        Ok(found)
    }

    /// Returns what deleted stacks of that name left, and the logs that the stack will leave. Sets apart what may be someone
    /// else's.
    async fn find_retained(
        &mut self,
        aws: &Aws,
        name: &StackName,
        stack: &StackResources,
    ) -> Result<Vec<RetainedResource>> {
        let known = [&stack.tables[..], &stack.buckets, &stack.deleted_logs].concat();
        let retained = RetainedData::find(aws, Some(name), &known).await?;
        for (what, denied) in retained.unlisted {
            output::print_message(note_unlisted(what, &denied));
            self.unlisted.push(what);
        }
        let is_own =
            |resource: &RetainedResource| resource.is_certain || stack.kept_logs.contains(&resource.name);
        let (certain, uncertain) = retained.resources.into_iter().partition(is_own);
        self.uncertain = uncertain;
        Ok(certain)
    }

    async fn add_tables(
        &mut self,
        aws: &Aws,
        of_stack: Vec<String>,
        retained: Vec<RetainedResource>,
    ) -> Result<()> {
        for name in of_stack {
            if let Some((items, bytes)) = dynamodb::table_size(aws, &name).await? {
                self.resources.push(OwnedResource::Table { name, items, bytes });
            }
        }
        self.resources.extend(retained.into_iter().filter_map(|table| match table.kind {
            RetainedKind::Table { items, .. } => {
                Some(OwnedResource::Table { name: table.name, items, bytes: table.bytes.unwrap_or_default() })
            }
            _ => None,
        }));
        Ok(())
    }

    /// Adds the buckets with data, and the bucket for packages.
    async fn add_buckets(
        &mut self,
        aws: &Aws,
        name: &StackName,
        buckets: impl Iterator<Item = String>,
    ) -> Result<()> {
        let account = sts::read_account(aws).await?;
        let artifacts = name.artifact_bucket(&account, &aws.region);
        for (name, holds_data) in buckets.map(|bucket| (bucket, true)).chain([(artifacts, false)]) {
            let bucket = OwnBucket { name: &name, account: &account };
            match s3::read_bucket_state(aws, bucket).await? {
                OwnBucketState::Missing => {}
                OwnBucketState::Own => {
                    let (versions, bytes) = s3::bucket_size(aws, bucket, MAX_COUNTED).await?;
                    let account = account.clone();
                    self.resources.push(OwnedResource::Bucket { name, account, holds_data, versions, bytes });
                }
                OwnBucketState::Refused if holds_data => {
                    return Err(Failure::new(format!("cannot read the bucket {name}"))
                        .exit(Exit::Authentication)
                        .why("a policy denies access, or it belongs to another account")
                        .next("ask for the permission s3:ListBucket, or use --profile"));
                }
                // Anyone can guess its name, and the first to create it owns it.
                OwnBucketState::Refused => output::print_message(format!(
                    "note: the bucket {name} belongs to another account, or a policy denies access; it is left alone"
                )),
            }
        }
        Ok(())
    }

    /// Adds the certificates, the parameters and the secrets.
    async fn add_settings(
        &mut self,
        aws: &Aws,
        name: &StackName,
        load_balancer: Option<String>,
    ) -> Result<()> {
        let certificate = settings::read_certificate(aws, name).await?;
        let arns = certificate
            .into_iter()
            .flat_map(|certificate| [vec![certificate.arn], certificate.supersedes].concat());
        let certificate = |arn| OwnedResource::Certificate { arn, load_balancer: load_balancer.clone() };
        self.resources.extend(arns.map(certificate));
        let number = ssm::read_settings(aws, name).await?.iter().flatten().count();
        if number > 0 {
            self.resources.push(OwnedResource::Parameters { stack: name.clone(), number });
        }
        for secret in [name.client_secret(), name.certificate_secret()] {
            if secretsmanager::read_secret(aws, &secret).await?.is_some() {
                self.resources.push(OwnedResource::Secret { name: secret });
            }
        }
        Ok(())
    }
}

impl OwnedResource {
    /// Whether it holds the operator's data, which no deployment can restore.
    pub(super) fn is_data(&self) -> bool {
        matches!(
            self,
            OwnedResource::Table { .. }
                | OwnedResource::Bucket { holds_data: true, .. }
                | OwnedResource::Log { .. }
        )
    }

    /// Deletes all objects of a bucket. Does nothing to any other resource.
    pub(super) async fn empty_if_bucket(&self, aws: &Aws) -> Result<()> {
        match self {
            OwnedResource::Bucket { name, account, .. } => {
                s3::empty_bucket(aws, OwnBucket { name, account }).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Removes a resource beside the stack, a table even if it is protected.
    /// [`crate::deployment::operation::delete_stack`] removes the stack itself.
    pub(super) async fn remove(&self, aws: &Aws) -> Result<()> {
        match self {
            OwnedResource::Stack { .. } => Ok(()),
            OwnedResource::Table { name, .. } => {
                let waiting = progress::new_spinner(&format!("deleting the table {name}"));
                let deleted = dynamodb::delete_table(aws, name).await;
                waiting.finish_and_clear();
                deleted
            }
            OwnedResource::Bucket { name, account, .. } => {
                let bucket = OwnBucket { name, account };
                s3::empty_bucket(aws, bucket).await?;
                s3::delete_bucket(aws, bucket).await
            }
            OwnedResource::Log { name, .. } => cloudwatchlogs::delete_group(aws, name).await,
            OwnedResource::Certificate { arn, load_balancer } => {
                let load_balancer = load_balancer.as_deref();
                UsedCertificate { arn, load_balancer }.delete_when_released(aws).await
            }
            OwnedResource::Parameters { stack, .. } => ssm::delete_settings(aws, stack).await,
            OwnedResource::Secret { name } => secretsmanager::delete_secret(aws, name).await,
        }
    }

    /// Waits for up to `patience` until it is deleted: services list what they have deleted for a while. Returns its state then.
    pub(super) async fn await_deletion(&self, aws: &Aws, patience: Duration) -> Result<DeletionState> {
        let attempt = async || Ok((!self.exists(aws).await?).then_some(()));
        if aws.clock.poll(DELETION_PAUSE, patience, attempt).await?.is_some() {
            return Ok(DeletionState::Deleted);
        }
        let is_being_deleted = match self {
            OwnedResource::Stack { stack, .. } => cloudformation::is_being_deleted(aws, &stack.id).await?,
            OwnedResource::Table { name, .. } => dynamodb::is_being_deleted(aws, name).await?,
            _ => false,
        };
        Ok(if is_being_deleted { DeletionState::InProgress } else { DeletionState::NotDeleted })
    }

    async fn exists(&self, aws: &Aws) -> Result<bool> {
        match self {
            OwnedResource::Stack { stack, .. } => {
                cloudformation::is_deleted(aws, &stack.id).await.map(|gone| !gone)
            }
            OwnedResource::Table { name, .. } => Ok(dynamodb::table_size(aws, name).await?.is_some()),
            OwnedResource::Bucket { name, account, .. } => {
                let state = s3::read_bucket_state(aws, OwnBucket { name, account }).await?;
                Ok(state == OwnBucketState::Own)
            }
            OwnedResource::Log { name, .. } => cloudwatchlogs::group_exists(aws, name).await,
            OwnedResource::Certificate { arn, .. } => {
                Ok(acm::describe_certificate(aws, arn).await?.is_some())
            }
            OwnedResource::Parameters { stack, .. } => {
                Ok(ssm::read_settings(aws, stack).await?.iter().any(Option::is_some))
            }
            OwnedResource::Secret { name } => Ok(secretsmanager::read_secret(aws, name).await?.is_some()),
        }
    }

    /// Returns its kind and its name. How much is in it may have changed since it was listed.
    pub(super) fn to_name(&self) -> String {
        match self {
            OwnedResource::Stack { .. } => "the stack".to_owned(),
            OwnedResource::Table { name, .. } => format!("the table {name}"),
            OwnedResource::Bucket { name, .. } => format!("the bucket {name}"),
            OwnedResource::Log { name, .. } => format!("the log {name}"),
            OwnedResource::Certificate { arn, .. } => format!("the certificate {arn}"),
            OwnedResource::Parameters { stack, .. } => format!("the parameters /restctl/{stack}/…"),
            OwnedResource::Secret { name } => format!("the secret {name}"),
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
            OwnedResource::Log { name, bytes } => json!({ "kind": "log", "name": name, "bytes": bytes }),
            OwnedResource::Certificate { arn, .. } => json!({ "kind": "certificate", "name": arn }),
            OwnedResource::Parameters { stack, number } => {
                json!({ "kind": "parameters", "name": format!("/restctl/{stack}/"), "number": number })
            }
            OwnedResource::Secret { name } => json!({ "kind": "secret", "name": name }),
        }
    }
}

impl fmt::Display for OwnedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_name();
        match self {
            OwnedResource::Stack { resources, .. } => write!(f, "{name} with {resources} resources"),
            OwnedResource::Table { items, bytes, .. } => {
                write!(f, "{name} with about {items} items, {}", HumanBytes(*bytes))
            }
            OwnedResource::Bucket { versions, bytes, .. } => {
                let more = if *versions >= MAX_COUNTED { "more than " } else { "" };
                let s = if *versions == 1 { "" } else { "s" };
                write!(f, "{name} with {more}{versions} object version{s}, {}", HumanBytes(*bytes))
            }
            OwnedResource::Log { bytes, .. } => write!(f, "{name}, {}", HumanBytes(*bytes)),
            OwnedResource::Parameters { stack, number } => {
                write!(f, "{number} parameters /restctl/{stack}/…")
            }
            OwnedResource::Certificate { .. } | OwnedResource::Secret { .. } => f.write_str(&name),
        }
    }
}

#[cfg(test)]
mod tests;
