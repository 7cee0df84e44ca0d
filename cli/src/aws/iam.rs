//! AWS Identity and Access Management: the permissions of a user or role, by the policy simulator, and the policies of a role.

use std::collections::BTreeSet;

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum as Kind, EvaluationResult, PolicyEvaluationDecisionType as Decision,
};

use super::Aws;
use super::error::AwsContext;
use super::sts::Caller;
use crate::failure::Result;

pub(crate) const PASS_ROLE: &str = "iam:PassRole";

const CREATE_SERVICE_LINKED_ROLE: &str = "iam:CreateServiceLinkedRole";

/// Returns the ARN of a role. The ARN of a session does not contain the role's path.
pub(crate) async fn role_arn(aws: &Aws, name: &str) -> Result<String> {
    let answer = aws.iam.get_role().role_name(name).send().await;
    let answer = answer.aws_context(&format!("read the role {name}"))?;
    Ok(answer.role.map(|role| role.arn).unwrap_or_default())
}

/// Returns the ARNs of the managed policies that are attached to a role.
pub(crate) async fn list_attached_policies(aws: &Aws, role: &str) -> Result<Vec<String>> {
    let mut policies = Vec::new();
    let mut pages = aws.iam.list_attached_role_policies().role_name(role).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context(&format!("list the policies of the role {role}"))?;
        policies
            .extend(page.attached_policies.unwrap_or_default().into_iter().filter_map(|it| it.policy_arn));
    }
    Ok(policies)
}

/// Returns the ARN of the policy that limits the permissions of a role.
pub(crate) async fn read_permissions_boundary(aws: &Aws, role: &str) -> Result<Option<String>> {
    let answer = aws.iam.get_role().role_name(role).send().await;
    let role = answer.aws_context(&format!("read the role {role}"))?.role;
    Ok(role.and_then(|role| role.permissions_boundary).and_then(|it| it.permissions_boundary_arn))
}

/// A question to the simulator: are these actions allowed on the resource?
pub(crate) struct Question<'a> {
    /// The user or role whose policies are evaluated.
    pub(crate) principal: &'a str,
    pub(crate) caller: &'a Caller,
    /// Actions of one service.
    pub(crate) actions: &'a [&'a str],
    pub(crate) resource: String,
}

/// An action that is denied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) action: String,
    /// Why the simulator may be wrong. `None` if the denial is certain.
    pub(crate) doubt: Option<String>,
}

/// Returns the actions that are denied.
pub(crate) async fn find_denials(aws: &Aws, question: Question<'_>) -> Result<Vec<Denial>> {
    let actions = question.actions.iter().map(|action| (*action).to_owned()).collect();
    let request = aws.iam.simulate_principal_policy().policy_source_arn(question.principal);
    let request = request.set_action_names(Some(actions)).resource_arns(&question.resource);
    let request = request.set_context_entries(Some(context_entries(&aws.region, &question)));
    let mut denied = Vec::new();
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        let results = page.aws_context("simulate the permissions")?.evaluation_results.unwrap_or_default();
        denied.extend(results.iter().filter_map(to_denial));
    }
    Ok(denied)
}

/// Returns the denial, or `None` if the action is allowed.
///
/// A denial is certain only if the simulator knew every condition key. Without a key's value, a condition may deny what it
/// would otherwise allow (`StringNotEquals` is true for an absent key). The missing keys are listed only for the caller's own
/// policies, not for those of the organization, nor for the permissions boundary ("EvaluationResult").
fn to_denial(result: &EvaluationResult) -> Option<Denial> {
    if !matches!(result.eval_decision, Decision::ExplicitDeny | Decision::ImplicitDeny) {
        return None;
    }
    // For the resource "*", the keys are listed with the result, otherwise with the resource.
    let resources = result.resource_specific_results();
    let missing = resources.iter().flat_map(|resource| resource.missing_context_values());
    let missing: BTreeSet<_> = missing.chain(result.missing_context_values()).map(String::as_str).collect();
    let boundaries = resources.iter().filter_map(|resource| resource.permissions_boundary_decision_detail());
    let mut boundaries = boundaries.chain(result.permissions_boundary_decision_detail());
    let organization = result.organizations_decision_detail();
    let doubt = if !missing.is_empty() {
        let missing: Vec<_> = missing.into_iter().collect();
        Some(format!("the simulator does not know {}", missing.join(", ")))
    } else if organization.is_some_and(|organization| !organization.allowed_by_organizations) {
        Some(
            "a policy of the organization denies it, and the simulator may not know its conditions"
                .to_owned(),
        )
    } else if boundaries.any(|boundary| !boundary.allowed_by_permissions_boundary) {
        Some("the permissions boundary denies it, and the simulator may not know its conditions".to_owned())
    } else {
        None
    };
    Some(Denial { action: result.eval_action_name.clone(), doubt })
}

/// Returns the condition keys whose values are known. The simulator itself assumes no values.
fn context_entries(region: &str, question: &Question<'_>) -> Vec<ContextEntry> {
    let account = question.caller.account.as_str();
    let mut known = vec![
        ("aws:SecureTransport", Kind::Boolean, "true"),
        ("aws:PrincipalAccount", Kind::String, account),
        ("aws:ResourceAccount", Kind::String, account),
    ];
    let region = requested_region(region, question);
    known.extend(region.map(|region| ("aws:RequestedRegion", Kind::String, region)));
    if question.actions.contains(&PASS_ROLE) {
        known.push(("iam:PassedToService", Kind::String, "lambda.amazonaws.com"));
    }
    if question.actions.contains(&CREATE_SERVICE_LINKED_ROLE) {
        known.push(("iam:AWSServiceName", Kind::String, "elasticloadbalancing.amazonaws.com"));
    }
    let entry = |(name, kind, value): (&str, Kind, &str)| {
        ContextEntry::builder()
            .context_key_name(name)
            .context_key_type(kind)
            .context_key_values(value)
            .build()
    };
    known.into_iter().map(entry).collect()
}

/// Returns the region of the endpoint that the calls go to. Global services have one endpoint, which is in us-east-1 ("AWS:
/// Denies access to AWS based on the requested Region"). `None` in other partitions, where it is elsewhere.
fn requested_region<'a>(region: &'a str, question: &Question<'_>) -> Option<&'a str> {
    let services = question.actions.iter().map(|action| action.split(':').next());
    let is_global = services.flatten().any(|service| matches!(service, "iam" | "route53"));
    match (is_global, question.caller.partition()) {
        (false, _) => Some(region),
        (true, "aws") => Some("us-east-1"),
        (true, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::builders::EvaluationResultBuilder;
    use aws_sdk_iam::types::{
        OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, ResourceSpecificResult,
    };

    use super::*;

    fn result_with(decision: Decision) -> EvaluationResultBuilder {
        EvaluationResult::builder().eval_action_name("iam:CreateRole").eval_decision(decision)
    }

    fn on_a_resource(decision: Decision, missing: Option<&str>) -> ResourceSpecificResult {
        ResourceSpecificResult::builder()
            .eval_resource_name("arn")
            .eval_resource_decision(decision)
            .set_missing_context_values(missing.map(|key| vec![key.to_owned()]))
            .build()
            .unwrap()
    }

    fn doubt_about(result: EvaluationResultBuilder) -> Option<String> {
        let denial = to_denial(&result.build().unwrap()).expect("a denial");
        assert_eq!(denial.action, "iam:CreateRole");
        denial.doubt
    }

    #[test]
    fn a_denial_with_all_keys_known_is_certain() {
        assert_eq!(to_denial(&result_with(Decision::Allowed).build().unwrap()), None);
        let allowed = OrganizationsDecisionDetail::builder().allowed_by_organizations(true).build();
        let bounded =
            PermissionsBoundaryDecisionDetail::builder().allowed_by_permissions_boundary(true).build();
        for decision in [Decision::ExplicitDeny, Decision::ImplicitDeny] {
            assert_eq!(doubt_about(result_with(decision.clone())), None);
            let resource = on_a_resource(decision.clone(), None);
            let result = result_with(decision).resource_specific_results(resource);
            let result = result.organizations_decision_detail(allowed.clone());
            assert_eq!(doubt_about(result.permissions_boundary_decision_detail(bounded.clone())), None);
        }
    }

    #[test]
    fn a_missing_key_makes_a_denial_doubtful() {
        let mfa = "aws:MultiFactorAuthPresent";
        for decision in [Decision::ExplicitDeny, Decision::ImplicitDeny] {
            let on_all = result_with(decision.clone()).missing_context_values(mfa);
            let on_one = result_with(decision.clone())
                .resource_specific_results(on_a_resource(decision.clone(), Some(mfa)));
            let on_both = on_all.clone().resource_specific_results(on_a_resource(decision, Some(mfa)));
            for result in [on_all, on_one, on_both] {
                assert_eq!(doubt_about(result).unwrap(), format!("the simulator does not know {mfa}"));
            }
        }
    }

    #[test]
    fn a_denial_by_an_organization_or_a_boundary_is_doubtful() {
        let denied = OrganizationsDecisionDetail::builder().allowed_by_organizations(false).build();
        let result = result_with(Decision::ImplicitDeny).organizations_decision_detail(denied);
        assert!(doubt_about(result).unwrap().contains("organization"));
        let denied =
            PermissionsBoundaryDecisionDetail::builder().allowed_by_permissions_boundary(false).build();
        let result = result_with(Decision::ImplicitDeny).permissions_boundary_decision_detail(denied.clone());
        assert!(doubt_about(result).unwrap().contains("boundary"));
        let mut resource = on_a_resource(Decision::ExplicitDeny, None);
        resource.permissions_boundary_decision_detail = Some(denied);
        let result = result_with(Decision::ExplicitDeny).resource_specific_results(resource);
        assert!(doubt_about(result).unwrap().contains("boundary"));
    }

    fn known_value(partition: &str, actions: &[&str], key: &str) -> Option<String> {
        let arn = format!("arn:{partition}:iam::123456789012:user/me");
        let caller = Caller { account: "123456789012".to_owned(), arn };
        let question = Question { principal: "me", caller: &caller, actions, resource: "*".to_owned() };
        let entries = context_entries("eu-west-1", &question);
        let entry = entries.iter().find(|entry| entry.context_key_name() == Some(key))?;
        Some(entry.context_key_values().join(","))
    }

    #[test]
    fn the_simulator_is_given_the_known_keys() {
        let region = |partition, action| known_value(partition, &[action], "aws:RequestedRegion");
        assert_eq!(region("aws", "lambda:CreateFunction").unwrap(), "eu-west-1");
        assert_eq!(region("aws", "iam:CreateRole").unwrap(), "us-east-1");
        assert_eq!(region("aws-cn", "iam:CreateRole"), None);
        assert_eq!(region("aws-cn", "lambda:CreateFunction").unwrap(), "eu-west-1");
        assert_eq!(known_value("aws", &["s3:CreateBucket"], "aws:SecureTransport").unwrap(), "true");
        for key in ["aws:PrincipalAccount", "aws:ResourceAccount"] {
            assert_eq!(known_value("aws", &["s3:CreateBucket"], key).unwrap(), "123456789012");
        }
        let passed = |action| known_value("aws", &[action], "iam:PassedToService");
        assert_eq!(passed("iam:PassRole").unwrap(), "lambda.amazonaws.com");
        assert_eq!(passed("iam:CreateRole"), None);
        let linked = |action| known_value("aws", &[action], "iam:AWSServiceName");
        assert_eq!(linked("iam:CreateServiceLinkedRole").unwrap(), "elasticloadbalancing.amazonaws.com");
        assert_eq!(linked("iam:CreateRole"), None);
    }
}
