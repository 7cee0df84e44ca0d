//! How profiles of the AWS CLI sign in: each kind, against a server in place of AWS and of the metadata services.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;
use serde_json::json;
use tempfile::TempDir;

use crate::cloud::CommandOutput;
use crate::loopback_server::serve_until_exit;

const NO_STACK: &str = "<ErrorResponse><Error><Code>ValidationError</Code>\
    <Message>Stack with id restctl does not exist</Message></Error></ErrorResponse>";

const DENIED: &str = "<ErrorResponse><Error><Code>AccessDenied</Code>\
    <Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";

/// `URL` is the server, `HOME` the folder.
const PROFILES: &str = "
[profile keys]
aws_access_key_id = KEYS
aws_secret_access_key = secret
[profile session]
aws_access_key_id = SESSION
aws_secret_access_key = secret
aws_session_token = token
[profile process]
credential_process = sh HOME/process
[profile silent]
credential_process = true
[profile role]
role_arn = arn:aws:iam::123456789012:role/one
source_profile = keys
external_id = external
role_session_name = name
duration_seconds = 900
[profile chain]
role_arn = arn:aws:iam::123456789012:role/two
source_profile = role
[profile role-of-environment]
role_arn = arn:aws:iam::123456789012:role/one
credential_source = Environment
[profile role-of-instance]
role_arn = arn:aws:iam::123456789012:role/one
credential_source = Ec2InstanceMetadata
[profile role-of-container]
role_arn = arn:aws:iam::123456789012:role/one
credential_source = EcsContainer
[profile web]
role_arn = arn:aws:iam::123456789012:role/web
web_identity_token_file = HOME/token
[profile sso]
sso_session = company
sso_account_id = 123456789012
sso_role_name = operator
[sso-session company]
sso_region = us-east-1
sso_start_url = https://company.example.com/start
[profile legacy-sso]
sso_region = us-east-1
sso_start_url = https://legacy.example.com/start
sso_account_id = 123456789012
sso_role_name = operator
[profile expired-sso]
sso_session = former
sso_account_id = 123456789012
sso_role_name = operator
[sso-session former]
sso_region = us-east-1
sso_start_url = https://company.example.com/start
[profile role-of-expired-sso]
role_arn = arn:aws:iam::123456789012:role/one
source_profile = expired-sso
[profile login]
login_session = arn:aws:iam::123456789012:user/login
[profile renewed-login]
login_session = arn:aws:iam::123456789012:user/renewed
[profile signed-out]
login_session = arn:aws:iam::123456789012:user/signed-out
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/mfa
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/someone
[profile denied]
role_arn = arn:aws:iam::123456789012:role/denied
source_profile = sso
[profile orphan]
role_arn = arn:aws:iam::123456789012:role/one
source_profile = nobody
[profile nothing]
region = us-east-1
[profile elsewhere]
aws_access_key_id = ELSEWHERE
aws_secret_access_key = secret
services = elsewhere
[services elsewhere]
cloudformation =
  endpoint_url = URL/elsewhere
";

/// A server in place of AWS, and the folder of someone who uses the AWS CLI.
struct Desk {
    home: TempDir,
    url: String,
    /// What was called, with the access key that signed it.
    calls: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    fn new() -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let url = start_server(Arc::clone(&calls));
        let home = tempfile::tempdir().unwrap();
        let desk = Self { home, url, calls };
        let folder = desk.home.path().display().to_string();
        desk.write(".aws/config", &PROFILES.replace("URL", &desk.url).replace("HOME", &folder));
        desk.write("token", "web identity token");
        let process = json!({
            "Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "secret", "SessionToken": "token",
        });
        desk.write("process", &format!("echo '{process}'"));
        for (name, expires) in
            [("company", 2099), ("https://legacy.example.com/start", 2099), ("former", 2020)]
        {
            let token =
                json!({ "accessToken": "sso token", "expiresAt": format!("{expires}-01-01T00:00:00Z") });
            let file = format!(".aws/sso/cache/{}.json", hex_digest(&SHA1_FOR_LEGACY_USE_ONLY, name));
            desk.write(&file, &token.to_string());
        }
        desk.log_in("login", 2099);
        desk.log_in("renewed", 2020);
        desk
    }

    /// Writes what `aws login` remembers.
    fn log_in(&self, user: &str, expires: u16) {
        let arn = format!("arn:aws:iam::123456789012:user/{user}");
        let token = json!({
            "accessToken": {
                "accessKeyId": "LOGIN", "secretAccessKey": "secret", "sessionToken": "token",
                "accountId": "123456789012", "expiresAt": format!("{expires}-01-01T00:00:00Z"),
            },
            "tokenType": "aws_sigv4", "refreshToken": "refresh", "clientId": "client", "dpopKey": ec_private_key(),
        });
        self.write(&format!(".aws/login/cache/{}.json", hex_digest(&SHA256, &arn)), &token.to_string());
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.home.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Runs `restctl ARGS` with these variables and none of the machine's own. An empty one is not set.
    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> CommandOutput {
        self.calls.lock().unwrap().clear();
        let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &self.url)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        for (unset, _) in variables.iter().filter(|(_, value)| value.is_empty()) {
            command.env_remove(unset);
        }
        CommandOutput::from(command.output().unwrap())
    }

    /// Asserts that a command signs in with these calls, and then looks for the stack.
    #[track_caller]
    fn assert_calls(&self, args: &[&str], variables: &[(&str, &str)], expected: &[&str]) {
        let ran = self.run(&[&["loads", "ls"], args].concat(), variables);
        ran.failed_with(5, &["there is no stack restctl"]);
        assert_eq!(*self.calls.lock().unwrap(), expected, "{args:?} {variables:?}");
    }
}

const ENVIRONMENT: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "ENVIRONMENT"), ("AWS_SECRET_ACCESS_KEY", "secret")];
const INSTANCE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "false");

#[test]
fn each_kind_of_profile_signs_in() {
    let desk = Desk::new();
    let container = format!("{}/container", desk.url);
    let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str())];
    for (profile, variables, expected) in [
        ("keys", &[][..], &["DescribeStacks KEYS"][..]),
        ("session", &[], &["DescribeStacks SESSION with token"]),
        ("process", &[], &["DescribeStacks PROCESS with token"]),
        ("role", &[], &["AssumeRole one KEYS external name", "DescribeStacks one with token"]),
        (
            "chain",
            &[],
            &[
                "AssumeRole one KEYS external name",
                "AssumeRole two one with token",
                "DescribeStacks two with token",
            ],
        ),
        (
            "role-of-environment",
            &ENVIRONMENT,
            &["AssumeRole one ENVIRONMENT", "DescribeStacks one with token"],
        ),
        (
            "role-of-instance",
            &[INSTANCE],
            &["instance", "AssumeRole one INSTANCE with token", "DescribeStacks one with token"],
        ),
        (
            "role-of-container",
            &container,
            &["container", "AssumeRole one CONTAINER with token", "DescribeStacks one with token"],
        ),
        ("web", &[], &["AssumeRoleWithWebIdentity web", "DescribeStacks web with token"]),
        ("sso", &[], &["GetRoleCredentials", "DescribeStacks SSO with token"]),
        ("legacy-sso", &[], &["GetRoleCredentials", "DescribeStacks SSO with token"]),
        ("login", &[], &["DescribeStacks LOGIN with token"]),
        ("renewed-login", &[], &["CreateOAuth2Token", "DescribeStacks RENEWED with token"]),
        ("elsewhere", &[("AWS_ENDPOINT_URL", "")], &["elsewhere ELSEWHERE"]),
        ("nothing", &container, &["container", "DescribeStacks CONTAINER with token"]),
        ("nothing", &[INSTANCE], &["instance", "DescribeStacks INSTANCE with token"]),
    ] {
        desk.assert_calls(&["--profile", profile], variables, expected);
    }
}

#[test]
fn the_environment_signs_in_unless_the_command_line_names_a_profile() {
    let desk = Desk::new();
    let token = desk.home.path().join("token").display().to_string();
    let web = [
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
    ];
    desk.assert_calls(&[], &ENVIRONMENT, &["DescribeStacks ENVIRONMENT"]);
    desk.assert_calls(&[], &web, &["AssumeRoleWithWebIdentity web", "DescribeStacks web with token"]);
    desk.assert_calls(&[], &[INSTANCE], &["instance", "DescribeStacks INSTANCE with token"]);
    desk.assert_calls(&[], &[("AWS_PROFILE", "keys")], &["DescribeStacks KEYS"]);
    let both = [&ENVIRONMENT[..], &[("AWS_PROFILE", "keys")]].concat();
    desk.assert_calls(&[], &both, &["DescribeStacks ENVIRONMENT"]);
    desk.assert_calls(&["--profile", "session"], &both, &["DescribeStacks SESSION with token"]);
    // As the file of a project names it.
    desk.write("restctl.toml", "profile = \"session\"\n");
    desk.assert_calls(&[], &ENVIRONMENT, &["DescribeStacks SESSION with token"]);
}

#[test]
fn a_profile_that_does_not_sign_in_says_what_to_type() {
    let desk = Desk::new();
    for (profile, words) in [
        (
            "mfa",
            &[
                "AccessDenied: not authorized to perform: sts:AssumeRole",
                "needs an MFA code",
                "aws configure export-credentials --profile mfa --format env",
            ][..],
        ),
        ("denied", &["ask for the permission named above"]),
        ("expired-sso", &["aws sso login --profile expired-sso"]),
        ("role-of-expired-sso", &["aws sso login --profile expired-sso"]),
        ("signed-out", &["aws login --profile signed-out"]),
        ("silent", &["aws sts get-caller-identity --profile silent"]),
        ("orphan", &["nobody", "aws sts get-caller-identity --profile orphan"]),
        ("nothing", &["aws login", "aws sso login", "aws configure", "restctl local up"]),
    ] {
        let ran = desk.run(&["loads", "ls", "--profile", profile], &[]);
        ran.failed_with(4, &[&["no AWS credentials"], words].concat());
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let offline = desk.run(&["loads", "ls", "--profile", "sso"], &nowhere);
    offline.failed_with(1, &["cannot describe the stack", "127.0.0.1:1 does not answer"]);
}

#[test]
fn a_profile_that_does_not_exist_is_not_replaced_by_another() {
    let desk = Desk::new();
    let words = ["no profile nobody", "chain", "--profile", "aws configure --profile NAME"];
    desk.run(&["loads", "ls", "--profile", "nobody"], &ENVIRONMENT).failed_with(2, &words);
    desk.run(&["loads", "ls"], &[("AWS_PROFILE", "nobody"), INSTANCE]).failed_with(2, &words);
    assert_eq!(desk.calls.lock().unwrap().len(), 0);
    desk.write(".aws/config", "[default\n");
    desk.run(&["loads", "ls"], &ENVIRONMENT)
        .failed_with(2, &["cannot read", ".aws/config", "AWS_CONFIG_FILE"]);
}

fn start_server(calls: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    serve_until_exit(listener, Router::new().fallback(answer).with_state(calls));
    url
}

async fn answer(
    State(calls): State<Arc<Mutex<Vec<String>>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, HeaderMap, String) {
    let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let (call, status, answer) = match uri.path() {
        "/federation/credentials" => (Some("GetRoleCredentials".to_owned()), 200, sso_answer()),
        "/v1/token" => (Some("CreateOAuth2Token".to_owned()), 200, login_answer()),
        "/container" => (Some("container".to_owned()), 200, metadata_answer("CONTAINER")),
        "/latest/api/token" => (None, 200, "metadata token".to_owned()),
        "/latest/meta-data/iam/security-credentials/" => (None, 200, "role".to_owned()),
        "/latest/meta-data/iam/security-credentials/role" => {
            (Some("instance".to_owned()), 200, metadata_answer("INSTANCE"))
        }
        "/elsewhere/" => (Some(format!("elsewhere{}", signer(&headers))), 400, NO_STACK.to_owned()),
        "/" => answer_action(&form, &headers),
        path => (Some(format!("{method} {path}")), 404, String::new()),
    };
    calls.lock().unwrap().extend(call);
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds".parse().unwrap(), "21600".parse().unwrap())];
    (StatusCode::from_u16(status).unwrap(), HeaderMap::from_iter(lifetime), answer)
}

/// Answers a call of the query protocol.
fn answer_action(form: &[(String, String)], headers: &HeaderMap) -> (Option<String>, u16, String) {
    let value = |name: &str| form.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
    let action = value("Action").unwrap();
    let Some(role) = value("RoleArn").and_then(|arn| arn.split('/').next_back()) else {
        return (Some(format!("{action}{}", signer(headers))), 400, NO_STACK.to_owned());
    };
    let external = value("ExternalId").map(|id| format!(" {id} {}", value("RoleSessionName").unwrap()));
    let call = format!("{action} {role}{}{}", signer(headers), external.unwrap_or_default());
    if ["mfa", "denied"].contains(&role) {
        return (Some(call), 403, DENIED.to_owned());
    }
    (
        Some(call),
        200,
        format!(
            "<{action}Response><{action}Result><Credentials><AccessKeyId>{role}</AccessKeyId>\
         <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>\
         <Arn>arn:aws:sts::123456789012:assumed-role/{role}/name</Arn><AssumedRoleId>A:name</AssumedRoleId>\
         </AssumedRoleUser></{action}Result></{action}Response>"
        ),
    )
}

/// Returns the access key that signed the request, and whether a session token came with it.
fn signer(headers: &HeaderMap) -> String {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let Some((_, key)) = header("authorization").and_then(|value| value.split_once("Credential=")) else {
        return String::new();
    };
    let token = if header("x-amz-security-token").is_some() { " with token" } else { "" };
    format!(" {}{token}", key.split('/').next().unwrap())
}

fn sso_answer() -> String {
    json!({ "roleCredentials": {
        "accessKeyId": "SSO", "secretAccessKey": "secret", "sessionToken": "token", "expiration": 4_000_000_000_000_u64,
    } })
    .to_string()
}

fn login_answer() -> String {
    let key = json!({ "accessKeyId": "RENEWED", "secretAccessKey": "secret", "sessionToken": "token" });
    json!({ "accessToken": key, "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": "refresh" })
        .to_string()
}

fn metadata_answer(key: &str) -> String {
    json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token",
        "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z",
    })
    .to_string()
}

fn hex_digest(algorithm: &'static Algorithm, text: &str) -> String {
    digest(algorithm, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a new key of P-256 as `aws login` writes it (RFC 5915). That is what PKCS #8 wraps, in 29 bytes here.
fn ec_private_key() -> String {
    let key = STANDARD.encode(&KeyPair::generate().unwrap().serialize_der()[29..]);
    let lines = key.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap());
    format!(
        "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n",
        lines.collect::<Vec<_>>().join("\n")
    )
}
