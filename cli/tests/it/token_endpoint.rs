//! Token endpoints as providers have them: how clients authenticate, what is granted and what is refused.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, LOCATION, USER_AGENT};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use rcgen::KeyPair;
use restctl_testkit::signing_key::SigningKey;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::loopback_server::serve_until_exit;

const SECRET: &str = "s:e c+r/t";

/// The form of a token request.
type Form = Vec<(String, String)>;

/// What a provider answers to a form.
type AnswerTo = Box<dyn Fn(&Form) -> (u16, HeaderMap, String) + Send>;

/// A provider whose answers a test changes. It ends with this process.
pub(crate) struct Provider {
    url: String,
    /// It signs tokens.
    key: SigningKey,
    served: Arc<Mutex<Served>>,
}

struct Served {
    answer: AnswerTo,
    /// The published key.
    key: Value,
    /// What the API gets in its place.
    key_for_api: Option<Value>,
    forms: Vec<Form>,
}

impl Provider {
    pub(crate) fn start(method: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let document = json!({
            "issuer": url,
            "jwks_uri": format!("{url}keys"),
            "token_endpoint": format!("{url}token"),
            "token_endpoint_auth_methods_supported": [method],
        });
        let key = SigningKey::generate_ec("key");
        let answer: AnswerTo = Box::new(|_| (500, HeaderMap::new(), String::new()));
        let served =
            Arc::new(Mutex::new(Served { answer, key: key.jwk(), key_for_api: None, forms: Vec::new() }));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(async move || document.to_string()))
            .route("/keys", get(answer_keys_request))
            .route("/token", post(answer_token_request))
            .with_state(Arc::clone(&served));
        serve_until_exit(listener, routes);
        Self { url, key, served }
    }

    /// Returns a token that the API of the settings below accepts, with these changes.
    fn token(&self, changes: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({
            "iss": self.url, "sub": "client", "aud": "api://items", "scope": "read:items", "iat": now, "exp": now + 3600,
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        self.key.token(&claims)
    }

    fn answer_with(&self, answer: impl Fn(&Form) -> (u16, HeaderMap, String) + Send + 'static) {
        self.served.lock().unwrap().answer = Box::new(answer);
    }

    /// Replaces the key that signs tokens, and grants one.
    pub(crate) fn rotate_key(&mut self) {
        self.key = SigningKey::generate_ec("next");
        self.served.lock().unwrap().key = self.key.jwk();
        self.grant_token();
    }

    /// Rotates the key as a provider whose old key stays in a cache on the way to the API.
    pub(crate) fn rotate_key_unseen_by_api(&mut self) {
        let mut served = self.served.lock().unwrap();
        served.key_for_api = Some(served.key.clone());
        drop(served);
        self.rotate_key();
    }

    /// Replaces the key that signs tokens without publishing the new one.
    pub(crate) fn hide_next_key(&mut self) {
        self.key = SigningKey::generate_ec("hidden");
        self.grant_token();
    }

    pub(crate) fn grant_token(&self) {
        let token =
            json!({ "access_token": self.token(&json!({})), "token_type": "Bearer", "expires_in": 3600 });
        self.answer(200, "application/json", &token.to_string());
    }

    /// Answers each request with this body of this content type.
    pub(crate) fn answer(&self, status: u16, content_type: &str, body: &str) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
        let body = body.to_owned();
        self.answer_with(move |_| (status, headers.clone(), body.clone()));
    }

    /// Returns the forms that were sent since the last call.
    fn take_forms(&self) -> Vec<Form> {
        std::mem::take(&mut self.served.lock().unwrap().forms)
    }
}

async fn answer_keys_request(State(served): State<Arc<Mutex<Served>>>, headers: HeaderMap) -> String {
    let Served { key, key_for_api, .. } = &*served.lock().unwrap();
    let is_api = headers.get(USER_AGENT).is_some_and(|name| name == "restctl");
    json!({ "keys": [key_for_api.as_ref().filter(|_| is_api).unwrap_or(key)] }).to_string()
}

async fn answer_token_request(State(served): State<Arc<Mutex<Served>>>, form: String) -> Response {
    let form: Form = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let mut served = served.lock().unwrap();
    let (status, headers, body) = (served.answer)(&form);
    served.forms.push(form);
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

fn member<'a>(form: &'a Form, name: &str) -> &'a str {
    form.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
}

/// Sets the stack up with the provider, and forgets the cached token.
pub(crate) fn set_up(cloud: &Cloud, provider: &Provider, options: &[&str]) -> CommandOutput {
    let client = ["setup", "--issuer", &provider.url, "--client-id", "client", "--audience", "api://items"];
    let mut command = cloud.command(&[&client, options].concat());
    let ran = CommandOutput::from(command.env("RESTCTL_CLIENT_SECRET", SECRET).output().unwrap());
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    ran
}

/// Has the cloud request a new token.
fn request_token(cloud: &Cloud) -> CommandOutput {
    cloud.succeed(&["setup"]);
    cloud.run(&["token"])
}

#[test]
fn answers_are_taken_as_they_are() {
    let cloud = Cloud::start_set_up();
    let provider = Provider::start("client_secret_post");
    set_up(&cloud, &provider, &[]);
    let token = provider.token(&Value::Null);
    let json = |body: Value| ("application/json", body.to_string());
    for (content_type, body) in [
        json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 })),
        json(json!({ "access_token": token, "token_type": "bearer", "expires_in": "3599" })),
        json(json!({ "access_token": token, "token_type": "BEARER" })),
        json(json!({ "access_token": token })),
        (
            "application/x-www-form-urlencoded",
            format!("access_token={token}&token_type=bearer&expires_in=3599"),
        ),
    ] {
        provider.answer(200, content_type, &body);
        let granted = request_token(&cloud);
        assert_eq!((granted.exit, granted.stdout), (0, format!("{token}\n")), "{body}\n{}", granted.stderr);
        // It is cached until it expires: by the answer, or else by the token.
        provider.take_forms();
        cloud.succeed(&["token"]);
        assert!(provider.take_forms().is_empty(), "{body}");
    }

    // Nobody knows when this one expires, so it is not cached.
    let timeless = provider.token(&json!({ "exp": null }));
    provider.answer(200, "application/json", &json!({ "access_token": timeless }).to_string());
    assert_eq!(request_token(&cloud).exit, 0);
    assert_eq!(cloud.succeed(&["token", "--output", "json"]).json()["expires_at"], Value::Null);
    assert_eq!(provider.take_forms().len(), 2);

    let opaque = "A-Da8wn6d4N-Gd2pwneyuqCZYl_t3SK6AAWNLjTf_9L";
    for (body, words) in [
        (json!({ "access_token": opaque, "expires_in": 60 }), ["an opaque token", "--resource api://items"]),
        (
            json!({ "access_token": token, "token_type": "DPoP" }),
            ["not a Bearer token", "do not require DPoP"],
        ),
        (json!({ "error": "invalid_scope" }), ["200 OK: invalid_scope", "--request-scope"]),
        (json!({ "expires_in": 60 }), ["has no token", "no access_token"]),
    ] {
        provider.answer(200, "application/json", &body.to_string());
        let refused = request_token(&cloud);
        refused.failed_with(4, &words);
        assert!(refused.stdout.is_empty() && !refused.stderr.contains(opaque), "{}", refused.stderr);
    }
    provider.answer(200, "text/html", "<html>Sign in");
    request_token(&cloud)
        .failed_with(1, &["something else than a token endpoint", "a page with the text \"Sign in\""]);
    let body = json!({ "error": "invalid_scope", "error_description": "AADSTS1002012: must have /.default" });
    provider.answer(400, "application/json", &body.to_string());
    request_token(&cloud)
        .failed_with(4, &["AADSTS1002012", "--provider entra, which asks for api://items/.default"]);
}

#[test]
fn a_redirect_gets_no_secret() {
    let cloud = Cloud::start_set_up();
    let (provider, other) = (Provider::start("client_secret_post"), Provider::start("client_secret_post"));
    set_up(&cloud, &provider, &[]);
    let target = format!("{}token", other.url);
    let headers = HeaderMap::from_iter([(LOCATION, target.parse().unwrap())]);
    provider.answer_with(move |_| (307, headers.clone(), String::new()));
    cloud.run(&["token"]).failed_with(4, &["redirects the token request", "307 Temporary Redirect", &target]);
    assert!(other.take_forms().is_empty());
}

/// Whether the assertion in the form is valid for one of the audiences, with the key.
fn accepts_assertion(form: &Form, key: &KeyPair, audience: &str) -> bool {
    let assertion = member(form, "client_assertion");
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let public = DecodingKey::from_ec_pem(key.public_key_pem().as_bytes()).unwrap();
    let valid = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &public, Algorithm::ES256);
    let claims = URL_SAFE_NO_PAD.decode(message.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    valid.unwrap() && claims["aud"] == audience && claims["iss"] == "client" && claims["sub"] == "client"
}

fn header_of_assertion(form: &Form) -> Value {
    let header = member(form, "client_assertion").split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// Has the provider grant tokens for the assertions of this key, and repeat those that it refuses.
fn grant_for_key(provider: &Provider, key: &str, audience: String) {
    let key = KeyPair::from_pem(key).unwrap();
    let granted = json!({ "access_token": provider.token(&Value::Null), "expires_in": 60 }).to_string();
    provider.answer_with(move |form| {
        if accepts_assertion(form, &key, &audience) {
            return (200, HeaderMap::new(), granted.clone());
        }
        let assertion = member(form, "client_assertion");
        let said = format!("next: rm -rf ~ \u{1b}[2J {assertion} {}", URL_SAFE_NO_PAD.encode(assertion));
        let body = json!({ "error": "invalid_client", "error_description": said });
        (401, HeaderMap::new(), body.to_string())
    });
}

#[test]
fn a_private_key_signs_assertions() {
    let cloud = Cloud::start_set_up();
    let provider = Provider::start("private_key_jwt");
    let new_key = || KeyPair::generate().unwrap().serialize_pem();
    let (first, second) = (new_key(), new_key());
    let (first_file, second_file) =
        (cloud.write_file("first.pem", &first), cloud.write_file("second.pem", &second));
    let shows_no_key = |ran: &CommandOutput| {
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        let of_key = |key: &String| {
            key.lines().filter(|line| !line.contains("-----")).any(|line| shown.contains(line))
        };
        assert!(!of_key(&first) && !of_key(&second), "{shown}");
    };

    // The provider takes its own name as the audience.
    shows_no_key(&set_up(&cloud, &provider, &["--client-key-file", &first_file]));
    assert_eq!(cloud.stored_client_secret(), first);
    grant_for_key(&provider, &first, provider.url.clone());
    cloud.succeed(&["token"]);
    let forms = provider.take_forms();
    assert_eq!((forms.len(), member(&forms[0], "client_secret")), (1, ""));
    assert_eq!(
        member(&forms[0], "client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert_eq!(header_of_assertion(&forms[0]), json!({ "alg": "ES256" }));

    // Older ones take only the address of their endpoint.
    grant_for_key(&provider, &first, format!("{}token", provider.url));
    assert_eq!(request_token(&cloud).exit, 0);
    let forms = provider.take_forms();
    assert_eq!(forms.len(), 2);
    assert_ne!(member(&forms[0], "client_assertion"), member(&forms[1], "client_assertion"));

    // A key that the provider does not know changes nothing. The assertion that it repeats is not shown.
    let rotate = ["idp", "rotate-secret", "--client-key-file", &second_file, "--client-key-id", "key-2"];
    let refused = cloud.run(&rotate);
    refused.failed_with(4, &["invalid_client", "[client assertion]", "the current one stays"]);
    shows_no_key(&refused);
    for form in provider.take_forms() {
        let (_, signature) = member(&form, "client_assertion").rsplit_once('.').unwrap();
        assert!(!refused.stderr.contains(signature), "{}", refused.stderr);
    }
    let next = refused.stderr.split("next:").last().unwrap();
    assert!(!refused.stderr.contains('\u{1b}') && !next.contains("rm -rf"), "{}", refused.stderr);
    assert_eq!(cloud.stored_client_secret(), first);

    grant_for_key(&provider, &second, provider.url.clone());
    let rotated = cloud.succeed(&rotate);
    assert!(rotated.stderr.contains("client key  "), "{}", rotated.stderr);
    shows_no_key(&rotated);
    assert_eq!(cloud.stored_client_secret(), second);
    provider.take_forms();
    cloud.succeed(&["token"]);
    assert_eq!(header_of_assertion(&provider.take_forms()[0]), json!({ "alg": "ES256", "kid": "key-2" }));

    what_is_not_a_key_is_refused(&cloud, &second);
}

fn what_is_not_a_key_is_refused(cloud: &Cloud, key: &str) {
    let public = cloud.write_file("public.pem", &KeyPair::from_pem(key).unwrap().public_key_pem());
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let encrypted = cloud.write_file("encrypted.pem", &encrypted);
    for command in [["setup"].as_slice(), &["idp", "rotate-secret"]] {
        let run = |option: &[&str]| cloud.run(&[command, option].concat());
        run(&["--client-key-file", &public]).failed_with(2, &["is a public key", "give the private key"]);
        run(&["--client-key-file", &encrypted]).failed_with(2, &["is encrypted", "openssl pkey"]);
    }
    cloud.run(&["idp", "rotate-secret"]).failed_with(2, &["with a private key", "--client-key-file FILE"]);
    let secret = cloud.write_file("secret.txt", key);
    let post = ["setup", "--client-authentication", "client_secret_post", "--client-secret-file", &secret];
    cloud.run(&post).failed_with(2, &["is a key", "--client-key-file FILE"]);
    assert_eq!(cloud.stored_client_secret(), key);
}

/// Returns the file with the cached token.
pub(crate) fn cached_token_file(cloud: &Cloud) -> PathBuf {
    let folder = cloud.state_folder().join("restctl/local/tokens");
    std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

/// Pretends that the cached token was granted long ago.
fn age_cached_token(cloud: &Cloud) {
    let file = cached_token_file(cloud);
    let mut session: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    session["token_granted_at"] = 0.into();
    std::fs::write(file, session.to_string()).unwrap();
}

#[test]
fn a_cached_token_is_replaced_on_request_and_when_its_key_is_gone() {
    let cloud = Cloud::start_empty();
    let mut provider = Provider::start("client_secret_post");
    set_up(&cloud, &provider, &[]);
    provider.grant_token();
    let token = || cloud.succeed(&["token"]).stdout;
    let first = token();

    // A cached token says nothing about the provider's keys, and no advice leads back to it.
    provider.rotate_key();
    assert_eq!(token(), first);
    let explained = cloud.run(&["token", "explain"]);
    explained.failed_with(4, &["because of its key", "restctl token --fresh"]);
    let second = cloud.succeed(&["token", "--fresh"]).stdout;
    assert!(second != first && token() == second);
    cloud.succeed(&["token", "explain"]);

    age_cached_token(&cloud);
    assert_eq!(token(), second, "its key is still published");
    provider.rotate_key();
    age_cached_token(&cloud);
    let third = token();
    assert!(third != second && token() == third);

    // A provider that publishes nothing usable keeps nobody from the token.
    provider.served.lock().unwrap().key = json!({});
    age_cached_token(&cloud);
    assert_eq!(token(), third);
}
