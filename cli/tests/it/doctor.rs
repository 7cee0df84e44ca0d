//! `restctl doctor` against a cloud with each of the faults that it knows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use axum::Router;
use axum::http::StatusCode;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::authority::{Authority, Issued};
use crate::cloud::{Cloud, CommandOutput};
use crate::issuer::Issuer;
use crate::record_edit::RecordEdit;
use crate::tls_stand_in::serve_in_turn;

const NAME: &str = "restctl.localhost";

/// Why the check of 5xx is skipped.
const NOTHING_TO_COUNT: &str = "the local cloud does not count the answers of the load balancer";

/// The result of each check.
struct Report(Value);

impl Report {
    /// Parses the report of a run that must have ended with this exit code.
    #[track_caller]
    fn from_run(ran: &CommandOutput, exit: i32) -> Self {
        assert_eq!(ran.exit, exit, "{}{}", ran.stdout, ran.stderr);
        Self(ran.json())
    }

    fn check_row(&self, check: &str) -> &Value {
        let row = self.0.as_array().unwrap().iter().find(|row| row["check"] == check);
        row.unwrap_or_else(|| panic!("no {check} in {}", self.0))
    }

    #[track_caller]
    fn assert_verdict(&self, check: &str, verdict: &str) -> &Self {
        assert_eq!(self.check_row(check)["verdict"], verdict, "{}", self.check_row(check));
        self
    }

    /// Asserts that the check has this verdict, and that its evidence and its next step contain these words.
    #[track_caller]
    fn assert_says(&self, check: &str, verdict: &str, evidence: &str, next: &str) -> &Self {
        let row = self.assert_verdict(check, verdict).check_row(check);
        assert!(row["evidence"].as_str().unwrap().contains(evidence), "{row}");
        assert!(row["next"].as_str().unwrap().contains(next), "{row}");
        self
    }

    #[track_caller]
    fn assert_skipped(&self, check: &str, needs: &str) -> &Self {
        assert_eq!(
            self.assert_verdict(check, "skipped").check_row(check)["evidence"],
            format!("needs {needs}")
        );
        self
    }

    /// Asserts that all checks except for these are ok, or have nothing to look at on the local cloud.
    #[track_caller]
    fn assert_others_ok(&self, checks: &[&str]) {
        for row in self.0.as_array().unwrap() {
            let is_named = checks.contains(&row["check"].as_str().unwrap());
            let is_ok = row["verdict"] == "ok" || row["evidence"] == NOTHING_TO_COUNT;
            assert_eq!(!is_ok, is_named, "{row}");
        }
    }
}

#[track_caller]
fn run_doctor(cloud: &Cloud, exit: i32) -> Report {
    Report::from_run(&cloud.run(&["doctor", "--output", "json"]), exit)
}

#[test]
fn each_broken_link_is_found() {
    let cloud = Cloud::start_empty();
    before_anything_is_set_up(&cloud);
    let authority = Authority::new();
    let served = authority.issue_certificate(NAME, 90);
    let cert = cloud.write_file("leaf.pem", &served.certificate.pem());
    let key = cloud.write_file("key.pem", &served.key.serialize_pem());
    let chain = cloud.write_file("chain.pem", &authority.chain_pem());
    cloud.succeed(&["setup", "--cert", &cert, "--key", &key, "--chain", &chain]);
    run_doctor(&cloud, 5)
        .assert_says("stack", "failed", "there is no stack restctl", "restctl deploy")
        .assert_skipped("connection", "stack")
        .assert_skipped("access", "stack")
        .assert_others_ok(&[
            "stack",
            "deployed settings",
            "functions",
            "drift",
            "additions",
            "connection",
            "key",
            "chain",
            "name",
            "expiry",
            "fingerprint",
            "access",
            "target",
            "concurrency",
            "5xx",
            "throttles",
            "alarms",
            "event rule",
            "event source mapping",
            "dead letters",
        ]);
    cloud.succeed(&["deploy"]);

    let well = cloud.succeed(&["doctor"]);
    let is_well = |line: &str| line.starts_with("ok ") || line.ends_with(NOTHING_TO_COUNT);
    assert!(well.stdout.lines().skip(1).all(is_well), "{}", well.stdout);
    assert!(well.stderr.contains("checks are ok, 1 skipped"), "{}", well.stderr);
    run_doctor(&cloud, 0).assert_others_ok(&[]);

    settings_faults_are_found(&cloud);
    provider_faults_are_found(&cloud);
    load_faults_are_found(&cloud);
    target_faults_are_found(&cloud);
    endpoint_faults_are_found(&cloud, &authority, served);
    limits_and_alarms_are_found(&cloud);
    account_faults_are_found(&cloud);
}

fn before_anything_is_set_up(cloud: &Cloud) {
    run_doctor(cloud, 5)
        .assert_says(
            "settings",
            "failed",
            "missing: /restctl/restctl/issuers, /restctl/restctl/client",
            "restctl setup",
        )
        .assert_says("client secret", "failed", "is missing", "restctl setup")
        .assert_says("certificate", "failed", "is missing", "restctl setup")
        .assert_skipped("token", "settings")
        .assert_verdict("credentials", "ok");
}

fn settings_faults_are_found(cloud: &Cloud) {
    let name = "/restctl/restctl/client";
    let client = cloud.stored_setting("client");
    cloud.call_json("ssm", "AmazonSSM.DeleteParameter", &json!({ "Name": name }));
    let dependent = ["deployed settings", "issuer", "keys", "token", "claims", "access"];
    let report = run_doctor(cloud, 5);
    report.assert_says("settings", "failed", "missing: /restctl/restctl/client", "restctl setup");
    for check in dependent {
        report.assert_skipped(check, "settings");
    }
    report.assert_others_ok(&[dependent.as_slice(), &["settings"]].concat());
    let put = json!({ "Name": name, "Value": client, "Type": "String", "Overwrite": true });
    cloud.call_json("ssm", "AmazonSSM.PutParameter", &put);
    let issuers = cloud.stored_issuers();
    cloud.edit_issuers(|issuers| issuers[0]["audiences"] = json!(["https://other.example.test"]));
    let report = run_doctor(cloud, 1);
    report.assert_says("deployed settings", "failed", "-> https://other.example.test", "restctl deploy");
    // The provider grants no tokens for that audience.
    report.assert_verdict("token", "failed");
    cloud.edit_issuers(|edited| *edited = issuers);

    let id = json!({ "SecretId": "restctl/restctl/client-secret", "ForceDeleteWithoutRecovery": true });
    cloud.call_json("secretsmanager", "secretsmanager.DeleteSecret", &id);
    let report = run_doctor(cloud, 5);
    report.assert_says("client secret", "failed", "is missing", "restctl setup --client-secret-file FILE");
    report.assert_skipped("token", "client secret").assert_others_ok(&[
        "client secret",
        "token",
        "claims",
        "access",
    ]);
    let secret = |text: &str| json!({ "Name": "restctl/restctl/client-secret", "SecretString": text });
    cloud.call_json("secretsmanager", "secretsmanager.CreateSecret", &secret("wrong"));
    let report = run_doctor(cloud, 4);
    report.assert_says("token", "failed", "access_denied", "--client-secret-file");
    report.assert_skipped("claims", "token").assert_others_ok(&["token", "claims", "access"]);
    let secret = cloud.record()["identity_provider"]["client_secret"].as_str().unwrap().to_owned();
    cloud.run_with_input(&["setup", "--client-secret-file", "-"], &secret);
    run_doctor(cloud, 0);
}

fn provider_faults_are_found(cloud: &Cloud) {
    let issuer = cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();
    let without_slash = issuer.trim_end_matches('/');
    let before = cloud.stored_issuers();
    cloud.edit_issuers(|issuers| issuers[0]["issuer"] = json!(without_slash));
    run_doctor(cloud, 1).assert_says(
        "deployed settings",
        "failed",
        &format!("trust in {issuer}"),
        "restctl deploy",
    );
    cloud.edit_issuers(|issuers| *issuers = before.clone());

    // The faults of a second issuer name it, and no advice touches the first one.
    let other = Issuer::start(&[]);
    cloud.succeed(&["idp", "add", "--issuer", other.url(), "--audience", "items"]);
    cloud.succeed(&["deploy"]);
    run_doctor(cloud, 0);
    let url = other.url().to_owned();
    let add = format!("restctl idp add --issuer {url}");
    other.publish_keys(StatusCode::NOT_FOUND, json!([]));
    run_doctor(cloud, 1).assert_says("keys", "failed", "404", &add).assert_others_ok(&["keys"]);
    other.publish_keys(StatusCode::OK, json!([{ "kty": "oct", "k": "c2VjcmV0" }]));
    run_doctor(cloud, 1)
        .assert_says(
            "keys",
            "failed",
            &format!("could verify no token with the keys at {url}keys"),
            "publish a key",
        )
        .assert_others_ok(&["keys"]);
    drop(other);
    let remove = format!("restctl idp remove {url}");
    let report = run_doctor(cloud, 1);
    report.assert_says("issuer", "failed", &format!("the issuer does not answer at {url}"), &remove);
    report.assert_others_ok(&["issuer", "keys"]);
    cloud.succeed(&["idp", "remove", &url]);
    cloud.succeed(&["deploy"]);
    run_doctor(cloud, 0);
}

fn load_faults_are_found(cloud: &Cloud) {
    let rule = cloud.resource_id("ObjectCreatedRule");
    let name = json!({ "Name": rule });
    cloud.call_json("events", "AWSEvents.DisableRule", &name);
    let report = run_doctor(cloud, 1);
    report.assert_says(
        "event rule",
        "failed",
        "is disabled",
        &format!("aws events enable-rule --name {rule}"),
    );
    report.assert_others_ok(&["event rule"]);
    cloud.call_json("events", "AWSEvents.EnableRule", &name);

    let mapping = cloud.resource_id("LoadMapping");
    let enable = |is_enabled: bool| {
        let path = format!("/2015-03-31/event-source-mappings/{mapping}");
        let body = json!({ "Enabled": is_enabled }).to_string();
        cloud.send_request("lambda", reqwest::Method::PUT, &path, |request| request.body(body));
    };
    enable(false);
    let report = run_doctor(cloud, 1);
    report.assert_says(
        "event source mapping",
        "failed",
        "is disabled",
        &format!("--uuid {mapping} --enabled"),
    );
    report.assert_others_ok(&["event source mapping"]);
    enable(true);

    let queue = cloud.resource_id("DeadLetterQueue");
    let letter = json!({
        "QueueUrl": queue, "MessageBody": "{}", "MessageGroupId": "items", "MessageDeduplicationId": "1",
    });
    cloud.call_json("sqs", "AmazonSQS.SendMessage", &letter);
    let report = run_doctor(cloud, 1);
    report
        .assert_says("dead letters", "failed", "1 in ", "restctl dlq ls")
        .assert_others_ok(&["dead letters"]);
    cloud.call_json("sqs", "AmazonSQS.PurgeQueue", &json!({ "QueueUrl": queue }));
}

fn target_faults_are_found(cloud: &Cloud) {
    let (group, function) = (cloud.resource_id("ApiTargetGroup"), cloud.resource_id("ApiAlias"));
    let change = |action: &str| {
        let form = [
            ("Action", action),
            ("TargetGroupArn", group.as_str()),
            ("Targets.member.1.Id", function.as_str()),
        ];
        cloud.call_query("elasticloadbalancing", &form);
    };
    change("DeregisterTargets");
    let report = run_doctor(cloud, 1);
    let next = format!("aws elbv2 register-targets --target-group-arn {group} --targets Id={function}");
    report.assert_says("target", "failed", "is not registered", &next).assert_verdict("access", "failed");
    report.assert_others_ok(&["target", "access"]);
    change("RegisterTargets");
    run_doctor(cloud, 0);
}

fn endpoint_faults_are_found(cloud: &Cloud, authority: &Authority, served: Issued) {
    let above = [authority.intermediate.der().clone(), authority.root.der().clone()];
    let below = |leaf: &Issued| [vec![leaf.certificate.der().clone()], above.to_vec()].concat();
    let with = |chain: Vec<CertificateDer<'static>>, key: &KeyPair| {
        let _edit = RecordEdit::new(cloud, "front", &serve_in_turn(&[(chain, key)]).address.to_string());
        run_doctor(cloud, 1)
    };
    let presenting = |leaf: &Issued| with(below(leaf), &leaf.key);
    let tls = |report: &Report, wrong: &[&str]| {
        for check in ["connection", "key", "chain", "name", "expiry", "fingerprint"] {
            report.assert_verdict(check, if wrong.contains(&check) { "failed" } else { "ok" });
        }
    };

    let report = presenting(&authority.issue_certificate(NAME, -2));
    report
        .assert_says("expiry", "failed", "expired on", "restctl cert renew --cert FILE")
        .assert_skipped("access", "expiry");
    tls(&report, &["expiry", "fingerprint"]);
    let report = presenting(&authority.issue_certificate("other.localhost", 90));
    report.assert_says("name", "failed", "for \"other.localhost\", not for restctl.localhost", "cert renew");
    tls(report.assert_skipped("access", "name"), &["name", "fingerprint"]);
    let report = presenting(&authority.issue_certificate(NAME, 20));
    report.assert_says("expiry", "warning", "in 19 days", "restctl cert renew");
    let report = presenting(&authority.issue_certificate(NAME, 90));
    report.assert_says("fingerprint", "failed", "does not serve the certificate", "restctl deploy");
    tls(&report, &["fingerprint"]);
    let stranger = Authority::new();
    let from_a_stranger = stranger.issue_certificate(NAME, 90);
    let report = with(vec![from_a_stranger.certificate.der().clone()], &from_a_stranger.key);
    report
        .assert_says("chain", "failed", "no trusted authority", "cert renew")
        .assert_skipped("access", "chain");

    let disordered =
        [&served.certificate, &authority.root, &authority.intermediate].map(|each| each.der().clone());
    let report = with(disordered.to_vec(), &served.key);
    report.assert_says("chain", "failed", "certificate 2 of 3 did not issue the one before it", "in order");
    tls(&report, &["chain"]);
    let report = with(below(&served), &KeyPair::generate().unwrap());
    report
        .assert_says("key", "failed", "signs with a key that is not", "cert renew")
        .assert_skipped("access", "key");
    tls(&report, &["key"]);

    // Nothing listens there.
    let unreachable = RecordEdit::new(cloud, "front", "127.0.0.1:9");
    let report = run_doctor(cloud, 1);
    report
        .assert_says("connection", "failed", "cannot reach", "--allow-cidr")
        .assert_skipped("key", "connection");
    drop(unreachable);
    run_doctor(cloud, 0).assert_others_ok(&[]);
}

fn limits_and_alarms_are_found(cloud: &Cloud) {
    let function = cloud.resource_id("IngestFunction");
    let path = format!("/2017-10-31/functions/{function}/concurrency");
    let none = json!({ "ReservedConcurrentExecutions": 0 }).to_string();
    cloud.send_request("lambda", reqwest::Method::PUT, &path, |request| request.body(none));
    let report = run_doctor(cloud, 1);
    report.assert_says(
        "concurrency",
        "failed",
        "the ingest function has a reserved concurrency of 0",
        "restctl deploy",
    );
    report.assert_others_ok(&["concurrency", "functions"]);
    cloud.send_request("lambda", reqwest::Method::DELETE, &path, |request| request);

    let alarm = cloud.resource_id("DeadLettersAlarm");
    let set_state = |state: &str| {
        let form = [
            ("Action", "SetAlarmState"),
            ("AlarmName", &alarm),
            ("StateValue", state),
            ("StateReason", "tested"),
        ];
        cloud.call_query("monitoring", &form);
    };
    set_state("ALARM");
    let report = run_doctor(cloud, 1);
    report.assert_says("alarms", "failed", "1 of 9 alarms are in ALARM", "restctl dlq ls");
    report.assert_says("alarms", "failed", ": tested", "restctl dlq ls").assert_others_ok(&["alarms"]);
    set_state("OK");
    cloud.call_query("monitoring", &[("Action", "DisableAlarmActions"), ("AlarmNames.member.1", &alarm)]);
    let report = run_doctor(cloud, 0);
    let next = format!("aws cloudwatch enable-alarm-actions --alarm-names {alarm}");
    report.assert_says("alarms", "warning", &alarm, &next).assert_others_ok(&["alarms"]);
    cloud.call_query("monitoring", &[("Action", "EnableAlarmActions"), ("AlarmNames.member.1", &alarm)]);

    let throttled = [
        ("Action", "PutMetricData"),
        ("Namespace", "AWS/DynamoDB"),
        ("MetricData.member.1.MetricName", "WriteThrottleEvents"),
        ("MetricData.member.1.Value", "7"),
        ("MetricData.member.1.Dimensions.member.1.Name", "TableName"),
        ("MetricData.member.1.Dimensions.member.1.Value", &cloud.resource_id("ItemsTable")),
    ];
    cloud.call_query("monitoring", &throttled);
    let report = run_doctor(cloud, 0);
    report
        .assert_says("throttles", "warning", "in the last hour: 7 writes of the table", "DynamoDB adapts")
        .assert_others_ok(&["throttles"]);
    cloud
        .run(&["doctor", "--fail-on", "warning"])
        .failed_with(1, &["checks have a warning", "throttles: in the last hour"]);
}

/// Starts a server in place of AWS, which answers every request like this, with a date `seconds_ago` seconds before now.
fn serve_at_time(seconds_ago: i64, status: StatusCode, body: &'static str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let date = DateTime::from_secs(now - seconds_ago).fmt(DateTimeFormat::HttpDate).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let answer = async move || (status, [("date", date)], body);
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().fallback(answer)).await.unwrap();
        });
    });
    url
}

fn account_faults_are_found(cloud: &Cloud) {
    const CALLER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>\
        <Arn>arn:aws:iam::123456789012:user/me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>";
    const REFUSED: &str = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>\
        <Message>Signature expired</Message></Error></ErrorResponse>";
    let doctor_at = |url: String, exit| {
        let _edit = RecordEdit::new(cloud, "endpoint_url", &url);
        run_doctor(cloud, exit)
    };
    doctor_at(serve_at_time(90, StatusCode::OK, CALLER), 1)
        .assert_says("clock", "warning", "s ahead of AWS", "set this machine's clock")
        .assert_verdict("credentials", "ok");
    doctor_at(serve_at_time(-600, StatusCode::OK, CALLER), 1).assert_says(
        "clock",
        "failed",
        "s behind AWS",
        "clock",
    );
    doctor_at(serve_at_time(600, StatusCode::FORBIDDEN, REFUSED), 4)
        .assert_says("credentials", "failed", "SignatureDoesNotMatch", "aws sso login")
        .assert_says("clock", "failed", "s ahead of AWS", "clock")
        .assert_skipped("settings", "credentials");

    let endpoint = cloud.record()["endpoint_url"].as_str().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let without_credentials = as_on_aws(home.path(), &endpoint, &[("AWS_REGION", "us-east-1")]);
    let report = Report::from_run(&without_credentials, 4);
    report.assert_says("credentials", "failed", "no AWS credentials", "aws configure");
    report
        .assert_skipped("clock", "credentials")
        .assert_skipped("stack", "credentials")
        .assert_verdict("region", "ok");
    let report = Report::from_run(&as_on_aws(home.path(), &endpoint, &[]), 1);
    report
        .assert_says("region", "failed", "no AWS region is set", "--region")
        .assert_skipped("credentials", "region");
}

/// Runs `restctl doctor` with no AWS settings except for these.
fn as_on_aws(home: &Path, endpoint: &str, settings: &[(&str, &str)]) -> CommandOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command
        .args(["doctor", "--output", "json"])
        .env_clear()
        .env("HOME", home)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(settings.iter().copied())
        .stdin(Stdio::null());
    CommandOutput::from(command.output().unwrap())
}
