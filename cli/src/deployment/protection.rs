//! The deletion protection of the stack's load balancer, tables and user pool.
//!
//! It is not in the template, because CloudFormation could not remove what it has just made when a deployment fails: the
//! deletion of a protected resource fails, and the rollback with it. `deploy` turns it on when CloudFormation has finished, as it
//! does with the stack's termination protection.

use std::fmt;

use serde_json::{Value, json};

use crate::aws::cloudformation::change_set::Change;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, cloudcontrol, dynamodb, elasticloadbalancing};
use crate::failure::Result;
use crate::terminal::output;

const LOAD_BALANCER: &str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
const TABLE: &str = "AWS::DynamoDB::Table";
const USER_POOL: &str = "AWS::Cognito::UserPool";

/// A resource that can be protected from deletion, by its physical id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProtectableResource {
    LoadBalancer(String),
    Table(String),
    UserPool(String),
}

impl ProtectableResource {
    /// Returns `None` for a type that has no protection, and for a resource that was never made.
    fn new(kind: &str, id: &str) -> Option<Self> {
        let make = match kind {
            // A load balancer that could not be created may have another id.
            LOAD_BALANCER if id.starts_with("arn:") => Self::LoadBalancer,
            TABLE => Self::Table,
            USER_POOL => Self::UserPool,
            _ => return None,
        };
        (!id.is_empty()).then(|| make(id.to_owned()))
    }

    /// Whether CloudFormation deletes it with the stack. It leaves the tables.
    fn is_deleted_with_stack(&self) -> bool {
        !matches!(self, Self::Table(_))
    }

    /// Returns whether that changed anything.
    async fn set_protection(&self, aws: &Aws, on: bool) -> Result<bool> {
        match self {
            Self::LoadBalancer(arn) => elasticloadbalancing::set_deletion_protection(aws, arn, on).await,
            Self::Table(name) => dynamodb::set_deletion_protection(aws, name, on).await,
            Self::UserPool(id) => {
                let wanted = if on { "ACTIVE" } else { "INACTIVE" };
                let Some(pool) = cloudcontrol::read_properties(aws, USER_POOL, id).await? else {
                    return Ok(false);
                };
                // A pool that has never been protected may lack the property.
                if pool["DeletionProtection"].as_str().unwrap_or("INACTIVE") == wanted {
                    return Ok(false);
                }
                let changing = format!("change DeletionProtection of {id}");
                let patch = user_pool_patch(&pool, wanted);
                cloudcontrol::patch_resource(aws, USER_POOL, id, &patch, &changing).await?;
                Ok(true)
            }
        }
    }
}

/// Returns the patch that sets the protection. UpdateUserPool refuses the two names of one setting together, although a pool
/// has both when it is read ("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays").
fn user_pool_patch(pool: &Value, protection: &str) -> Value {
    const OLD_NAME: &str = "/AdminCreateUserConfig/UnusedAccountValidityDays";
    // "add" also replaces a member that exists.
    let mut patch = vec![json!({ "op": "add", "path": "/DeletionProtection", "value": protection })];
    if pool.pointer(OLD_NAME).is_some() {
        patch.push(json!({ "op": "remove", "path": OLD_NAME }));
    }
    patch.into()
}

impl fmt::Display for ProtectableResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadBalancer(arn) => write!(f, "the load balancer {arn}"),
            Self::Table(name) => write!(f, "the table {name}"),
            Self::UserPool(id) => write!(f, "the user pool {id}"),
        }
    }
}

/// Protects each resource of the stack that can be protected.
pub(crate) async fn protect_stack(aws: &Aws, stack: &Stack) -> Result<()> {
    protect_resources(aws, &list_protectable_resources(aws, stack).await?).await
}

/// Protects again what was unprotected for an operation that did not happen. A failure of it is only printed, because that of
/// the operation matters more.
pub(crate) async fn restore_protection(aws: &Aws, unprotected: &[ProtectableResource]) {
    if let Err(failure) = protect_resources(aws, unprotected).await {
        output::print_failure(&failure);
    }
}

async fn protect_resources(aws: &Aws, resources: &[ProtectableResource]) -> Result<()> {
    futures_util::future::try_join_all(resources.iter().map(|resource| resource.set_protection(aws, true)))
        .await?;
    Ok(())
}

/// Takes the protection off everything that CloudFormation deletes with the stack, and returns what was protected.
pub(crate) async fn unprotect_stack(aws: &Aws, stack: &Stack) -> Result<Vec<ProtectableResource>> {
    let mut resources = list_protectable_resources(aws, stack).await?;
    resources.retain(ProtectableResource::is_deleted_with_stack);
    unprotect_resources(aws, resources).await
}

/// Takes the protection off what the update deletes, and returns what was protected.
pub(crate) async fn unprotect_deleted(aws: &Aws, changes: &[Change]) -> Result<Vec<ProtectableResource>> {
    unprotect_resources(aws, find_deleted(changes)).await
}

fn find_deleted(changes: &[Change]) -> Vec<ProtectableResource> {
    let deleted = changes.iter().filter_map(Change::deleted_resource);
    let deleted = deleted.filter_map(|(kind, id)| ProtectableResource::new(kind, id));
    deleted.filter(ProtectableResource::is_deleted_with_stack).collect()
}

async fn unprotect_resources(
    aws: &Aws,
    resources: Vec<ProtectableResource>,
) -> Result<Vec<ProtectableResource>> {
    let mut unprotected = Vec::new();
    for resource in resources {
        match resource.set_protection(aws, false).await {
            Ok(true) => {
                output::print_message(format!("turned off the deletion protection of {resource}"));
                unprotected.push(resource);
            }
            Ok(false) => {}
            Err(failure) => {
                restore_protection(aws, &unprotected).await;
                return Err(failure);
            }
        }
    }
    Ok(unprotected)
}

async fn list_protectable_resources(aws: &Aws, stack: &Stack) -> Result<Vec<ProtectableResource>> {
    let resources = cloudformation::list_resources(aws, stack).await?;
    Ok(resources
        .iter()
        .filter_map(|resource| ProtectableResource::new(&resource.kind, &resource.id))
        .collect())
}

#[cfg(test)]
mod tests;
