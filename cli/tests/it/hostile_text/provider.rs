//! The identity provider: names, refusals and keys, from one that repeats all that it is sent.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use restctl_testkit::signing_key::SigningKey;
use serde_json::{Value, json};

use super::{Args, HOSTILE, HOSTILE_XML, check, check_all};
use crate::cloud::Cloud;
use crate::loopback_server::serve_until_exit;

/// Each requests a token, which is refused.
pub(super) const COMMANDS: &[Args] = &[
    &["token"],
    &["auth-test"],
    &["doctor"],
    &["get", "--id", "1"],
    &["get", "--id", "1", "--explain"],
    &["export"],
    &["verify", "items.csv"],
    &["idp", "rotate-secret"],
];

/// Each shows the settings.
pub(super) const COMMANDS_OF_SETTINGS: &[Args] =
    &[&["config", "show"], &["idp", "show"], &["idp", "remove", "none"], &["doctor"]];

/// The issuer follows.
pub(super) const ADD: Args = &["idp", "add", "--audience", "items", "--issuer"];

const SECRET: &str = "s3cr:et/with+signs \"and\" more";

/// The forms in which the provider repeats the secret.
fn secret_forms() -> Vec<String> {
    let form = "s3cr%3Aet%2Fwith%2Bsigns+%22and%22+more";
    vec![
        SECRET.to_owned(),
        form.to_owned(),
        r#"s3cr:et/with+signs \"and\" more"#.to_owned(),
        STANDARD.encode(format!("client:{form}")),
        STANDARD.encode(format!("client:{SECRET}")),
        // JSON escapes the quotes of what is within it.
        "s3cr:et/with+signs".to_owned(),
        HEXADECIMAL.to_owned(),
        HEXADECIMAL.to_uppercase(),
        WITHIN_BASE64.to_owned(),
    ]
}

/// The secret in hexadecimal.
const HEXADECIMAL: &str = "733363723a65742f776974682b7369676e732022616e6422206d6f7265";

/// What base64 shows of the middle of the secret after `client_id=client&client_secret=`.
const WITHIN_BASE64: &str = "MzY3I6ZXQvd2l0aCtzaWducyAiYW5kIiBtb3Jl";

/// How a provider answers.
#[derive(Clone)]
struct Behavior {
    /// How it takes the secret.
    method: &'static str,
    issuer: Option<&'static str>,
    status: StatusCode,
    /// Returns the answer to a request for a token, which has this header and this form.
    answer: fn(&str, &str) -> String,
}

fn refusal(authorization: &str, form: &str) -> String {
    let basic = STANDARD.encode(format!("client:{SECRET}"));
    let request = STANDARD.encode(format!("client_id=client&client_secret={SECRET}&scope=x"));
    let description = format!(
        "{HOSTILE} {SECRET} {authorization} {form} {basic} {request} {HEXADECIMAL} {}",
        HEXADECIMAL.to_uppercase()
    );
    json!({ "error": format!("{HOSTILE} {SECRET}"), "error_description": description }).to_string()
}

/// Starts a provider that ends with this process, and returns its issuer.
fn start(behavior: Behavior) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let document = json!({
        "issuer": behavior.issuer.unwrap_or(&url),
        "jwks_uri": format!("{url}keys"),
        "token_endpoint": format!("{url}token"),
        "token_endpoint_auth_methods_supported": [behavior.method],
    });
    let keys = json!({ "keys": [SigningKey::generate_ec("key").jwk()] });
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(async move || document.to_string()))
        .route("/keys", get(async move || keys.to_string()))
        .route("/token", post(answer_token_request))
        .with_state(Arc::new(behavior));
    serve_until_exit(listener, routes);
    url
}

async fn answer_token_request(
    State(behavior): State<Arc<Behavior>>,
    headers: HeaderMap,
    form: String,
) -> (StatusCode, String) {
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    (behavior.status, (behavior.answer)(authorization, &form))
}

/// Sets the stack up with this provider and the secret.
fn set_up(cloud: &Cloud, issuer: &str) {
    let args = ["setup", "--issuer", issuer, "--client-id", "client", "--audience", "items"];
    let set_up = cloud.command(&args).env("RESTCTL_CLIENT_SECRET", SECRET).output().unwrap();
    assert!(set_up.status.success(), "{}", String::from_utf8_lossy(&set_up.stderr));
}

#[test]
fn refusals_of_the_provider() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    let forms = secret_forms();
    let secrets: Vec<&str> = forms.iter().map(String::as_str).collect();
    let run = |args: &[&str]| {
        let mut command = cloud.command(args);
        command.env("RESTCTL_CLIENT_SECRET", SECRET);
        command
    };
    let refusing =
        |method| Behavior { method, issuer: None, status: StatusCode::UNAUTHORIZED, answer: refusal };
    set_up(&cloud, &start(refusing("client_secret_basic")));
    for args in COMMANDS {
        check(&cloud, args, &secrets, run);
    }
    set_up(&cloud, &start(refusing("client_secret_post")));
    check(&cloud, &["token"], &secrets, run);
    check(&cloud, &["idp", "rotate-secret"], &secrets, run);
}

#[test]
fn answers_that_are_no_token() {
    let cloud = Cloud::start_set_up();
    let forms = secret_forms();
    let secrets: Vec<&str> = forms.iter().map(String::as_str).collect();
    let answers: [fn(&str, &str) -> String; 4] = [
        |_, _| format!("{HOSTILE} {SECRET}"),
        |_, form| format!("{HOSTILE} {form}"),
        |_, _| {
            json!({ "access_token": "e30.e30.AAAA", "token_type": format!("{HOSTILE} {SECRET}") }).to_string()
        },
        |_, form| json!({ "error": { "message": format!("{HOSTILE} {form}") } }).to_string(),
    ];
    for answer in answers {
        let behavior =
            Behavior { method: "client_secret_post", issuer: None, status: StatusCode::OK, answer };
        set_up(&cloud, &start(behavior));
        check(&cloud, &["token"], &secrets, |args| cloud.command(args));
    }
    // A token that has the secret within it is neither printed nor used.
    let answers: [fn(&str, &str) -> String; 2] = [
        |_, _| json!({ "access_token": SECRET }).to_string(),
        |_, _| {
            let claims = URL_SAFE_NO_PAD.encode(json!({ "secret": SECRET }).to_string());
            json!({ "access_token": format!("e30.{claims}.AAAA") }).to_string()
        },
    ];
    for answer in answers {
        let behavior =
            Behavior { method: "client_secret_basic", issuer: None, status: StatusCode::OK, answer };
        set_up(&cloud, &start(behavior));
        let refused = cloud.run(&["token"]);
        refused.failed_with(4, &["has the client secret in its token"]);
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn names_of_the_provider() {
    let cloud = Cloud::start_set_up();
    let refusing = |issuer| Behavior {
        method: "client_secret_post",
        issuer: Some(issuer),
        status: StatusCode::UNAUTHORIZED,
        answer: refusal,
    };
    for issuer in [HOSTILE, HOSTILE_XML] {
        let url = start(refusing(issuer));
        check(&cloud, &["setup", "--issuer", &url], &[], |args| cloud.command(args));
        check(&cloud, &[ADD, &[&url]].concat(), &[], |args| cloud.command(args));
    }
    // Settings that someone else wrote.
    let issuers = json!([{
        "issuer": HOSTILE, "provider": "openid", "audiences": [HOSTILE], "scope": HOSTILE, "jwks_uri": HOSTILE,
    }]);
    let client = json!({
        "issuer": HOSTILE, "token_endpoint": HOSTILE, "client_id": HOSTILE, "key_id": HOSTILE,
        "authentication": "client_secret_post", "request_scope": HOSTILE, "resource": HOSTILE,
    });
    for (setting, value) in [("issuers", issuers), ("client", client)] {
        let name = format!("/restctl/restctl/{setting}");
        let setting = json!({ "Name": name, "Value": value.to_string(), "Overwrite": true });
        cloud.call_json("ssm", "AmazonSSM.PutParameter", &setting);
    }
    let token = hostile_token();
    check_all(&cloud, COMMANDS_OF_SETTINGS, &[]);
    check(&cloud, &["token", "explain", &token], &[&token], |args| cloud.command(args));
}

/// Returns a token of another issuer whose header and claims have the text.
fn hostile_token() -> String {
    let claims: Value =
        json!({ "iss": HOSTILE, "aud": HOSTILE, "sub": HOSTILE, "scope": HOSTILE, "exp": 1, HOSTILE: 1 });
    SigningKey::generate_ec(HOSTILE).token(&claims)
}
