//! Cursors of a list: the last id of a page, signed, so that a client can only return cursors that the API issued.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use restctl_aws::{CallError, Service, error_chain};
use restctl_contract::key::MAX_KEY_BYTES;
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use tokio::sync::OnceCell;

use super::id::Id;
use crate::problem::Failure;

const TAG_BYTES: usize = 32;

/// The length of the longest cursor: a key in JSON, where each byte may become six (`\u0000`).
const MAX_CURSOR_BYTES: usize = (TAG_BYTES + MAX_KEY_BYTES * 6 + 16).div_ceil(3) * 4;

/// The key that signs cursors. It is a secret of the stack, so each instance accepts the cursors of the others. It is
/// read when it is first needed.
pub(crate) struct CursorKey {
    service: Service,
    secret: String,
    key: OnceCell<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: String,
}

impl CursorKey {
    /// `secret` is a name or an ARN in Secrets Manager.
    pub(crate) fn new(service: Service, secret: String) -> Self {
        Self { service, secret, key: OnceCell::new() }
    }

    /// Returns the cursor for the items after `id`.
    pub(crate) async fn sign_id(&self, id: &Id) -> Result<String, Failure> {
        let payload = id.to_attribute().to_string();
        let tag = self.compute_mac(payload.as_bytes()).await?.finalize().into_bytes();
        Ok(URL_SAFE_NO_PAD.encode([tag.as_slice(), payload.as_bytes()].concat()))
    }

    /// Returns the id in a cursor that this key signed.
    pub(crate) async fn verify_cursor(&self, cursor: &str) -> Result<Id, Failure> {
        if cursor.len() > MAX_CURSOR_BYTES {
            return Err(Failure::InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Failure::InvalidCursor)?;
        let (tag, payload) = bytes.split_at_checked(TAG_BYTES).ok_or(Failure::InvalidCursor)?;
        self.compute_mac(payload).await?.verify_slice(tag).map_err(|_| Failure::InvalidCursor)?;
        let id = serde_json::from_slice(payload).ok();
        id.and_then(|attribute| Id::from_attribute(&attribute)).ok_or(Failure::InvalidCursor)
    }

    async fn compute_mac(&self, payload: &[u8]) -> Result<Hmac<Sha256>, Failure> {
        let key = self.key.get_or_try_init(|| self.read_secret()).await?;
        let mut mac = Hmac::new_from_slice(key)
            .map_err(|_| Failure::Internal("the cursor's key is empty".to_owned()))?;
        mac.update(payload);
        Ok(mac)
    }

    async fn read_secret(&self) -> Result<Vec<u8>, Failure> {
        let request = json!({ "SecretId": self.secret }).to_string();
        let answer = self.service.call("GetSecretValue", Bytes::from(request)).await;
        let answer = answer.map_err(|error| match error {
            CallError::Refused { .. } => Failure::Internal(error.to_string()),
            _ => Failure::CursorsUnavailable { cause: error_chain(&error) },
        })?;
        // The parser's error might quote a piece of the secret.
        let value: SecretValue = serde_json::from_slice(&answer)
            .map_err(|_| Failure::Internal("GetSecretValue returned an unreadable answer".to_owned()))?;
        Ok(value.secret_string.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use restctl_aws::{Credentials, Endpoints, Environment};
    use restctl_contract::key::{Key, KeyType};

    use super::*;

    fn cursor_key(key: &str) -> CursorKey {
        let environment = Environment {
            region: "eu-central-1".to_owned(),
            credentials: Credentials::new("id", "secret", None, None, "tests"),
            endpoints: Endpoints::Shared("http://127.0.0.1:1".to_owned()),
        };
        let https = restctl_aws::https_client().unwrap();
        let service = Service::secrets_manager(https, &environment, Duration::from_secs(1));
        CursorKey {
            service: service.unwrap(),
            secret: "none".into(),
            key: OnceCell::new_with(Some(key.into())),
        }
    }

    #[tokio::test]
    async fn a_cursor_returns_the_signed_id() {
        let key = cursor_key("key");
        let longest = "\u{1}".repeat(MAX_KEY_BYTES);
        for (kind, text) in [
            (KeyType::String, "a/b é\""),
            (KeyType::String, longest.as_str()),
            (KeyType::Number, "-12345678901234567890123456789012345678e-100"),
        ] {
            let id = Id::from_text(&Key { name: "id".to_owned(), kind }, text).unwrap();
            let cursor = key.sign_id(&id).await.unwrap();
            assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            assert_eq!(key.verify_cursor(&cursor).await.unwrap(), id);
        }
    }

    #[tokio::test]
    async fn cursors_that_were_not_issued_are_refused() {
        let key = cursor_key("key");
        let id = Id::String("42".to_owned());
        let cursor = key.sign_id(&id).await.unwrap();
        let forged = cursor_key("another").sign_id(&id).await.unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        let unsigned = URL_SAFE_NO_PAD.encode(&bytes[TAG_BYTES..]);
        let mut cursors = vec![forged, unsigned, String::new(), "!".to_owned(), format!("{cursor}=")];
        cursors.push("A".repeat(MAX_CURSOR_BYTES + 1));
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            cursors.push(URL_SAFE_NO_PAD.encode(changed));
            cursors.push(URL_SAFE_NO_PAD.encode(&bytes[..place]));
        }
        for cursor in cursors {
            assert!(matches!(key.verify_cursor(&cursor).await, Err(Failure::InvalidCursor)), "{cursor}");
        }
    }
}
