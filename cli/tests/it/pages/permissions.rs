//! The permissions on the pages are those that the preflight simulates, and those that restctl calls.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;

use super::markdown::{Page, repository_root};
use super::source;

const PAGE: &str = "cli/docs/iam-permissions.md";
const DEPLOYMENT_PAGE: &str = "templates/permissions.md";

/// The actions of operations whose permission has another name, or that need none or several. Elastic Load Balancing is called
/// to register targets only on the local cloud.
const ACTIONS_OF_OPERATIONS: &str = include_str!("actions_of_operations.json");

/// An action that AWS requires to import a certificate with tags.
const WITHOUT_CALL: &str = "acm:AddTagsToCertificate";

/// Actions of calls that have succeeded before the preflight.
const CALLED_BEFORE: [&str; 10] = [
    "cloudformation:DescribeStacks",
    "dynamodb:ListTables",
    "dynamodb:ListTagsOfResource",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "s3:GetBucketTagging",
    "s3:ListAllMyBuckets",
    "s3:ListBucketVersions",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameters",
];

/// The keys of conditions in the policies.
const CONDITION_KEYS: [&str; 2] = ["iam:AWSServiceName", "iam:PassedToService"];

/// Returns the IAM actions that a text quotes.
fn actions_in(text: &str) -> BTreeSet<String> {
    let action = Regex::new(r#"["`]([a-z0-9-]+:[A-Z]\w+)["`]"#).unwrap();
    action.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Returns the actions that the preflight simulates.
fn simulated_actions() -> BTreeSet<String> {
    actions_in(&std::fs::read_to_string(repository_root().join("templates/permissions.json")).unwrap())
}

#[test]
fn the_policies_allow_what_the_preflight_simulates() {
    let mut allowed = actions_in(&Page::read(DEPLOYMENT_PAGE).text);
    allowed.retain(|action| !CONDITION_KEYS.contains(&action.as_str()));
    let mut needed = simulated_actions();
    needed.extend(CALLED_BEFORE.map(str::to_owned));
    assert_eq!(allowed, needed);
}

#[test]
fn every_call_has_its_permission_on_a_page() {
    let page = actions_in(&Page::read(PAGE).text);
    let actions: BTreeMap<String, Vec<String>> = serde_json::from_str(ACTIONS_OF_OPERATIONS).unwrap();
    let called = called_operations();
    let unused: Vec<_> = actions.keys().filter(|operation| !called.contains(*operation)).collect();
    assert!(unused.is_empty(), "nothing calls {unused:?}");
    let of_operation = |operation| actions.get(&operation).cloned().unwrap_or_else(|| vec![operation]);
    let called: BTreeSet<String> = called.into_iter().flat_map(of_operation).collect();
    assert!(called.len() > 50, "only {} calls were found", called.len());
    let simulated = simulated_actions();
    let missing: Vec<_> =
        called.iter().filter(|action| !page.union(&simulated).any(|known| known == *action)).collect();
    assert!(missing.is_empty(), "{PAGE} lacks {missing:?}");
    let mut left: Vec<_> = page.difference(&called).filter(|action| !simulated.contains(*action)).collect();
    left.retain(|action| *action != WITHOUT_CALL);
    assert!(left.is_empty(), "nothing calls {left:?} of {PAGE}");
}

/// Returns the operations of the SDK's clients that the command calls, such as `s3:PutObject`.
fn called_operations() -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    let sdk = Regex::new(r"aws_sdk_([a-z0-9]+)").unwrap();
    let call = Regex::new(r"\b([a-z0-9]+)\s*\.([a-z_]+)\(\)").unwrap();
    for (_, text) in source::source_files("aws") {
        // The service of a client that has another name in its file.
        let file = sdk.captures(&text).map(|found| found[1].to_owned());
        for found in call.captures_iter(&text).filter(|found| &found[2] != "config") {
            let service = match &found[1] {
                "client" | "secrets" => file.as_deref(),
                name => SERVICES.contains(&name).then_some(name),
            };
            let service = service.map(|service| match service {
                "cloudwatchlogs" => "logs",
                "eventbridge" => "events",
                service => service,
            });
            calls.extend(service.map(|service| format!("{service}:{}", camel_case(&found[2]))));
        }
    }
    calls
}

/// The names of the clients in `Aws`.
#[rustfmt::skip]
const SERVICES: [&str; 16] = [
    "acm", "cloudcontrol", "cloudformation", "cloudwatch", "cloudwatchlogs", "dynamodb", "elasticloadbalancing",
    "eventbridge", "iam", "lambda", "s3", "secretsmanager", "servicequotas", "sqs", "ssm", "sts",
];

fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}
