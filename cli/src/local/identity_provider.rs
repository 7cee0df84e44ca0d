//! A development identity provider with Auth0's endpoints on the loopback address.

mod refusal;
mod rotation;
mod signing_key;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Form, FromRequest, Json, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http};
use http::StatusCode;
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;

use self::refusal::TokenRefusal;
use self::signing_key::SigningKey;
use super::random::random_hex;
use crate::failure::{FailureContext, Result};

const AUDIENCE: &str = "https://restctl.local/api";
const CLIENT_ID: &str = "restctl-local";
const SCOPE: &str = "read:items";
/// The client secret has 256 bits.
const SECRET_BYTES: usize = 32;
/// Auth0's default lifetime of an API's tokens, in seconds.
const TOKEN_LIFETIME: i64 = 86_400;

/// The settings of the identity provider, as `setup` uses them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LocalIdentityProvider {
    /// `http://127.0.0.1:PORT/`, with a slash at the end like Auth0's issuers.
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) scope: String,
}

/// An identity provider with one API, one client and a signing key that exists only while it runs.
pub(crate) struct IdentityProviderServer {
    /// Mutable because the client secret can be rotated.
    identity_provider: Mutex<LocalIdentityProvider>,
    signing_key: SigningKey,
    /// The file with the local cloud's record, which contains the secret too.
    record: PathBuf,
}

impl IdentityProviderServer {
    /// `issuer` ends with a slash.
    pub(crate) fn new(issuer: String, record: PathBuf) -> Result<Self> {
        let identity_provider = LocalIdentityProvider {
            issuer,
            audience: AUDIENCE.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: random_hex::<SECRET_BYTES>()?,
            scope: SCOPE.to_owned(),
        };
        Ok(Self {
            identity_provider: Mutex::new(identity_provider),
            signing_key: SigningKey::generate()?,
            record,
        })
    }

    pub(crate) fn identity_provider(&self) -> MutexGuard<'_, LocalIdentityProvider> {
        self.identity_provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn serve(self, listener: TcpListener) -> Result<()> {
        let routes = Router::new()
            .route("/oauth/token", post(answer_token_request))
            .route("/.well-known/openid-configuration", get(answer_openid_configuration))
            .route("/.well-known/jwks.json", get(answer_jwks))
            .route("/api/v2/clients/{id}/rotate-secret", post(rotation::rotate_secret))
            .with_state(Arc::new(self));
        axum::serve(listener, routes).await.context("the identity provider ended")
    }

    fn grant_token(&self, request: &TokenRequest) -> Result<Value, TokenRefusal> {
        let provider = self.identity_provider();
        check_grant_type(request.grant_type.as_deref())?;
        if request.client_id.as_ref() != Some(&provider.client_id)
            || request.client_secret.as_ref() != Some(&provider.client_secret)
        {
            return Err(TokenRefusal::new(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized"));
        }
        match &request.audience {
            Some(audience) if *audience == provider.audience => {}
            Some(other) => {
                return Err(TokenRefusal::forbidden("access_denied", format!("Service not found: {other}")));
            }
            None => return Err(TokenRefusal::forbidden("access_denied", NO_AUDIENCE)),
        }
        match request.scope.as_deref() {
            None | Some("" | SCOPE) => {}
            Some(scope) => {
                let description = format!("Client has not been granted scopes: {scope}");
                return Err(TokenRefusal::forbidden("access_denied", description));
            }
        }
        let claims = token_claims(&provider, OffsetDateTime::now_utc().unix_timestamp());
        let access_token =
            self.signing_key.sign_token(&claims).map_err(|_| TokenRefusal::signing_failed())?;
        Ok(json!({
            "access_token": access_token,
            "scope": provider.scope,
            "expires_in": TOKEN_LIFETIME,
            "token_type": "Bearer",
        }))
    }
}

/// Returns the claims that Auth0 puts into a token for a client that acts for itself.
fn token_claims(provider: &LocalIdentityProvider, now: i64) -> Value {
    json!({
        "iss": provider.issuer,
        "sub": format!("{}@clients", provider.client_id),
        "aud": provider.audience,
        "iat": now,
        "exp": now + TOKEN_LIFETIME,
        "scope": provider.scope,
        "gty": "client-credentials",
        "azp": provider.client_id,
    })
}

const NO_AUDIENCE: &str = "No audience parameter was provided, and no default audience has been configured";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    audience: Option<String>,
    scope: Option<String>,
}

async fn answer_token_request(
    State(server): State<Arc<IdentityProviderServer>>,
    request: Request,
) -> Result<Response, TokenRefusal> {
    let content_type =
        request.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = content_type.is_some_and(|kind| kind.starts_with("application/json"));
    let token_request = if is_json {
        Json::from_request(request, &())
            .await
            .map(|Json(fields)| fields)
            .map_err(TokenRefusal::invalid_request)?
    } else {
        Form::from_request(request, &())
            .await
            .map(|Form(fields)| fields)
            .map_err(TokenRefusal::invalid_request)?
    };
    let answer = server.grant_token(&token_request)?;
    Ok(([(http::header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Refuses other grant types as Auth0 does, at least those that a client is likely to try.
fn check_grant_type(grant_type: Option<&str>) -> Result<(), TokenRefusal> {
    match grant_type {
        Some("client_credentials") => Ok(()),
        Some(known @ ("authorization_code" | "refresh_token" | "password")) => Err(TokenRefusal::forbidden(
            "unauthorized_client",
            format!("Grant type '{known}' not allowed for the client."),
        )),
        Some(other) => {
            Err(TokenRefusal::forbidden("unsupported_grant_type", format!("Unsupported grant type: {other}")))
        }
        None => Err(TokenRefusal::invalid_request("Missing required parameter: grant_type")),
    }
}

/// OpenID Connect Discovery 1.0, section 3, for an issuer that supports only client credentials.
async fn answer_openid_configuration(State(server): State<Arc<IdentityProviderServer>>) -> Json<Value> {
    let LocalIdentityProvider { issuer, scope, .. } = &*server.identity_provider();
    Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}oauth/token"),
        "jwks_uri": format!("{issuer}.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "scopes_supported": [scope],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn answer_jwks(State(server): State<Arc<IdentityProviderServer>>) -> Json<JwkSet> {
    Json(server.signing_key.public_keys())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

    use super::*;

    /// Starts a provider and returns its settings.
    async fn start_provider() -> LocalIdentityProvider {
        start_provider_with(PathBuf::new()).await
    }

    async fn start_provider_with(record: PathBuf) -> LocalIdentityProvider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/", listener.local_addr().unwrap());
        let server = IdentityProviderServer::new(issuer, record).unwrap();
        let provider = server.identity_provider().clone();
        tokio::spawn(server.serve(listener));
        provider
    }

    fn valid_request(provider: &LocalIdentityProvider) -> Value {
        json!({
            "grant_type": "client_credentials",
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "audience": provider.audience,
        })
    }

    async fn post_json(provider: &LocalIdentityProvider, body: &Value) -> (u16, Value) {
        let url = format!("{}oauth/token", provider.issuer);
        let answer = reqwest::Client::new().post(url).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    #[tokio::test]
    async fn tokens_verify_against_the_published_keys() {
        let provider = start_provider().await;
        let url = format!("{}.well-known/openid-configuration", provider.issuer);
        let discovered: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        assert_eq!(discovered["issuer"], provider.issuer.as_str());
        assert!(provider.issuer.ends_with('/'));

        let endpoint = discovered["token_endpoint"].as_str().unwrap();
        let form =
            reqwest::Client::new().post(endpoint).form(&valid_request(&provider)).send().await.unwrap();
        assert_eq!(form.headers()["cache-control"], "no-store");
        let form: Value = form.json().await.unwrap();
        let (status, json) = post_json(&provider, &valid_request(&provider)).await;
        assert_eq!(status, 200);

        let keys = reqwest::get(discovered["jwks_uri"].as_str().unwrap()).await.unwrap();
        let keys: JwkSet = keys.json().await.unwrap();
        for answer in [form, json] {
            assert_eq!(answer["token_type"], "Bearer");
            assert_eq!(answer["expires_in"], 86_400);
            assert_eq!(answer["scope"], "read:items");
            let token = answer["access_token"].as_str().unwrap();
            let jwk = keys.find(&decode_header(token).unwrap().kid.unwrap()).unwrap();
            let mut validation = Validation::new(Algorithm::RS256);
            validation.set_issuer(&[&provider.issuer]);
            validation.set_audience(&[&provider.audience]);
            let claims =
                decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims;
            assert_eq!(claims["sub"], format!("{}@clients", provider.client_id));
            assert_eq!(claims["azp"], provider.client_id.as_str());
            assert_eq!(claims["gty"], "client-credentials");
            assert_eq!(claims["scope"], "read:items");
            let (issued, expires) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
            assert_eq!(expires - issued, 86_400);
        }
    }

    #[tokio::test]
    async fn refusals_have_auth0s_wording() {
        let provider = start_provider().await;
        let cases = [
            ("client_secret", json!("wrong"), 401, "access_denied", "Unauthorized"),
            ("client_secret", Value::Null, 401, "access_denied", "Unauthorized"),
            ("client_id", json!("nobody"), 401, "access_denied", "Unauthorized"),
            ("audience", json!("https://else"), 403, "access_denied", "Service not found: https://else"),
            ("audience", Value::Null, 403, "access_denied", NO_AUDIENCE),
            (
                "scope",
                json!("write:items"),
                403,
                "access_denied",
                "Client has not been granted scopes: write:items",
            ),
            ("grant_type", json!("magic"), 403, "unsupported_grant_type", "Unsupported grant type: magic"),
            (
                "grant_type",
                json!("password"),
                403,
                "unauthorized_client",
                "Grant type 'password' not allowed for the client.",
            ),
            ("grant_type", Value::Null, 400, "invalid_request", "Missing required parameter: grant_type"),
        ];
        for (field, value, status, error, description) in cases {
            let mut body = valid_request(&provider);
            body[field] = value;
            let answer = post_json(&provider, &body).await;
            assert_eq!(answer, (status, json!({ "error": error, "error_description": description })));
        }
        let url = format!("{}oauth/token", provider.issuer);
        let garbled = reqwest::Client::new().post(url).header("content-type", "application/json").body("{");
        let garbled = garbled.send().await.unwrap();
        assert_eq!(garbled.status(), 400);
        assert_eq!(garbled.json::<Value>().await.unwrap()["error"], "invalid_request");
    }

    /// Returns the status and, if it was rotated, the new secret.
    async fn rotate_secret(provider: &LocalIdentityProvider) -> (u16, Value) {
        let url = format!("{}api/v2/clients/{}/rotate-secret", provider.issuer, provider.client_id);
        let request =
            reqwest::Client::new().post(url).basic_auth(&provider.client_id, Some(&provider.client_secret));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["client_secret"].take())
    }

    #[tokio::test]
    async fn rotating_the_secret_needs_the_current_secret() {
        let dir = tempfile::tempdir().unwrap();
        let record = dir.path().join("cloud.json");
        let provider = start_provider_with(record.clone()).await;
        let stranger = LocalIdentityProvider { client_secret: "wrong".to_owned(), ..provider.clone() };
        assert_eq!(rotate_secret(&stranger).await.0, 401);
        // A secret that cannot be recorded is not rotated.
        assert_eq!(rotate_secret(&provider).await.0, 500);
        assert_eq!(post_json(&provider, &valid_request(&provider)).await.0, 200);

        let before = json!({ "front": "elsewhere", "identity_provider": provider });
        std::fs::write(&record, before.to_string()).unwrap();
        let (_, secret) = rotate_secret(&provider).await;
        let after: Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
        assert_eq!(after["identity_provider"]["client_secret"], secret);
        assert_eq!(after["front"], before["front"]);
        assert_eq!(post_json(&provider, &valid_request(&provider)).await.0, 401);
        let client_secret = secret.as_str().unwrap().to_owned();
        let provider = LocalIdentityProvider { client_secret, ..provider };
        assert_eq!(post_json(&provider, &valid_request(&provider)).await.0, 200);
    }
}
