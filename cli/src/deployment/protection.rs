//! The deletion protection of the stack's load balancer, tables and user pool.
//!
//! It is not in the template, because CloudFormation could not remove what it has just made when a deployment fails: the
//! deletion of a protected resource fails, and the rollback with it. `deploy` turns it on when CloudFormation has ended, as it
//! does with the stack's termination protection.

use std::fmt;

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
pub(crate) enum ProtectedResource {
    LoadBalancer(String),
    Table(String),
    UserPool(String),
}

impl ProtectedResource {
    /// Returns `None` for a type that has no protection, and for a resource that was never made.
    fn new(kind: &str, id: &str) -> Option<Self> {
        let make = match kind {
            LOAD_BALANCER => Self::LoadBalancer,
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
                cloudcontrol::set_property(aws, USER_POOL, id, "DeletionProtection", wanted).await?;
                Ok(true)
            }
        }
    }
}

impl fmt::Display for ProtectedResource {
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
    protect_resources(aws, &list_protected_resources(aws, stack).await?).await
}

pub(crate) async fn protect_resources(aws: &Aws, resources: &[ProtectedResource]) -> Result<()> {
    futures_util::future::try_join_all(resources.iter().map(|resource| resource.set_protection(aws, true)))
        .await?;
    Ok(())
}

/// Takes the protection off everything that CloudFormation deletes with the stack, and returns what was protected.
pub(crate) async fn unprotect_stack(aws: &Aws, stack: &Stack) -> Result<Vec<ProtectedResource>> {
    let mut resources = list_protected_resources(aws, stack).await?;
    resources.retain(ProtectedResource::is_deleted_with_stack);
    unprotect_resources(aws, resources).await
}

/// Takes the protection off what the update deletes, and returns what was protected.
pub(crate) async fn unprotect_deleted(aws: &Aws, changes: &[Change]) -> Result<Vec<ProtectedResource>> {
    unprotect_resources(aws, find_deleted(changes)).await
}

fn find_deleted(changes: &[Change]) -> Vec<ProtectedResource> {
    let deleted = changes.iter().filter_map(Change::deleted_resource);
    let deleted = deleted.filter_map(|(kind, id)| ProtectedResource::new(kind, id));
    deleted.filter(ProtectedResource::is_deleted_with_stack).collect()
}

async fn unprotect_resources(aws: &Aws, resources: Vec<ProtectedResource>) -> Result<Vec<ProtectedResource>> {
    let mut unprotected = Vec::new();
    for resource in resources {
        if resource.set_protection(aws, false).await? {
            output::print_message(format!("turned off the deletion protection of {resource}"));
            unprotected.push(resource);
        }
    }
    Ok(unprotected)
}

async fn list_protected_resources(aws: &Aws, stack: &Stack) -> Result<Vec<ProtectedResource>> {
    let resources = cloudformation::list_resources(aws, stack).await?;
    Ok(resources.iter().filter_map(|resource| ProtectedResource::new(&resource.kind, &resource.id)).collect())
}

#[cfg(test)]
mod tests;
