//! Claims, good and bad, and the check that refuses each.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_testkit::signing_key::SigningKey;
use restctl_verifier::{LEEWAY_SECONDS, Refusal};
use serde_json::{Value, json};

use crate::fixture::{NOW, auth0_issuer, claims, cognito_claims, issuer_of, key_set, verify, with, without};

#[test]
fn good_claims_pass() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let good = [
        with(claims(), "exp", json!(NOW + 1)),
        with(claims(), "exp", json!(NOW as f64 + 1.5)),
        with(claims(), "nbf", json!(NOW + LEEWAY_SECONDS)),
        with(claims(), "iat", json!(NOW + LEEWAY_SECONDS)),
        without(claims(), "iat"),
        without(claims(), "sub"),
        with(claims(), "aud", json!(["https://other.example.test", "https://items.example.test"])),
        with(without(claims(), "scope"), "permissions", json!(["write:items", "read:items"])),
        with(claims(), "scope", json!(["write:items", "read:items"])),
        with(with(claims(), "scope", json!("openid")), "permissions", json!(["read:items"])),
        with(claims(), "https://tenant.example.test/extra", json!({"deep": [1, 2, 3]})),
    ];
    for claims in good {
        let outcome = verify(&key.token(&claims), &keys, &auth0_issuer(), NOW);
        assert!(outcome.is_ok(), "{outcome:?} for {claims}");
    }
}

#[test]
fn bad_claims_are_refused() {
    use Refusal::{
        Expired, IssuedInFuture, MalformedClaim, MissingClaim, MissingScope, NotYetValid, WrongAudience,
        WrongIssuer,
    };
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    let cases = [
        (without(claims(), "exp"), MissingClaim("exp")),
        (with(claims(), "exp", Value::Null), MissingClaim("exp")),
        (with(claims(), "exp", json!(NOW)), Expired),
        (with(claims(), "exp", json!(NOW - 1)), Expired),
        (with(claims(), "exp", json!(NOW as f64 + 0.9)), Expired),
        (with(claims(), "exp", json!(0)), Expired),
        (with(claims(), "exp", json!((NOW + 600).to_string())), MalformedClaim("exp")),
        (with(claims(), "exp", json!(-1)), MalformedClaim("exp")),
        (with(claims(), "exp", json!(1e300)), MalformedClaim("exp")),
        (with(claims(), "exp", json!([NOW + 600])), MalformedClaim("exp")),
        (with(claims(), "nbf", json!(NOW + LEEWAY_SECONDS + 1)), NotYetValid),
        (with(claims(), "nbf", json!("soon")), MalformedClaim("nbf")),
        (with(claims(), "iat", json!(NOW + LEEWAY_SECONDS + 1)), IssuedInFuture),
        (with(claims(), "iat", json!(true)), MalformedClaim("iat")),
        (without(claims(), "iss"), MissingClaim("iss")),
        (with(claims(), "iss", json!("https://tenant.example.test")), WrongIssuer),
        (with(claims(), "iss", json!("HTTPS://tenant.example.test/")), WrongIssuer),
        (with(claims(), "iss", json!("")), WrongIssuer),
        (with(claims(), "iss", json!(["https://tenant.example.test/"])), MalformedClaim("iss")),
        (without(claims(), "aud"), MissingClaim("aud")),
        (with(claims(), "aud", json!("https://items.example.test/")), WrongAudience),
        (with(claims(), "aud", json!([])), WrongAudience),
        (with(claims(), "aud", json!("")), WrongAudience),
        (with(claims(), "aud", json!(["https://items.example.test", 1])), MalformedClaim("aud")),
        (with(claims(), "aud", json!({"https://items.example.test": true})), MalformedClaim("aud")),
        (with(claims(), "sub", json!(7)), MalformedClaim("sub")),
        (without(claims(), "scope"), MissingScope),
        (with(claims(), "scope", json!("")), MissingScope),
        (with(claims(), "scope", json!("read:items2 xread:items READ:ITEMS read:")), MissingScope),
        (with(claims(), "scope", json!("write:items,read:items")), MissingScope),
        (with(claims(), "scope", json!(["read:items", 1])), MalformedClaim("scope")),
        (with(claims(), "scope", json!({"read:items": true})), MalformedClaim("scope")),
        (with(claims(), "scope", json!(["write:items read:items"])), MissingScope),
        (with(without(claims(), "scope"), "permissions", json!(["read"])), MissingScope),
        (with(without(claims(), "scope"), "permissions", json!("read:items")), MalformedClaim("permissions")),
        (with(claims(), "permissions", json!([1])), MalformedClaim("permissions")),
    ];
    for (claims, refusal) in cases {
        assert_eq!(verify(&key.token(&claims), &keys, &auth0_issuer(), NOW), Err(refusal), "{claims}");
    }
}

/// RFC 6749, section 3.3, defines only `scope`.
#[test]
fn permissions_count_only_in_auth0_tokens() {
    let key = SigningKey::generate_ec("ec");
    let keys = key_set(&[key.jwk()]);
    for (provider, claims) in [(Provider::OpenId, claims()), (Provider::Cognito, cognito_claims())] {
        let issuer = issuer_of(provider);
        for permissions in
            [json!(["read:items"]), json!("read:items"), json!([1]), json!({"read:items": true})]
        {
            let scoped = with(claims.clone(), "permissions", permissions);
            assert!(verify(&key.token(&scoped), &keys, &issuer, NOW).is_ok(), "{provider}");
            let unscoped = key.token(&without(scoped, "scope"));
            assert_eq!(verify(&unscoped, &keys, &issuer, NOW), Err(Refusal::MissingScope), "{provider}");
        }
    }
}

#[test]
fn an_openid_token_is_checked_for_its_audience() {
    use Refusal::{MalformedClaim, MissingClaim, MissingScope, WrongAudience};
    let key = SigningKey::generate_rsa("rsa");
    let keys = key_set(&[key.jwk()]);
    let issuer = issuer_of(Provider::OpenId);
    let good = [
        claims(),
        with(claims(), "aud", json!(["https://items.example.test"])),
        with(with(claims(), "client_id", json!(7)), "token_use", json!("id")),
    ];
    for claims in good {
        assert!(verify(&key.token(&claims), &keys, &issuer, NOW).is_ok(), "{claims}");
    }
    let cases = [
        (cognito_claims(), MissingClaim("aud")),
        (with(claims(), "aud", json!("https://items.example.test,other")), WrongAudience),
        (with(claims(), "aud", json!([["https://items.example.test"]])), MalformedClaim("aud")),
        (without(claims(), "scope"), MissingScope),
    ];
    for (claims, refusal) in cases {
        assert_eq!(verify(&key.token(&claims), &keys, &issuer, NOW), Err(refusal), "{claims}");
    }
}

#[test]
fn a_cognito_token_is_checked_for_its_client_and_use() {
    use Refusal::{MalformedClaim, MissingClaim, MissingScope, WrongClient, WrongUse};
    let key = SigningKey::generate_rsa("rsa");
    let keys = key_set(&[key.jwk()]);
    let issuer = issuer_of(Provider::Cognito);
    let good = [
        cognito_claims(),
        with(cognito_claims(), "client_id", json!("client-2")),
        with(cognito_claims(), "aud", json!("https://other.example.test")),
        with(cognito_claims(), "aud", json!([7])),
    ];
    for claims in good {
        assert!(verify(&key.token(&claims), &keys, &issuer, NOW).is_ok(), "{claims}");
    }
    let cases = [
        (without(cognito_claims(), "client_id"), MissingClaim("client_id")),
        // An ID token, whose audience is the client.
        (with(without(cognito_claims(), "client_id"), "aud", json!("client-1")), MissingClaim("client_id")),
        (with(cognito_claims(), "client_id", json!("client-3")), WrongClient),
        (with(cognito_claims(), "client_id", json!("Client-1")), WrongClient),
        (with(cognito_claims(), "client_id", json!("client-1, client-2,")), WrongClient),
        (with(cognito_claims(), "client_id", json!(" client-1")), WrongClient),
        (with(cognito_claims(), "client_id", json!("")), WrongClient),
        (with(cognito_claims(), "client_id", json!(["client-1"])), MalformedClaim("client_id")),
        (without(cognito_claims(), "token_use"), MissingClaim("token_use")),
        (with(cognito_claims(), "token_use", json!("id")), WrongUse),
        (with(cognito_claims(), "token_use", json!("Access")), WrongUse),
        (with(cognito_claims(), "token_use", json!(["access"])), MalformedClaim("token_use")),
        (without(cognito_claims(), "scope"), MissingScope),
        (without(cognito_claims(), "iss"), MissingClaim("iss")),
        (without(cognito_claims(), "exp"), MissingClaim("exp")),
    ];
    for (claims, refusal) in cases {
        assert_eq!(verify(&key.token(&claims), &keys, &issuer, NOW), Err(refusal), "{claims}");
    }
    let without_clients = TrustedIssuer { audiences: Vec::new(), ..issuer };
    let empty_client = with(cognito_claims(), "client_id", json!(""));
    assert_eq!(verify(&key.token(&empty_client), &keys, &without_clients, NOW), Err(WrongClient));
}
