//! The token's claims (RFC 7519, section 4), once its signature is known to be right.

use serde::Deserialize;
use serde_json::Value;

use crate::{LEEWAY_SECONDS, Provider, Refusal};

/// What a token must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub provider: Provider,
    /// The exact `iss`.
    pub issuer: String,
    /// The `aud`, or one of them; of Cognito's tokens, which carry none, the `client_id`, or several with commas
    /// between them.
    pub audience: String,
    /// One of the scopes in `scope` (RFC 8693, section 4.2), or one of Auth0's `permissions`.
    pub scope: String,
}

/// What is worth knowing of a token that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`.
    pub subject: Option<String>,
    /// `exp`, in whole seconds since the Unix epoch: the first second in which the token is dead.
    pub expires: u64,
    /// The key that signed it, as its header names it.
    pub key_id: Option<String>,
}

/// Claims of any type, so that a wrong type and an absent claim are told apart; null counts as absent. A claim
/// given twice fails the parse (RFC 7519, section 4).
#[derive(Deserialize)]
struct Unjudged {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    scope: Option<Value>,
    permissions: Option<Value>,
}

impl Claims {
    pub(crate) fn judge(
        payload: &[u8],
        key_id: Option<String>,
        policy: &Policy,
        now: u64,
    ) -> Result<Self, Refusal> {
        let claims: Unjudged = serde_json::from_slice(payload).map_err(|_| Refusal::Malformed)?;
        let expires = seconds("exp", required("exp", claims.exp.as_ref())?)?;
        if now >= expires {
            return Err(Refusal::Expired);
        }
        let latest_start = now.saturating_add(LEEWAY_SECONDS);
        if starts_after(latest_start, "nbf", claims.nbf.as_ref())? {
            return Err(Refusal::NotYetValid);
        }
        if starts_after(latest_start, "iat", claims.iat.as_ref())? {
            return Err(Refusal::IssuedInFuture);
        }
        if text("iss", required("iss", claims.iss.as_ref())?)? != policy.issuer {
            return Err(Refusal::WrongIssuer);
        }
        if !audiences(required("aud", claims.aud.as_ref())?)?.contains(&policy.audience.as_str()) {
            return Err(Refusal::WrongAudience);
        }
        let subject = claims.sub.as_ref().map(|sub| text("sub", sub)).transpose()?.map(str::to_owned);
        if !grants(&policy.scope, claims.scope.as_ref(), claims.permissions.as_ref())? {
            return Err(Refusal::MissingScope);
        }
        Ok(Self { subject, expires, key_id })
    }
}

fn required<'a>(name: &'static str, claim: Option<&'a Value>) -> Result<&'a Value, Refusal> {
    claim.ok_or(Refusal::MissingClaim(name))
}

fn text<'a>(name: &'static str, claim: &'a Value) -> Result<&'a str, Refusal> {
    claim.as_str().ok_or(Refusal::MalformedClaim(name))
}

/// A NumericDate, which may have a fraction; rounded down, so that a token dies early rather than late.
fn seconds(name: &'static str, claim: &Value) -> Result<u64, Refusal> {
    let date = claim.as_number().ok_or(Refusal::MalformedClaim(name))?;
    let whole = || date.as_f64().filter(|date| (0.0..1e15).contains(date)).map(|date| date as u64);
    date.as_u64().or_else(whole).ok_or(Refusal::MalformedClaim(name))
}

fn starts_after(latest: u64, name: &'static str, claim: Option<&Value>) -> Result<bool, Refusal> {
    Ok(claim.map(|claim| seconds(name, claim)).transpose()?.is_some_and(|start| start > latest))
}

fn audiences(claim: &Value) -> Result<Vec<&str>, Refusal> {
    match claim {
        Value::Array(members) => members.iter().map(|member| text("aud", member)).collect(),
        single => text("aud", single).map(|single| vec![single]),
    }
}

fn grants(wanted: &str, scope: Option<&Value>, permissions: Option<&Value>) -> Result<bool, Refusal> {
    let scopes = scope.map(|scope| text("scope", scope)).transpose()?.unwrap_or_default();
    let permissions = match permissions {
        None => Vec::new(),
        Some(Value::Array(members)) => {
            members.iter().map(|member| text("permissions", member)).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(Refusal::MalformedClaim("permissions")),
    };
    let mut granted = scopes.split(' ').chain(permissions).filter(|scope| !scope.is_empty());
    Ok(granted.any(|scope| scope == wanted))
}
