//! What someone changes without restctl: each row of the table in `drift.md` is seen by the commands that it names.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::interposed::interpose;

/// A change without restctl, and what shows it.
struct Change {
    /// The first cell of its row on the page.
    row: &'static str,
    /// The check of `doctor` that finds it, and parts of its evidence.
    check: &'static str,
    evidence: &'static [&'static str],
    /// Whether `status` and `deploy --dry-run` see it, too.
    in_status: bool,
    in_dry_run: bool,
    make: fn(&Cloud),
    undo: fn(&Cloud),
}

const ROWS_OF_FUNCTIONS: [Change; 10] = [
    Change {
        row: "the code of a function",
        check: "functions",
        evidence: &["ApiFunction: CodeSha256: expected "],
        in_status: true,
        in_dry_run: true,
        make: |cloud| update_code(cloud, "IngestPackage"),
        undo: |cloud| update_code(cloud, "ApiPackage"),
    },
    Change {
        row: "a variable of a function that an output or parameter of the stack shows: the tables, the key, the queues, the open document",
        check: "functions",
        evidence: &["ApiFunction: Environment/Variables/OPENAPI: expected token, actual open"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| set_variable(cloud, "OPENAPI", Some("open")),
        undo: |cloud| set_variable(cloud, "OPENAPI", Some("token")),
    },
    Change {
        row: "another variable of a function, or one that is added",
        check: "functions",
        evidence: &[
            "ApiFunction: Environment/Variables/PASSWORD: expected nothing, actual a value that is not shown",
        ],
        in_status: false,
        in_dry_run: true,
        make: |cloud| set_variable(cloud, "PASSWORD", Some("a secret")),
        undo: |cloud| set_variable(cloud, "PASSWORD", None),
    },
    Change {
        row: "memory, timeout, role or another property of a function that the template sets",
        check: "functions",
        evidence: &[
            "ApiFunction: MemorySize: expected 256, actual 128",
            "ApiFunction: Role: expected arn:aws:iam::000000000000:role/restctl-ApiRole",
            "ApiFunction: Timeout: expected 15, actual 3",
        ],
        in_status: false,
        in_dry_run: true,
        make: |cloud| {
            configure(
                cloud,
                &json!({ "Timeout": 3, "MemorySize": 128, "Role": role_of(cloud, "IngestRole") }),
            )
        },
        undo: |cloud| {
            configure(cloud, &json!({ "Timeout": 15, "MemorySize": 256, "Role": role_of(cloud, "ApiRole") }))
        },
    },
    Change {
        row: "layers or another property of a function that the template leaves out",
        check: "functions",
        evidence: &["ApiFunction: Layers: expected nothing, actual [\"arn:"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| configure(cloud, &json!({ "Layers": [publish_layer(cloud)] })),
        undo: |cloud| configure(cloud, &json!({ "Layers": [] })),
    },
    Change {
        row: "the reserved concurrency of a function: with 0, nothing is served",
        check: "functions",
        evidence: &["ApiFunction: ReservedConcurrentExecutions: expected nothing, actual 0"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| {
            let body = json!({ "ReservedConcurrentExecutions": 0 });
            call_lambda(cloud, Method::PUT, &concurrency_path(cloud), &body);
        },
        undo: |cloud| drop(call_lambda(cloud, Method::DELETE, &concurrency_path(cloud), &json!({}))),
    },
    Change {
        row: "the live version of a function: it is not of the last deployment, and `rollback` did not make it live",
        check: "functions",
        evidence: &["live version of ApiFunction: Timeout: expected 15, actual 9"],
        in_status: false,
        in_dry_run: true,
        make: |cloud| {
            configure(cloud, &json!({ "Timeout": 9 }));
            let published = call_lambda(cloud, Method::POST, &function_path(cloud, "versions"), &json!({}));
            configure(cloud, &json!({ "Timeout": 15 }));
            let version = published["Version"].as_str().unwrap();
            let description = format!("version {version} since 1763868000; before 1@0");
            update_alias(cloud, &json!({ "FunctionVersion": version, "Description": description }));
        },
        undo: |cloud| update_alias(cloud, &json!({ "FunctionVersion": "1", "Description": "" })),
    },
    Change {
        row: "the alias of a function: it is moved, or shares its calls among versions",
        check: "functions",
        evidence: &["ApiAlias: RoutingConfig: expected nothing, actual a share of the calls for 2"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| {
            update_alias(cloud, &json!({ "RoutingConfig": { "AdditionalVersionWeights": { "2": 0.1 } } }));
        },
        undo: |cloud| update_alias(cloud, &json!({ "RoutingConfig": { "AdditionalVersionWeights": {} } })),
    },
    Change {
        row: "the event source mapping: it is disabled or deleted",
        check: "event source mapping",
        evidence: &["is disabled"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| enable_mapping(cloud, false),
        undo: |cloud| enable_mapping(cloud, true),
    },
    Change {
        row: "the event rule: it is disabled",
        check: "event rule",
        evidence: &["is disabled"],
        in_status: false,
        in_dry_run: true,
        make: |cloud| switch_rule(cloud, "AWSEvents.DisableRule"),
        undo: |cloud| switch_rule(cloud, "AWSEvents.EnableRule"),
    },
];

const OTHER_ROWS: [Change; 4] = [
    Change {
        row: "the load balancer's target: the API function is not registered",
        check: "target",
        evidence: &["is not registered"],
        in_status: false,
        in_dry_run: false,
        make: |cloud| change_target(cloud, "DeregisterTargets"),
        undo: |cloud| change_target(cloud, "RegisterTargets"),
    },
    Change {
        row: "the data bucket's events: EventBridge gets none",
        check: "drift",
        evidence: &[
            "DataBucket: NotificationConfiguration/EventBridgeConfiguration: expected enabled, actual nothing",
        ],
        in_status: false,
        in_dry_run: true,
        make: |cloud| notify(cloud, "<NotificationConfiguration/>"),
        undo: |cloud| {
            notify(
                cloud,
                "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>",
            );
        },
    },
    Change {
        row: "queues, tables, the data bucket, roles, logs and the event rule: a property that the template sets",
        check: "drift",
        evidence: &["LoadQueue: VisibilityTimeout: expected 1800, actual 30"],
        in_status: false,
        in_dry_run: true,
        make: |cloud| set_visibility(cloud, "30"),
        undo: |cloud| set_visibility(cloud, "1800"),
    },
    Change {
        row: "the settings in Systems Manager: the API does not use them yet",
        check: "deployed settings",
        evidence: &["the settings have changed since the deployment"],
        in_status: false,
        in_dry_run: true,
        make: |cloud| set_audience(cloud, "https://other.example.test"),
        undo: |cloud| set_audience(cloud, "https://restctl.local/api"),
    },
];

const ROWS_OF_ADDITIONS: [Change; 5] = [
    Change {
        row: "a listener that is added to the load balancer, or a rule to the listener",
        check: "additions",
        evidence: &[
            "listener of LoadBalancer: Port: expected nothing, actual HTTP 80",
            "rule 7 of HttpsListener: Actions: expected nothing, actual forward to restct",
        ],
        in_status: true,
        in_dry_run: true,
        make: |cloud| {
            add_listener(cloud);
            add_rule(cloud);
        },
        undo: |cloud| {
            delete_added_listeners(cloud);
            delete_rules(cloud);
        },
    },
    Change {
        row: "a function URL that is added to a function or its alias",
        check: "additions",
        evidence: &["function URL of ApiFunction: AuthType: expected nothing, actual AWS_IAM"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| add_url(cloud, "AWS_IAM"),
        undo: |cloud| drop(call_lambda(cloud, Method::DELETE, &url_path(cloud), &Value::Null)),
    },
    Change {
        row: "a permission that is added to the policy of a function or of its alias",
        check: "additions",
        evidence: &["permission partner on ApiFunction: Principal: expected nothing, actual 210987654321"],
        in_status: true,
        in_dry_run: true,
        make: |cloud| {
            let permission = json!({
                "StatementId": "partner", "Action": "lambda:InvokeFunction", "Principal": "210987654321"
            });
            let path = function_path(cloud, "policy?Qualifier=live");
            call_lambda(cloud, Method::POST, &path, &permission);
        },
        undo: |cloud| {
            let path = function_path(cloud, "policy/partner?Qualifier=live");
            call_lambda(cloud, Method::DELETE, &path, &Value::Null);
        },
    },
    Change {
        row: "an event source mapping that is added to the ingest function or the load queue",
        check: "additions",
        evidence: &["event source mapping of IngestFunction: EventSourceArn: expected nothing, actual arn:"],
        in_status: true,
        in_dry_run: true,
        make: add_mapping,
        undo: delete_added_mappings,
    },
    Change {
        row: "a managed policy or a permissions boundary that is added to a role",
        check: "additions",
        evidence: &[
            "ApiRole: ManagedPolicyArns: expected nothing, actual arn:aws:iam::aws:policy/AdministratorAccess",
            "ApiRole: PermissionsBoundary: expected nothing, actual arn:aws:iam::aws:policy/AdministratorAccess",
        ],
        in_status: true,
        in_dry_run: true,
        make: |cloud| {
            change_role(cloud, &[("Action", "AttachRolePolicy"), ("PolicyArn", ADMINISTRATOR)]);
            let boundary = [("Action", "PutRolePermissionsBoundary"), ("PermissionsBoundary", ADMINISTRATOR)];
            change_role(cloud, &boundary);
        },
        undo: |cloud| {
            change_role(cloud, &[("Action", "DetachRolePolicy"), ("PolicyArn", ADMINISTRATOR)]);
            change_role(cloud, &[("Action", "DeleteRolePermissionsBoundary")]);
        },
    },
];

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Rows that the test below changes in place of the local cloud, which does not compare such resources.
const ROW_ON_AWS: &str = "listener, its certificate and rules, load balancer, target group, security groups, policies and permissions: a property that the template sets";
const ROW_OF_DELETED: &str = "a resource that is deleted";

fn function_path(cloud: &Cloud, part: &str) -> String {
    format!("/2015-03-31/functions/{}/{part}", cloud.resource_id("ApiFunction"))
}

fn concurrency_path(cloud: &Cloud) -> String {
    format!("/2017-10-31/functions/{}/concurrency", cloud.resource_id("ApiFunction"))
}

fn call_lambda(cloud: &Cloud, method: Method, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = cloud.send_request("lambda", method, path, |request| request.body(body));
    serde_json::from_str(&answer).unwrap_or(Value::Null)
}

fn configure(cloud: &Cloud, configuration: &Value) {
    call_lambda(cloud, Method::PUT, &function_path(cloud, "configuration"), configuration);
}

fn update_alias(cloud: &Cloud, alias: &Value) {
    call_lambda(cloud, Method::PUT, &function_path(cloud, "aliases/live"), alias);
}

fn update_code(cloud: &Cloud, package: &str) {
    let described =
        cloud.call_query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "restctl")]);
    let parameter = |name: &str| {
        let (_, rest) = described.split_once(&format!("<ParameterKey>{name}</ParameterKey>")).unwrap();
        rest.split("<ParameterValue>").nth(1).unwrap().split('<').next().unwrap()
    };
    let code = json!({ "S3Bucket": parameter("ArtifactBucket"), "S3Key": parameter(package) });
    call_lambda(cloud, Method::PUT, &function_path(cloud, "code"), &code);
}

fn set_variable(cloud: &Cloud, name: &str, value: Option<&str>) {
    let mut variables = call_lambda(cloud, Method::GET, &function_path(cloud, "configuration"), &Value::Null)
        ["Environment"]["Variables"]
        .clone();
    match value {
        Some(value) => variables[name] = json!(value),
        None => drop(variables.as_object_mut().unwrap().remove(name)),
    }
    configure(cloud, &json!({ "Environment": { "Variables": variables } }));
}

fn role_of(cloud: &Cloud, role: &str) -> String {
    format!("arn:aws:iam::000000000000:role/{}", cloud.resource_id(role))
}

fn publish_layer(cloud: &Cloud) -> String {
    // The end of a zip archive without files.
    let empty_zip = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";
    let layer = json!({ "Content": { "ZipFile": empty_zip } });
    let layer = call_lambda(cloud, Method::POST, "/2018-10-31/layers/added/versions", &layer);
    layer["LayerVersionArn"].as_str().unwrap_or_else(|| panic!("{layer}")).to_owned()
}

fn enable_mapping(cloud: &Cloud, is_enabled: bool) {
    let path = format!("/2015-03-31/event-source-mappings/{}", cloud.resource_id("LoadMapping"));
    call_lambda(cloud, Method::PUT, &path, &json!({ "Enabled": is_enabled }));
}

fn switch_rule(cloud: &Cloud, operation: &str) {
    cloud.call_json("events", operation, &json!({ "Name": cloud.resource_id("ObjectCreatedRule") }));
}

fn change_target(cloud: &Cloud, action: &str) {
    let (group, function) = (cloud.resource_id("ApiTargetGroup"), cloud.resource_id("ApiAlias"));
    let form = [("Action", action), ("TargetGroupArn", &*group), ("Targets.member.1.Id", &*function)];
    cloud.call_query("elasticloadbalancing", &form);
}

fn notify(cloud: &Cloud, configuration: &str) {
    let path = format!("/{}?notification", cloud.resource_id("DataBucket"));
    let configuration = configuration.to_owned();
    cloud.send_request("s3", Method::PUT, &path, |request| request.body(configuration));
}

fn set_visibility(cloud: &Cloud, seconds: &str) {
    let queue = cloud.resource_id("LoadQueue");
    let attributes = json!({ "QueueUrl": queue, "Attributes": { "VisibilityTimeout": seconds } });
    cloud.call_json("sqs", "AmazonSQS.SetQueueAttributes", &attributes);
}

fn set_audience(cloud: &Cloud, audience: &str) {
    cloud.edit_issuers(|issuers| issuers[0]["audiences"] = json!([audience]));
}

fn add_listener(cloud: &Cloud) {
    let load_balancer = cloud.resource_id("LoadBalancer");
    let form = [
        ("Action", "CreateListener"),
        ("LoadBalancerArn", &*load_balancer),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "503"),
    ];
    cloud.call_query("elasticloadbalancing", &form);
}

fn add_rule(cloud: &Cloud) {
    let (listener, group) = (cloud.resource_id("HttpsListener"), cloud.resource_id("ApiTargetGroup"));
    let form = [
        ("Action", "CreateRule"),
        ("ListenerArn", &*listener),
        ("Priority", "7"),
        ("Conditions.member.1.Field", "path-pattern"),
        ("Conditions.member.1.Values.member.1", "/elsewhere"),
        ("Actions.member.1.Type", "forward"),
        ("Actions.member.1.TargetGroupArn", &*group),
    ];
    cloud.call_query("elasticloadbalancing", &form);
}

fn delete_added_listeners(cloud: &Cloud) {
    let (load_balancer, own) = (cloud.resource_id("LoadBalancer"), cloud.resource_id("HttpsListener"));
    let form = [("Action", "DescribeListeners"), ("LoadBalancerArn", &*load_balancer)];
    let answer = cloud.call_query("elasticloadbalancing", &form);
    for listener in texts_in(&answer, "ListenerArn").into_iter().filter(|arn| *arn != own) {
        cloud.call_query("elasticloadbalancing", &[("Action", "DeleteListener"), ("ListenerArn", listener)]);
    }
}

fn list_rules(cloud: &Cloud) -> String {
    let listener = cloud.resource_id("HttpsListener");
    cloud.call_query("elasticloadbalancing", &[("Action", "DescribeRules"), ("ListenerArn", &listener)])
}

/// Deletes all rules but the default one, which is the first.
fn delete_rules(cloud: &Cloud) {
    for rule in texts_in(&list_rules(cloud), "RuleArn").into_iter().skip(1) {
        cloud.call_query("elasticloadbalancing", &[("Action", "DeleteRule"), ("RuleArn", rule)]);
    }
}

/// Returns the texts of all elements of that name.
fn texts_in<'a>(answer: &'a str, element: &str) -> Vec<&'a str> {
    let start = format!("<{element}>");
    answer.split(&start).skip(1).map(|rest| rest.split('<').next().unwrap()).collect()
}

fn url_path(cloud: &Cloud) -> String {
    function_path(cloud, "url").replace("2015-03-31", "2021-10-31")
}

fn add_url(cloud: &Cloud, auth_type: &str) {
    call_lambda(cloud, Method::POST, &url_path(cloud), &json!({ "AuthType": auth_type }));
}

fn add_mapping(cloud: &Cloud) {
    let queue = cloud.resource_id("DeadLetterQueue");
    let queue = queue.rsplit('/').next().unwrap();
    let mapping = json!({
        "EventSourceArn": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
        "FunctionName": cloud.resource_id("IngestFunction"),
        "Enabled": false,
    });
    call_lambda(cloud, Method::POST, "/2015-03-31/event-source-mappings/", &mapping);
}

fn delete_added_mappings(cloud: &Cloud) {
    let (path, own) = ("/2015-03-31/event-source-mappings/", cloud.resource_id("LoadMapping"));
    let mappings = call_lambda(cloud, Method::GET, path, &Value::Null);
    let ids =
        mappings["EventSourceMappings"].as_array().unwrap().iter().map(|it| it["UUID"].as_str().unwrap());
    for id in ids.filter(|id| *id != own) {
        call_lambda(cloud, Method::DELETE, &format!("{path}{id}"), &Value::Null);
    }
}

fn change_role(cloud: &Cloud, change: &[(&str, &str)]) {
    let role = cloud.resource_id("ApiRole");
    let form: Vec<_> = change.iter().copied().chain([("RoleName", &*role)]).collect();
    cloud.call_query("iam", &form);
}

/// Returns the check of `doctor`.
fn check(cloud: &Cloud, name: &str) -> Value {
    let ran = cloud.run(&["doctor", "--output", "json"]);
    let report = ran.json();
    report.as_array().unwrap().iter().find(|row| row["check"] == name).unwrap().clone()
}

fn drift_in_status(cloud: &Cloud) -> Value {
    cloud.succeed(&["status", "--output", "json"]).json()["drift"]["found"].clone()
}

#[track_caller]
fn assert_is_seen(cloud: &Cloud, change: &Change) {
    let Change { row, check: name, evidence, in_status, in_dry_run, .. } = change;
    let seen = check(cloud, name);
    assert!(["failed", "warning"].contains(&seen["verdict"].as_str().unwrap()), "{row}: {seen}");
    for part in *evidence {
        assert!(seen["evidence"].as_str().unwrap().contains(part), "{row}: {part:?} in {seen}");
    }
    assert!(seen["next"].as_str().is_some_and(|next| !next.is_empty()), "{row}: {seen}");
    assert_eq!(!drift_in_status(cloud).as_array().unwrap().is_empty(), *in_status, "{row} in status");
    assert_eq!(
        cloud.run(&["deploy", "--dry-run"]).exit,
        if *in_dry_run { 6 } else { 0 },
        "{row} in a dry run"
    );
}

fn assert_each_is_seen(changes: &[Change]) {
    let cloud = Cloud::start_deployed(&[]);
    for change in changes {
        (change.make)(&cloud);
        assert_is_seen(&cloud, change);
        (change.undo)(&cloud);
    }
    for name in ["functions", "drift", "additions"] {
        let seen = check(&cloud, name);
        assert_eq!(seen["verdict"], "ok", "{seen}");
    }
    assert_eq!(drift_in_status(&cloud), json!([]));
    let dry_run = cloud.succeed(&["deploy", "--dry-run"]);
    assert!(dry_run.stdout.is_empty(), "{}", dry_run.stdout);
}

#[test]
fn a_function_that_is_changed_by_hand_is_seen() {
    assert_each_is_seen(&ROWS_OF_FUNCTIONS);
}

#[test]
fn other_resources_that_are_changed_by_hand_are_seen() {
    assert_each_is_seen(&OTHER_ROWS);
}

#[test]
fn what_is_added_by_hand_is_seen() {
    assert_each_is_seen(&ROWS_OF_ADDITIONS);
}

#[test]
fn a_deployment_names_what_was_added_and_leaves_it() {
    let cloud = Cloud::start_deployed(&[]);
    add_rule(&cloud);
    let rules = list_rules(&cloud);
    let rule = texts_in(&rules, "RuleArn")[1];
    let command = format!("&& aws elbv2 delete-rule --rule-arn {rule})");
    let planned = cloud.run(&["deploy", "--dry-run"]);
    planned.failed_with(6, &[]);
    assert!(planned.stdout.starts_with("  ! added rule 7 of HttpsListener ("), "{}", planned.stdout);
    assert!(planned.stdout.ends_with(&format!("{command}\n")), "{}", planned.stdout);
    let deployed = cloud.succeed(&["deploy"]).stderr;
    assert!(deployed.contains("note: added beside the stack, and left as it is: rule 7 of"), "{deployed}");
    assert!(deployed.contains(&command) && deployed.contains("no change"), "{deployed}");
    assert_eq!(texts_in(&list_rules(&cloud), "RuleArn"), texts_in(&rules, "RuleArn"));
}

#[test]
fn a_function_url_that_anyone_can_call_fails_its_check() {
    let cloud = Cloud::start_deployed(&[]);
    add_url(&cloud, "NONE");
    let seen = check(&cloud, "additions");
    assert_eq!(seen["verdict"], "failed", "{seen}");
    let command = format!("--function-name {})", cloud.resource_id("ApiFunction"));
    let next = seen["next"].as_str().unwrap();
    assert!(next.contains("aws lambda delete-function-url-config") && next.ends_with(&command), "{seen}");
}

#[test]
fn it_is_unknown_whether_something_was_added_if_a_call_is_denied() {
    let cloud = Cloud::start_deployed(&[]);
    interpose(&cloud, |call| {
        let refusal = "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
        call.is_action("DescribeRules").then(|| format!("<ErrorResponse>{refusal}</ErrorResponse>"))
    });
    let seen = check(&cloud, "additions");
    assert_eq!(seen["verdict"], "warning", "{seen}");
    assert!(seen["evidence"].as_str().unwrap().contains("comparison failed"), "{seen}");
    let status = cloud.succeed(&["status", "--output", "json"]).json();
    assert!(status["drift"]["problem"].as_str().unwrap().contains("rules of the load balancer"), "{status}");
    cloud.run(&["deploy", "--dry-run"]).failed_with(4, &["it is unknown whether a deployment would change"]);
    let deployed = cloud.succeed(&["deploy"]).stderr;
    assert!(deployed.contains("note: cannot list the rules of the load balancer's listener"), "{deployed}");
}

#[test]
fn a_dry_run_names_the_drift() {
    let cloud = Cloud::start_deployed(&[]);
    configure(&cloud, &json!({ "Timeout": 3 }));
    let seen = cloud.run(&["deploy", "--dry-run"]);
    seen.failed_with(6, &["changed without restctl"]);
    let tree = "  ! drifted ApiFunction (AWS::Lambda::Function)\n      └ Timeout: expected 15, actual 3\n";
    assert_eq!(seen.stdout, tree);
    let lines = cloud.run(&["deploy", "--dry-run", "--output", "json"]).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [drift, result] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&drift["type"], &drift["resource"]), (&json!("drift"), &json!("ApiFunction")));
    let difference = json!({ "property": "Timeout", "expected": "15", "actual": "3" });
    assert_eq!((&drift["differences"][0], &result["changes"]), (&difference, &json!(1)));
}

/// Answers the comparison of one resource as CloudFormation does.
fn interpose_comparison(cloud: &Cloud, resource: &'static str, status: &str, more: &str) {
    let answer = format!(
        "<DetectStackResourceDriftResponse><DetectStackResourceDriftResult><StackResourceDrift>\
         <StackId>s</StackId><LogicalResourceId>{resource}</LogicalResourceId>\
         <PhysicalResourceId>p</PhysicalResourceId><ResourceType>AWS::X::Y</ResourceType>\
         <Timestamp>2026-12-01T12:00:00Z</Timestamp>\
         <StackResourceDriftStatus>{status}</StackResourceDriftStatus>{more}\
         </StackResourceDrift></DetectStackResourceDriftResult></DetectStackResourceDriftResponse>"
    );
    interpose(cloud, move |call| {
        let is_asked = call.is_action("DetectStackResourceDrift");
        (is_asked && call.query_parameter("LogicalResourceId") == resource).then(|| answer.clone())
    });
}

#[test]
fn what_only_aws_compares_is_seen() {
    let cloud = Cloud::start_deployed(&[]);
    let certificate = "<PropertyDifferences><member><PropertyPath>/Certificates/0/CertificateArn</PropertyPath>\
         <ExpectedValue>arn:one</ExpectedValue><ActualValue>arn:other</ActualValue>\
         <DifferenceType>NOT_EQUAL</DifferenceType></member></PropertyDifferences>";
    interpose_comparison(&cloud, "HttpsListener", "MODIFIED", certificate);
    let seen = check(&cloud, "drift");
    assert_eq!(seen["verdict"], "warning", "{seen}");
    let evidence = "HttpsListener: Certificates/0/CertificateArn: expected arn:one, actual arn:other";
    assert!(seen["evidence"].as_str().unwrap().contains(evidence), "{seen}");
}

#[test]
fn a_deleted_resource_is_seen() {
    let cloud = Cloud::start_deployed(&[]);
    let log = json!({ "logGroupName": cloud.resource_id("IngestLogs") });
    cloud.call_json("logs", "Logs_20140328.DeleteLogGroup", &log);
    let seen = check(&cloud, "drift");
    assert_eq!(seen["verdict"], "failed", "{seen}");
    assert!(seen["evidence"].as_str().unwrap().contains("IngestLogs ("), "{seen}");
    assert!(seen["evidence"].as_str().unwrap().contains("was deleted"), "{seen}");
    cloud.run(&["deploy", "--dry-run"]).failed_with(6, &[]);
    // CloudFormation may be wrong.
    interpose(&cloud, |call| {
        let is_read = call.target.ends_with(".GetResource");
        is_read.then(|| json!({ "ResourceDescription": { "Properties": "{}" } }).to_string())
    });
    let seen = check(&cloud, "drift");
    assert_eq!(seen["verdict"], "warning", "{seen}");
    assert!(seen["evidence"].as_str().unwrap().contains("its service says that it exists"), "{seen}");
}

#[test]
fn a_rollback_is_no_drift() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["deploy", "--openapi", "open"]);
    cloud.succeed(&["rollback"]);
    let seen = check(&cloud, "functions");
    assert_eq!(seen["verdict"], "ok", "{seen}");
    assert!(seen["evidence"].as_str().unwrap().contains("is rolled back to version 1"), "{seen}");
    let status = cloud.succeed(&["status"]).stdout;
    assert!(status.contains("api version 1, rolled back"), "{status}");
    assert_eq!(drift_in_status(&cloud), json!([]));
}

/// Each row of the page is one of the changes above, and the page has all of them.
#[test]
fn each_row_of_the_page_has_a_test() {
    let page = include_str!("../../docs/drift.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what"));
    let rows: BTreeSet<&str> =
        rows.map(|row| row.split(" | ").next().unwrap().trim_start_matches("| ")).collect();
    let changes = || ROWS_OF_FUNCTIONS.iter().chain(&OTHER_ROWS).chain(&ROWS_OF_ADDITIONS);
    let rows_of_changes = changes().map(|change| change.row);
    let tested: BTreeSet<&str> = rows_of_changes.chain([ROW_ON_AWS, ROW_OF_DELETED]).collect();
    assert_eq!(rows, tested);
    for change in changes() {
        let row = page.lines().find(|line| line.starts_with(&format!("| {} |", change.row))).unwrap();
        assert!(row.contains(&format!("doctor: {}", change.check)), "{row}");
        assert_eq!(row.contains("`status`"), change.in_status, "{row}");
        assert_eq!(row.contains("dry run"), change.in_dry_run, "{row}");
    }
}
