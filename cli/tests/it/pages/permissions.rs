//! The actions on `iam-permissions.md` are those that the preflight simulates, and those that restctl calls.

use std::collections::BTreeSet;

use regex_lite::Regex;

use super::markdown::Page;
use super::source;

const PAGE: &str = "cli/docs/iam-permissions.md";

/// Calls whose permission has another name, or that need more than one. A call that only the local cloud gets needs none.
const OTHER_NAMES: [(&str, &[&str]); 27] = [
    ("cloudcontrol:GetResource", &["cloudformation:GetResource"]),
    ("cloudcontrol:GetResourceRequestStatus", &["cloudformation:GetResourceRequestStatus"]),
    ("cloudcontrol:ListResources", &["cloudformation:ListResources"]),
    ("cloudcontrol:UpdateResource", &["cloudformation:UpdateResource"]),
    ("dynamodb:WaitUntilTableNotExists", &["dynamodb:DescribeTable"]),
    ("elasticloadbalancing:RegisterTargets", &[]),
    ("lambda:Invoke", &["lambda:InvokeFunction"]),
    ("s3:CompleteMultipartUpload", &["s3:PutObject"]),
    ("s3:CreateMultipartUpload", &["s3:PutObject"]),
    ("s3:DeleteObjects", &["s3:DeleteObject", "s3:DeleteObjectVersion"]),
    ("s3:GetBucketLifecycleConfiguration", &["s3:GetLifecycleConfiguration"]),
    ("s3:GetPublicAccessBlock", &["s3:GetBucketPublicAccessBlock"]),
    ("s3:HeadBucket", &["s3:ListBucket"]),
    ("s3:HeadObject", &["s3:GetObject"]),
    ("s3:ListBuckets", &["s3:ListAllMyBuckets"]),
    ("s3:ListObjectVersions", &["s3:ListBucketVersions"]),
    ("s3:ListParts", &["s3:ListMultipartUploadParts"]),
    ("s3:PutBucketLifecycleConfiguration", &["s3:PutLifecycleConfiguration"]),
    ("s3:PutPublicAccessBlock", &["s3:PutBucketPublicAccessBlock"]),
    ("s3:UploadPart", &["s3:PutObject"]),
    ("servicequotas:GetAwsDefaultServiceQuota", &["servicequotas:GetAWSDefaultServiceQuota"]),
    ("sqs:ChangeMessageVisibilityBatch", &["sqs:ChangeMessageVisibility"]),
    ("cloudwatchlogs:DeleteLogGroup", &["logs:DeleteLogGroup"]),
    ("cloudwatchlogs:DescribeLogGroups", &["logs:DescribeLogGroups"]),
    ("cloudwatchlogs:FilterLogEvents", &["logs:FilterLogEvents"]),
    ("cloudwatchlogs:ListTagsForResource", &["logs:ListTagsForResource"]),
    ("eventbridge:DescribeRule", &["events:DescribeRule"]),
];

/// Returns the IAM actions that a text quotes.
fn actions_in(text: &str) -> BTreeSet<String> {
    let action = Regex::new(r#"["`]([a-z0-9-]+:[A-Z]\w+)["`]"#).unwrap();
    action.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_preflight_simulates_the_actions_on_the_page() {
    let page = Page::read(PAGE);
    let table: String = page.table("## To deploy").into_iter().flatten().collect();
    assert_eq!(actions_in(&table), actions_in(&source::source_file("needed.rs")));
}

#[test]
fn every_call_has_its_permission_on_the_page() {
    let page = actions_in(&Page::read(PAGE).text);
    let mut called = BTreeSet::new();
    for call in called_operations() {
        match OTHER_NAMES.iter().find(|(name, _)| *name == call) {
            Some((_, permissions)) => called.extend(permissions.iter().map(|name| (*name).to_owned())),
            None => {
                called.insert(call);
            }
        }
    }
    assert!(called.len() > 50, "only {} calls were found", called.len());
    let missing: Vec<_> = called.difference(&page).collect();
    assert!(missing.is_empty(), "{PAGE} lacks {missing:?}");
    let needed = actions_in(&source::source_file("needed.rs"));
    // AWS requires this one, and it cannot be simulated.
    let mut left: Vec<_> = page.difference(&called).filter(|action| !needed.contains(*action)).collect();
    left.retain(|action| *action != "iam:CreateServiceLinkedRole");
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
