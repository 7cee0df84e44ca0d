//! What commands say if the identity provider or the API, or something on the way there, answers in a way that no command
//! expects.

use std::sync::{Arc, Mutex};

use restctl_testkit::signing_key::SigningKey;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::call::AwsCall;
use super::fault::{Fault, respond};
use super::network::read_call;
use super::outcomes::Outcomes;
use crate::cloud::{Cloud, CommandOutput};
use crate::impostor::Impostor;
use crate::proxy::serve_connections;
use crate::record_edit::RecordEdit;
use crate::snapshots::Snapshots;

/// These servers do not speak as AWS does, so faults that only AWS has are left out.
const FAULTS: [Fault; 6] =
    [Fault::ProxyPage, Fault::SignInPage, Fault::Internal, Fault::Cut, Fault::Empty, Fault::Closed];

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// What the provider publishes or grants, and the commands that read it. ISSUER is the provider.
const PROVIDER_PATHS: [(&str, &str, &[&[&str]]); 3] = [
    (
        "discovery",
        DISCOVERY,
        &[&["setup", "--issuer", "ISSUER"], &["idp", "add", "--issuer", "ISSUER"], &["doctor"]],
    ),
    (
        "keys",
        "/keys",
        &[
            &["setup", "--issuer", "ISSUER"],
            &["idp", "add", "--issuer", "ISSUER"],
            &["token", "explain"],
            &["doctor"],
        ],
    ),
    (
        "token",
        "/token",
        &[
            &["token"],
            &["token", "explain"],
            &["get", "--id", "1"],
            &["export"],
            &["verify", "items.csv"],
            &["idp", "rotate-secret", "--client-secret-file", "README.md"],
            &["doctor"],
            &["auth-test"],
        ],
    ),
];

const API_COMMANDS: [&[&str]; 6] = [
    &["get", "--id", "1"],
    &["get", "--id", "1", "--explain"],
    &["export"],
    &["verify", "items.csv"],
    &["doctor"],
    &["auth-test"],
];

/// A provider that grants tokens, unless it fails at one of its paths. It ends with this process.
pub(super) struct Provider {
    pub(super) url: String,
    failing: Arc<Mutex<Option<(&'static str, Fault)>>>,
}

impl Provider {
    pub(super) fn start() -> Self {
        let failing: Arc<Mutex<Option<(&str, Fault)>>> = Arc::default();
        let (reacting, key) = (Arc::clone(&failing), Arc::new(SigningKey::generate_ec("key")));
        let address = serve_connections(move |mut stream| {
            let (failing, key) = (Arc::clone(&reacting), Arc::clone(&key));
            async move {
                let Some(call) = read_call(&mut stream).await else { return };
                let fault = failing.lock().unwrap().filter(|(path, _)| *path == call.path);
                let answer =
                    fault.map_or_else(|| answer_usually(&call, &key), |(_, fault)| fault.answer(&call));
                // The client may be gone.
                drop(stream.write_all(&answer).await);
            }
        });
        Self { url: format!("http://{address}/"), failing }
    }
}

fn answer_usually(call: &AwsCall, key: &SigningKey) -> Vec<u8> {
    let url = format!("http://{}/", call.host());
    let body = match call.path.as_str() {
        DISCOVERY => json!({
            "issuer": url,
            "jwks_uri": format!("{url}keys"),
            "token_endpoint": format!("{url}token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }),
        "/keys" => json!({ "keys": [key.jwk()] }),
        _ => {
            let claims = json!({
                "iss": url, "sub": "client", "aud": "items", "scope": "read:items", "iat": 0, "exp": 9_999_999_999_u64,
            });
            json!({ "access_token": key.token(&claims), "token_type": "Bearer", "expires_in": 3600 })
        }
    };
    respond(call, "200 OK", "application/json", body.to_string().as_bytes())
}

/// Runs `restctl ARGS` without a remembered token.
fn run(cloud: &Cloud, args: &[&str]) -> CommandOutput {
    // It does not exist if the last command failed before it had a token.
    let _ = std::fs::remove_dir_all(cloud.state_folder().join("restctl/local/tokens"));
    cloud.command(args).env("RESTCTL_CLIENT_SECRET", "secret").output().unwrap().into()
}

#[test]
fn answers_of_the_identity_provider() {
    let (cloud, provider) = (Cloud::start_empty(), Provider::start());
    let settings = ["setup", "--issuer", &provider.url, "--client-id", "client", "--audience", "items"];
    let set_up = run(&cloud, &settings);
    assert_eq!(set_up.exit, 0, "{}", set_up.stderr);
    cloud.succeed(&["deploy", "--list", "on"]);
    let mut snapshots = Snapshots::in_folder("aws_faults");
    for (name, path, commands) in PROVIDER_PATHS {
        let mut outcomes = Outcomes::default();
        for args in commands {
            let filled: Vec<&str> =
                args.iter().map(|arg| if *arg == "ISSUER" { &provider.url } else { *arg }).collect();
            for fault in FAULTS {
                *provider.failing.lock().unwrap() = Some((path, fault));
                outcomes.add(format!("restctl {}: {fault:?}", args.join(" ")), &run(&cloud, &filled));
            }
        }
        snapshots.compare(&format!("provider-{name}"), &outcomes.to_text());
    }
    snapshots.finish();
}

#[test]
fn answers_in_place_of_the_api() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    let served = cloud.state_folder().join("restctl/local/front/restctl/certificate.pem");
    let fault = Arc::new(Mutex::new(FAULTS[0]));
    let chosen = Arc::clone(&fault);
    let impostor = Impostor::start_answering(&std::fs::read(served).unwrap(), move |request| {
        let (head, _) = request.split_once("\r\n\r\n").unwrap();
        chosen.lock().unwrap().answer(&AwsCall::parse_head(head))
    });
    let _edit = RecordEdit::new(&cloud, "front", &format!("127.0.0.1:{}", impostor.port));
    let mut outcomes = Outcomes::default();
    for args in API_COMMANDS {
        for each in FAULTS {
            *fault.lock().unwrap() = each;
            outcomes.add(format!("restctl {}: {each:?}", args.join(" ")), &run(&cloud, args));
        }
    }
    let mut snapshots = Snapshots::in_folder("aws_faults");
    snapshots.compare("api", &outcomes.to_text());
    snapshots.finish();
}
