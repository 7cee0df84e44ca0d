//! Why a token is from another issuer.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_contract::json::Json;

use super::{Cause, CauseAndSetting, SettingOption, suggest};
use crate::claims::UnverifiedClaims;
use crate::sanitize::sanitize;

/// Microsoft Graph, as `aud` names it.
const MICROSOFT_GRAPH: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"];

/// Anyone may have written these claims.
pub(super) fn find_cause_of_unknown_key(claims: &UnverifiedClaims, issuer: &TrustedIssuer) -> Option<Cause> {
    let named = claims.get("iss")?.as_str()?;
    let audience = claims.get("aud").and_then(Json::as_str).unwrap_or_default();
    match issuer.provider {
        Provider::Okta if ["", "/"].contains(&path_of(named)) => Some(Cause::OktaOrgServer),
        Provider::Entra if MICROSOFT_GRAPH.contains(&audience) => Some(Cause::EntraOtherResource),
        _ if named == issuer.issuer => None,
        _ => Some(Cause::SignedForAnotherIssuer { named: sanitize(named) }),
    }
}

pub(super) fn find_issuer_cause(
    claims: &UnverifiedClaims,
    issuer: &TrustedIssuer,
) -> Option<CauseAndSetting> {
    let (expected, found) = (issuer.issuer.as_str(), claims.get("iss")?.as_str()?);
    let setting = suggest(SettingOption::Issuer, found);
    if differ_by_slash(found, expected) {
        return Some((Cause::IssuerSlash, setting));
    }
    if let Some(issued) = entra_version_instead(found, expected) {
        return Some((Cause::EntraTokenVersion { issued }, setting));
    }
    // The host of an issuer changes with a custom domain or Cognito's type of issuer. Its path names the tenant.
    let is_same_tenant = match (path_of(found), path_of(expected)) {
        ("" | "/", "" | "/") => issuer.provider == Provider::Auth0,
        (found, expected) => found == expected,
    };
    Some((Cause::AnotherIssuer, setting.filter(|_| is_same_tenant)))
}

pub(super) fn differ_by_slash(one: &str, other: &str) -> bool {
    one != other && one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Returns the version of the tokens that the issuer `found` signs, if `expected` is the same tenant's other version.
fn entra_version_instead(found: &str, expected: &str) -> Option<u8> {
    match (entra_tenant(found)?, entra_tenant(expected)?) {
        ((tenant, issued), (known, wanted)) if tenant == known && issued != wanted => Some(issued),
        _ => None,
    }
}

/// Returns the tenant and the version of one of Entra's issuers. National clouds have hosts of their own.
fn entra_tenant(issuer: &str) -> Option<(&str, u8)> {
    let (host, path) = issuer.strip_prefix("https://")?.split_once('/')?;
    let (tenant, version) = match path.strip_suffix("/v2.0") {
        Some(tenant) if host.starts_with("login.") => (tenant, 2),
        None if host.starts_with("sts.") => (path.strip_suffix('/')?, 1),
        _ => return None,
    };
    (!tenant.is_empty() && !tenant.contains('/')).then_some((tenant, version))
}

/// Returns the path of a URL, with the slash in front of it.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default()
}
