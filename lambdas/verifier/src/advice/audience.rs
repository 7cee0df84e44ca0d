//! Why a token is for another audience.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_contract::json::Json;

use super::issuer::differ_by_slash;
use super::{Cause, CauseAndSetting, SettingOption, suggest, suggest_one_more};
use crate::claims::UnverifiedClaims;
use crate::sanitize::sanitize;

pub(super) fn find_audience_cause(
    claims: &UnverifiedClaims,
    issuer: &TrustedIssuer,
) -> Option<CauseAndSetting> {
    let Some(audience) = claims.get("aud") else {
        let is_cognito = claims.get("token_use").is_some() && claims.get("client_id").is_some();
        let setting = suggest(SettingOption::Provider, Provider::Cognito.name()).filter(|_| is_cognito);
        let cause = if is_cognito { Cause::NotOfThisProvider } else { Cause::NoAudience };
        return Some((cause, setting));
    };
    let found: Vec<&str> = match audience {
        Json::String(single) => vec![single],
        Json::Array(elements) => elements.iter().map(Json::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let accept = |value: &str| suggest_one_more(SettingOption::Audience, issuer.audiences.clone(), value);
    let find = |is_like: fn(&str, &str) -> bool| {
        found.iter().find(|value| issuer.audiences.iter().any(|known| is_like(value, known)))
    };
    if let Some(value) = find(differ_by_slash) {
        return Some((Cause::AudienceSlash, accept(value)));
    }
    if let Some(value) = find(differ_by_application_id_uri) {
        return Some((Cause::ApplicationIdUri, accept(value)));
    }
    let others: Vec<&str> =
        found.iter().copied().filter(|value| !is_own_api(issuer.provider, value)).collect();
    let cause = match issuer.provider {
        Provider::Keycloak | Provider::OpenId if others.is_empty() => Cause::KeycloakAudienceMapper,
        Provider::Entra => Cause::EntraOtherResource,
        _ => Cause::OtherAudiences { found: found.iter().map(|value| sanitize(value)).collect() },
    };
    // Of several, only the operator knows which one means this API.
    let setting = match others[..] {
        [single] if issuer.provider != Provider::Entra => accept(single),
        _ => None,
    };
    Some((cause, setting))
}

fn differ_by_application_id_uri(one: &str, other: &str) -> bool {
    one.strip_prefix("api://") == Some(other) || other.strip_prefix("api://") == Some(one)
}

/// Whether the audience is an API of the provider itself. A token for it was not meant for any other API.
fn is_own_api(provider: Provider, audience: &str) -> bool {
    match provider {
        // A Keycloak may be set up as any OpenID Connect issuer.
        Provider::Keycloak | Provider::OpenId => {
            ["", "account", "broker", "realm-management"].contains(&audience)
        }
        Provider::Auth0 => audience.ends_with("/userinfo") || audience.ends_with("/api/v2/"),
        _ => audience.is_empty(),
    }
}

pub(super) fn find_client_cause(
    claims: &UnverifiedClaims,
    issuer: &TrustedIssuer,
) -> Option<CauseAndSetting> {
    let client = match claims.get("client_id") {
        Some(client) => client.as_str()?,
        None if claims.get("token_use").is_some() => return Some((Cause::NotAnAccessToken, None)),
        None => return Some((Cause::NotOfThisProvider, None)),
    };
    let setting = suggest_one_more(SettingOption::Audience, issuer.audiences.clone(), client);
    Some((Cause::OtherClient, setting.filter(|_| !client.is_empty())))
}
