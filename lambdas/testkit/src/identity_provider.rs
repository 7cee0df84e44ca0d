//! An OpenID Connect issuer as far as a resource server sees it: a JWKS over HTTP, and tokens.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use serde_json::{Value, json};

use crate::server::Server;
use crate::signing_key::SigningKey;
use crate::tls::Authority;

/// The `aud` of [`IdentityProvider::claims`].
pub const AUDIENCE: &str = "https://items.example.test";

/// The `scope` of [`IdentityProvider::claims`].
pub const SCOPE: &str = "read:items";

const JWKS_PATH: &str = "/.well-known/jwks.json";

/// How the JWKS endpoint answers.
#[derive(Debug, Clone)]
pub enum JwksAnswer {
    /// The published keys.
    Keys,
    Status(u16),
    RedirectTo(String),
    Body(String),
    /// The published keys, after this delay.
    Late(Duration),
    /// The request is accepted, but never answered.
    Never,
}

/// Serves until it is dropped.
pub struct IdentityProvider {
    server: Server,
    state: Arc<Mutex<ProviderState>>,
}

struct ProviderState {
    signing: SigningKey,
    published: Vec<Value>,
    answer: JwksAnswer,
    fetches: usize,
}

impl ProviderState {
    fn new(signing: SigningKey, published: Vec<Value>) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { signing, published, answer: JwksAnswer::Keys, fetches: 0 }))
    }
}

impl IdentityProvider {
    /// Starts one with an EC key.
    pub async fn start() -> Self {
        Self::start_with(SigningKey::generate_ec("key-1")).await
    }

    /// Starts one that signs with `signing`, and publishes only that key.
    pub async fn start_with(signing: SigningKey) -> Self {
        let published = vec![signing.jwk()];
        let state = ProviderState::new(signing, published);
        Self { server: Server::start(build_router(&state)).await, state }
    }

    /// Starts one like Auth0: over TLS, with two RSA keys, of which the second will sign next.
    pub async fn start_with_tls(authority: &Authority) -> Self {
        let signing = SigningKey::generate_rsa("key-1");
        let published = vec![signing.jwk(), SigningKey::generate_rsa("key-2").jwk()];
        let state = ProviderState::new(signing, published);
        Self { server: Server::start_with_tls(authority, build_router(&state)).await, state }
    }

    /// Returns the `iss` of its tokens, which ends with `/` like Auth0's.
    pub fn issuer(&self) -> String {
        format!("{}/", self.server.url())
    }

    pub fn jwks_uri(&self) -> String {
        format!("{}{JWKS_PATH}", self.server.url())
    }

    /// Returns it as an API trusts it that accepts [`Self::token`].
    pub fn trusted_issuer(&self) -> TrustedIssuer {
        TrustedIssuer {
            issuer: self.issuer(),
            provider: Provider::Auth0,
            audiences: vec![AUDIENCE.to_owned()],
            scope: SCOPE.to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: self.jwks_uri(),
            authorities: Vec::new(),
        }
    }

    /// Returns the published keys, whatever the endpoint currently answers.
    pub fn jwks(&self) -> Value {
        json!({"keys": self.lock_state().published})
    }

    /// Returns how often the JWKS has been requested, whatever the answer was.
    pub fn count_fetches(&self) -> usize {
        self.lock_state().fetches
    }

    pub fn answer_with(&self, answer: JwksAnswer) {
        self.lock_state().answer = answer;
    }

    /// Signs with a new key from now on, and publishes only that one.
    pub fn rotate_key(&self, kid: &str) {
        let signing = SigningKey::generate_ec(kid);
        let mut state = self.lock_state();
        state.published = vec![signing.jwk()];
        state.signing = signing;
    }

    /// Signs with a new key from now on, and publishes it with the others.
    pub fn add_key(&self, kid: &str) {
        let signing = SigningKey::generate_ec(kid);
        let mut state = self.lock_state();
        state.published.push(signing.jwk());
        state.signing = signing;
    }

    pub fn signing_key(&self) -> SigningKey {
        self.lock_state().signing.clone()
    }

    /// Returns valid claims, which expire in an hour.
    pub fn claims(&self) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
        json!({
            "iss": self.issuer(),
            "sub": "client-1@clients",
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 3600,
            "scope": SCOPE,
        })
    }

    /// Returns a token with [`Self::claims`].
    pub fn token(&self) -> String {
        self.signing_key().token(&self.claims())
    }

    /// Returns a token whose claim `name` is `value`. Null removes the claim.
    pub fn token_with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        match value {
            Value::Null => {
                claims.as_object_mut().and_then(|claims| claims.remove(name));
            }
            value => claims[name] = value,
        }
        self.signing_key().token(&claims)
    }

    fn lock_state(&self) -> MutexGuard<'_, ProviderState> {
        self.state.lock().expect("no thread panics with the lock")
    }
}

fn build_router(state: &Arc<Mutex<ProviderState>>) -> Router {
    Router::new().route(JWKS_PATH, get(serve_jwks)).with_state(Arc::clone(state))
}

async fn serve_jwks(State(state): State<Arc<Mutex<ProviderState>>>) -> Response {
    let (answer, keys) = {
        let mut state = state.lock().expect("no thread panics with the lock");
        state.fetches += 1;
        (state.answer.clone(), json!({"keys": state.published}))
    };
    match answer {
        JwksAnswer::Keys => axum::Json(keys).into_response(),
        JwksAnswer::Status(status) => {
            StatusCode::from_u16(status).expect("a status of three digits").into_response()
        }
        JwksAnswer::RedirectTo(target) => Redirect::temporary(&target).into_response(),
        JwksAnswer::Body(body) => body.into_response(),
        JwksAnswer::Late(delay) => {
            tokio::time::sleep(delay).await;
            axum::Json(keys).into_response()
        }
        JwksAnswer::Never => std::future::pending().await,
    }
}
