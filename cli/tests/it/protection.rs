//! The deletion protection of the load balancer and the tables: on when a deployment is complete, and off only for what is
//! removed. The local cloud refuses to delete a protected table, but not a stack with a protected load balancer, so a
//! CloudFormation that does stands in front of it.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::cloud::Cloud;
use crate::interposed::{Call, interpose};

fn is_balancer_protected(cloud: &Cloud, balancer: &str) -> bool {
    let attributes = cloud.call_query(
        "elasticloadbalancing",
        &[("Action", "DescribeLoadBalancerAttributes"), ("LoadBalancerArn", balancer)],
    );
    let (_, rest) = attributes.split_once("deletion_protection.enabled").unwrap_or_default();
    rest.split("</member>").next().unwrap().contains("<Value>true</Value>")
}

fn is_table_protected(cloud: &Cloud, table: &str) -> bool {
    let asked = json!({ "TableName": table });
    let table = cloud.call_json("dynamodb", "DynamoDB_20120810.DescribeTable", &asked);
    table["Table"]["DeletionProtectionEnabled"] == true
}

/// The protected resources of the deployed stack, by whether they are protected now.
struct Protected<'a> {
    cloud: &'a Cloud,
    balancer: String,
    tables: [String; 2],
}

impl<'a> Protected<'a> {
    fn find(cloud: &'a Cloud) -> Self {
        let balancer = cloud.resource_id("LoadBalancer");
        Self { cloud, balancer, tables: ["ItemsTable", "LedgerTable"].map(|name| cloud.resource_id(name)) }
    }

    fn state(&self) -> [bool; 3] {
        let [items, ledger] = &self.tables;
        [
            is_balancer_protected(self.cloud, &self.balancer),
            is_table_protected(self.cloud, items),
            is_table_protected(self.cloud, ledger),
        ]
    }

    fn turn_off_by_hand(&self) {
        let attribute = [
            ("Action", "ModifyLoadBalancerAttributes"),
            ("LoadBalancerArn", self.balancer.as_str()),
            ("Attributes.member.1.Key", "deletion_protection.enabled"),
            ("Attributes.member.1.Value", "false"),
        ];
        self.cloud.call_query("elasticloadbalancing", &attribute);
        for table in &self.tables {
            let off = json!({ "TableName": table, "DeletionProtectionEnabled": false });
            self.cloud.call_json("dynamodb", "DynamoDB_20120810.UpdateTable", &off);
        }
    }
}

/// The events of an operation on the stack, newest first, as XML. Each is a resource, its type, its status and the reason.
fn events_answer(stack: &str, events: &[(&str, &str, &str, &str)]) -> String {
    let events = events.iter().map(|(resource, kind, status, reason)| {
        let id = if *resource == "restctl" { stack } else { "id" };
        format!(
            "<member><EventId>{resource} {status}</EventId><StackId>{stack}</StackId><StackName>restctl</StackName>\
             <LogicalResourceId>{resource}</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>{kind}</ResourceType><Timestamp>2026-11-20T09:00:00Z</Timestamp>\
             <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    });
    format!(
        "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>{}</StackEvents>\
         </DescribeStackEventsResult></DescribeStackEventsResponse>",
        events.collect::<String>()
    )
}

const STACK: &str = "AWS::CloudFormation::Stack";
const BALANCER: &str = "AWS::ElasticLoadBalancingV2::LoadBalancer";

/// Returns whether the call turns the load balancer's protection on or off. `None` for other calls.
fn balancer_protection(call: &Call) -> Option<bool> {
    call.is_action("ModifyLoadBalancerAttributes")
        .then(|| call.query_parameter("Attributes.member.1.Value") == "true")
}

/// Lets CloudFormation refuse to delete a protected load balancer, as on AWS: the deletion begins, and fails.
fn refuse_deletion_of_protected_balancer(cloud: &Cloud) {
    let (is_protected, has_failed) = (Mutex::new(true), Mutex::new(false));
    interpose(cloud, move |call| {
        if let Some(on) = balancer_protection(call) {
            *is_protected.lock().unwrap() = on;
        }
        if call.is_action("DeleteStack") && *is_protected.lock().unwrap() {
            *has_failed.lock().unwrap() = true;
            return Some("<DeleteStackResponse/>".to_owned());
        }
        let reason =
            "Load balancer cannot be deleted because deletion protection is enabled (OperationNotPermitted)";
        (call.is_action("DescribeStackEvents") && *has_failed.lock().unwrap()).then(|| {
            let events = [
                ("restctl", STACK, "DELETE_FAILED", "failed to delete: [LoadBalancer]"),
                ("LoadBalancer", BALANCER, "DELETE_FAILED", reason),
            ];
            events_answer(&call.query_parameter("StackName"), &events)
        })
    });
}

#[test]
fn each_deployment_protects_what_it_made() {
    let cloud = Cloud::start_deployed(&[]);
    let protected = Protected::find(&cloud);
    assert_eq!(protected.state(), [true; 3]);
    protected.turn_off_by_hand();
    assert_eq!(protected.state(), [false; 3]);
    let deployed = cloud.succeed(&["deploy"]);
    assert!(deployed.stderr.contains("no change"), "{}", deployed.stderr);
    assert_eq!(protected.state(), [true; 3]);
}

/// CloudFormation rolls a failed creation back, which it cannot if something is protected by then.
#[test]
fn nothing_is_protected_until_the_stack_is_complete() {
    let cloud = Cloud::start_set_up();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&calls);
    interpose(&cloud, move |call| {
        if call.is_action("ModifyLoadBalancerAttributes") || call.target.ends_with(".UpdateTable") {
            log.lock().unwrap().push(call.body.clone());
        }
        None
    });
    let failed = cloud.run(&["deploy", "--domain", "restctl.localhost", "--hosted-zone", "Z0NOPE"]);
    failed.failed_with(1, &["it ended in ROLLBACK_COMPLETE"]);
    assert!(calls.lock().unwrap().is_empty(), "{:?}", calls.lock().unwrap());
    let tables = cloud.call_json("dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
    assert_eq!(tables["TableNames"], json!([]));

    cloud.succeed(&["deploy", "--yes", "--domain", "", "--hosted-zone", ""]);
    assert_eq!(Protected::find(&cloud).state(), [true; 3]);
    assert_eq!(calls.lock().unwrap().len(), 3);
}

#[test]
fn destroy_takes_the_protection_off_what_it_removes() {
    let cloud = Cloud::start_deployed(&[]);
    let protected = Protected::find(&cloud);
    refuse_deletion_of_protected_balancer(&cloud);
    cloud.run(&["destroy"]).failed_with(2, &["no terminal", "--yes"]);
    assert_eq!(protected.state(), [true; 3], "nothing changes before it has asked");

    let destroyed = cloud.succeed(&["destroy", "--yes"]);
    let off = format!("turned off the deletion protection of the load balancer {}", protected.balancer);
    assert!(destroyed.stderr.contains(&off), "{}", destroyed.stderr);
    assert!(!destroyed.stderr.contains("protection of the table"), "{}", destroyed.stderr);
    for table in &protected.tables {
        assert!(is_table_protected(&cloud, table), "what stays is still protected");
    }
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    let tables = cloud.call_json("dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
    assert_eq!(tables["TableNames"], json!([]));
}

#[test]
fn a_refused_removal_leaves_everything_protected() {
    let cloud = Cloud::start_deployed(&[]);
    let protected = Protected::find(&cloud);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    interpose(&cloud, move |call| {
        log.lock().unwrap().extend(balancer_protection(call));
        call.is_action("DeleteStack").then(|| {
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
                .to_owned()
        })
    });
    cloud.run(&["destroy", "--yes", "--delete-data"]).failed_with(4, &["not you"]);
    assert_eq!(*seen.lock().unwrap(), [false, true]);
    assert_eq!(protected.state(), [true; 3]);
}

/// `destroy` ended after it had taken the protection off, and before the deletion began.
#[test]
fn an_unprotected_stack_is_removed() {
    let cloud = Cloud::start_deployed(&[]);
    Protected::find(&cloud).turn_off_by_hand();
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
}

/// An update that replaces the load balancer deletes the old one, unless it is rolled back.
#[test]
fn a_replaced_load_balancer_can_be_deleted() {
    let cloud = Cloud::start_deployed(&[]);
    let protected = Protected::find(&cloud);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, balancer) = (Arc::clone(&seen), protected.balancer.clone());
    interpose(&cloud, move |call| {
        let mut seen = log.lock().unwrap();
        seen.extend(balancer_protection(call).map(|on| if on { "on" } else { "off" }));
        if call.is_action("ExecuteChangeSet") {
            seen.push("executed");
            return Some("<ExecuteChangeSetResponse/>".to_owned());
        }
        if call.is_action("DescribeStackEvents") && seen.contains(&"executed") {
            let events = [("restctl", STACK, "UPDATE_ROLLBACK_COMPLETE", "")];
            return Some(events_answer(&call.query_parameter("StackName"), &events));
        }
        call.is_action("DescribeChangeSet").then(|| {
            format!(
                "<DescribeChangeSetResponse><DescribeChangeSetResult><Status>CREATE_COMPLETE</Status><Changes><member>\
                 <Type>Resource</Type><ResourceChange><Action>Modify</Action><Replacement>True</Replacement>\
                 <LogicalResourceId>LoadBalancer</LogicalResourceId><PhysicalResourceId>{balancer}</PhysicalResourceId>\
                 <ResourceType>{BALANCER}</ResourceType></ResourceChange></member></Changes>\
                 </DescribeChangeSetResult></DescribeChangeSetResponse>"
            )
        })
    });
    cloud.run(&["deploy", "--list", "on"]).failed_with(1, &["UPDATE_ROLLBACK_COMPLETE"]);
    assert_eq!(*seen.lock().unwrap(), ["off", "executed", "on"]);
    assert_eq!(protected.state(), [true; 3]);
}
