//! `restctl status` for people, for programs, and as a screen.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::cloud::{Cloud, CommandOutput, eventually, interrupt};
use crate::terminal::Terminal;

#[test]
fn a_stack_on_one_screen() {
    let cloud = Cloud::start_empty();
    cloud.run(&["status"]).failed_with(5, &["there is no stack restctl", "next: restctl deploy"]);
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);

    let status = cloud.succeed(&["status"]).stdout;
    for text in [
        "CREATE_COMPLETE",
        "https://localhost:",
        "days left",
        "and the endpoint serves it",
        "api version 1; ingest version 1",
        "nothing throttled",
        "0 waiting, 0 in flight, 0 dead letters",
        "auth0, http://127.0.0.1:",
        "(RS256)",
        "ms on average",
        "loaded",
        "items.csv",
    ] {
        assert!(status.contains(text), "{text:?} is not in:\n{status}");
    }
    programs_get_json(&cloud);
    watch_draws_a_screen_on_a_terminal(&cloud);
    watch_writes_lines_without_a_terminal(&cloud);
    problems_are_shown(&cloud);
}

fn programs_get_json(cloud: &Cloud) {
    let status = cloud.succeed(&["status", "--output", "json"]).json();
    assert_eq!(status["endpoint"]["certificate"]["is_served"], true);
    assert_eq!(status["endpoint"]["certificate"]["problem"], json!(null));
    assert_eq!(status["functions"]["ingest"]["version"], "1");
    assert_eq!(status["queue"], json!({ "waiting": 0, "in_flight": 0, "dead_letters": 0 }));
    assert_eq!(status["loads"][0]["object"], "items.csv");
    // Every request counts, including the smoke tests of the deployment.
    let counted = || {
        let traffic = cloud.succeed(&["status", "--output", "json"]).json()["traffic"].clone();
        traffic["requests"].as_array().unwrap().iter().filter_map(|it| it.as_u64()).sum::<u64>()
    };
    let before = eventually("the log has all requests", || Some(counted()).filter(|count| *count >= 4));
    cloud.succeed(&["get", "--id", "7"]);
    eventually("one more", || (counted() > before).then_some(()));
}

fn watch_draws_a_screen_on_a_terminal(cloud: &Cloud) {
    for quit in ["q", "\x03"] {
        let mut watching = Terminal::open(cloud, &["status", "--watch"]);
        watching.wait_for_text("rows/s:");
        watching.wait_for_text("latency");
        watching.wait_for_text("items.csv");
        watching.type_keys(quit);
        let (exit, screen) = watching.wait_for_end();
        assert_eq!(exit, Some(0), "{screen}");
        assert!(screen.contains("\x1b[?1049h") && screen.contains("\x1b[?1049l"), "the screen is given back");
    }
}

fn watch_writes_lines_without_a_terminal(cloud: &Cloud) {
    let mut command = cloud.command(&["status", "--watch", "--output", "json"]);
    let mut watching = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["stack"]["name"], "restctl");
    }
    interrupt(&watching);
    let ended = CommandOutput::from(watching.wait_with_output().unwrap());
    assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "Ctrl-C is how it ends");
}

fn problems_are_shown(cloud: &Cloud) {
    let queue = cloud.resource_id("DeadLetterQueue");
    let message = json!({
        "QueueUrl": queue, "MessageBody": "{}", "MessageGroupId": "items", "MessageDeduplicationId": "1",
    });
    cloud.call_json("sqs", "AmazonSQS.SendMessage", &message);
    cloud.succeed(&["setup", "--self-signed", "restctl.localhost", "--no-input"]);
    let status = cloud.succeed(&["status", "--color", "always"]);
    assert!(status.stdout.contains("\x1b[31m0 waiting, 0 in flight, 1 dead letters: restctl dlq ls\x1b[0m"));
    assert!(!cloud.succeed(&["status"]).stdout.contains('\x1b'), "no colors without a terminal");
    // The metrics of the table come from CloudWatch.
    let table = cloud.resource_id("ItemsTable");
    for (value, minutes_ago) in [("7", 0), ("20", 45), ("100", 75)] {
        let time = OffsetDateTime::now_utc() - Duration::minutes(minutes_ago);
        // The local CloudWatch reads no nanoseconds.
        let time = time.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
        let datum = [
            ("Action", "PutMetricData"),
            ("Namespace", "AWS/DynamoDB"),
            ("MetricData.member.1.MetricName", "WriteThrottleEvents"),
            ("MetricData.member.1.Value", value),
            ("MetricData.member.1.Timestamp", &time),
            ("MetricData.member.1.Dimensions.member.1.Name", "TableName"),
            ("MetricData.member.1.Dimensions.member.1.Value", table.as_str()),
        ];
        cloud.call_query("monitoring", &datum);
    }
    let status = cloud.succeed(&["status", "--output", "json"]).json();
    assert_eq!(status["table"]["throttled"], 27, "in the last 60 minutes");
    // A part that is unavailable hides no other.
    let unprotect = json!({ "TableName": table, "DeletionProtectionEnabled": false });
    cloud.call_json("dynamodb", "DynamoDB_20120810.UpdateTable", &unprotect);
    cloud.call_json("dynamodb", "DynamoDB_20120810.DeleteTable", &json!({ "TableName": table }));
    let queue = cloud.resource_id("LoadQueue");
    cloud.call_json("sqs", "AmazonSQS.DeleteQueue", &json!({ "QueueUrl": queue }));
    let status = cloud.succeed(&["status", "--output", "json"]).json();
    assert!(
        status["queue"]["problem"].as_str().unwrap().starts_with("cannot read the attributes of the queue"),
        "{status}"
    );
    assert_eq!(status["functions"]["api"]["version"], "1");
}
