//! The controls of `templates/README.md`, as far as the local cloud keeps them. It acts on few of them.

use serde_json::{Value, json};

use crate::cloud::{Cloud, eventually};
use crate::interposed::interpose;
use crate::lambdas::lambdas_folder;
use crate::options::update_template;

const TEMPLATE: &str = include_str!("../../../templates/stack.yaml");

/// Returns the part of the template that describes a resource.
fn resource_text(name: &str) -> &'static str {
    let (_, below) = TEMPLATE.split_once(&format!("\n  {name}:\n    Type: ")).unwrap();
    below.split("\n\n").next().unwrap()
}

fn read_bucket(cloud: &Cloud, part: &str) -> String {
    cloud.get_s3(&format!("/{}?{part}", cloud.resource_id("DataBucket")))
}

fn queue_attributes(cloud: &Cloud, queue: &str) -> Value {
    let asked = json!({ "QueueUrl": cloud.resource_id(queue), "AttributeNames": ["All"] });
    let answer = cloud.call_json("sqs", "AmazonSQS.GetQueueAttributes", &asked);
    answer["Attributes"].clone()
}

/// Returns the statements of a policy that deny everything to everyone under a condition.
fn denials(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_else(|error| panic!("{error}: {policy}"));
    let statements = policy["Statement"].as_array().unwrap().iter();
    let denials = statements.filter(|it| it["Effect"] == "Deny" && it["Principal"] == "*");
    let whole = denials.filter(|it| it["Action"] == "s3:*" || it["Action"] == "sqs:*");
    whole.map(|it| it["Condition"].clone()).collect()
}

#[test]
fn buckets_and_queues_refuse_what_is_not_tls() {
    let cloud = Cloud::shared_read_only();
    let plain_http = json!({ "Bool": { "aws:SecureTransport": "false" } });
    let old_tls = json!({ "NumericLessThan": { "s3:TlsVersion": "1.2" } });
    assert_eq!(denials(&read_bucket(cloud, "policy")), [plain_http.clone(), old_tls]);
    for queue in ["LoadQueue", "DeadLetterQueue"] {
        let attributes = queue_attributes(cloud, queue);
        let policy = attributes["Policy"].as_str().unwrap_or_else(|| panic!("{queue}: {attributes}"));
        assert_eq!(denials(policy), std::slice::from_ref(&plain_http), "{queue}");
        assert_eq!(attributes["SqsManagedSseEnabled"], "true", "{queue}");
        assert_eq!(policy.contains("Allow"), queue == "LoadQueue", "{policy}");
        assert_eq!(policy.contains("aws:SourceArn"), queue == "LoadQueue", "{policy}");
    }
}

#[test]
fn the_bucket_is_closed_encrypted_and_versioned() {
    let cloud = Cloud::shared_read_only();
    let closed = read_bucket(cloud, "publicAccessBlock");
    assert_eq!(closed.matches(">true<").count(), 4, "{closed}");
    let encryption = read_bucket(cloud, "encryption");
    assert!(encryption.contains("AES256"), "{encryption}");
    assert!(read_bucket(cloud, "versioning").contains("<Status>Enabled<"));
}

/// The local cloud does not keep the listener's header: its own front terminates TLS.
#[test]
fn the_listener_speaks_modern_tls_only() {
    let cloud = Cloud::shared_read_only();
    let listener = cloud.resource_id("HttpsListener");
    let form =
        [("Action", "DescribeListeners"), ("Version", "2015-12-01"), ("ListenerArns.member.1", &listener)];
    let described = cloud.call_query("elasticloadbalancing", &form);
    assert!(described.contains("<Protocol>HTTPS<"), "{described}");
    let policy = described.split("<SslPolicy>").nth(1).unwrap_or_default();
    assert!(policy.starts_with("ELBSecurityPolicy-TLS13-1-2-Res-PQ-"), "{described}");
    let form = [
        ("Action", "DescribeListeners"),
        ("Version", "2015-12-01"),
        ("LoadBalancerArn", &cloud.resource_id("LoadBalancer")),
    ];
    let all = cloud.call_query("elasticloadbalancing", &form);
    assert_eq!(all.matches("<ListenerArn>").count(), 1, "nothing listens for plain HTTP: {all}");
}

/// Nothing in the private network can reach another bucket or table through them.
#[test]
fn endpoints_lead_to_what_the_stack_owns() {
    for (endpoint, own) in [
        ("S3Endpoint", &["!GetAtt DataBucket.Arn", "!Sub ${DataBucket.Arn}/*"][..]),
        ("DynamoDbEndpoint", &["!GetAtt ItemsTable.Arn", "!GetAtt LedgerTable.Arn"]),
    ] {
        let text = resource_text(endpoint);
        let resources = text.lines().skip_while(|line| line.trim() != "Resource:").skip(1);
        let listed =
            resources.map_while(|line| line.trim().strip_prefix("- ")).filter(|it| it.starts_with('!'));
        let single = text.lines().filter_map(|line| line.trim().strip_prefix("Resource: "));
        let mut found: Vec<_> = single.chain(listed).collect();
        found.sort_unstable();
        assert_eq!(found, own, "{endpoint}");
        assert!(!text.contains("NotResource") && !text.contains(":*"), "{text}");
    }
}

#[test]
fn logs_and_versions_are_kept_as_asked() {
    let cloud = Cloud::start_deployed(&[]);
    let retention = || {
        let group = json!({ "logGroupNamePrefix": cloud.resource_id("ApiLogs") });
        let groups = cloud.call_json("logs", "Logs_20140328.DescribeLogGroups", &group);
        groups["logGroups"][0]["retentionInDays"].clone()
    };
    assert_eq!(retention(), 30);
    cloud.succeed(&["deploy", "--log-retention", "365", "--keep-versions", "60"]);
    assert_eq!(retention(), 365);
    let stack = cloud.call_query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "restctl")]);
    assert!(stack.contains("<ParameterKey>KeepVersions</ParameterKey><ParameterValue>60<"), "{stack}");
    let again = cloud.succeed(&["deploy"]);
    assert!(again.stderr.contains("no change"), "{}", again.stderr);
    cloud.run(&["deploy", "--log-retention", "31"]).failed_with(2, &["365, 400"]);
    cloud.run(&["deploy", "--keep-versions", "30"]).failed_with(2, &["60 days", "dlq redrive"]);
}

/// Earlier versions named the logs, and deleted them with the stack.
#[test]
fn a_stack_with_named_logs_begins_new_ones() {
    let cloud = Cloud::start_deployed(&[]);
    let mut earlier = TEMPLATE.to_owned();
    for name in ["api", "ingest"] {
        let named =
            format!("LogGroupName: !Sub /restctl/${{AWS::StackName}}/{name}\n      RetentionInDays: 30");
        earlier = earlier.replacen("RetentionInDays: !Ref LogRetention", &named, 1);
    }
    update_template(&cloud, ("TemplateBody", &earlier), "LogRetention", "30");
    assert_eq!(cloud.resource_id("ApiLogs"), "/restctl/restctl/api");
    cloud.succeed(&["upload", "items.csv"]);

    cloud.succeed(&["deploy"]);
    assert_ne!(cloud.resource_id("ApiLogs"), "/restctl/restctl/api");
    cloud.succeed(&["get", "--id", "42"]);
    eventually("the new log has the request", || {
        cloud.succeed(&["logs", "api"]).stdout.contains("\"status\":200").then_some(())
    });
    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    assert!(destroyed.stderr.contains("  remove  the log /restctl/restctl/api, "), "{}", destroyed.stderr);
    let groups = cloud.call_json("logs", "Logs_20140328.DescribeLogGroups", &json!({}));
    assert_eq!(groups["logGroups"], json!([]), "no log remains");
}

/// As on AWS: the local cloud has no quotas.
#[test]
fn the_reservation_fits_the_account() {
    let cloud = Cloud::start_set_up();
    let deploy = |more: &[&str]| {
        let args = ["deploy", "--dry-run", "--lambdas", lambdas_folder().to_str().unwrap()];
        let mut command = cloud.command_as_on_aws(&[&args, more].concat());
        crate::cloud::CommandOutput::from(command.output().unwrap())
    };
    let account = |unreserved: u32| {
        interpose(&cloud, move |call| {
            let limit = json!({ "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": unreserved });
            call.uri.contains("/account-settings").then(|| json!({ "AccountLimit": limit }).to_string())
        });
    };
    account(1000);
    let planned = deploy(&[]);
    assert!(planned.stderr.contains("reserves 450 of the account's 1000"), "{}", planned.stderr);
    let too_much = deploy(&["--api-concurrency", "901"]);
    too_much.failed_with(2, &["cannot reserve 901", "--api-concurrency 900, or less, or none", "L-B99A9384"]);
    let none = deploy(&["--api-concurrency", "none"]);
    assert!(!none.stderr.contains("reserve"), "{}", none.stderr);

    cloud.succeed(&["deploy", "--api-concurrency", "700"]);
    account(300);
    // 700 of the stack's own, and 200 more.
    let kept = deploy(&[]);
    assert!(kept.exit != 2 && !kept.stderr.contains("reserve"), "{}", kept.stderr);
    assert!(deploy(&["--api-concurrency", "900"]).exit != 2);
    deploy(&["--api-concurrency", "901"]).failed_with(2, &["--api-concurrency 900"]);
}
