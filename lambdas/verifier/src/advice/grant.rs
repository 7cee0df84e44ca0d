//! Why a token does not grant what the API requires.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_contract::json::{Json, MemberPath};

use super::{Cause, CauseAndSetting, SettingOption, SuggestedSetting, suggest};
use crate::claims::{UnverifiedClaims, granted_values};
use crate::profile::{GrantClaim, GrantForm, grant_claims, has_client_as_audience, readable_path, token_use};
use crate::sanitize::sanitize;

/// How deep a claim may be in which the required grant is looked for. Keycloak's roles are three names deep.
const MAX_GRANT_DEPTH: usize = 3;

pub(super) fn find_grant_cause(claims: &UnverifiedClaims, issuer: &TrustedIssuer) -> CauseAndSetting {
    let read = grant_claims(issuer);
    let granting = claims_with_grant(claims, &issuer.scope).into_iter().min_by_key(|names| rank(names));
    let setting = granting.as_ref().and_then(|names| suggest_grant_claim(claims, issuer, names));
    if let Some(malformed) = read.iter().find(|claim| claims.granted_by(claim).is_err()) {
        let claim = sanitize(&readable_path(&malformed.names));
        return (Cause::GrantsInOtherForm { claim }, setting);
    }
    if let Some(names) = granting {
        let claim = sanitize(&readable_path(&names));
        return (Cause::GrantElsewhere { claim, providers: accepting_providers(claims, issuer) }, setting);
    }
    let similar =
        read.iter().find_map(|claim| Some((claim, find_similar_grant(claims, claim, &issuer.scope)?)));
    match similar {
        Some((claim, value)) => {
            let claim = sanitize(&readable_path(&claim.names));
            let cause = Cause::GrantWrittenOtherwise { claim, value: sanitize(value) };
            (cause, suggest(SettingOption::Scope, value))
        }
        None => (Cause::NotGranted, None),
    }
}

/// Claims that name somebody or something. What they say is never a grant.
#[rustfmt::skip]
const NAMES: [&str; 26] = [
    "acr", "amr", "appid", "aud", "azp", "cid", "client_id", "email", "family_name", "given_name", "gty", "idp", "iss",
    "jti", "locale", "name", "nickname", "nonce", "oid", "preferred_username", "sid", "sub", "tid", "typ", "uid",
    "unique_name",
];

/// Returns the ways to the claims that have the required value, as a string with spaces or as a list.
fn claims_with_grant<'a>(claims: &'a UnverifiedClaims, required: &str) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for (name, value) in claims.iter().filter(|(name, _)| !NAMES.contains(name)) {
        collect_grants(value, &mut vec![name], required, &mut found);
    }
    found
}

fn collect_grants<'a>(
    value: &'a Json,
    names: &mut Vec<&'a str>,
    required: &str,
    found: &mut Vec<Vec<&'a str>>,
) {
    match value {
        Json::Object(members) if names.len() < MAX_GRANT_DEPTH => {
            for (name, member) in members {
                names.push(name);
                collect_grants(member, names, required, found);
                names.pop();
            }
        }
        other => {
            let values = granted_values(other, GrantForm::TextOrList).unwrap_or_default();
            if values.contains(&required) {
                found.push(names.clone());
            }
        }
    }
}

/// Prefers the claims that providers use for grants.
fn rank(names: &[&str]) -> usize {
    let usual: [&[&str]; 5] =
        [&["scope"], &["scp"], &["roles"], &["permissions"], &["realm_access", "roles"]];
    usual.iter().position(|known| *known == names).unwrap_or(usual.len())
}

/// Suggests to read one more claim, if the token passes the check then.
fn suggest_grant_claim(
    claims: &UnverifiedClaims,
    issuer: &TrustedIssuer,
    names: &[&str],
) -> Option<SuggestedSetting> {
    let path = MemberPath::from_names(names.iter().map(ToString::to_string).collect())?;
    let paths: Vec<MemberPath> = issuer.grant_claims.iter().cloned().chain([path]).collect();
    let readable =
        |path: &MemberPath| readable_path(&path.names().iter().map(String::as_str).collect::<Vec<_>>());
    let values = paths.iter().map(readable).collect();
    let suggested = TrustedIssuer { grant_claims: paths, ..issuer.clone() };
    claims.check_grants(&issuer.scope, &grant_claims(&suggested)).ok()?;
    Some(SuggestedSetting { option: SettingOption::GrantClaim, values })
}

/// Returns the kinds of provider whose profile would accept the token. One whose tokens have no `aud` is not among them: its
/// audiences mean something else. Nor does the profile count if the settings name the claims.
fn accepting_providers(claims: &UnverifiedClaims, issuer: &TrustedIssuer) -> Vec<Provider> {
    if !issuer.grant_claims.is_empty() {
        return Vec::new();
    }
    let others = Provider::ALL.into_iter().filter(|other| *other != issuer.provider);
    let accepts = |provider: &Provider| {
        let other = TrustedIssuer { provider: *provider, ..issuer.clone() };
        has_client_as_audience(*provider) == has_client_as_audience(issuer.provider)
            && token_use(*provider).is_none_or(|token_use| claims.check_token_use(token_use).is_ok())
            && claims.check_grants(&issuer.scope, &grant_claims(&other)).is_ok()
    };
    others.filter(accepts).collect()
}

/// Returns a granted value that is the required one in another case, or with a resource in front of one of them.
fn find_similar_grant<'a>(
    claims: &'a UnverifiedClaims,
    claim: &GrantClaim<'_>,
    required: &str,
) -> Option<&'a str> {
    let is_resource_and = |long: &str, short: &str| {
        !short.is_empty() && long.strip_suffix(short).is_some_and(|resource| resource.ends_with('/'))
    };
    let value = claims.find(&claim.names).ok()??;
    granted_values(value, claim.form)?.into_iter().find(|value| {
        value.eq_ignore_ascii_case(required)
            || is_resource_and(value, required)
            || is_resource_and(required, value)
    })
}
