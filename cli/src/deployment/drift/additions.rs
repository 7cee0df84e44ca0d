//! Finds what someone added beside the stack: another way to what it serves, or more permissions. The template does not have it,
//! so CloudFormation does not compare it ("Detect unmanaged configuration changes to stacks and resources with drift detection",
//! AWS CloudFormation User Guide). Inline policies of a role are no such addition, because the template sets their list. A target
//! group takes one function ("Quotas for your Application Load Balancers"), so no other one can be added to it.

use futures_util::FutureExt;
use futures_util::future::join_all;
use restctl_contract::template::{LIVE, output as stack_output};
use serde_json::Value;

use super::resources::ComparedResources;
use super::{Difference, ResourceDrift};
use crate::aws::cloudformation::{Resource, Stack};
use crate::aws::lambda::access::{self, NO_AUTH};
use crate::aws::{Aws, elasticloadbalancing, iam, lambda};
use crate::failure::{Result, shell_argument};

const FUNCTION_URL: &str = "AWS::Lambda::Url";

/// The functions, by the names in the template, and the outputs with their names.
const FUNCTIONS: [(&str, &str); 2] =
    [("ApiFunction", stack_output::API_FUNCTION), ("IngestFunction", stack_output::INGEST_FUNCTION)];

/// Whether anyone can call a function through this addition.
pub(crate) fn is_open(addition: &ResourceDrift) -> bool {
    let is_without_token = |difference: &Difference| difference.actual.as_deref() == Some(NO_AUTH);
    addition.kind == FUNCTION_URL && addition.differences.iter().any(is_without_token)
}

/// Finds all additions to these resources of the stack. One that cannot be looked for hides no other.
pub(crate) async fn find_additions(aws: &Aws, stack: &Stack, resources: &[Resource]) -> ComparedResources {
    let [api, ingest] = FUNCTIONS;
    let searches = [
        find_listeners(aws, resources).boxed(),
        find_rules(aws, resources).boxed(),
        find_function_urls(aws, stack, api).boxed(),
        find_function_urls(aws, stack, ingest).boxed(),
        find_permissions(aws, stack, resources, api).boxed(),
        find_permissions(aws, stack, resources, ingest).boxed(),
        find_mappings(aws, stack, resources).boxed(),
        find_role_policies(aws, resources, "ApiRole").boxed(),
        find_role_policies(aws, resources, "IngestRole").boxed(),
    ];
    let mut found = ComparedResources::default();
    for additions in join_all(searches).await {
        match additions {
            Ok(mut additions) => found.drifts.append(&mut additions),
            Err(failure) => found.failures.push(failure),
        }
    }
    found
}

/// Finds other listeners of the load balancer, such as one without TLS.
async fn find_listeners(aws: &Aws, resources: &[Resource]) -> Result<Vec<ResourceDrift>> {
    let Some(load_balancer) = find_by_name(resources, "LoadBalancer") else { return Ok(Vec::new()) };
    let listeners = elasticloadbalancing::list_listeners(aws, &load_balancer.id).await?;
    let added = listeners.into_iter().filter(|listener| !is_of_stack(resources, &listener.arn));
    Ok(added
        .map(|listener| Addition {
            resource: "listener of LoadBalancer".to_owned(),
            kind: "AWS::ElasticLoadBalancingV2::Listener",
            property: "Port",
            remove: format!(
                "aws elbv2 delete-listener --listener-arn {}",
                shell_argument(&listener.arn, "ARN")
            ),
            physical_id: listener.arn,
            actual: listener.port,
        })
        .map(ResourceDrift::from)
        .collect())
}

/// Finds other rules of the listener, which come before its default action.
async fn find_rules(aws: &Aws, resources: &[Resource]) -> Result<Vec<ResourceDrift>> {
    let Some(listener) = find_by_name(resources, "HttpsListener") else { return Ok(Vec::new()) };
    let rules = elasticloadbalancing::list_rules(aws, &listener.id).await?;
    let added = rules.into_iter().filter(|rule| !is_of_stack(resources, &rule.arn));
    Ok(added
        .map(|rule| Addition {
            resource: format!("rule {} of HttpsListener", rule.priority),
            kind: "AWS::ElasticLoadBalancingV2::ListenerRule",
            property: "Actions",
            remove: format!("aws elbv2 delete-rule --rule-arn {}", shell_argument(&rule.arn, "ARN")),
            physical_id: rule.arn,
            actual: rule.actions,
        })
        .map(ResourceDrift::from)
        .collect())
}

/// Finds the URLs of a function and its aliases. The template has none.
async fn find_function_urls(
    aws: &Aws,
    stack: &Stack,
    (name, output): (&str, &str),
) -> Result<Vec<ResourceDrift>> {
    let function = stack.output(output)?;
    let urls = access::list_function_urls(aws, function).await?;
    Ok(urls
        .into_iter()
        .map(|url| Addition {
            resource: format!("function URL of {name}"),
            kind: FUNCTION_URL,
            property: "AuthType",
            remove: format!(
                "aws lambda delete-function-url-config {}",
                function_arguments(function, url.alias.as_deref())
            ),
            physical_id: url.url,
            actual: url.auth_type,
        })
        .map(ResourceDrift::from)
        .collect())
}

/// Finds who else may call a function or its live version.
async fn find_permissions(
    aws: &Aws,
    stack: &Stack,
    resources: &[Resource],
    (name, output): (&str, &str),
) -> Result<Vec<ResourceDrift>> {
    let function = stack.output(output)?;
    let (of_function, of_alias) = tokio::try_join!(
        access::list_statements(aws, function, None),
        access::list_statements(aws, function, Some(LIVE)),
    )?;
    let of_function = of_function.into_iter().map(|statement| (None, statement));
    let statements = of_function.chain(of_alias.into_iter().map(|statement| (Some(LIVE), statement)));
    let added = statements.filter(|(_, statement)| !is_of_stack(resources, &statement.id));
    Ok(added
        .map(|(alias, statement)| Addition {
            resource: format!("permission {} on {name}", statement.id),
            kind: "AWS::Lambda::Permission",
            property: "Principal",
            remove: format!(
                "aws lambda remove-permission {} --statement-id {}",
                function_arguments(function, alias),
                shell_argument(&statement.id, "ID")
            ),
            physical_id: statement.id,
            actual: statement.principal,
        })
        .map(ResourceDrift::from)
        .collect())
}

/// Finds other event source mappings of the ingest function, and those that take loads from the queue.
async fn find_mappings(aws: &Aws, stack: &Stack, resources: &[Resource]) -> Result<Vec<ResourceDrift>> {
    let queue = stack.output(stack_output::LOAD_QUEUE)?.rsplit('/').next().unwrap_or_default();
    let queue = stack.arn_beside("sqs", queue);
    let function =
        stack.arn_beside("lambda", &format!("function:{}", stack.output(stack_output::INGEST_FUNCTION)?));
    let is_of_function =
        |arn: &str| arn.strip_prefix(&function).is_some_and(|it| it.is_empty() || it.starts_with(':'));
    let mappings = access::list_event_source_mappings(aws).await?;
    let added = mappings.into_iter().filter(|mapping| {
        (is_of_function(&mapping.function) || mapping.source == queue) && !is_of_stack(resources, &mapping.id)
    });
    Ok(added
        .map(|mapping| Addition {
            resource: if is_of_function(&mapping.function) {
                "event source mapping of IngestFunction".to_owned()
            } else {
                "event source mapping of LoadQueue".to_owned()
            },
            kind: lambda::MAPPING,
            property: "EventSourceArn",
            remove: format!(
                "aws lambda delete-event-source-mapping --uuid {}",
                shell_argument(&mapping.id, "UUID")
            ),
            physical_id: mapping.id,
            actual: mapping.source,
        })
        .map(ResourceDrift::from)
        .collect())
}

/// Finds the managed policies and the permissions boundary of a role. The template sets neither.
async fn find_role_policies(aws: &Aws, resources: &[Resource], name: &str) -> Result<Vec<ResourceDrift>> {
    let Some(role) = find_by_name(resources, name) else { return Ok(Vec::new()) };
    let (attached, boundary) = tokio::try_join!(
        iam::list_attached_policies(aws, &role.id),
        iam::read_permissions_boundary(aws, &role.id),
    )?;
    let of_role = shell_argument(&role.id, "ROLE");
    let addition = |property, policy, remove| {
        ResourceDrift::from(Addition {
            resource: name.to_owned(),
            kind: "AWS::IAM::Role",
            physical_id: role.id.clone(),
            property,
            actual: policy,
            remove,
        })
    };
    let attached = attached.into_iter().map(|policy| {
        let arn = shell_argument(&policy, "ARN");
        let remove = format!("aws iam detach-role-policy --role-name {of_role} --policy-arn {arn}");
        addition("ManagedPolicyArns", policy, remove)
    });
    let boundary = boundary.map(|policy| {
        let remove = format!("aws iam delete-role-permissions-boundary --role-name {of_role}");
        addition("PermissionsBoundary", policy, remove)
    });
    Ok(attached.chain(boundary).collect())
}

/// What someone added.
struct Addition {
    /// What it is, and of which resource of the template.
    resource: String,
    kind: &'static str,
    physical_id: String,
    /// What says most about it.
    property: &'static str,
    actual: String,
    remove: String,
}

impl From<Addition> for ResourceDrift {
    fn from(addition: Addition) -> Self {
        let Addition { resource, kind, physical_id, property, actual, remove } = addition;
        let difference = Difference { property: property.to_owned(), expected: None, actual: Some(actual) };
        Self {
            resource,
            kind: kind.to_owned(),
            physical_id,
            differences: vec![difference],
            expected: Value::Null,
            remove: Some(remove),
        }
    }
}

fn find_by_name<'a>(resources: &'a [Resource], name: &str) -> Option<&'a Resource> {
    resources.iter().find(|resource| resource.name == name)
}

fn is_of_stack(resources: &[Resource], id: &str) -> bool {
    resources.iter().any(|resource| resource.id == id)
}

fn function_arguments(function: &str, alias: Option<&str>) -> String {
    let function = format!("--function-name {}", shell_argument(function, "FUNCTION"));
    match alias {
        Some(alias) => format!("{function} --qualifier {}", shell_argument(alias, "ALIAS")),
        None => function,
    }
}

#[cfg(test)]
mod tests;
