//! The token's claims (RFC 7519, section 4) and their checks.

use std::collections::BTreeMap;
use std::fmt;

use restctl_contract::json::Json;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::json_object::{MAX_DEPTH, parse_object};
use crate::profile::{GrantClaim, GrantForm, TokenUse};
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
pub(crate) struct UnverifiedClaims(BTreeMap<String, Json>);

impl UnverifiedClaims {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        parse_object(payload, MAX_DEPTH).map_err(|_| Refusal::Malformed)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Returns the claims in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn require(&self, name: &'static str) -> Result<&Json, Refusal> {
        self.get(name).ok_or(Refusal::MissingClaim(name))
    }

    /// Returns `exp` if it is later than `now`.
    pub(crate) fn check_expiry(&self, now: u64) -> Result<u64, Refusal> {
        let expires = numeric_date("exp", self.require("exp")?)?;
        if now < expires { Ok(expires) } else { Err(Refusal::Expired) }
    }

    pub(crate) fn check_not_before(&self, now: u64) -> Result<(), Refusal> {
        if starts_after(now, "nbf", self.get("nbf"))? { Err(Refusal::NotYetValid) } else { Ok(()) }
    }

    pub(crate) fn check_issued_at(&self, now: u64) -> Result<(), Refusal> {
        if starts_after(now, "iat", self.get("iat"))? { Err(Refusal::IssuedInFuture) } else { Ok(()) }
    }

    pub(crate) fn check_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        let claimed = string_value("iss", self.require("iss")?)?;
        if claimed == issuer { Ok(()) } else { Err(Refusal::WrongIssuer) }
    }

    pub(crate) fn check_audience(&self, accepted: &[String]) -> Result<(), Refusal> {
        let audiences = string_values("aud", self.require("aud")?)?;
        let is_accepted =
            audiences.into_iter().any(|audience| accepted.iter().any(|known| known == audience));
        if is_accepted { Ok(()) } else { Err(Refusal::WrongAudience) }
    }

    /// Checks the client of tokens that have no `aud`.
    pub(crate) fn check_client(&self, accepted: &[String]) -> Result<(), Refusal> {
        let client = string_value("client_id", self.require("client_id")?)?;
        if accepted.iter().any(|known| known == client) { Ok(()) } else { Err(Refusal::WrongClient) }
    }

    /// Tells access tokens from the other tokens that the provider signs with the same keys.
    pub(crate) fn check_token_use(&self, token_use: TokenUse) -> Result<(), Refusal> {
        let is_access_token = match token_use {
            TokenUse::Equals { claim, value } => string_value(claim, self.require(claim)?)? == value,
            TokenUse::NamesClient { claims: [current, former] } => {
                let (name, client) = match self.get(former) {
                    Some(client) if self.get(current).is_none() => (former, client),
                    _ => (current, self.require(current)?),
                };
                !string_value(name, client)?.is_empty()
            }
        };
        if is_access_token { Ok(()) } else { Err(Refusal::WrongUse) }
    }

    pub(crate) fn subject(&self) -> Result<Option<&str>, Refusal> {
        self.get("sub").map(|sub| string_value("sub", sub)).transpose()
    }

    /// Looks for the required scope, permission or role in the claims that grant. Each of them must have its form, even if
    /// another one grants.
    pub(crate) fn check_grants(
        &self,
        required: &str,
        grant_claims: &[GrantClaim<'_>],
    ) -> Result<(), Refusal> {
        let mut is_granted = false;
        for claim in grant_claims {
            is_granted |= self.granted_by(claim)?.contains(&required);
        }
        // Settings without a required value must not accept every token.
        if is_granted && !required.is_empty() { Ok(()) } else { Err(Refusal::MissingScope) }
    }

    pub(crate) fn granted_by(&self, claim: &GrantClaim<'_>) -> Result<Vec<&str>, Refusal> {
        let value = self.find(&claim.names).map_err(|NotAnObject| claim.malformed.clone())?;
        let Some(value) = value else { return Ok(Vec::new()) };
        granted_values(value, claim.form).ok_or_else(|| claim.malformed.clone())
    }

    /// Returns the value to which the names lead, or `None` if a member on the way is absent or null.
    pub(crate) fn find(&self, names: &[&str]) -> Result<Option<&Json>, NotAnObject> {
        let Some((first, rest)) = names.split_first() else { return Ok(None) };
        let mut value = self.get(first);
        for name in rest {
            value = match value {
                None => None,
                Some(object @ Json::Object(_)) => object.get(name).filter(|member| **member != Json::Null),
                Some(_) => return Err(NotAnObject),
            };
        }
        Ok(value)
    }
}

/// A value on the way to a claim has no members.
#[derive(Debug)]
pub(crate) struct NotAnObject;

impl<'de> Deserialize<'de> for UnverifiedClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = UnverifiedClaims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut claims = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Option<Json>>()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is repeated"));
            }
        }
        let present = claims.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(UnverifiedClaims(present.collect()))
    }
}

/// Returns the values that a claim grants, or `None` if it has another form. An element of a list is not split.
pub(crate) fn granted_values(value: &Json, form: GrantForm) -> Option<Vec<&str>> {
    match (value, form) {
        (Json::String(text), GrantForm::Text | GrantForm::TextOrList) => {
            Some(text.split(' ').filter(|value| !value.is_empty()).collect())
        }
        (Json::Array(elements), GrantForm::List | GrantForm::TextOrList) => {
            elements.iter().map(Json::as_str).collect()
        }
        _ => None,
    }
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
