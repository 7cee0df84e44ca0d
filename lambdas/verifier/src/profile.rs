//! What the access tokens of each kind of provider look like: which claims grant, which claim names the audience, and
//! which one tells an access token from the provider's other tokens. The README lists the sources.
//!
//! A claim grants only if its provider's profile says so. One provider lets clients or users write what another one decides
//! itself, so a union of all claims would let them grant themselves access.

use restctl_contract::issuer::{Provider, TrustedIssuer};

use crate::refusal::Refusal;

/// A claim whose values grant access.
pub(crate) struct GrantClaim<'a> {
    /// The way to it from the outermost object.
    pub(crate) names: Vec<&'a str>,
    pub(crate) form: GrantForm,
    /// The refusal of a token in which the claim has another form.
    pub(crate) malformed: Refusal,
}

/// How a claim writes several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantForm {
    /// One string with spaces between the values (RFC 6749, section 3.3).
    Text,
    /// An array of strings, each of which is one value.
    List,
    TextOrList,
}

/// How an access token differs from the other tokens that a provider signs with the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenUse {
    /// A claim has this value.
    Equals { claim: &'static str, value: &'static str },
    /// The token names the client to which it was issued, in one of these claims.
    NamesClient { claims: [&'static str; 2] },
}

/// Returns the claims that grant in the tokens of this issuer.
pub(crate) fn grant_claims(issuer: &TrustedIssuer) -> Vec<GrantClaim<'_>> {
    if issuer.grant_claims.is_empty() {
        return profile_grant_claims(issuer.provider, &issuer.audiences);
    }
    let configured = issuer.grant_claims.iter().map(|path| GrantClaim {
        names: path.names().iter().map(String::as_str).collect(),
        form: GrantForm::TextOrList,
        malformed: Refusal::MalformedGrantClaim,
    });
    configured.collect()
}

/// Returns the claims that grant in the tokens of this kind of provider.
pub(crate) fn profile_grant_claims(provider: Provider, audiences: &[String]) -> Vec<GrantClaim<'_>> {
    let claim = |name: &'static str, form: GrantForm| GrantClaim {
        names: vec![name],
        form,
        malformed: Refusal::MalformedClaim(name),
    };
    match provider {
        Provider::Auth0 => vec![claim("scope", GrantForm::TextOrList), claim("permissions", GrantForm::List)],
        Provider::Entra => vec![claim("roles", GrantForm::List), claim("scp", GrantForm::Text)],
        Provider::Okta => vec![claim("scp", GrantForm::TextOrList)],
        Provider::Keycloak => {
            let mut claims = vec![claim("scope", GrantForm::Text), keycloak_realm_roles()];
            claims.extend(audiences.iter().map(|audience| keycloak_client_roles(audience)));
            claims
        }
        Provider::Cognito => vec![claim("scope", GrantForm::Text)],
        Provider::OpenId => vec![claim("scope", GrantForm::TextOrList), claim("scp", GrantForm::TextOrList)],
    }
}

fn keycloak_realm_roles() -> GrantClaim<'static> {
    GrantClaim {
        names: vec!["realm_access", "roles"],
        form: GrantForm::List,
        malformed: Refusal::MalformedClaim("realm_access.roles"),
    }
}

/// The roles of another client say what the bearer may do there, not here.
fn keycloak_client_roles(client: &str) -> GrantClaim<'_> {
    GrantClaim {
        names: vec!["resource_access", client, "roles"],
        form: GrantForm::List,
        malformed: Refusal::MalformedClaim("resource_access"),
    }
}

/// Whether `client_id` names the audience, because the tokens have no `aud`.
pub(crate) fn has_client_as_audience(provider: Provider) -> bool {
    provider == Provider::Cognito
}

/// Returns `None` if the provider's documentation names no claim that other tokens lack. Those have another audience.
pub(crate) fn token_use(provider: Provider) -> Option<TokenUse> {
    match provider {
        Provider::Cognito => Some(TokenUse::Equals { claim: "token_use", value: "access" }),
        // `ID`, `Refresh`, `Offline` and `Logout` are other tokens, and `DPoP` is one that is bound to its client's key.
        Provider::Keycloak => Some(TokenUse::Equals { claim: "typ", value: "Bearer" }),
        // Version 2.0 has `azp`, version 1.0 `appid`. ID tokens have neither, but they have `roles`, too.
        Provider::Entra => Some(TokenUse::NamesClient { claims: ["azp", "appid"] }),
        Provider::Auth0 | Provider::Okta | Provider::OpenId => None,
    }
}

/// Writes the way to a claim as `--grant-claim` reads it: names with dots between them, or a JSON Pointer (RFC 6901) if
/// they cannot be told apart otherwise.
pub(crate) fn readable_path(names: &[&str]) -> String {
    let are_plain = names.iter().all(|name| !name.is_empty() && !name.contains('.'));
    if are_plain && !names.first().is_some_and(|name| name.starts_with('/')) {
        return names.join(".");
    }
    names.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
}
