//! Tokens as each provider's documentation shows them, and the claims that grant in them. The README's table has the same
//! rows, and its sources.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{Check, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, issuer_of, key_set, provider_claims, verify, with, with_at, without};

/// The claims that grant with each provider, by their names.
const GRANT_CLAIMS: [(Provider, &[&[&str]]); 6] = [
    (Provider::Auth0, &[&["scope"], &["permissions"]]),
    (Provider::Entra, &[&["roles"], &["scp"]]),
    (Provider::Okta, &[&["scp"]]),
    (
        Provider::Keycloak,
        &[
            &["scope"],
            &["realm_access", "roles"],
            &["resource_access", "https://items.example.test", "roles"],
        ],
    ),
    (Provider::Cognito, &[&["scope"]]),
    (Provider::OpenId, &[&["scope"], &["scp"]]),
];

/// Claims that grant with no provider, but look as if they could.
const OTHER_CLAIMS: [&[&str]; 22] = [
    &["Scope"],
    &["SCP"],
    &["scopes"],
    &["role"],
    &["groups"],
    &["wids"],
    &["entitlements"],
    &["permission"],
    &["authorities"],
    &["cognito:groups"],
    &["cognito:roles"],
    &["p1.permissions"],
    &["https://items.example.test/permissions"],
    &["realm_access.roles"],
    &["/realm_access/roles"],
    &["realm_access", "scope"],
    &["resource_access", "roles"],
    &["resource_access", "account", "roles"],
    &["resource_access", "https://items.example.test/", "roles"],
    &["ext", "scope"],
    &["ext", "scp"],
    &["authorization", "permissions"],
];

fn grant_claims_of(provider: Provider) -> &'static [&'static [&'static str]] {
    let (_, claims) =
        GRANT_CLAIMS.iter().find(|(other, _)| *other == provider).expect("each provider has a row");
    claims
}

/// Returns the provider's claims without any grant.
fn without_grants(provider: Provider) -> Value {
    let mut claims = provider_claims(provider);
    for names in grant_claims_of(provider) {
        claims.as_object_mut().expect("claims are an object").remove(names[0]);
    }
    claims
}

#[test]
fn documented_tokens_pass() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let api = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
    let v1 = "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/";
    let rows: [(&str, Provider, Value); 14] = [
        (
            "Auth0, the default profile",
            Provider::Auth0,
            json!({
                "iss": "https://exampleco.auth0.com/", "sub": "CS2MNgcX1VZFCJaEzfKw2VPAAS0gzhqP@clients",
                "aud": "https://example-api", "scope": "read:items scope2", "gty": "client-credentials",
                "azp": "CS2MNgcX1VZFCJaEzfKw2VPAAS0gzhqP", "org_id": "org_vIK75NKFvaozQsFy",
            }),
        ),
        (
            "Auth0, the RFC 9068 profile with permissions",
            Provider::Auth0,
            json!({
                "iss": "https://my-domain.auth0.com/", "sub": "my_client_id@clients", "client_id": "my_client_id",
                "aud": "https://example.com/health-api", "jti": "73WakrfVbNJBaAmhQtEeDv",
                "permissions": ["read:items"],
            }),
        ),
        (
            "Auth0, a token for /userinfo as well",
            Provider::Auth0,
            json!({
                "iss": "https://my-domain.auth0.com/", "sub": "auth0|123456", "azp": "my_client_id",
                "aud": ["https://example.com/health-api", "https://my-domain.auth0.com/userinfo"],
                "scope": "openid profile read:items",
            }),
        ),
        ("Entra, an application's token of version 2.0", Provider::Entra, provider_claims(Provider::Entra)),
        (
            "Entra, an application's token of version 1.0",
            Provider::Entra,
            json!({
                "aud": format!("api://{api}"), "iss": v1, "appid": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
                "appidacr": "1", "idp": v1, "oid": "o", "rh": "I", "roles": ["read:items"], "sub": "o",
                "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "uti": "u", "ver": "1.0",
            }),
        ),
        (
            "Entra, a user's token of version 2.0",
            Provider::Entra,
            json!({
                "aud": api, "iss": "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
                "azp": api, "azpacr": "0", "name": "Abe Lincoln", "oid": "o", "rh": "I", "sub": "s",
                "scp": "access_as_user read:items", "tid": "t", "uti": "u", "ver": "2.0",
            }),
        ),
        ("Okta, a custom authorization server", Provider::Okta, provider_claims(Provider::Okta)),
        ("Keycloak, a scope", Provider::Keycloak, provider_claims(Provider::Keycloak)),
        (
            "Keycloak, a realm role of the service account",
            Provider::Keycloak,
            json!({
                "iss": "https://id.example.test/realms/demo", "aud": ["items", "account"], "typ": "Bearer",
                "azp": "product-sa-client", "realm_access": {"roles": ["offline_access", "read:items"]},
                "resource_access": {"account": {"roles": ["view-profile"]}}, "scope": "email profile",
            }),
        ),
        (
            "Keycloak, a client role of the service account",
            Provider::Keycloak,
            json!({
                "iss": "https://id.example.test/realms/demo", "aud": "items", "typ": "Bearer",
                "azp": "product-sa-client", "resource_access": {"items": {"roles": ["read:items"]}},
            }),
        ),
        ("Cognito, client credentials", Provider::Cognito, provider_claims(Provider::Cognito)),
        ("RFC 9068, section 2.2", Provider::OpenId, provider_claims(Provider::OpenId)),
        (
            "Ory Hydra, which writes a list",
            Provider::OpenId,
            json!({
                "iss": "https://hydra.example.test", "aud": ["https://items.example.test"], "client_id": "c",
                "ext": {}, "jti": "j", "scp": ["read:items"], "sub": "c",
            }),
        ),
        (
            "Duende IdentityServer, which writes a list",
            Provider::OpenId,
            json!({
                "iss": "https://id.example.test", "aud": "items", "client_id": "c", "scope": ["read:items"],
            }),
        ),
    ];
    for (name, provider, mut claims) in rows {
        claims["iat"] = json!(NOW);
        claims["exp"] = json!(NOW + 600);
        let audience = match (&claims["aud"], provider) {
            (_, Provider::Cognito) => &claims["client_id"],
            (Value::Array(audiences), _) => &audiences[0],
            (audience, _) => audience,
        };
        let issuer = TrustedIssuer {
            issuer: claims["iss"].as_str().unwrap().to_owned(),
            audiences: vec!["another".to_owned(), audience.as_str().unwrap().to_owned()],
            ..issuer_of(provider)
        };
        let outcome = verify(&key.token(&claims), &keys, &issuer, NOW);
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
        let refused = TrustedIssuer { scope: "delete:items".to_owned(), ..issuer };
        assert_eq!(verify(&key.token(&claims), &keys, &refused, NOW), Err(Refusal::MissingScope), "{name}");
    }
}

#[test]
fn only_the_claims_of_the_profile_grant() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let all = GRANT_CLAIMS.iter().flat_map(|(_, claims)| claims.iter()).chain(&OTHER_CLAIMS);
    let all: Vec<&[&str]> = all.copied().collect();
    for provider in Provider::ALL {
        let issuer = issuer_of(provider);
        let base = without_grants(provider);
        assert_eq!(verify(&key.token(&base), &keys, &issuer, NOW), Err(Refusal::MissingScope), "{provider}");
        for names in &all {
            let grants = grant_claims_of(provider).contains(names);
            let outcomes =
                [json!("read:items"), json!("openid read:items"), json!(["read:items"])].map(|value| {
                    verify(&key.token(&with_at(base.clone(), names, value)), &keys, &issuer, NOW).map(|_| ())
                });
            if grants {
                assert!(outcomes.contains(&Ok(())), "{names:?} with {provider}: {outcomes:?}");
            } else {
                assert!(
                    outcomes.iter().all(|outcome| *outcome == Err(Refusal::MissingScope)),
                    "{names:?} with {provider}: {outcomes:?}"
                );
            }
        }
    }
}

/// A claim that does not count cannot make a token fail, either.
#[test]
fn claims_of_other_providers_are_not_read() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    for provider in Provider::ALL {
        let own: Vec<&str> = grant_claims_of(provider).iter().map(|names| names[0]).collect();
        for name in ["scope", "scp", "permissions", "roles", "realm_access", "resource_access", "groups"] {
            for value in
                [json!(7), json!([7]), json!({"roles": 7}), json!("read:items"), json!(["read:items"])]
            {
                if !own.contains(&name) {
                    let claims = with(provider_claims(provider), name, value);
                    let outcome = verify(&key.token(&claims), &keys, &issuer_of(provider), NOW);
                    assert!(outcome.is_ok(), "{outcome:?} with {provider} for {claims}");
                }
            }
        }
    }
}

#[test]
fn a_grant_has_the_form_of_its_claim() {
    use Refusal::{MalformedClaim, MissingScope};
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let text = json!("openid read:items");
    let list = json!(["openid", "read:items"]);
    let client = "https://items.example.test";
    // For each claim, whether a text and whether a list grants.
    let rows: [(Provider, &[&str], &'static str, bool, bool); 11] = [
        (Provider::Auth0, &["scope"], "scope", true, true),
        (Provider::Auth0, &["permissions"], "permissions", false, true),
        (Provider::Entra, &["roles"], "roles", false, true),
        (Provider::Entra, &["scp"], "scp", true, false),
        (Provider::Okta, &["scp"], "scp", true, true),
        (Provider::Keycloak, &["scope"], "scope", true, false),
        (Provider::Keycloak, &["realm_access", "roles"], "realm_access.roles", false, true),
        (Provider::Keycloak, &["resource_access", client, "roles"], "resource_access", false, true),
        (Provider::Cognito, &["scope"], "scope", true, false),
        (Provider::OpenId, &["scope"], "scope", true, true),
        (Provider::OpenId, &["scp"], "scp", true, true),
    ];
    for (provider, names, name, is_text, is_list) in rows {
        let outcome = |value: &Value| {
            let claims = with_at(without_grants(provider), names, value.clone());
            verify(&key.token(&claims), &keys, &issuer_of(provider), NOW).map(|_| ())
        };
        let expected = |is_form: bool| if is_form { Ok(()) } else { Err(MalformedClaim(name)) };
        assert_eq!(outcome(&text), expected(is_text), "{provider} {names:?}");
        assert_eq!(outcome(&list), expected(is_list), "{provider} {names:?}");
        for malformed in
            [json!(7), json!(true), json!({"read:items": true}), json!([["read:items"]]), json!([1])]
        {
            assert_eq!(outcome(&malformed), Err(MalformedClaim(name)), "{provider} {malformed}");
        }
        for other in
            [json!(null), json!("read"), json!(""), json!("READ:ITEMS"), json!("read:items2 xread:items")]
        {
            let expected = if is_text || other.is_null() { MissingScope } else { MalformedClaim(name) };
            assert_eq!(outcome(&other), Err(expected), "{provider} {other}");
        }
        // An element of a list is not split, nor is a text at anything but a space.
        for other in [json!([]), json!([""]), json!(["openid read:items"]), json!([" read:items"])] {
            let expected = if is_list { MissingScope } else { MalformedClaim(name) };
            assert_eq!(outcome(&other), Err(expected), "{provider} {other}");
        }
        for other in ["openid,read:items", "openid\tread:items", "openid\u{a0}read:items", "*"] {
            let expected = if is_text { MissingScope } else { MalformedClaim(name) };
            assert_eq!(outcome(&json!(other)), Err(expected), "{provider} {other}");
        }
        let nothing = TrustedIssuer { scope: String::new(), ..issuer_of(provider) };
        for empty in [json!(""), json!(" "), json!([""]), json!([])] {
            let claims = with_at(without_grants(provider), names, empty);
            assert!(verify(&key.token(&claims), &keys, &nothing, NOW).is_err(), "{claims}");
        }
        // A malformed claim refuses the token even if another one grants.
        let granted = with_at(provider_claims(provider), names, json!({"read:items": []}));
        let outcome = verify(&key.token(&granted), &keys, &issuer_of(provider), NOW);
        assert_eq!(outcome, Err(MalformedClaim(name)), "{provider} {names:?}");
    }
}

#[test]
fn what_is_on_the_way_to_keycloaks_roles_is_an_object() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let issuer = issuer_of(Provider::Keycloak);
    let outcome = |name: &str, value: Value| {
        let claims = with(without_grants(Provider::Keycloak), name, value);
        verify(&key.token(&claims), &keys, &issuer, NOW).map(|_| ())
    };
    for value in [json!("read:items"), json!(["read:items"]), json!([{"roles": ["read:items"]}]), json!(7)] {
        let malformed = Refusal::MalformedClaim("realm_access.roles");
        assert_eq!(outcome("realm_access", value.clone()), Err(malformed), "{value}");
        let malformed = Refusal::MalformedClaim("resource_access");
        assert_eq!(outcome("resource_access", value.clone()), Err(malformed.clone()), "{value}");
        let client = json!({"https://items.example.test": value});
        assert_eq!(outcome("resource_access", client), Err(malformed), "{value}");
    }
    for value in [json!(null), json!({}), json!({"roles": null})] {
        assert_eq!(outcome("realm_access", value.clone()), Err(Refusal::MissingScope), "{value}");
        let client = json!({"https://items.example.test": value});
        assert_eq!(outcome("resource_access", client), Err(Refusal::MissingScope), "{value}");
    }
}

#[test]
fn only_roles_of_accepted_audiences_grant() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let audiences = vec!["https://items.example.test".to_owned(), "items.v2".to_owned()];
    let issuer = TrustedIssuer { audiences, ..issuer_of(Provider::Keycloak) };
    for (client, outcome) in [
        ("https://items.example.test", Ok(())),
        ("items.v2", Ok(())),
        ("account", Err(Refusal::MissingScope)),
        ("product-sa-client", Err(Refusal::MissingScope)),
        ("Items.v2", Err(Refusal::MissingScope)),
        ("items", Err(Refusal::MissingScope)),
        ("", Err(Refusal::MissingScope)),
    ] {
        let names = ["resource_access", client, "roles"];
        // The token may name the other client as its audience, too: as Keycloak's audience resolve mapper does.
        let claims = with_at(without_grants(Provider::Keycloak), &names, json!(["read:items"]));
        let claims = with(claims, "aud", json!(["https://items.example.test", client]));
        assert_eq!(verify(&key.token(&claims), &keys, &issuer, NOW).map(|_| ()), outcome, "{client}");
    }
}

#[test]
fn configured_claims_grant_instead_of_those_of_the_profile() {
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    for provider in Provider::ALL {
        let grant_claims =
            vec!["/https:~1~1example.com~1roles".parse().unwrap(), "ext.grants".parse().unwrap()];
        let issuer = TrustedIssuer { grant_claims, ..issuer_of(provider) };
        let outcome = |names: &[&str], value: Value| {
            let claims = with_at(without_grants(provider), names, value);
            verify(&key.token(&claims), &keys, &issuer, NOW).map(|_| ())
        };
        for names in [&["https://example.com/roles"][..], &["ext", "grants"]] {
            assert_eq!(outcome(names, json!(["read:items"])), Ok(()), "{provider}");
            assert_eq!(outcome(names, json!("openid read:items")), Ok(()), "{provider}");
            for malformed in [json!(7), json!({}), json!(["read:items", 7]), json!([["read:items"]])] {
                assert_eq!(outcome(names, malformed), Err(Refusal::MalformedGrantClaim), "{provider}");
            }
        }
        assert_eq!(outcome(&["ext"], json!("read:items")), Err(Refusal::MalformedGrantClaim), "{provider}");
        assert_eq!(outcome(&["ext.grants"], json!("read:items")), Err(Refusal::MissingScope), "{provider}");
        for names in grant_claims_of(provider) {
            for value in [json!(["read:items"]), json!("read:items"), json!(7)] {
                assert_eq!(outcome(names, value), Err(Refusal::MissingScope), "{provider} {names:?}");
            }
        }
    }
}

/// ID tokens and refresh tokens have the same issuer and keys, and their audience may be that of the API.
#[test]
fn other_tokens_of_the_provider_are_refused() {
    use Refusal::{MalformedClaim, MissingClaim, WrongUse};
    let key = SigningKey::generate_ec("key-1");
    let keys = key_set(&[key.jwk()]);
    let outcome = |provider: Provider, claims: &Value| {
        verify(&key.token(claims), &keys, &issuer_of(provider), NOW).map(|_| ())
    };
    let keycloak = |typ: Value| with(provider_claims(Provider::Keycloak), "typ", typ);
    for typ in ["ID", "Refresh", "Offline", "Logout", "Serialized-ID", "DPoP", "bearer", "JWT", "at+jwt", ""]
    {
        assert_eq!(outcome(Provider::Keycloak, &keycloak(json!(typ))), Err(WrongUse), "{typ}");
    }
    assert_eq!(outcome(Provider::Keycloak, &keycloak(json!(null))), Err(MissingClaim("typ")));
    assert_eq!(outcome(Provider::Keycloak, &keycloak(json!(["Bearer"]))), Err(MalformedClaim("typ")));

    let entra = provider_claims(Provider::Entra);
    let id_token = with(without(entra.clone(), "azp"), "nonce", json!("n"));
    assert_eq!(outcome(Provider::Entra, &id_token), Err(MissingClaim("azp")));
    for (name, value, expected) in [
        ("azp", json!(""), Err(WrongUse)),
        ("azp", json!(7), Err(MalformedClaim("azp"))),
        ("azp", json!(null), Err(MissingClaim("azp"))),
        ("appid", json!("75dbe77f-10a3-4e59-85fd-8c127544f17c"), Ok(())),
        ("appid", json!(""), Err(WrongUse)),
        ("appid", json!(["75dbe77f"]), Err(MalformedClaim("appid"))),
        ("cid", json!("75dbe77f"), Err(MissingClaim("azp"))),
        ("client_id", json!("75dbe77f"), Err(MissingClaim("azp"))),
    ] {
        assert_eq!(outcome(Provider::Entra, &with(id_token.clone(), name, value)), expected, "{name}");
    }
    // Their documentation names no claim that ID tokens lack. There, only the audience tells them apart.
    for provider in [Provider::Auth0, Provider::Okta, Provider::OpenId] {
        for (name, value) in [("typ", "ID"), ("token_use", "id"), ("nonce", "n")] {
            assert_eq!(
                outcome(provider, &with(provider_claims(provider), name, json!(value))),
                Ok(()),
                "{provider}"
            );
        }
    }
}

/// Returns the code in a cell of the provider's row below a heading of the README.
fn readme_cell(heading: &str, provider: Provider, column: usize) -> Vec<&'static str> {
    let page = include_str!("../../README.md");
    let (_, section) = page.split_once(heading).unwrap_or_else(|| panic!("no heading {heading}"));
    let start = format!("| `{provider}` |");
    let row =
        section.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row {start}"));
    let cell = row.split(" | ").nth(column).unwrap_or_else(|| panic!("no column {column} in {row}"));
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_readme_has_the_profiles() {
    for (provider, claims) in GRANT_CLAIMS {
        let placeholder = |name: &&'static str| if name.contains(':') { "AUDIENCE" } else { name };
        let paths = claims.iter().map(|names| names.iter().map(placeholder).collect::<Vec<_>>().join("."));
        let listed = readme_cell("## Claims that grant", provider, 1);
        assert_eq!(listed, paths.collect::<Vec<_>>(), "{provider}");

        let checks: Vec<Check> = Check::for_provider(provider).collect();
        let audience = if checks.contains(&Check::Client) { "client_id" } else { "aud" };
        let listed = readme_cell("## Audience, issuer and other tokens", provider, 1);
        assert_eq!(listed.first(), Some(&audience), "{provider}");

        let token_use: &[&str] = match provider {
            Provider::Entra => &["azp", "appid"],
            Provider::Keycloak => &["typ", "Bearer"],
            Provider::Cognito => &["token_use", "access"],
            Provider::Auth0 | Provider::Okta | Provider::OpenId => &[],
        };
        let listed = readme_cell("## Audience, issuer and other tokens", provider, 3);
        assert_eq!(listed, token_use, "{provider}");
        assert_eq!(checks.contains(&Check::TokenUse), !token_use.is_empty(), "{provider}");
        assert!(!readme_cell("## Keys and token requests", provider, 0).is_empty());
    }
}
