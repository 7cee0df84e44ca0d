//! The permissions that a deployment needs: those of the handlers that make the template's resources, and those of restctl's
//! own calls. `.ci/permissions.py` derives them, each with a resource with which it can be simulated.

use std::collections::BTreeMap;

use restctl_contract::stack::StackName;
use restctl_contract::template::parameter;
use serde::Deserialize;

use crate::aws::iam::PASS_ROLE;
use crate::deployment::preflight::Deployment;
use crate::failure::{Failure, Result};

const PERMISSIONS: &str = include_str!("../../../../../templates/permissions.json");

/// CloudFormation names load balancers and target groups after the stack's first characters. AWS does not document that. If the
/// stack's name is shorter, the name here is a guess, and a denial on it is not certain.
const SHORT_STACK_NAME: usize = 6;

/// The place of these characters in an ARN.
const SHORT_STACK: &str = "{short stack}";

/// How certain it is that a deployment needs an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Necessity {
    Possible,
    Certain,
}

/// Actions that are simulated together with one resource, and how certainly each is needed.
pub(super) type Necessities = BTreeMap<&'static str, Necessity>;

#[derive(Deserialize)]
struct Permissions<'a> {
    /// The template's conditions by name. A condition is met if all its tests are.
    #[serde(borrow)]
    conditions: BTreeMap<&'a str, Vec<Test<'a>>>,
    #[serde(borrow)]
    permissions: Vec<Needed<'a>>,
}

#[derive(Deserialize)]
struct Test<'a> {
    parameter: &'a str,
    is_equal: bool,
    value: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Needed<'a> {
    /// The condition of the resource or property that needs the actions. `None` if every stack has it.
    condition: Option<&'a str>,
    /// An ARN like those of the real resources, with `{…}` for the parts that depend on the deployment. "*" for actions that
    /// support no resources.
    resource: &'a str,
    /// Actions that every deployment needs.
    #[serde(default, borrow)]
    always: Vec<&'a str>,
    /// Actions that create the resource. An update needs them only if it replaces or changes the resource.
    #[serde(default, borrow)]
    create: Vec<&'a str>,
    /// Actions that delete the resource, also after a failed creation.
    #[serde(default, borrow)]
    delete: Vec<&'a str>,
    /// Actions that read the resource. Its other handlers may do so, to return what the read handler returns.
    #[serde(default, borrow)]
    read: Vec<&'a str>,
    /// Actions of a deployment that takes an unusual course.
    #[serde(default, borrow)]
    sometimes: Vec<&'a str>,
    /// Actions that update the resource.
    #[serde(default, borrow)]
    update: Vec<&'a str>,
}

/// Returns the actions that a deployment needs, or may need. Those that are simulated together have the same resource, and
/// belong to one service, as do the condition keys that the simulator is given.
pub(super) fn find_needed(
    deployment: &Deployment<'_>,
    stack: &StackName,
    region: &str,
) -> Result<Vec<(String, Necessities)>> {
    let Permissions { conditions, permissions } = serde_json::from_str(PERMISSIONS)
        .map_err(|error| Failure::new("the list of permissions is unreadable").why(error.to_string()))?;
    let is_met = |condition: Option<&str>, value_of: &dyn Fn(&str) -> String| {
        let tests = condition.and_then(|name| conditions.get(name)).into_iter().flatten();
        tests.into_iter().all(|test| (value_of(test.parameter) == test.value) == test.is_equal)
    };
    let mut found: BTreeMap<(String, &str), Necessities> = BTreeMap::new();
    for needed in permissions {
        let is_needed = is_met(needed.condition, &|name| deployment.parameter(name).to_owned());
        let was_needed = deployment.deployed_stack().is_some_and(|stack| {
            is_met(needed.condition, &|name| stack.parameter(name).unwrap_or_default().to_owned())
        });
        let resource = fill_in(needed.resource, deployment, stack, region);
        let is_guess = needed.resource.contains(SHORT_STACK) && stack.as_str().len() < SHORT_STACK_NAME;
        for (action, necessity) in needed.actions(is_needed, was_needed) {
            let necessity = if is_guess { Necessity::Possible } else { necessity };
            let actions = found.entry((resource.clone(), simulated_with(action))).or_default();
            let known = actions.entry(action).or_insert(necessity);
            *known = necessity.max(*known);
        }
    }
    Ok(found.into_iter().map(|((resource, _), actions)| (resource, actions)).collect())
}

impl Needed<'static> {
    /// `is_needed` and `was_needed` say whether the new stack and the existing one have what needs the actions.
    fn actions(&self, is_needed: bool, was_needed: bool) -> impl Iterator<Item = (&'static str, Necessity)> {
        let to_create = if was_needed { Necessity::Possible } else { Necessity::Certain };
        let uses = [
            (&self.always, is_needed, Necessity::Certain),
            (&self.create, is_needed, to_create),
            (&self.delete, is_needed || was_needed, Necessity::Possible),
            (&self.read, is_needed, Necessity::Possible),
            (&self.sometimes, is_needed, Necessity::Possible),
            (&self.update, was_needed, Necessity::Possible),
        ];
        let uses = uses.into_iter().filter(|(_, are_needed, _)| *are_needed);
        uses.flat_map(|(actions, _, necessity)| actions.iter().map(move |action| (*action, necessity)))
    }
}

/// Returns the name of the group of actions with which an action is simulated. `iam:PassRole` has condition keys of its own.
fn simulated_with(action: &'static str) -> &'static str {
    if action == PASS_ROLE { action } else { action.split(':').next().unwrap_or_default() }
}

/// Fills in the parts of an ARN that depend on the deployment.
fn fill_in(arn: &str, deployment: &Deployment<'_>, stack: &StackName, region: &str) -> String {
    let short_stack: String = stack.as_str().chars().take(SHORT_STACK_NAME).collect();
    let known = [
        ("{partition}", deployment.caller.partition()),
        ("{region}", region),
        ("{account}", deployment.caller.account.as_str()),
        ("{stack}", stack.as_str()),
        (SHORT_STACK, short_stack.as_str()),
        ("{artifacts}", deployment.artifacts.name),
        ("{hosted zone}", deployment.parameter(parameter::HOSTED_ZONE)),
    ];
    known.iter().fold(arn.to_owned(), |arn, (name, value)| arn.replace(name, value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::deployment::preflight::fixture::with_deployment;

    type Parameters<'a> = &'a [(&'static str, &'a str)];

    fn needed_by(parameters: Parameters<'_>, before: Option<Parameters<'_>>) -> Vec<(String, Necessities)> {
        let stack: StackName = "orders-eu".parse().unwrap();
        with_deployment(parameters, before, |deployment| {
            find_needed(deployment, &stack, "eu-west-1").unwrap()
        })
    }

    /// Returns the actions that a deployment of these parameters certainly needs.
    fn certain_actions(parameters: Parameters<'_>, before: Option<Parameters<'_>>) -> BTreeSet<&'static str> {
        let needed = needed_by(parameters, before).into_iter().flat_map(|(_, actions)| actions);
        needed.filter(|(_, necessity)| *necessity == Necessity::Certain).map(|(action, _)| action).collect()
    }

    /// Whether a new stack of these parameters may need it.
    fn may_need(parameters: Parameters<'_>, action: &str) -> bool {
        needed_by(parameters, None).iter().any(|(_, actions)| actions.contains_key(action))
    }

    #[test]
    fn actions_are_simulated_on_the_names_that_aws_makes() {
        let needed = needed_by(&[], None);
        let resources_of = |action| {
            let resources = needed.iter().filter(move |(_, actions)| actions.contains_key(action));
            resources.map(|(resource, _)| resource.as_str()).collect::<Vec<_>>()
        };
        let load_balancer = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/orders-LoadB-preflight/preflight";
        assert_eq!(resources_of("elasticloadbalancing:CreateLoadBalancer"), [load_balancer]);
        assert_eq!(
            resources_of("iam:CreateRole"),
            ["arn:aws:iam::123456789012:role/orders-eu-ApiRole-preflight"]
        );
        assert_eq!(resources_of("ec2:DescribeVpcs"), ["*"]);
        let buckets = ["arn:aws:s3:::artifacts", "arn:aws:s3:::orders-eu-databucket-preflight"];
        assert_eq!(resources_of("s3:CreateBucket"), buckets);
    }

    #[test]
    fn a_guessed_name_makes_no_denial_certain() {
        let necessity_of = |stack: &str, action| {
            let stack: StackName = stack.parse().unwrap();
            let needed = with_deployment(&[], None, |deployment| {
                find_needed(deployment, &stack, "eu-west-1").unwrap()
            });
            needed.iter().find_map(|(_, actions)| actions.get(action).copied()).unwrap()
        };
        let create = "elasticloadbalancing:CreateLoadBalancer";
        assert_eq!(necessity_of("orders", create), Necessity::Certain);
        assert_eq!(necessity_of("api", create), Necessity::Possible);
        assert_eq!(necessity_of("api", "iam:CreateRole"), Necessity::Certain);
    }

    #[test]
    fn no_part_of_an_arn_is_left_open() {
        for parameters in [&[][..], &[(parameter::IDP, "cognito"), (parameter::DOMAIN, "a.example.com")]] {
            for (resource, actions) in needed_by(parameters, None) {
                assert!(!resource.contains('{'), "{resource}");
                let groups: BTreeSet<_> = actions.keys().copied().map(simulated_with).collect();
                assert_eq!(groups.len(), 1, "{resource} is asked about {groups:?}");
            }
        }
    }

    #[test]
    fn unused_options_need_no_permissions() {
        let unset: &[&str] = &["", "off", "external"];
        for ((name, value), without, action) in [
            ((parameter::PRIVATE_NETWORK, "on"), unset, "ec2:AllocateAddress"),
            ((parameter::EDGE_JWT, "on"), unset, "elasticloadbalancing:CreateRule"),
            ((parameter::IDP, "cognito"), unset, "cognito-idp:CreateUserPool"),
            ((parameter::IDP, "cognito"), unset, "secretsmanager:CreateSecret"),
            ((parameter::LIST, "on"), unset, "secretsmanager:CreateSecret"),
            ((parameter::DOMAIN, "a.example.com"), &[""], "route53:ChangeResourceRecordSets"),
            ((parameter::API_CONCURRENCY, "450"), &[""], "lambda:PutFunctionConcurrency"),
        ] {
            assert!(certain_actions(&[(name, value)], None).contains(action), "{action}");
            for value in without {
                assert!(!may_need(&[(name, value)], action), "{action} with {name} {value:?}");
            }
        }
        assert!(
            may_need(&[], "ec2:CreateVpc")
                && !may_need(&[(parameter::EXISTING_VPC, "vpc-1")], "ec2:CreateVpc")
        );
    }

    #[test]
    fn an_existing_stack_needs_permissions_for_what_is_added() {
        let plain = [(parameter::LIST, "off")];
        assert!(certain_actions(&plain, None).contains("iam:CreateRole"));
        let unchanged = certain_actions(&plain, Some(&plain));
        assert!(!unchanged.contains("iam:CreateRole") && unchanged.contains("lambda:PublishVersion"));
        let listed = [(parameter::LIST, "on")];
        let added = certain_actions(&listed, Some(&plain));
        let added: BTreeSet<_> = added.difference(&unchanged).copied().collect();
        let secret = ["CreateSecret", "DescribeSecret", "GetRandomPassword", "TagResource"];
        assert_eq!(
            added,
            secret.map(|action| format!("secretsmanager:{action}")).iter().map(String::as_str).collect()
        );
        assert_eq!(certain_actions(&listed, Some(&listed)), unchanged);
        let named = [(parameter::DOMAIN, "a.example.com")];
        assert!(certain_actions(&named, Some(&plain)).contains("route53:GetChange"));
        assert!(!certain_actions(&named, Some(&named)).contains("route53:GetChange"));
    }

    #[test]
    fn an_option_that_is_turned_off_may_need_permissions_to_delete() {
        let listed = [(parameter::LIST, "on")];
        let plain = [(parameter::LIST, "off")];
        let may_delete = |needed: Vec<(String, Necessities)>| {
            let mut actions = needed.iter().flat_map(|(_, actions)| actions);
            actions.any(|found| found == (&"secretsmanager:DeleteSecret", &Necessity::Possible))
        };
        assert!(may_delete(needed_by(&plain, Some(&listed))));
        assert!(!may_delete(needed_by(&plain, Some(&plain))));
    }

    #[test]
    fn unusual_calls_are_never_certain() {
        for action in ["cloudformation:DeleteStack", "dynamodb:DeleteTable", "lambda:UpdateAlias"] {
            assert!(may_need(&[], action) && !certain_actions(&[], None).contains(action), "{action}");
        }
        assert!(
            !may_need(&[], "ec2:UpdateSecurityGroupRuleDescriptionsIngress"),
            "a new stack updates nothing"
        );
    }
}
