//! AWS Identity and Access Management: what somebody may do, as the policy simulator says.

use aws_sdk_iam::types::PolicyEvaluationDecisionType as Decision;

use super::Aws;
use super::call::Called;
use crate::failure::Result;

/// The ARN of a role, whose path a session does not tell.
pub(crate) async fn role_arn(aws: &Aws, name: &str) -> Result<String> {
    let answer = aws.iam.get_role().role_name(name).send().await;
    let answer = answer.called(&format!("look at the role {name}"))?;
    Ok(answer.role.map(|role| role.arn).unwrap_or_default())
}

/// Of these actions, those that the user or role may not do with the resource. One that hangs on what the simulator does not
/// know, such as a tag of the request, counts as allowed.
pub(crate) async fn denied(
    aws: &Aws,
    principal: &str,
    actions: &[&str],
    resource: &str,
) -> Result<Vec<String>> {
    let request = aws.iam.simulate_principal_policy().policy_source_arn(principal).resource_arns(resource);
    let request = request.set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()));
    let mut denied = Vec::new();
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        let results = page.called("simulate what may be done")?.evaluation_results.unwrap_or_default();
        denied.extend(results.into_iter().filter_map(|result| {
            let is_certain = match result.eval_decision {
                Decision::ExplicitDeny => true,
                Decision::ImplicitDeny => result.missing_context_values.unwrap_or_default().is_empty(),
                _ => false,
            };
            is_certain.then_some(result.eval_action_name)
        }));
    }
    Ok(denied)
}
