//! Forgeries that pass a verifier which reads what the token says and does not check who signed it.

use restctl_contract::issuer::Algorithm;
use serde_json::json;

use super::fixture::*;
use crate::token::Token;

/// Accepts a token whose claims are good, without checking who signed it.
fn has_good_claims(token: &Token, issuer: &Issuer) -> bool {
    let claims = &token.claims;
    let granted = [&claims["scope"], &claims["permissions"]];
    let is_granted = granted.iter().any(|claim| claim.to_string().contains(SCOPE));
    let is_current = claims["exp"].as_u64().is_some_and(|expires| expires > NOW);
    claims["iss"] == issuer.trusted.issuer
        && claims["aud"] == issuer.trusted.audiences[0]
        && is_current
        && is_granted
}

#[test]
fn every_algorithm_is_tried_with_a_foreign_key() {
    for issuer in Issuer::of_each_kind() {
        for known in [issuer.known(), issuer.known_without_token()] {
            let attempts = forge_all(&known, &[]);
            let names = Algorithm::ALL.map(Algorithm::name).into_iter().chain(["Ed25519"]);
            for name in names {
                let token = parse_token(&attempts, &format!("foreign key, {name}"));
                assert_eq!([&token.header["alg"], &token.header["kid"]], [name, "key-of-tenant"]);
                assert!(has_good_claims(&token, &issuer), "{name}: {}", token.claims);
            }
        }
    }
}

#[test]
fn each_claim_that_grants_is_added() {
    let issuer = Issuer::new("tenant", Algorithm::Es256);
    let attempts = issuer.forge();
    let every = parse_token(&attempts, "foreign key, every grant added");
    for name in ["scope", "scp", "roles", "permissions", "realm_access"] {
        let token = parse_token(&attempts, &format!("foreign key, {name} added"));
        for claims in [&token.claims, &every.claims] {
            let granted = claims[name].to_string();
            assert!(granted.contains(SCOPE) && granted.contains("admin"), "{name}: {granted}");
        }
        assert!(has_good_claims(&token, &issuer), "{name}");
        assert_eq!(token.header["kid"], "key-of-tenant");
    }
    assert_eq!(every.claims["realm_access"]["roles"], json!([SCOPE, "admin"]));
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_leaves_the_rest_as_it_was() {
    for issuer in Issuer::of_each_kind() {
        let attempts = issuer.forge();
        let good = Token::parse(&issuer.token).unwrap();
        let foreign = ["ES256K", "Ed25519", "Ed448", "ESP256"];
        let known = Algorithm::ALL.map(Algorithm::name);
        for alg in known.into_iter().chain(foreign).filter(|alg| *alg != good.algorithm()) {
            // A verifier that lets unknown algorithms pass, or that does not verify if the key does not fit, accepts it.
            let token = parse_token(&attempts, &format!("algorithm {alg}, old signature"));
            assert_eq!(token.algorithm(), alg);
            assert_eq!(token.header["kid"], good.header["kid"]);
            assert_eq!(token.parts[1..], good.parts[1..]);
        }
    }
}
