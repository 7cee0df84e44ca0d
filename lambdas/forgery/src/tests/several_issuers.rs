//! Forgeries that pass a verifier which mixes its issuers, or compares their names loosely.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use restctl_contract::issuer::Algorithm;
use serde_json::{Value, json};

use super::fixture::*;
use crate::cross_issuer::{self, OtherIssuer};
use crate::signing_key::SigningKey;
use crate::token::{ForgedToken, Token};
use crate::{KnownIssuer, forge_attempts};

const ONE: &str = "https://one.example.test/";

const OTHER: &str = "https://other.example.test/";

fn find_forged(forged: &[ForgedToken], name: &str) -> Token {
    let found = forged.iter().find(|forged| forged.name == name);
    Token::parse(&found.unwrap_or_else(|| panic!("no {name:?}")).token).unwrap()
}

#[test]
fn tokens_of_one_trusted_issuer_name_another() {
    let (one, other) = (Issuer::new("one", Algorithm::Es256), Issuer::new("other", Algorithm::EdDsa));
    // The attacker is a third issuer, whose key is trusted, too.
    let attacker = SigningKey::generate(Algorithm::Es256).unwrap();
    let good = Token::parse(&one.token).unwrap();
    let others = [OtherIssuer::from_known(&other.known_without_token())];
    let forged = cross_issuer::forge_tokens(&good, &others, &attacker).unwrap();

    // It passes a verifier that tries the keys of all issuers.
    let token = find_forged(&forged, &format!("issuer {OTHER}, foreign key"));
    assert!(token.claims["iss"] == OTHER && token.is_signed_by(&attacker.material, Algorithm::Es256));

    // These pass one that does not check the signature again once it has seen it.
    let token = find_forged(&forged, &format!("issuer {OTHER}, old signature"));
    assert!(token.claims["iss"] == OTHER && token.signature == good.signature);
    let token = find_forged(&forged, &format!("key of {OTHER}, old signature"));
    assert!(token.header["kid"] == "key-of-other" && token.parts[1..] == good.parts[1..]);

    // These pass one that knows the key by its id and does not verify with it.
    let token = find_forged(&forged, &format!("key of {OTHER}, foreign key"));
    assert_eq!(token.claims, good.claims);
    assert_eq!([&token.header["kid"], &token.header["alg"]], ["key-of-other", "EdDSA"]);
    let token = find_forged(&forged, &format!("issuer and key of {OTHER}, foreign key"));
    assert_eq!([&token.claims["iss"], &token.header["kid"]], [OTHER, "key-of-other"]);

    // This passes one that takes the algorithm from the token and the key from the key id.
    let token = find_forged(&forged, &format!("key of {OTHER}, HS256, secret: its public key's PEM"));
    let secret = hmac::Key::new(HMAC_SHA256, other.key.public_key_pem().as_bytes());
    let message = token.parts[..2].join(".");
    assert!(hmac::verify(&secret, message.as_bytes(), &token.signature).is_ok());
    assert_eq!([&token.header["kid"], &token.header["alg"]], ["key-of-other", "HS256"]);
}

#[test]
fn issuers_are_named_almost_exactly() {
    let (one, other) = (Issuer::new("one", Algorithm::Rs256), Issuer::new("other", Algorithm::Es384));
    let attempts = forge_all(&one.known(), &[other.known()]);
    type Comparison = fn(&Value) -> bool;
    let is_one: Comparison = |iss| iss == ONE;
    let loose: [(&str, Comparison); 8] = [
        ("in an array", |iss| iss.as_array().is_some_and(|names| names.contains(&json!(ONE)))),
        ("in an object", |iss| iss.to_string().contains(ONE)),
        ("in upper case", |iss| iss.as_str().is_some_and(|name| name.eq_ignore_ascii_case(ONE))),
        ("with another last slash", |iss| iss.as_str().is_some_and(|name| format!("{name}/") == ONE)),
        ("with a space", |iss| iss.as_str().is_some_and(|name| name.trim() == ONE)),
        ("with a suffix", |iss| iss.as_str().is_some_and(|name| name.starts_with(ONE))),
        ("empty", |iss| iss.as_str().is_some_and(|name| ONE.starts_with(name))),
        ("null", Value::is_null),
    ];
    for (name, passes) in loose {
        let token = parse_token(&attempts, &format!("foreign key, issuer {name}"));
        let iss = &token.claims["iss"];
        assert!(passes(iss) && !is_one(iss), "{name}: {iss}");
    }
    for name in ["duplicate issuer, old signature", "duplicate issuer, foreign key"] {
        let claims = find_token(&attempts, name).split('.').nth(1).unwrap();
        let claims = String::from_utf8(crate::key_material::decode_any_base64(claims).unwrap()).unwrap();
        // A parser that uses the last one finds the good issuer, and one that uses the first one the other.
        assert!(claims.starts_with(&format!(r#"{{"iss":"{OTHER}","#)), "{claims}");
        assert_eq!(serde_json::from_str::<Value>(&claims).unwrap()["iss"], ONE);
    }
}

#[test]
fn the_requests_for_many_issuers_are_bounded() {
    let one = Issuer::new("one", Algorithm::Es256);
    let others: Vec<Issuer> =
        (0..20).map(|number| Issuer::new(&format!("other-{number}"), Algorithm::EdDsa)).collect();
    let others: Vec<KnownIssuer<'_>> = others.iter().map(Issuer::known_without_token).collect();
    let attempts = forge_attempts(&one.known(), &others, PATH, NOW).unwrap().attempts;
    assert!((150..=230).contains(&attempts.len()), "{}", attempts.len());
}
