//! `restctl destroy`: what it removes, what it keeps, and that it changes nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cloud::{Cloud, RECORD, eventually};
use crate::interposed::{Call, FORBIDDEN, interpose};
use crate::local_attacker::listening_ports;

/// Returns the names of everything in the cloud that a stack can leave behind.
fn list_leftovers(cloud: &Cloud) -> Vec<String> {
    let of = |answer: &Value, list: &str, name: &str| -> Vec<String> {
        let things = answer[list].as_array().unwrap_or_else(|| panic!("{answer}"));
        things.iter().map(|thing| thing[name].as_str().unwrap().to_owned()).collect()
    };
    let tables = cloud.call_json("dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
    let mut left: Vec<String> =
        tables["TableNames"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    left.extend(
        cloud.get_s3("/").split("<Name>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()),
    );
    let secrets = cloud.call_json("secretsmanager", "secretsmanager.ListSecrets", &json!({}));
    left.extend(of(&secrets, "SecretList", "Name"));
    let parameters = cloud.call_json("ssm", "AmazonSSM.DescribeParameters", &json!({}));
    left.extend(of(&parameters, "Parameters", "Name"));
    let certificates = cloud.call_json("acm", "CertificateManager.ListCertificates", &json!({}));
    left.extend(of(&certificates, "CertificateSummaryList", "CertificateArn"));
    let groups = cloud.call_json("logs", "Logs_20140328.DescribeLogGroups", &json!({}));
    left.extend(of(&groups, "logGroups", "logGroupName"));
    let queues = cloud.call_json("sqs", "AmazonSQS.ListQueues", &json!({}));
    left.extend(
        queues["QueueUrls"].as_array().into_iter().flatten().map(|url| url.as_str().unwrap().to_owned()),
    );
    let roles = cloud.call_query("iam", &[("Action", "ListRoles"), ("Version", "2010-05-08")]);
    left.extend(
        roles.split("<RoleName>restctl").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()),
    );
    left
}

#[test]
fn data_stays_unless_its_deletion_is_requested() {
    let cloud = Cloud::start_empty();
    let before = list_leftovers(&cloud);
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    let (table, bucket) = (cloud.resource_id("ItemsTable"), cloud.resource_id("DataBucket"));
    let log = cloud.resource_id("ApiLogs");
    // Names that look like the stack's, without its tag.
    cloud.call_json(
        "dynamodb",
        "DynamoDB_20120810.CreateTable",
        &json!({
            "TableName": "restctl-ItemsTable-of-another-tool", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        }),
    );
    cloud.make_bucket("restctl-databucket-of-another-tool");
    let foreign_log = json!({ "logGroupName": "restctl-ApiLogs-of-another-tool" });
    cloud.call_json("logs", "Logs_20140328.CreateLogGroup", &foreign_log);
    let others = [
        "restctl-ApiLogs-of-another-tool",
        "restctl-ItemsTable-of-another-tool",
        "restctl-databucket-of-another-tool",
    ];

    let asked = cloud.run(&["destroy"]);
    asked.failed_with(2, &["  remove  the stack with", "no terminal", "--yes"]);
    asked.failed_with(2, &[&format!("  keep    the table {table} with about 2985 items")]);
    asked.failed_with(2, &[&format!("  keep    the bucket {bucket} with 1 object version, ")]);
    asked.failed_with(2, &[&format!("  keep    the log {log}, ")]);
    cloud.succeed(&["get", "--id", "42"]);

    let destroyed = cloud.succeed(&["destroy", "--yes", "--output", "json"]);
    assert!(destroyed.stderr.contains("checked that they are gone"), "{}", destroyed.stderr);
    assert!(destroyed.stderr.contains("restctl destroy --delete-data"), "{}", destroyed.stderr);
    let result: Value = serde_json::from_str(destroyed.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(result["kept"].as_array().unwrap().len(), 5, "{result}");
    let mut kept = list_leftovers(&cloud);
    kept.retain(|thing| !before.contains(thing) && !others.contains(&thing.as_str()));
    let expected = [&table, &bucket, &log];
    assert!(expected.iter().all(|name| kept.contains(name)) && kept.len() == 5, "{kept:?}");

    // A new stack works at once, and has none of the old one's data.
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy", "--fresh-data"]);
    assert_eq!(cloud.run(&["get", "--id", "42"]).exit, 5);

    for name in ["in/", "a%20b%2B%C3%BC%26%25.csv", "control%01characters%0A.csv"] {
        cloud.put_object(&cloud.resource_id("DataBucket"), name, "id\nodd\n");
    }
    eventually("the loads are settled", || {
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        (loads.as_array()?.iter().filter(|load| load["state"] == "loaded").count() == 2).then_some(())
    });
    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    assert!(destroyed.stderr.contains(&format!("  remove  the table {table}")), "{}", destroyed.stderr);
    assert!(destroyed.stderr.contains("nothing of the stack restctl remains"), "{}", destroyed.stderr);
    let mut remaining = list_leftovers(&cloud);
    remaining.retain(|thing| !before.contains(thing));
    remaining.sort();
    assert_eq!(remaining, others);
    let again = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    assert!(again.stderr.contains("the stack restctl has nothing to remove"), "{}", again.stderr);
}

#[test]
fn a_stack_of_an_earlier_version_keeps_its_data() {
    let cloud = Cloud::start_set_up();
    let template = json!({ "Parameters": { "ArtifactBucket": { "Type": "String", "Default": "" } }, "Resources": { "ItemsTable": { "Type": "AWS::DynamoDB::Table", "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    } } } });
    let template = template.to_string();
    cloud.call_query(
        "cloudformation",
        &[("Action", "CreateStack"), ("StackName", "restctl"), ("TemplateBody", &template)],
    );
    cloud.run(&["destroy", "--yes"]).failed_with(2, &["earlier version", "restctl destroy --delete-data"]);
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
}

/// It has no tag, and no data that CloudFormation could delete.
#[test]
fn a_stack_that_was_never_deployed_is_removed() {
    let cloud = Cloud::start_set_up();
    let template = json!({ "Resources": { "Queue": { "Type": "AWS::SQS::Queue" } } }).to_string();
    let stack = [("StackName", "restctl"), ("TemplateBody", template.as_str())];
    let review = [("Action", "CreateChangeSet"), ("ChangeSetName", "seen"), ("ChangeSetType", "CREATE")];
    cloud.call_query("cloudformation", &[review.as_slice(), &stack].concat());
    let removed = cloud.succeed(&["destroy", "--yes"]).stderr;
    assert!(removed.contains("the stack with 0 resources"), "{removed}");
    assert!(removed.contains("nothing of the stack restctl remains"), "{removed}");
}

#[test]
fn stacks_of_other_tools_are_left_alone() {
    let cloud = Cloud::start_set_up();
    let template = json!({ "Resources": { "Queue": { "Type": "AWS::SQS::Queue" } } }).to_string();
    let stack = [("Action", "CreateStack"), ("StackName", "restctl"), ("TemplateBody", template.as_str())];
    cloud.call_query("cloudformation", &stack);
    for command in [&["destroy", "--yes", "--delete-data"][..], &["deploy", "--yes"], &["setup"]] {
        cloud.run(command).failed_with(2, &["was not made by restctl", "--stack NAME"]);
    }
    assert!(cloud.resource_id("Queue").contains("Queue"));
}

/// Another user may delete the stack while this command runs.
#[test]
fn destroy_does_not_wait_for_a_stack_that_is_already_gone() {
    let cloud = Cloud::start_deployed(&[]);
    interpose(&cloud, |call| {
        call.is_action("DescribeStackEvents").then(|| {
            "<DescribeStackEventsResponse><DescribeStackEventsResult/></DescribeStackEventsResponse>"
                .to_owned()
        })
    });
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
}

/// A failed removal stops the command, which lists what is left.
#[test]
fn a_failed_removal_lists_what_is_left() {
    let cloud = Cloud::start_deployed(&[]);
    let endpoint = cloud.record()["endpoint_url"].clone();
    interpose(&cloud, |call| {
        let is_it = call.target == "AmazonSSM.DeleteParameters";
        is_it.then(|| json!({ "__type": "AccessDeniedException", "message": "not you" }).to_string())
    });
    let failed = cloud.run(&["destroy", "--yes"]);
    failed.failed_with(4, &["still there:\n  the parameters /restctl/restctl/", "not you"]);
    failed.failed_with(4, &["removed 3 of 6", "then: restctl destroy, which removes the rest"]);
    let mut record = cloud.record();
    record["endpoint_url"] = endpoint;
    std::fs::write(cloud.state_folder().join(RECORD), record.to_string()).unwrap();
    cloud.succeed(&["destroy", "--yes"]);
}

/// A function that outlives its stack could still be called, and would keep its memory.
#[test]
fn functions_of_a_destroyed_stack_end() {
    let cloud = Cloud::start_deployed(&[]);
    let emulator = cloud.record()["emulator"].as_u64().unwrap();
    assert!(listening_ports(emulator).len() > 1, "the smoke tests have started both functions");
    cloud.succeed(&["destroy", "--yes"]);
    // What remains is the endpoint.
    eventually("their Runtime APIs close", || (listening_ports(emulator).len() == 1).then_some(()));
}

/// Returns a cloud with a deployed stack behind a server that answers `refused` while this is set, and the flag.
fn deploy_behind_refusals(
    refused: impl Fn(&Call) -> Option<String> + Send + Sync + 'static,
) -> (Cloud, Arc<AtomicBool>) {
    let (cloud, refuses) = (Cloud::start_deployed(&[]), Arc::new(AtomicBool::new(true)));
    let flag = Arc::clone(&refuses);
    interpose(&cloud, move |call| refused(call).filter(|_| flag.load(Ordering::SeqCst)));
    (cloud, refuses)
}

#[test]
fn what_cannot_be_listed_is_not_said_to_be_gone() {
    let (cloud, refuses) = deploy_behind_refusals(|call| {
        let denied = json!({ "__type": "AccessDeniedException", "message": "not you" }).to_string();
        match call.target.as_str() {
            "DynamoDB_20120810.ListTables" => Some(denied),
            _ => call.uri.contains("x-id=ListBuckets").then(|| FORBIDDEN.to_owned()),
        }
    });
    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data", "--output", "json"]);
    let seen = &destroyed.stderr;
    assert!(
        seen.contains("note: cannot look for buckets that a deleted stack left: cannot list the buckets"),
        "{seen}"
    );
    assert!(
        seen.contains("whether a deleted stack left any tables, buckets in us-east-1 is unknown"),
        "{seen}"
    );
    assert!(!seen.contains("nothing of the stack"), "{seen}");
    let result: Value = serde_json::from_str(destroyed.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(result["unlisted"], json!(["tables", "buckets"]), "{result}");

    // The stack names its own resources.
    refuses.store(false, Ordering::SeqCst);
    let again = cloud.succeed(&["destroy", "--yes", "--delete-data"]).stderr;
    assert!(again.contains("has nothing to remove") && again.contains("nothing of the stack"), "{again}");
}

#[test]
fn a_certificate_that_is_still_in_use_can_be_left() {
    let (cloud, refuses) = deploy_behind_refusals(|call| {
        let in_use = json!({ "__type": "ResourceInUseException", "message": "is in use" });
        (call.target == "CertificateManager.DeleteCertificate").then(|| in_use.to_string())
    });
    let left = cloud.run(&["destroy", "--yes", "--no-wait"]);
    left.failed_with(
        3,
        &["still there:", "the certificate arn:aws:acm:", "the secret restctl/restctl/certificate"],
    );
    left.failed_with(3, &["next: restctl destroy later, when nothing uses the certificate"]);
    assert!(!left.stderr.contains("parameters /restctl/restctl/…\n        the secret"), "{}", left.stderr);
    refuses.store(false, Ordering::SeqCst);
    let destroyed = cloud.succeed(&["destroy", "--yes"]).stderr;
    assert!(destroyed.contains("removed 2 of 2, and checked that they are gone"), "{destroyed}");
}

/// Nothing else would ever delete the secret: the certificate stays as long as its other user does.
#[test]
fn a_certificate_that_something_else_uses_is_given_up() {
    const USER: &str = "arn:aws:cloudfront::123456789012:distribution/E1";
    let (cloud, _) = deploy_behind_refusals(|call| match call.target.as_str() {
        "CertificateManager.DeleteCertificate" => {
            Some(json!({ "__type": "ResourceInUseException", "message": "is in use" }).to_string())
        }
        "CertificateManager.DescribeCertificate" => {
            Some(json!({ "Certificate": { "InUseBy": [USER] } }).to_string())
        }
        _ => None,
    });
    let refused = cloud.run(&["destroy", "--yes"]);
    refused.failed_with(1, &[&format!("{USER} also uses it"), "restctl destroy --no-wait"]);
    let destroyed = cloud.succeed(&["destroy", "--yes", "--no-wait", "--output", "json"]);
    let note = format!("stays in ACM, because {USER} also uses it");
    assert!(destroyed.stderr.contains(&note), "{}", destroyed.stderr);
    let result: Value = serde_json::from_str(destroyed.stdout.lines().last().unwrap()).unwrap();
    let is_certificate = |name: &Value| name.as_str().unwrap().contains(":certificate/");
    assert!(result["kept"].as_array().unwrap().iter().any(is_certificate), "{result}");
    assert!(!result["removed"].as_array().unwrap().iter().any(is_certificate), "{result}");
    assert!(!list_leftovers(&cloud).contains(&"restctl/restctl/certificate".to_owned()));
}
