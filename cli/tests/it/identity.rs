//! Who may call the API: the kinds of identity providers, and why a token is refused.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use restctl_testkit::signing_key::SigningKey;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::issuer::{Issuer, IssuerDesign};

#[test]
fn tokens_are_explained_and_forgeries_refused() {
    let cloud = Cloud::shared_read_only();
    let token = cloud.succeed(&["token"]).stdout.trim().to_owned();
    let good = cloud.succeed(&["token", "explain"]);
    assert!(good.stdout.lines().skip(1).all(|line| line.starts_with("passed ")), "{}", good.stdout);
    assert!(
        good.stdout.contains("audience") && good.stdout.contains("https://restctl.local/api"),
        "{}",
        good.stdout
    );
    assert!(!good.stdout.contains(&token) && !good.stderr.contains(&token));
    explain_input(cloud, " \n").failed_with(2, &["no token on standard input"]);

    foreign_and_mangled_tokens_are_refused(cloud, &token);
    no_forgery_is_accepted(cloud, &token);
}

#[test]
fn tokens_are_checked_against_the_current_settings() {
    let cloud = Cloud::start_empty();
    cloud.run(&["token", "explain"]).failed_with(5, &["has not been set up", "restctl setup"]);
    cloud.succeed(&["setup"]);
    // Before there is a stack, a token is checked against the settings.
    let token = cloud.succeed(&["token"]).stdout.trim().to_owned();
    assert_eq!(explain_token(&cloud, &["token", "explain"], 0)["accepted"], true);
    cloud.run(&["auth-test"]).failed_with(5, &["restctl deploy"]);

    cloud.succeed(&["setup", "--audience", "https://other.example.test"]);
    let other = explain_input(&cloud, &token);
    other.failed_with(4, &["because of its audience", "found aud", "restctl idp add --issuer"]);
    assert!(!other.stdout.contains(&token) && !other.stderr.contains(&token));
}

#[test]
fn setup_restores_a_client_secret_that_is_scheduled_for_deletion() {
    let cloud = Cloud::start_set_up();
    let secret = json!({ "SecretId": "restctl/restctl/client-secret", "RecoveryWindowInDays": 7 });
    cloud.call_json("secretsmanager", "secretsmanager.DeleteSecret", &secret);
    cloud.succeed(&["setup"]);
    cloud.succeed(&["token"]);
}

fn foreign_and_mangled_tokens_are_refused(cloud: &Cloud, token: &str) {
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    let kid = parts[0]["kid"].as_str().unwrap();
    let foreign = SigningKey::generate_rsa(kid).token(&parts[1]);
    let report = explain_token(cloud, &["token", "explain", &foreign], 4);
    assert_eq!(report["refused_by"], "signature");
    assert_eq!(verdict_of(&report, "signature"), "failed");
    assert_eq!(verdict_of(&report, "audience"), "passed");
    let unknown = SigningKey::generate_rsa("unknown").token(&parts[1]);
    let report = explain_token(cloud, &["token", "explain", &unknown], 4);
    assert_eq!(report["refused_by"], "key");
    assert_eq!(verdict_of(&report, "signature"), "not reached");

    let mangled = cloud.run(&["token", "explain", &token[..token.len() / 2]]);
    mangled.failed_with(4, &["because of its shape", "why:", "next:"]);
    assert!(mangled.stdout.contains("not reached"), "{}", mangled.stdout);
    assert_eq!(explain_input(cloud, &format!("{token}\n")).exit, 0);
    explain_input(cloud, &"x".repeat(100_000)).failed_with(4, &["because of its size"]);
}

fn no_forgery_is_accepted(cloud: &Cloud, token: &str) {
    let tested = cloud.run(&["auth-test"]);
    assert_eq!(tested.exit, 0, "{}\n{}", tested.stdout, tested.stderr);
    assert!(tested.stderr.contains("answered as expected"), "{}", tested.stderr);
    let tested = cloud.succeed(&["auth-test", "--output", "json"]);
    assert!(!tested.stdout.contains(token) && !tested.stderr.contains(token));
    let requests = tested.json();
    let requests = requests.as_array().unwrap();
    assert!(requests.len() > 40 && requests.iter().all(|request| request["ok"] == true), "{requests:?}");
    for name in ["/health without a token", "a good token", "two good Authorization headers"] {
        assert!(requests.iter().any(|request| request["name"] == name), "{name}");
    }
}

/// Runs `restctl ARGS --output json`, which must end with this exit code, and returns its report.
#[track_caller]
fn explain_token(cloud: &Cloud, args: &[&str], exit: i32) -> Value {
    let ran = cloud.run(&[args, &["--output", "json"]].concat());
    assert_eq!(ran.exit, exit, "{}", ran.stderr);
    ran.json()
}

fn verdict_of<'a>(report: &'a Value, check: &str) -> &'a str {
    let line = report["checks"].as_array().unwrap().iter().find(|line| line["check"] == check);
    line.unwrap()["verdict"].as_str().unwrap()
}

/// Runs `restctl token explain -` with this token on standard input.
fn explain_input(cloud: &Cloud, token: &str) -> CommandOutput {
    cloud.run_with_input(&["token", "explain", "-"], token)
}

/// The cloud as an AWS account. Nothing in it comes from the local cloud unless it is given.
struct Account<'a>(&'a Cloud);

const SECRET: &str = "s:e c+r/t";

impl Account<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.0.command_as_on_aws(args);
        command.env("RESTCTL_CLIENT_SECRET", SECRET);
        command
    }

    fn run(&self, args: &[&str]) -> CommandOutput {
        CommandOutput::from(self.command(args).output().unwrap())
    }

    #[track_caller]
    fn succeed(&self, args: &[&str]) -> CommandOutput {
        let ran = self.run(args);
        assert_eq!(ran.exit, 0, "restctl {args:?}:\n{}", ran.stderr);
        ran
    }
}

#[test]
fn each_kind_of_issuer_is_recognized() {
    let cloud = Cloud::start_set_up();
    let account = Account(&cloud);
    let stored = |member: &str| cloud.stored_issuers()[0][member].clone();
    assert_eq!(stored("provider"), "auth0");
    let start = |methods| {
        Issuer::start_with(IssuerDesign { methods, audience: Some("items"), ..IssuerDesign::default() })
    };
    let (issuer, other) = (start(&["client_secret_basic"]), start(&["client_secret_post"]));

    // The host of a new issuer shows its kind.
    let changed =
        account.succeed(&["setup", "--issuer", issuer.url(), "--client-id", "a b", "--audience", "items"]);
    assert!(
        changed.stderr.contains("openid, because the issuer's host shows no other"),
        "{}",
        changed.stderr
    );
    assert_eq!(stored("provider"), "openid");
    assert!(account.succeed(&["token"]).stdout.starts_with("eyJ"));
    let asked = issuer.last_request();
    let basic = STANDARD.encode("a+b:s%3Ae+c%2Br%2Ft");
    assert_eq!(asked.authorization.unwrap(), format!("Basic {basic}"));
    assert!(asked.form.contains("audience=items") && !asked.form.contains("client_id"), "{}", asked.form);

    // An issuer that stays keeps its kind.
    account.succeed(&["setup", "--provider", "auth0"]);
    account.succeed(&["setup"]);
    assert_eq!([stored("provider"), stored("audiences")], [json!("auth0"), json!(["items"])]);

    // Cognito's audience is the client's id, and follows it.
    account.succeed(&["setup", "--provider", "cognito"]);
    assert_eq!(stored("audiences"), json!(["a b"]));
    account.succeed(&["setup", "--client-id", "c"]);
    assert_eq!([stored("provider"), stored("audiences")], [json!("cognito"), json!(["c"])]);
    account.succeed(&["setup", "--client-authentication", "client_secret_post"]);
    account.succeed(&["token"]);
    let asked = issuer.last_request();
    assert!(
        asked.authorization.is_none() && asked.form.contains("client_secret=s%3Ae+c%2Br%2Ft"),
        "{}",
        asked.form
    );
    assert!(!asked.form.contains("audience"), "{}", asked.form);
    account.succeed(&["setup", "--audience", "c,d"]);
    account.succeed(&["setup"]);
    assert_eq!(stored("audiences"), json!(["c", "d"]));

    // Client ids are not an audience for another provider: setup asks for one, and sends nothing until it is given.
    account.run(&["setup", "--issuer", other.url()]).failed_with(2, &["--audience AUDIENCE"]);
    assert_eq!(stored("issuer"), issuer.url());
    account.succeed(&["setup", "--issuer", other.url(), "--audience", "items"]);
    account.succeed(&["token"]);
    assert!(other.last_request().form.contains("client_id=c&client_secret="));

    // The kind of the local cloud's provider is known.
    let local = cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();
    cloud.succeed(&["setup", "--issuer", &local]);
    assert_eq!(stored("provider"), "auth0");
}
