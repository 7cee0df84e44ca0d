//! The token's claims (RFC 7519, section 4).

use serde::Deserialize;
use serde_json::Value;

use crate::object;
use crate::provider::Provider;
use crate::refusal::Refusal;

/// How far an issuer's clock may be ahead of `now`, in seconds. It applies to `nbf` and `iat`; `exp` has none,
/// a token is dead in the second it names.
pub const LEEWAY_SECONDS: u64 = 60;

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
pub(crate) struct Unjudged {
    pub(crate) iss: Option<Value>,
    pub(crate) sub: Option<Value>,
    pub(crate) aud: Option<Value>,
    pub(crate) exp: Option<Value>,
    pub(crate) nbf: Option<Value>,
    pub(crate) iat: Option<Value>,
    pub(crate) client_id: Option<Value>,
    pub(crate) token_use: Option<Value>,
    pub(crate) scope: Option<Value>,
    pub(crate) permissions: Option<Value>,
}

impl Unjudged {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        object::parse(payload)
    }

    pub(crate) fn expires_after(&self, now: u64) -> Result<u64, Refusal> {
        let expires = seconds("exp", required("exp", self.exp.as_ref())?)?;
        if now < expires { Ok(expires) } else { Err(Refusal::Expired) }
    }

    pub(crate) fn is_valid_at(&self, now: u64) -> Result<(), Refusal> {
        if starts_after(now, "nbf", self.nbf.as_ref())? { Err(Refusal::NotYetValid) } else { Ok(()) }
    }

    pub(crate) fn is_issued_by(&self, now: u64) -> Result<(), Refusal> {
        if starts_after(now, "iat", self.iat.as_ref())? { Err(Refusal::IssuedInFuture) } else { Ok(()) }
    }

    pub(crate) fn is_from(&self, issuer: &str) -> Result<(), Refusal> {
        let claimed = text("iss", required("iss", self.iss.as_ref())?)?;
        if claimed == issuer { Ok(()) } else { Err(Refusal::WrongIssuer) }
    }

    pub(crate) fn is_for(&self, audience: &str) -> Result<(), Refusal> {
        let named = texts("aud", required("aud", self.aud.as_ref())?)?;
        if named.contains(&audience) { Ok(()) } else { Err(Refusal::WrongAudience) }
    }

    /// Of Cognito's tokens, whose audience is the client; `clients` has commas between them.
    pub(crate) fn is_of_client_in(&self, clients: &str) -> Result<(), Refusal> {
        let client = text("client_id", required("client_id", self.client_id.as_ref())?)?;
        let mut known = clients.split(',').map(str::trim).filter(|known| !known.is_empty());
        if known.any(|known| known == client) { Ok(()) } else { Err(Refusal::WrongClient) }
    }

    /// Of Cognito's tokens, whose ID tokens have the same type, issuer and keys.
    pub(crate) fn is_for_access(&self) -> Result<(), Refusal> {
        let purpose = text("token_use", required("token_use", self.token_use.as_ref())?)?;
        if purpose == "access" { Ok(()) } else { Err(Refusal::WrongUse) }
    }

    pub(crate) fn subject(&self) -> Result<Option<&str>, Refusal> {
        self.sub.as_ref().map(|sub| text("sub", sub)).transpose()
    }

    /// `permissions` means something in Auth0's tokens alone.
    pub(crate) fn grants(&self, wanted: &str, provider: Provider) -> Result<(), Refusal> {
        let scopes = self.scope.as_ref().map(|scope| text("scope", scope)).transpose()?.unwrap_or_default();
        let permissions = match &self.permissions {
            Some(Value::Array(members)) if provider == Provider::Auth0 => texts_of("permissions", members)?,
            Some(_) if provider == Provider::Auth0 => return Err(Refusal::MalformedClaim("permissions")),
            _ => Vec::new(),
        };
        let mut granted = scopes.split(' ').chain(permissions).filter(|scope| !scope.is_empty());
        if granted.any(|scope| scope == wanted) { Ok(()) } else { Err(Refusal::MissingScope) }
    }
}

fn required<'a>(name: &'static str, claim: Option<&'a Value>) -> Result<&'a Value, Refusal> {
    claim.ok_or(Refusal::MissingClaim(name))
}

fn text<'a>(name: &'static str, claim: &'a Value) -> Result<&'a str, Refusal> {
    claim.as_str().ok_or(Refusal::MalformedClaim(name))
}

/// A NumericDate, which may have a fraction; rounded down, so that a token dies early rather than late.
pub(crate) fn seconds(name: &'static str, claim: &Value) -> Result<u64, Refusal> {
    let date = claim.as_number().ok_or(Refusal::MalformedClaim(name))?;
    let whole = || date.as_f64().filter(|date| (0.0..1e15).contains(date)).map(|date| date as u64);
    date.as_u64().or_else(whole).ok_or(Refusal::MalformedClaim(name))
}

fn starts_after(now: u64, name: &'static str, claim: Option<&Value>) -> Result<bool, Refusal> {
    let latest = now.saturating_add(LEEWAY_SECONDS);
    Ok(claim.map(|claim| seconds(name, claim)).transpose()?.is_some_and(|start| start > latest))
}

/// One text, or an array of them.
fn texts<'a>(name: &'static str, claim: &'a Value) -> Result<Vec<&'a str>, Refusal> {
    match claim {
        Value::Array(members) => texts_of(name, members),
        single => text(name, single).map(|single| vec![single]),
    }
}

fn texts_of<'a>(name: &'static str, members: &'a [Value]) -> Result<Vec<&'a str>, Refusal> {
    members.iter().map(|member| text(name, member)).collect()
}
