//! What an explanation advises for the check that fails first.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::SettingOption::{Audience, GrantClaim, Issuer, Scope};
use restctl_verifier::{
    Advice, Cause, Check, CheckOutcome, KeySet, SettingOption, SuggestedSetting, explain, verify,
};
use serde_json::{Value, json};

use crate::fixture::{NOW, issuer_of, key_set, provider_claims, with, with_at, without};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// A token that fails, and what is advised.
struct Row {
    name: &'static str,
    issuer: TrustedIssuer,
    claims: Value,
    check: Check,
    claims_read: &'static [&'static str],
    cause: Cause,
    setting: Option<(SettingOption, &'static [&'static str])>,
}

fn entra_at(issuer: &str) -> TrustedIssuer {
    TrustedIssuer { issuer: issuer.to_owned(), ..issuer_of(Provider::Entra) }
}

fn accepting(provider: Provider, audience: &str) -> TrustedIssuer {
    TrustedIssuer { audiences: vec![audience.to_owned()], ..issuer_of(provider) }
}

fn granting(provider: Provider, scope: &str) -> TrustedIssuer {
    TrustedIssuer { scope: scope.to_owned(), ..issuer_of(provider) }
}

fn claims_with(provider: Provider, name: &str, value: Value) -> Value {
    with(provider_claims(provider), name, value)
}

/// Returns the provider's claims with the grant moved from `scope` to another claim.
fn moved(provider: Provider, names: &[&str], value: Value) -> Value {
    with_at(with(provider_claims(provider), "scope", json!("email profile")), names, value)
}

fn rows_of_issuers() -> Vec<Row> {
    let (v1, v2) = (
        format!("https://sts.windows.net/{TENANT}/"),
        format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
    );
    let row = |name, issuer, iss: &str, cause, setting| Row {
        name,
        claims: with(provider_claims(Provider::Entra), "iss", json!(iss)),
        issuer,
        check: Check::Issuer,
        claims_read: &["iss"],
        cause,
        setting,
    };
    vec![
        row(
            "version 1.0 instead of 2.0",
            entra_at(&v2),
            &v1,
            Cause::EntraTokenVersion { issued: 1 },
            Some((Issuer, &["https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/"])),
        ),
        row(
            "version 2.0 instead of 1.0",
            entra_at(&v1),
            &v2,
            Cause::EntraTokenVersion { issued: 2 },
            Some((Issuer, &["https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"])),
        ),
        // Entra's tenants share keys, so that anyone can have one who signs such tokens.
        row("another tenant", entra_at(&v2), "https://sts.windows.net/other/", Cause::AnotherIssuer, None),
        row(
            "another tenant of the same version",
            entra_at(&v2),
            "https://login.microsoftonline.com/other/v2.0",
            Cause::AnotherIssuer,
            None,
        ),
        row(
            "a slash too many",
            entra_at(&v2),
            &format!("{v2}/"),
            Cause::IssuerSlash,
            Some((Issuer, &["https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/"])),
        ),
        Row {
            name: "Cognito's other type of issuer",
            issuer: TrustedIssuer {
                issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x".to_owned(),
                ..issuer_of(Provider::Cognito)
            },
            claims: claims_with(
                Provider::Cognito,
                "iss",
                json!("https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x"),
            ),
            check: Check::Issuer,
            claims_read: &["iss"],
            cause: Cause::AnotherIssuer,
            setting: Some((Issuer, &["https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x"])),
        },
    ]
}

fn rows_of_audiences() -> Vec<Row> {
    let row = |name, issuer: TrustedIssuer, aud: Value, cause, setting| Row {
        name,
        claims: claims_with(issuer.provider, "aud", aud),
        issuer,
        check: Check::Audience,
        claims_read: &["aud"],
        cause,
        setting,
    };
    let others =
        |found: &[&str]| Cause::OtherAudiences { found: found.iter().map(ToString::to_string).collect() };
    vec![
        row("no audience", issuer_of(Provider::Auth0), json!(null), Cause::NoAudience, None),
        row(
            "Keycloak's own audience",
            issuer_of(Provider::Keycloak),
            json!("account"),
            Cause::KeycloakAudienceMapper,
            None,
        ),
        row(
            "Keycloak's own audiences",
            issuer_of(Provider::Keycloak),
            json!(["realm-management", "account"]),
            Cause::KeycloakAudienceMapper,
            None,
        ),
        row(
            "another audience beside Keycloak's own",
            issuer_of(Provider::Keycloak),
            json!(["items", "account"]),
            others(&["items", "account"]),
            Some((Audience, &["https://items.example.test", "items"])),
        ),
        row(
            "a slash too many",
            issuer_of(Provider::Auth0),
            json!("https://items.example.test/"),
            Cause::AudienceSlash,
            Some((Audience, &["https://items.example.test", "https://items.example.test/"])),
        ),
        row(
            "an application's ID instead of its URI",
            accepting(Provider::Entra, "api://items"),
            json!("items"),
            Cause::ApplicationIdUri,
            Some((Audience, &["api://items", "items"])),
        ),
        row(
            "an application's URI instead of its ID",
            accepting(Provider::Entra, "items"),
            json!("api://items"),
            Cause::ApplicationIdUri,
            Some((Audience, &["items", "api://items"])),
        ),
        row(
            "a resource of Microsoft",
            issuer_of(Provider::Entra),
            json!("https://graph.microsoft.com"),
            Cause::EntraOtherResource,
            None,
        ),
        row(
            "Auth0's own API",
            issuer_of(Provider::Auth0),
            json!("https://tenant.example.test/api/v2/"),
            others(&["https://tenant.example.test/api/v2/"]),
            None,
        ),
        row(
            "two others",
            issuer_of(Provider::Okta),
            json!(["api://a", "api://b"]),
            others(&["api://a", "api://b"]),
            None,
        ),
        row(
            "one other",
            issuer_of(Provider::Okta),
            json!("api://default"),
            others(&["api://default"]),
            Some((Audience, &["https://items.example.test", "api://default"])),
        ),
        Row {
            name: "Cognito's token with another provider",
            issuer: issuer_of(Provider::OpenId),
            claims: provider_claims(Provider::Cognito),
            check: Check::Audience,
            claims_read: &["aud"],
            cause: Cause::NotOfThisProvider,
            setting: Some((SettingOption::Provider, &["cognito"])),
        },
        Row {
            name: "another client",
            issuer: issuer_of(Provider::Cognito),
            claims: claims_with(Provider::Cognito, "client_id", json!("client-3")),
            check: Check::Client,
            claims_read: &["client_id"],
            cause: Cause::OtherClient,
            setting: Some((Audience, &["client-1", "client-2", "client-3"])),
        },
        Row {
            name: "Cognito's ID token",
            issuer: issuer_of(Provider::Cognito),
            claims: with(without(provider_claims(Provider::Cognito), "client_id"), "token_use", json!("id")),
            check: Check::Client,
            claims_read: &["client_id"],
            cause: Cause::NotAnAccessToken,
            setting: None,
        },
    ]
}

fn rows_of_uses() -> Vec<Row> {
    let row = |name, provider, claims, claims_read, cause| Row {
        name,
        issuer: issuer_of(provider),
        claims,
        check: Check::TokenUse,
        claims_read,
        cause,
        setting: None,
    };
    vec![
        row(
            "Keycloak's ID token",
            Provider::Keycloak,
            claims_with(Provider::Keycloak, "typ", json!("ID")),
            &["typ"],
            Cause::NotAnAccessToken,
        ),
        row(
            "a token that is bound to a key",
            Provider::Keycloak,
            claims_with(Provider::Keycloak, "typ", json!("DPoP")),
            &["typ"],
            Cause::BoundToClientKey,
        ),
        row(
            "not Keycloak's token",
            Provider::Keycloak,
            claims_with(Provider::Keycloak, "typ", json!(null)),
            &["typ"],
            Cause::NotOfThisProvider,
        ),
        row(
            "Entra's ID token",
            Provider::Entra,
            without(provider_claims(Provider::Entra), "azp"),
            &["azp", "appid"],
            Cause::NotAnAccessToken,
        ),
    ]
}

fn rows_of_grants() -> Vec<Row> {
    let row = |name, issuer, claims, claims_read, cause, setting| Row {
        name,
        issuer,
        claims,
        check: Check::Scope,
        claims_read,
        cause,
        setting,
    };
    let elsewhere = |claim: &str, providers: &[Provider]| Cause::GrantElsewhere {
        claim: claim.to_owned(),
        providers: providers.to_vec(),
    };
    let written = |claim: &str, value: &str| Cause::GrantWrittenOtherwise {
        claim: claim.to_owned(),
        value: value.to_owned(),
    };
    let configured = TrustedIssuer {
        grant_claims: vec!["ext.grants".parse().expect("a path")],
        ..issuer_of(Provider::OpenId)
    };
    vec![
        row(
            "Okta's claim with Auth0",
            issuer_of(Provider::Auth0),
            moved(Provider::Auth0, &["scp"], json!(["read:items"])),
            &["scope", "permissions"],
            elsewhere("scp", &[Provider::Okta, Provider::OpenId]),
            Some((GrantClaim, &["scp"])),
        ),
        row(
            "Entra's claim with any other",
            issuer_of(Provider::OpenId),
            with(moved(Provider::OpenId, &["roles"], json!(["read:items"])), "azp", json!("client")),
            &["scope", "scp"],
            elsewhere("roles", &[Provider::Entra]),
            Some((GrantClaim, &["roles"])),
        ),
        row(
            "a role of another client",
            issuer_of(Provider::Keycloak),
            moved(Provider::Keycloak, &["resource_access", "items", "roles"], json!(["read:items"])),
            &["scope", "realm_access.roles", "/resource_access/https:~1~1items.example.test/roles"],
            elsewhere("resource_access.items.roles", &[]),
            Some((GrantClaim, &["resource_access.items.roles"])),
        ),
        row(
            "a claim with dots in its name",
            issuer_of(Provider::Okta),
            with(
                without(provider_claims(Provider::Okta), "scp"),
                "https://example.com/roles",
                json!("read:items"),
            ),
            &["scp"],
            elsewhere("/https:~1~1example.com~1roles", &[]),
            Some((GrantClaim, &["/https:~1~1example.com~1roles"])),
        ),
        row(
            "another claim than the configured one",
            configured,
            provider_claims(Provider::OpenId),
            &["ext.grants"],
            elsewhere("scope", &[]),
            Some((GrantClaim, &["ext.grants", "scope"])),
        ),
        row(
            "a list of Cognito",
            issuer_of(Provider::Cognito),
            claims_with(Provider::Cognito, "scope", json!(["read:items"])),
            &["scope"],
            Cause::GrantsInOtherForm { claim: "scope".to_owned() },
            Some((GrantClaim, &["scope"])),
        ),
        row(
            "permissions that are no list",
            issuer_of(Provider::Auth0),
            claims_with(Provider::Auth0, "permissions", json!("other")),
            &["scope", "permissions"],
            Cause::GrantsInOtherForm { claim: "permissions".to_owned() },
            Some((GrantClaim, &["scope"])),
        ),
        row(
            "a scope with its resource",
            granting(Provider::Cognito, "read"),
            claims_with(Provider::Cognito, "scope", json!("items/write items/read")),
            &["scope"],
            written("scope", "items/read"),
            Some((Scope, &["items/read"])),
        ),
        row(
            "a scope without its resource",
            granting(Provider::Entra, "api://items/read:items"),
            provider_claims(Provider::Entra),
            &["roles", "scp"],
            written("roles", "read:items"),
            Some((Scope, &["read:items"])),
        ),
        row(
            "a scope in another case",
            granting(Provider::Okta, "Read:Items"),
            provider_claims(Provider::Okta),
            &["scp"],
            written("scp", "read:items"),
            Some((Scope, &["read:items"])),
        ),
        row(
            "no grant at all",
            issuer_of(Provider::Entra),
            without(provider_claims(Provider::Entra), "roles"),
            &["roles", "scp"],
            Cause::NotGranted,
            None,
        ),
        // A client may choose its name.
        row(
            "a name that looks like a grant",
            issuer_of(Provider::Okta),
            with(
                with(without(provider_claims(Provider::Okta), "scp"), "sub", json!("read:items")),
                "name",
                json!("read:items"),
            ),
            &["scp"],
            Cause::NotGranted,
            None,
        ),
    ]
}

#[test]
fn advice_names_the_claim_and_the_setting() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let rows = [rows_of_issuers(), rows_of_audiences(), rows_of_uses(), rows_of_grants()];
    for Row { name, mut issuer, claims, check, claims_read, cause, setting } in rows.into_iter().flatten() {
        if check != Check::Issuer {
            issuer.issuer = claims["iss"].as_str().unwrap().to_owned();
        }
        let token = key.token(&claims);
        let explanation = explain(&token, &keys, &issuer, NOW);
        assert_eq!(explanation.first_failure().map(|(report, _)| report.check), Some(check), "{name}");
        let setting = setting.map(|(option, values)| SuggestedSetting {
            option,
            values: values.iter().map(ToString::to_string).collect(),
        });
        let claims_read = claims_read.iter().map(ToString::to_string).collect();
        let advice = Advice { claims_read, cause, setting };
        assert_eq!(explanation.advice, Some(advice.clone()), "{name}");
        if let Cause::GrantElsewhere { providers, .. } = &advice.cause {
            for provider in providers {
                let other = TrustedIssuer { provider: *provider, ..issuer.clone() };
                assert!(verify(&token, &keys, &other, NOW).is_ok(), "{name} with {provider}");
            }
        }
        if let Some(setting) = advice.setting {
            assert_leads_on(name, &token, &keys, &issuer, check, &setting);
        }
    }

    /// Asserts that with the setting the check passes: advice that is followed does not come up again.
    fn assert_leads_on(
        name: &str,
        token: &str,
        keys: &KeySet,
        issuer: &TrustedIssuer,
        check: Check,
        SuggestedSetting { option, values }: &SuggestedSetting,
    ) {
        let mut issuer = issuer.clone();
        match option {
            Issuer => issuer.issuer.clone_from(&values[0]),
            Audience => issuer.audiences.clone_from(values),
            SettingOption::Provider => issuer.provider = values[0].parse().unwrap(),
            Scope => issuer.scope.clone_from(&values[0]),
            GrantClaim => {
                issuer.grant_claims = values.iter().map(|path| path.parse().unwrap()).collect();
            }
        }
        let explanation = explain(token, keys, &issuer, NOW);
        let mut reports = explanation.checks.iter();
        let report = reports.find(|report| report.check == check);
        assert!(report.is_none_or(|report| report.outcome == CheckOutcome::Passed), "{name}: {report:?}");
    }
}

/// Without a good signature, anyone may have written the issuer, so that no setting is suggested.
#[test]
fn a_token_of_an_issuer_that_is_not_trusted_is_named() {
    let key = SigningKey::generate_ec("other");
    let keys = key_set(&[SigningKey::generate_ec("key-1").jwk()]);
    let issuer = issuer_of(Provider::Auth0);
    let hostile = "https://attacker.example.test/\u{1b}[2J$(id)";
    let token = key.token(&claims_with(Provider::Auth0, "iss", json!(hostile)));
    let advice = explain(&token, &keys, &issuer, NOW).advice.unwrap();
    let named = r"https://attacker.example.test/\u{1b}[2J$(id)".to_owned();
    assert_eq!(advice.cause, Cause::SignedForAnotherIssuer { named });
    assert_eq!((advice.claims_read, advice.setting), (vec!["iss".to_owned()], None));
    // The token names the right issuer: its key is unknown for another reason.
    let token = key.token(&provider_claims(Provider::Auth0));
    assert_eq!(explain(&token, &keys, &issuer, NOW).advice, None);
}

#[test]
fn tokens_that_only_their_provider_can_verify_are_known() {
    let key = SigningKey::generate_ec("other");
    let keys = key_set(&[SigningKey::generate_ec("key-1").jwk()]);
    let advice =
        |issuer: &TrustedIssuer, claims: &Value| explain(&key.token(claims), &keys, issuer, NOW).advice;
    for set_up in ["https://dev-1.okta.com", "https://dev-1.okta.com/oauth2/default"] {
        let issuer = TrustedIssuer { issuer: set_up.to_owned(), ..issuer_of(Provider::Okta) };
        let advice =
            advice(&issuer, &claims_with(Provider::Okta, "iss", json!("https://dev-1.okta.com"))).unwrap();
        assert_eq!((advice.cause, advice.setting), (Cause::OktaOrgServer, None));
    }
    for aud in ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"] {
        let claims = claims_with(Provider::Entra, "aud", json!(aud));
        let advice = advice(&issuer_of(Provider::Entra), &claims).unwrap();
        assert_eq!((advice.cause, advice.setting), (Cause::EntraOtherResource, None));
        assert_eq!(advice.claims_read, ["aud"]);
    }
}

#[test]
fn good_and_unreadable_tokens_need_no_advice() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    for provider in Provider::ALL {
        let issuer = issuer_of(provider);
        let token = key.token(&provider_claims(provider));
        assert!(verify(&token, &keys, &issuer, NOW).is_ok());
        assert_eq!(explain(&token, &keys, &issuer, NOW).advice, None);
        let expired = key.token(&claims_with(provider, "exp", json!(1)));
        assert_eq!(explain(&expired, &keys, &issuer, NOW).advice, None);
        assert_eq!(explain("opaque", &keys, &issuer, NOW).advice, None);
    }
}
