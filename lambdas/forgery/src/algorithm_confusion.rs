//! Tokens whose algorithm does not fit the key (RFC 8725, sections 2.1 and 3.1).

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use restctl_contract::issuer::Algorithm;

use crate::public_key::PublicKey;
use crate::signing_key::sign_hmac_token;
use crate::token::{ForgedToken, Token};

/// Algorithms that no key of the issuer can have: of another curve, or by the name of the curve (RFC 9864).
const FOREIGN_ALGORITHMS: [&str; 4] = ["ES256K", "Ed25519", "Ed448", "ESP256"];

/// CVE-2015-9235 and many like it: the public key, used as an HMAC secret.
pub(crate) fn public_key_as_secret(good: &Token, issuer: &PublicKey) -> Vec<ForgedToken> {
    let sign = |alg: &str, algorithm, secret: &[u8]| {
        sign_hmac_token(algorithm, &good.header_with("alg", alg), &good.claims, secret)
    };
    let mut forged = Vec::new();
    for (encoding, secret) in issuer.named_encodings() {
        let token = sign("HS256", HMAC_SHA256, &secret);
        forged.push(ForgedToken::new(format!("HS256, secret: the public key's {encoding}"), token));
    }
    let pem = issuer.to_pem();
    for (alg, algorithm) in [("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)] {
        let token = sign(alg, algorithm, pem.as_bytes());
        forged.push(ForgedToken::new(format!("{alg}, secret: the public key's PEM"), token));
    }
    let token = sign(good.algorithm(), HMAC_SHA256, pem.as_bytes());
    let name = format!("HMAC with the public key's PEM, declared as {}", good.algorithm());
    forged.push(ForgedToken::new(name, token));
    forged
}

/// Returns tokens with a secret that anyone can guess.
pub(crate) fn guessed_secrets(good: &Token) -> Vec<ForgedToken> {
    let sign =
        |secret: &[u8]| sign_hmac_token(HMAC_SHA256, &good.header_with("alg", "HS256"), &good.claims, secret);
    vec![
        ForgedToken::new("HS256, empty secret", sign(b"")),
        ForgedToken::new("HS256, secret: \"secret\"", sign(b"secret")),
    ]
}

/// Returns tokens with the good signature under each other algorithm, weaker ones and those of other types of keys among
/// them.
pub(crate) fn swapped_algorithms(good: &Token) -> impl Iterator<Item = ForgedToken> {
    let lower_case = good.algorithm().to_ascii_lowercase();
    let known = Algorithm::ALL.map(Algorithm::name);
    let others = known.into_iter().chain(FOREIGN_ALGORITHMS).map(str::to_owned).chain([lower_case]);
    others.filter(|alg| alg != good.algorithm()).map(|alg| {
        let token = good.with_header(&good.header_with("alg", alg.as_str()));
        ForgedToken::new(format!("algorithm {alg}, old signature"), token)
    })
}
