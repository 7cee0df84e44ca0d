//! The token's claims (RFC 7519, section 4) and their checks.

use restctl_contract::issuer::Provider;
use restctl_contract::json::Json;
use serde::Deserialize;

use crate::json_object::{MAX_DEPTH, parse_object};
use crate::refusal::Refusal;

/// How far an issuer's clock may be ahead of `now`, in seconds. The leeway applies to `nbf` and `iat`, not to `exp`:
/// a token is invalid from the second that `exp` names.
pub const LEEWAY_SECONDS: u64 = 60;

/// The claims of a token that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`.
    pub subject: Option<String>,
    /// `exp`, in whole seconds since the Unix epoch: the first second in which the token is invalid.
    pub expires: u64,
    /// The id of the key that signed the token, as its header names it.
    pub key_id: Option<String>,
}

/// Claims as the token states them, of any type: a claim of the wrong type differs from an absent claim. Null counts
/// as absent. A duplicate claim fails the parse (RFC 7519, section 4).
#[derive(Deserialize)]
pub(crate) struct UnverifiedClaims {
    pub(crate) iss: Option<Json>,
    pub(crate) sub: Option<Json>,
    pub(crate) aud: Option<Json>,
    pub(crate) exp: Option<Json>,
    pub(crate) nbf: Option<Json>,
    pub(crate) iat: Option<Json>,
    pub(crate) client_id: Option<Json>,
    pub(crate) token_use: Option<Json>,
    pub(crate) scope: Option<Json>,
    pub(crate) permissions: Option<Json>,
}

impl UnverifiedClaims {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        parse_object(payload, MAX_DEPTH).map_err(|_| Refusal::Malformed)
    }

    /// Returns `exp` if it is later than `now`.
    pub(crate) fn check_expiry(&self, now: u64) -> Result<u64, Refusal> {
        let expires = numeric_date("exp", require_claim("exp", self.exp.as_ref())?)?;
        if now < expires { Ok(expires) } else { Err(Refusal::Expired) }
    }

    pub(crate) fn check_not_before(&self, now: u64) -> Result<(), Refusal> {
        if starts_after(now, "nbf", self.nbf.as_ref())? { Err(Refusal::NotYetValid) } else { Ok(()) }
    }

    pub(crate) fn check_issued_at(&self, now: u64) -> Result<(), Refusal> {
        if starts_after(now, "iat", self.iat.as_ref())? { Err(Refusal::IssuedInFuture) } else { Ok(()) }
    }

    pub(crate) fn check_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        let claimed = string_value("iss", require_claim("iss", self.iss.as_ref())?)?;
        if claimed == issuer { Ok(()) } else { Err(Refusal::WrongIssuer) }
    }

    pub(crate) fn check_audience(&self, accepted: &[String]) -> Result<(), Refusal> {
        let audiences = string_values("aud", require_claim("aud", self.aud.as_ref())?)?;
        let is_accepted =
            audiences.into_iter().any(|audience| accepted.iter().any(|known| known == audience));
        if is_accepted { Ok(()) } else { Err(Refusal::WrongAudience) }
    }

    /// Checks the client of Cognito's tokens, which is their audience.
    pub(crate) fn check_client(&self, accepted: &[String]) -> Result<(), Refusal> {
        let client = string_value("client_id", require_claim("client_id", self.client_id.as_ref())?)?;
        if accepted.iter().any(|known| known == client) { Ok(()) } else { Err(Refusal::WrongClient) }
    }

    /// Tells Cognito's access tokens from its ID tokens, which have the same type, issuer and keys.
    pub(crate) fn check_token_use(&self) -> Result<(), Refusal> {
        let purpose = string_value("token_use", require_claim("token_use", self.token_use.as_ref())?)?;
        if purpose == "access" { Ok(()) } else { Err(Refusal::WrongUse) }
    }

    pub(crate) fn subject(&self) -> Result<Option<&str>, Refusal> {
        self.sub.as_ref().map(|sub| string_value("sub", sub)).transpose()
    }

    /// Looks for the scope in `scope` and, in Auth0's tokens only, in `permissions`.
    pub(crate) fn check_scope(&self, required_scope: &str, provider: Provider) -> Result<(), Refusal> {
        let scopes =
            self.scope.as_ref().map(|scope| string_value("scope", scope)).transpose()?.unwrap_or_default();
        let permissions = match &self.permissions {
            Some(Json::Array(members)) if provider == Provider::Auth0 => {
                string_elements("permissions", members)?
            }
            Some(_) if provider == Provider::Auth0 => return Err(Refusal::MalformedClaim("permissions")),
            _ => Vec::new(),
        };
        let mut granted = scopes.split(' ').chain(permissions).filter(|scope| !scope.is_empty());
        if granted.any(|scope| scope == required_scope) { Ok(()) } else { Err(Refusal::MissingScope) }
    }
}

fn require_claim<'a>(name: &'static str, claim: Option<&'a Json>) -> Result<&'a Json, Refusal> {
    claim.ok_or(Refusal::MissingClaim(name))
}

fn string_value<'a>(name: &'static str, claim: &'a Json) -> Result<&'a str, Refusal> {
    claim.as_str().ok_or(Refusal::MalformedClaim(name))
}

/// Reads a NumericDate, which may have a fraction. It is rounded down: a token expires early rather than late.
pub(crate) fn numeric_date(name: &'static str, claim: &Json) -> Result<u64, Refusal> {
    let Json::Number(digits) = claim else { return Err(Refusal::MalformedClaim(name)) };
    let in_range = |date: &f64| (0.0..1e15).contains(date);
    let whole = || digits.parse().ok().filter(in_range).map(|date: f64| date as u64);
    digits.parse().ok().or_else(whole).ok_or(Refusal::MalformedClaim(name))
}

fn starts_after(now: u64, name: &'static str, claim: Option<&Json>) -> Result<bool, Refusal> {
    let latest = now.saturating_add(LEEWAY_SECONDS);
    Ok(claim.map(|claim| numeric_date(name, claim)).transpose()?.is_some_and(|start| start > latest))
}

/// Reads one string or an array of strings.
fn string_values<'a>(name: &'static str, claim: &'a Json) -> Result<Vec<&'a str>, Refusal> {
    match claim {
        Json::Array(members) => string_elements(name, members),
        single => string_value(name, single).map(|single| vec![single]),
    }
}

fn string_elements<'a>(name: &'static str, members: &'a [Json]) -> Result<Vec<&'a str>, Refusal> {
    members.iter().map(|member| string_value(name, member)).collect()
}
