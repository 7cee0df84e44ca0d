//! `restctl doctor` against a cloud that is broken in each way it knows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use axum::Router;
use axum::http::StatusCode;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::authority::{Authority, Issued, put};
use crate::cloud::{Cloud, CommandOutput};
use crate::edited::Edited;
use crate::issuer::Issuer;
use crate::tls_stand_in::serve_in_turn;

const NAME: &str = "restctl.localhost";

/// What each check came to.
struct Report(Value);

impl Report {
    /// Of a run that ended with this exit code.
    #[track_caller]
    fn of(ran: &CommandOutput, exit: i32) -> Self {
        assert_eq!(ran.exit, exit, "{}{}", ran.stdout, ran.stderr);
        Self(ran.json())
    }

    fn row(&self, check: &str) -> &Value {
        let row = self.0.as_array().unwrap().iter().find(|row| row["check"] == check);
        row.unwrap_or_else(|| panic!("no {check} in {}", self.0))
    }

    #[track_caller]
    fn is(&self, check: &str, verdict: &str) -> &Self {
        assert_eq!(self.row(check)["verdict"], verdict, "{}", self.row(check));
        self
    }

    /// It has this verdict, and says so in these words; what is wrong says what to type.
    #[track_caller]
    fn says(&self, check: &str, verdict: &str, evidence: &str, next: &str) -> &Self {
        let row = self.is(check, verdict).row(check);
        assert!(row["evidence"].as_str().unwrap().contains(evidence), "{row}");
        assert!(row["next"].as_str().unwrap().contains(next), "{row}");
        self
    }

    #[track_caller]
    fn skips(&self, check: &str, needs: &str) -> &Self {
        assert_eq!(self.is(check, "skipped").row(check)["evidence"], format!("needs {needs}"));
        self
    }

    /// All others are ok.
    #[track_caller]
    fn and_nothing_else(&self, checks: &[&str]) {
        for row in self.0.as_array().unwrap() {
            let is_named = checks.contains(&row["check"].as_str().unwrap());
            assert_eq!(row["verdict"] != "ok", is_named, "{row}");
        }
    }
}

#[track_caller]
fn doctor(cloud: &Cloud, exit: i32) -> Report {
    Report::of(&cloud.run(&["doctor", "--output", "json"]), exit)
}

#[test]
fn each_broken_link_is_found() {
    let cloud = Cloud::start_empty();
    before_anything_is_set_up(&cloud);
    let authority = Authority::new();
    let served = authority.issue_certificate(NAME, 90);
    let put = |name, text: &str| put(cloud.state_folder(), name, text);
    let cert = put("leaf.pem", &served.certificate.pem());
    let (key, chain) =
        (put("key.pem", &served.key.serialize_pem()), put("chain.pem", &authority.chain_pem()));
    cloud.succeed(&["setup", "--cert", &cert, "--key", &key, "--chain", &chain]);
    doctor(&cloud, 5)
        .says("stack", "failed", "there is no stack restctl", "restctl deploy")
        .skips("connection", "stack")
        .skips("access", "stack")
        .and_nothing_else(&[
            "stack",
            "deployed settings",
            "connection",
            "key",
            "chain",
            "name",
            "expiry",
            "fingerprint",
            "access",
            "target",
            "event rule",
            "event source mapping",
            "dead letters",
        ]);
    cloud.succeed(&["deploy"]);

    let well = cloud.succeed(&["doctor"]);
    assert!(well.stdout.lines().skip(1).all(|line| line.starts_with("ok ")), "{}", well.stdout);
    assert!(well.stderr.contains("checks are ok"), "{}", well.stderr);
    doctor(&cloud, 0).and_nothing_else(&[]);

    settings(&cloud);
    provider(&cloud);
    loads(&cloud);
    target(&cloud);
    endpoint(&cloud, &authority, served);
    account(&cloud);
}

fn before_anything_is_set_up(cloud: &Cloud) {
    doctor(cloud, 5)
        .says("settings", "failed", "/restctl/restctl/issuer, /restctl/restctl/audience", "restctl setup")
        .says("client secret", "failed", "is missing", "restctl setup")
        .says("certificate", "failed", "is missing", "restctl setup")
        .skips("token", "settings")
        .is("credentials", "ok");
}

fn put_parameter(cloud: &Cloud, name: &str, value: &str) {
    let parameter = json!({ "Name": format!("/restctl/restctl/{name}"), "Value": value, "Type": "String", "Overwrite": true });
    cloud.call_json("ssm", "AmazonSSM.PutParameter", &parameter);
}

fn settings(cloud: &Cloud) {
    let audience = cloud.record()["identity_provider"]["audience"].as_str().unwrap().to_owned();
    cloud.call_json("ssm", "AmazonSSM.DeleteParameter", &json!({ "Name": "/restctl/restctl/audience" }));
    let dependent = ["deployed settings", "issuer", "keys", "token", "claims", "access"];
    let report = doctor(cloud, 5);
    report.says("settings", "failed", "missing: /restctl/restctl/audience", "restctl setup");
    for check in dependent {
        report.skips(check, "settings");
    }
    report.and_nothing_else(&[dependent.as_slice(), &["settings"]].concat());
    put_parameter(cloud, "audience", "https://other.example.test");
    doctor(cloud, 1)
        .says("deployed settings", "failed", "AUDIENCE has changed since", "restctl deploy")
        .is("token", "failed");
    put_parameter(cloud, "audience", &audience);

    let id = json!({ "SecretId": "restctl/restctl/client-secret", "ForceDeleteWithoutRecovery": true });
    cloud.call_json("secretsmanager", "secretsmanager.DeleteSecret", &id);
    let report = doctor(cloud, 5);
    report.says("client secret", "failed", "is missing", "restctl setup --client-secret-file FILE");
    report.skips("token", "client secret").and_nothing_else(&["client secret", "token", "claims", "access"]);
    let secret = |text: &str| json!({ "Name": "restctl/restctl/client-secret", "SecretString": text });
    cloud.call_json("secretsmanager", "secretsmanager.CreateSecret", &secret("wrong"));
    let report = doctor(cloud, 4);
    report.says("token", "failed", "access_denied", "--client-secret-file");
    report.skips("claims", "token").and_nothing_else(&["token", "claims", "access"]);
    cloud.succeed(&["setup"]);
    doctor(cloud, 0);
}

fn provider(cloud: &Cloud) {
    let issuer = cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();
    put_parameter(cloud, "issuer", issuer.trim_end_matches('/'));
    doctor(cloud, 1)
        .says(
            "issuer",
            "failed",
            &format!("the issuer's name is {issuer:?}"),
            &format!("restctl setup --issuer {issuer}"),
        )
        .says("deployed settings", "failed", "ISSUER has changed since", "restctl deploy");
    put_parameter(cloud, "issuer", &issuer);

    let other = Issuer::start(&[]);
    put_parameter(cloud, "jwks-uri", &format!("{}nothing", other.url()));
    doctor(cloud, 1).says("keys", "failed", "404", "restctl setup").skips("claims", "keys");
    put_parameter(cloud, "jwks-uri", &format!("{}keys", other.url()));
    doctor(cloud, 1).says("keys", "failed", "none of the key set's 1 keys", "RS256").skips("claims", "keys");
    cloud.succeed(&["setup"]);
    doctor(cloud, 0);
}

fn loads(cloud: &Cloud) {
    let rule = cloud.resource_name("ObjectCreatedRule");
    let name = json!({ "Name": rule });
    cloud.call_json("events", "AWSEvents.DisableRule", &name);
    let report = doctor(cloud, 1);
    report.says("event rule", "failed", "is disabled", &format!("aws events enable-rule --name {rule}"));
    report.and_nothing_else(&["event rule"]);
    cloud.call_json("events", "AWSEvents.EnableRule", &name);

    let mapping = cloud.resource_name("LoadMapping");
    let enable = |is_enabled: bool| {
        let path = format!("/2015-03-31/event-source-mappings/{mapping}");
        let body = json!({ "Enabled": is_enabled }).to_string();
        cloud.send_request("lambda", reqwest::Method::PUT, &path, |request| request.body(body));
    };
    enable(false);
    let report = doctor(cloud, 1);
    report.says("event source mapping", "failed", "is Disabled", &format!("--uuid {mapping} --enabled"));
    report.and_nothing_else(&["event source mapping"]);
    enable(true);

    let queue = cloud.resource_name("DeadLetterQueue");
    let letter = json!({
        "QueueUrl": queue, "MessageBody": "{}", "MessageGroupId": "items", "MessageDeduplicationId": "1",
    });
    cloud.call_json("sqs", "AmazonSQS.SendMessage", &letter);
    let report = doctor(cloud, 1);
    report.says("dead letters", "failed", "1 in ", "restctl dlq ls").and_nothing_else(&["dead letters"]);
    cloud.call_json("sqs", "AmazonSQS.PurgeQueue", &json!({ "QueueUrl": queue }));
}

fn target(cloud: &Cloud) {
    let (group, function) = (cloud.resource_name("ApiTargetGroup"), cloud.resource_name("ApiAlias"));
    let change = |action: &str| {
        let form = [
            ("Action", action),
            ("TargetGroupArn", group.as_str()),
            ("Targets.member.1.Id", function.as_str()),
        ];
        cloud.call_query("elasticloadbalancing", &form);
    };
    change("DeregisterTargets");
    let report = doctor(cloud, 1);
    let next = format!("aws elbv2 register-targets --target-group-arn {group} --targets Id={function}");
    report.says("target", "failed", "is not registered", &next).is("access", "failed");
    report.and_nothing_else(&["target", "access"]);
    change("RegisterTargets");
    doctor(cloud, 0);
}

fn endpoint(cloud: &Cloud, authority: &Authority, served: Issued) {
    let above = [authority.intermediate.der().clone(), authority.root.der().clone()];
    let below = |leaf: &Issued| [vec![leaf.certificate.der().clone()], above.to_vec()].concat();
    let with = |chain: Vec<CertificateDer<'static>>, key: &KeyPair| {
        let _edited = Edited::new(cloud, "front", &serve_in_turn(&[(chain, key)]).address.to_string());
        doctor(cloud, 1)
    };
    let presenting = |leaf: &Issued| with(below(leaf), &leaf.key);
    let tls = |report: &Report, wrong: &[&str]| {
        for check in ["connection", "key", "chain", "name", "expiry", "fingerprint"] {
            report.is(check, if wrong.contains(&check) { "failed" } else { "ok" });
        }
    };

    let report = presenting(&authority.issue_certificate(NAME, -2));
    report.says("expiry", "failed", "expired on", "restctl cert renew --cert FILE").skips("access", "expiry");
    tls(&report, &["expiry", "fingerprint"]);
    let report = presenting(&authority.issue_certificate("other.localhost", 90));
    report.says("name", "failed", "for \"other.localhost\", not for restctl.localhost", "cert renew");
    tls(report.skips("access", "name"), &["name", "fingerprint"]);
    let report = presenting(&authority.issue_certificate(NAME, 20));
    report.says("expiry", "warning", "in 19 days", "restctl cert renew");
    let report = presenting(&authority.issue_certificate(NAME, 90));
    report.says("fingerprint", "failed", "does not serve the certificate", "restctl deploy");
    tls(&report, &["fingerprint"]);
    let stranger = Authority::new();
    let of_a_stranger = stranger.issue_certificate(NAME, 90);
    let report = with(vec![of_a_stranger.certificate.der().clone()], &of_a_stranger.key);
    report.says("chain", "failed", "no trusted authority", "cert renew").skips("access", "chain");

    let disordered =
        [&served.certificate, &authority.root, &authority.intermediate].map(|each| each.der().clone());
    let report = with(disordered.to_vec(), &served.key);
    report.says("chain", "failed", "certificate 2 of 3 did not issue the one before it", "in order");
    tls(&report, &["chain"]);
    let report = with(below(&served), &KeyPair::generate().unwrap());
    report.says("key", "failed", "signs with a key that is not", "cert renew").skips("access", "key");
    tls(&report, &["key"]);

    // Nobody listens there.
    let nobody = Edited::new(cloud, "front", "127.0.0.1:9");
    let report = doctor(cloud, 1);
    report.says("connection", "failed", "cannot reach", "--allow-cidr").skips("key", "connection");
    drop(nobody);
    doctor(cloud, 0).and_nothing_else(&[]);
}

/// In place of AWS: it answers everything so, at this distance from now.
fn clock(seconds_ago: i64, status: StatusCode, body: &'static str) -> String {
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

fn account(cloud: &Cloud) {
    const CALLER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>\
        <Arn>arn:aws:iam::123456789012:user/me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>";
    const REFUSED: &str = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code>\
        <Message>Signature expired</Message></Error></ErrorResponse>";
    let told = |url: String, exit| {
        let _edited = Edited::new(cloud, "endpoint_url", &url);
        doctor(cloud, exit)
    };
    told(clock(90, StatusCode::OK, CALLER), 1)
        .says("clock", "warning", "s ahead of AWS", "set this machine's clock")
        .is("credentials", "ok");
    told(clock(-600, StatusCode::OK, CALLER), 1).says("clock", "failed", "s behind AWS", "clock");
    told(clock(600, StatusCode::FORBIDDEN, REFUSED), 4)
        .says("credentials", "failed", "SignatureDoesNotMatch", "aws sso login")
        .says("clock", "failed", "s ahead of AWS", "clock")
        .skips("settings", "credentials");

    let endpoint = cloud.record()["endpoint_url"].as_str().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let without_credentials = as_on_aws(home.path(), &endpoint, &[("AWS_REGION", "us-east-1")]);
    let report = Report::of(&without_credentials, 4);
    report.says("credentials", "failed", "no AWS credentials", "aws configure");
    report.skips("clock", "credentials").skips("stack", "credentials").is("region", "ok");
    let report = Report::of(&as_on_aws(home.path(), &endpoint, &[]), 1);
    report.says("region", "failed", "no AWS region is set", "--region").skips("credentials", "region");
}

/// `restctl doctor`, on a machine that has no settings of AWS but these.
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
