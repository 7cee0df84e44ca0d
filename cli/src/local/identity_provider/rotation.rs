//! Rotates the client secret as Auth0's Management API does. The current secret is the authorization.

use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Json, Path, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::refusal::TokenRefusal;
use super::{IdentityProviderServer, SECRET_BYTES};
use crate::directories;
use crate::failure::{FailureContext, Result};
use crate::local::random::random_hex;
use crate::terminal::output;

pub(super) async fn rotate_secret(
    State(server): State<Arc<IdentityProviderServer>>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, TokenRefusal> {
    let mut provider = server.identity_provider();
    let expected = format!("{}:{}", provider.client_id, provider.client_secret);
    if client_id != provider.client_id || basic_credentials(&headers).as_deref() != Some(expected.as_bytes())
    {
        return Err(TokenRefusal::new(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized"));
    }
    let secret = random_hex::<SECRET_BYTES>()
        .and_then(|secret| record_secret(&server.record, &secret).map(|()| secret));
    let secret = secret.map_err(|failure| {
        output::print_failure(&failure);
        TokenRefusal::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The secret cannot be kept")
    })?;
    provider.client_secret.clone_from(&secret);
    Ok(Json(json!({ "client_id": client_id, "client_secret": secret })))
}

/// Returns the credentials of HTTP basic authentication (RFC 7617).
fn basic_credentials(headers: &HeaderMap) -> Option<Vec<u8>> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    STANDARD.decode(encoded).ok()
}

fn record_secret(record: &FilePath, secret: &str) -> Result<()> {
    let doing = format!("cannot read {}", record.display());
    let mut cloud: Value = serde_json::from_slice(&fs::read(record).context(&doing)?).context(&doing)?;
    cloud["identity_provider"]["client_secret"] = secret.into();
    let text = serde_json::to_vec_pretty(&cloud).context("cannot record the local cloud")?;
    directories::write_private_file(record, &text)
}
