//! What a good verifier does with the forgeries: the one of the API.

use std::collections::HashSet;

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use restctl_verifier::{KeySet, select_issuer, verify};
use serde_json::Value;

use super::fixture::*;
use crate::{Attempt, KnownIssuer, stand_in};

fn read_keys(jwks: &Value) -> KeySet {
    KeySet::parse(jwks.to_string().as_bytes(), &Algorithm::ALL).unwrap()
}

/// Verifies each attempt as the API does, with the keys and rules of the issuer that its token names.
#[track_caller]
fn assert_refused(attempts: &[Attempt], issuers: &[&Issuer]) {
    let trusted: Vec<TrustedIssuer> = issuers.iter().map(|issuer| issuer.trusted.clone()).collect();
    let keys: Vec<KeySet> = issuers.iter().map(|issuer| read_keys(&issuer.jwks)).collect();
    let mut tokens = 0;
    for attempt in attempts {
        let Some(token) = bearer_token(attempt) else { continue };
        let index = select_issuer(token, &trusted);
        let outcome = verify(token, &keys[index], &trusted[index], NOW);
        assert!(outcome.is_err(), "{} was accepted", attempt.name);
        assert_eq!(attempt.expected.problem, Some("token-refused"), "{}", attempt.name);
        tokens += 1;
    }
    assert!(tokens >= 120, "{tokens}");
}

#[test]
fn it_refuses_every_forgery_of_a_good_token() {
    for issuer in Issuer::of_each_kind() {
        verify(&issuer.token, &read_keys(&issuer.jwks), &issuer.trusted, NOW).unwrap();
        assert_refused(&issuer.forge(), &[&issuer]);
    }
}

#[test]
fn it_refuses_every_forgery_without_a_good_token() {
    for issuer in Issuer::of_each_kind() {
        assert_refused(&forge_all(&issuer.known_without_token(), &[]), &[&issuer]);
    }
}

#[test]
fn it_refuses_what_mixes_two_issuers() {
    let other_kinds =
        [Algorithm::Es256, Algorithm::Es256, Algorithm::Es512, Algorithm::EdDsa, Algorithm::Rs256];
    for (kind, other_kind) in KINDS.into_iter().zip(other_kinds) {
        let (one, other) = (&Issuer::new("one", kind), &Issuer::new("other", other_kind));
        for known in [one.known(), one.known_without_token()] {
            let attempts = forge_all(&known, &[other.known_without_token()]);
            assert_refused(&attempts, &[one, other]);
            assert_refused(&attempts, &[other, one]);
        }
    }
}

#[test]
fn it_accepts_the_claims_of_a_stand_in_with_the_issuers_signature() {
    let grant_claims = ["roles", "/https:~1~1example.com~1grants/items", "scope.x"];
    for provider in Provider::ALL {
        let mut issuer = Issuer::new("tenant", Algorithm::Es256);
        issuer.trusted = trusted_issuer("tenant", provider);
        for grants in [&[][..], &grant_claims[..1], &grant_claims] {
            issuer.trusted.grant_claims = grants.iter().map(|path| path.parse().unwrap()).collect();
            let header = serde_json::json!({"alg": "ES256", "kid": "key-of-tenant"});
            let claims = stand_in::claims(&issuer.trusted, NOW);
            let token = issuer.key.sign_token(&header, claims).unwrap();
            let outcome = verify(&token, &read_keys(&issuer.jwks), &issuer.trusted, NOW);
            assert!(outcome.is_ok(), "{provider}, {grants:?}: {outcome:?}");
        }
    }
}

#[test]
fn names_and_requests_are_unique() {
    let others = [Issuer::new("other", Algorithm::Es384), Issuer::new("third", Algorithm::EdDsa)];
    let others: Vec<KnownIssuer<'_>> = others.iter().map(Issuer::known_without_token).collect();
    for issuer in Issuer::of_each_kind() {
        for known in [issuer.known(), issuer.known_without_token()] {
            let (mut names, mut requests) = (HashSet::new(), HashSet::new());
            for Attempt { name, method, path, headers, body, expected } in forge_all(&known, &others) {
                assert!(names.insert(name.clone()), "{name} is a duplicate name");
                let is_new = requests.insert((method, path, headers, body));
                // The two alphabets differ in - and _, which a token need not have.
                assert!(is_new || name == "standard base64", "{name} is a duplicate request");
                assert!(matches!(expected.status, 400 | 401), "{name}");
            }
        }
    }
}
