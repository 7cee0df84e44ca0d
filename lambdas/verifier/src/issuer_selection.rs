//! Which of several trusted issuers a token claims to be from.

use restctl_contract::issuer::TrustedIssuer;
use restctl_contract::json::Json;
use serde::Deserialize;

use crate::json_object::{MAX_DEPTH, parse_object};
use crate::limits::MAX_TOKEN_BYTES;
use crate::verification::decode_base64url;

#[derive(Deserialize)]
struct ClaimedIssuer {
    iss: Option<Json>,
}

/// Returns the index of the issuer that the token names, or 0 if it names none of them.
///
/// Anyone may have written the token, so this says only whose keys and rules to verify it with. With those of any other
/// issuer, it fails its check of the issuer.
pub fn select_issuer(token: &str, issuers: &[TrustedIssuer]) -> usize {
    find_issuer(token, issuers.iter().map(|issuer| issuer.issuer.as_str())).unwrap_or_default()
}

/// As [`select_issuer`], but tells a token that names none of several issuers apart: no key can make it good. The only
/// issuer is found without reading the token.
pub fn find_issuer<'a>(token: &str, issuers: impl ExactSizeIterator<Item = &'a str>) -> Option<usize> {
    if issuers.len() == 1 {
        return Some(0);
    }
    let claimed = claimed_issuer(token)?;
    let mut issuers = issuers;
    issuers.position(|issuer| issuer == claimed)
}

fn claimed_issuer(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1).filter(|_| token.len() <= MAX_TOKEN_BYTES)?;
    let claims: ClaimedIssuer = parse_object(&decode_base64url(payload).ok()?, MAX_DEPTH).ok()?;
    claims.iss?.as_str().map(str::to_owned)
}
