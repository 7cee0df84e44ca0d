//! What a change of the settings changes, in words.

use restctl_contract::issuer::TrustedIssuer;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::identity::authorities::describe_authority;
use crate::identity::token_client::TokenClient;

/// One property that has another value afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Such as `audiences of https://tenant.eu.auth0.com/`.
    pub(crate) what: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Change {
    /// Describes the change in one line.
    pub(crate) fn describe(&self) -> String {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        format!("{}: {} -> {}", self.what, value(&self.before), value(&self.after))
    }
}

/// The members of an issuer or a client by their names, such as `jwks_uri`.
pub(crate) type Members = Map<String, Value>;

/// Returns the members of an issuer, also those with the usual values. Authorities are described.
pub(crate) fn issuer_members(issuer: &TrustedIssuer) -> Members {
    let mut members = object_members(issuer);
    members.insert("algorithms".to_owned(), json!(issuer.algorithms));
    if members.remove("authorities").is_some() {
        let described: Vec<String> =
            issuer.authorities.iter().map(|authority| describe_authority(authority)).collect();
        members.insert("provider_ca".to_owned(), json!(described));
    }
    members
}

/// Returns the members of a client, by names that no member of an issuer has. A scope is always asked for in some way.
pub(crate) fn client_members(client: &TokenClient) -> Members {
    let rename = |(name, value): (String, Value)| match name.as_str() {
        "issuer" | "authentication" | "key_id" => (format!("client_{name}"), value),
        _ => (name, value),
    };
    let mut members: Members = object_members(client).into_iter().map(rename).collect();
    let request_scope = match client.request_scope.as_deref() {
        None => "the usual",
        Some("") => "none",
        Some(scope) => scope,
    };
    members.insert("request_scope".to_owned(), json!(request_scope));
    members
}

fn object_members(value: &impl Serialize) -> Members {
    match json!(value) {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}

/// Compares two lists of issuers. An issuer that is only in one of them is one change.
pub(crate) fn compare_issuers(before: &[TrustedIssuer], after: &[TrustedIssuer]) -> Vec<Change> {
    let find = |issuers: &[TrustedIssuer], url: &str| {
        issuers.iter().find(|issuer| issuer.issuer == url).map(issuer_members)
    };
    let change_trust = |issuer: &TrustedIssuer, is_new: bool| {
        let (what, trusted) = (format!("trust in {}", issuer.issuer), Some(describe_issuer(issuer)));
        match is_new {
            true => Change { what, before: None, after: trusted },
            false => Change { what, before: trusted, after: None },
        }
    };
    let removed = before.iter().filter(|issuer| find(after, &issuer.issuer).is_none());
    let others = after.iter().flat_map(|issuer| match find(before, &issuer.issuer) {
        Some(known) => compare_members(&format!(" of {}", issuer.issuer), &known, &issuer_members(issuer)),
        None => vec![change_trust(issuer, true)],
    });
    removed.map(|issuer| change_trust(issuer, false)).chain(others).collect()
}

/// Compares the members of two issuers or clients. `whose` follows their names.
pub(crate) fn compare_members(whose: &str, before: &Members, after: &Members) -> Vec<Change> {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    let changed = before.keys().chain(added).filter(|name| before.get(*name) != after.get(*name));
    let change = |name: &String| Change {
        what: format!("{}{whose}", name.replace('_', " ")),
        before: before.get(name).map(describe_value),
        after: after.get(name).map(describe_value),
    };
    changed.map(change).collect()
}

/// Describes what an issuer is trusted for.
fn describe_issuer(issuer: &TrustedIssuer) -> String {
    let TrustedIssuer { provider, audiences, scope, .. } = issuer;
    format!("{provider}, for {}, with {scope}", audiences.join(" or "))
}

/// Returns a member's value as people write it.
pub(crate) fn describe_value(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(members) => members.iter().map(describe_value).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use restctl_contract::issuer::{Algorithm, Provider};

    use super::*;

    fn issuer(url: &str, scope: &str) -> TrustedIssuer {
        TrustedIssuer {
            issuer: url.to_owned(),
            provider: Provider::Okta,
            audiences: vec!["a".to_owned(), "b".to_owned()],
            scope: scope.to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: "https://keys.example.test".to_owned(),
            authorities: Vec::new(),
        }
    }

    #[test]
    fn each_difference_is_described_once() {
        let before = [issuer("https://a.test", "read:items"), issuer("https://b.test", "read:items")];
        assert_eq!(compare_issuers(&before, &before), []);
        let mut changed = issuer("https://a.test", "items.read");
        changed.algorithms = vec![Algorithm::Es384, Algorithm::EdDsa];
        changed.audiences.pop();
        let after = [changed, issuer("https://c.test", "read:items")];
        let described: Vec<String> = compare_issuers(&before, &after).iter().map(Change::describe).collect();
        assert_eq!(
            described,
            [
                "trust in https://b.test: okta, for a or b, with read:items -> none",
                "audiences of https://a.test: a, b -> a",
                "scope of https://a.test: read:items -> items.read",
                "algorithms of https://a.test: RS256, PS256, ES256 -> ES384, EdDSA",
                "trust in https://c.test: none -> okta, for a or b, with read:items",
            ]
        );
    }
}
