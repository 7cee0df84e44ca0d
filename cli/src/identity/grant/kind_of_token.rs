//! The form of an access token, which only its resource server needs to understand (RFC 6749, section 1.4). The API
//! understands signed JWTs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KindOfToken {
    /// A JWS in its compact form: header, claims and signature (RFC 7515, section 7.1).
    SignedJwt,
    /// A JWE in its compact form, which has five parts (RFC 7516, section 7.1).
    EncryptedJwt,
    /// Anything else, which only the provider can look up.
    Opaque,
}

pub(super) fn kind_of_token(token: &str) -> KindOfToken {
    let parts: Vec<&str> = token.split('.').collect();
    let is_base64 = parts.iter().all(|part| URL_SAFE_NO_PAD.decode(part).is_ok());
    let has_header = is_base64 && parts.first().is_some_and(|header| decode_object(header).is_some());
    match parts.len() {
        3 if has_header => KindOfToken::SignedJwt,
        5 if has_header => KindOfToken::EncryptedJwt,
        _ => KindOfToken::Opaque,
    }
}

/// Returns the `exp` of a JWT, in seconds since 1970. It is not verified.
pub(super) fn unverified_expiry(token: &str) -> Option<u64> {
    let claims = decode_object(token.split('.').nth(1)?)?;
    let seconds = claims.get("exp")?.as_f64()?;
    // The conversion ends at the smallest and the largest number.
    Some(seconds as u64)
}

fn decode_object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_signed_jwt_is_one() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (header, claims) = (part(r#"{"alg":"RS256"}"#), part(r#"{"exp":5.5}"#));
        for (token, kind) in [
            (format!("{header}.{claims}.AAAA"), KindOfToken::SignedJwt),
            (format!("{header}.AA.AA.AA.AA"), KindOfToken::EncryptedJwt),
            // Direct encryption has an empty key (RFC 7516, section 5.1).
            (format!("{header}..AA.AA.AA"), KindOfToken::EncryptedJwt),
            ("A-Da8wn6d4N-Gd2pwneyuqCZYl_t3SK6AAWNLjTf_9L".to_owned(), KindOfToken::Opaque),
            ("ory_at_abc.def".to_owned(), KindOfToken::Opaque),
            ("a.b.c".to_owned(), KindOfToken::Opaque),
            ("v4.local.AAAA".to_owned(), KindOfToken::Opaque),
            (format!("{header}.{claims}.{{}}"), KindOfToken::Opaque),
            (format!("{}.{claims}.AAAA", part("[]")), KindOfToken::Opaque),
            (String::new(), KindOfToken::Opaque),
        ] {
            assert_eq!(kind_of_token(&token), kind, "{token}");
        }
        assert_eq!(unverified_expiry(&format!("{header}.{claims}.AAAA")), Some(5));
        assert_eq!(unverified_expiry(&format!("{header}.{}.AAAA", part(r#"{"exp":"5"}"#))), None);
        assert_eq!(unverified_expiry("opaque"), None);
    }
}
