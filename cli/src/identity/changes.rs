//! What a change of the settings changes, in words.

use restctl_contract::issuer::TrustedIssuer;
use serde::Serialize;
use serde_json::Value;

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

/// Compares two lists of issuers. An issuer that is only in one of them is one change.
pub(crate) fn compare_issuers(before: &[TrustedIssuer], after: &[TrustedIssuer]) -> Vec<Change> {
    let find =
        |issuers: &[TrustedIssuer], url: &str| issuers.iter().find(|issuer| issuer.issuer == url).cloned();
    let removed = before.iter().filter(|issuer| find(after, &issuer.issuer).is_none()).map(|issuer| {
        let trusted = Some(issuer.provider.to_string());
        Change { what: format!("trust in {}", issuer.issuer), before: trusted, after: None }
    });
    let others = after.iter().flat_map(|issuer| match find(before, &issuer.issuer) {
        Some(known) => compare_members(&format!(" of {}", issuer.issuer), &known, issuer),
        None => {
            let trusted = Some(issuer.provider.to_string());
            vec![Change { what: format!("trust in {}", issuer.issuer), before: None, after: trusted }]
        }
    });
    removed.chain(others).collect()
}

/// Compares the members of two values of one type.
pub(crate) fn compare_members<T: Serialize>(whose: &str, before: &T, after: &T) -> Vec<Change> {
    let (before, after) = (serde_json::json!(before), serde_json::json!(after));
    let names = [&before, &after].into_iter().filter_map(Value::as_object).flat_map(|members| members.keys());
    let mut changes: Vec<Change> = Vec::new();
    for name in names {
        let what = format!("{}{whose}", name.replace('_', " "));
        let is_listed = changes.iter().any(|change| change.what == what);
        if before.get(name) != after.get(name) && !is_listed {
            let value = |of: &Value| of.get(name).map(describe_value);
            changes.push(Change { what, before: value(&before), after: value(&after) });
        }
    }
    changes
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
                "trust in https://b.test: okta -> none",
                "audiences of https://a.test: a, b -> a",
                "scope of https://a.test: read:items -> items.read",
                "algorithms of https://a.test: none -> ES384, EdDSA",
                "trust in https://c.test: none -> okta",
            ]
        );
    }
}
