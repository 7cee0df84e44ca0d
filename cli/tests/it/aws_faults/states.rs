//! States of a stack in which commands cannot do their work, and where their next steps lead.

use std::sync::{Arc, Mutex};

use super::advice::assert_no_circle;
use super::outcomes::Outcomes;
use crate::cloud::Cloud;
use crate::interposed::interpose;
use crate::snapshots::Snapshots;

/// What they advise, such as `restctl setup` and `restctl deploy`, changes the state and leads out of the circle.
const COMMANDS: &[&[&str]] = &[
    &["auth-test"],
    &["cert", "show"],
    &["dlq", "ls"],
    &["doctor"],
    &["export"],
    &["get", "--id", "1"],
    &["idp", "show"],
    &["loads", "ls"],
    &["logs"],
    &["rollback"],
    &["status"],
    &["token"],
    &["upload", "items.csv"],
    &["verify", "items.csv"],
];

/// The states in which a deployment or a deletion leaves a stack if it fails, and those in between.
const STATUSES: [&str; 6] = [
    "CREATE_IN_PROGRESS",
    "DELETE_FAILED",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
];

fn compare_failures(cloud: &Cloud, state: &str, snapshots: &mut Snapshots) {
    let (mut outcomes, mut ends) = (Outcomes::default(), Vec::new());
    for args in COMMANDS {
        let ran = cloud.run(args);
        if ran.exit != 0 {
            outcomes.add(format!("restctl {}", args.join(" ")), &ran);
        }
        ends.push((*args, ran));
    }
    assert_no_circle(&ends);
    snapshots.compare(&format!("state-{state}").to_lowercase().replace('_', "-"), &outcomes.to_text());
}

#[test]
fn no_next_step_leads_back_to_the_command_that_gave_it() {
    let mut snapshots = Snapshots::in_folder("aws_faults");
    let cloud = Cloud::start_empty();
    compare_failures(&cloud, "nothing", &mut snapshots);
    cloud.succeed(&["setup"]);
    compare_failures(&cloud, "set-up", &mut snapshots);
    let status: Arc<Mutex<&str>> = Arc::default();
    let answered = Arc::clone(&status);
    interpose(&cloud, move |call| {
        if call.is_action("ListStackResources") {
            return Some(
                "<ListStackResourcesResponse><ListStackResourcesResult/></ListStackResourcesResponse>"
                    .to_owned(),
            );
        }
        let status = answered.lock().unwrap();
        call.is_action("DescribeStacks").then(|| {
            format!(
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>stack</StackId>\
                 <StackName>restctl</StackName><StackStatus>{status}</StackStatus><Tags><member><Key>restctl:stack</Key>\
                 <Value>restctl</Value></member></Tags></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            )
        })
    });
    for name in STATUSES {
        *status.lock().unwrap() = name;
        compare_failures(&cloud, name, &mut snapshots);
    }
    snapshots.finish();
}
