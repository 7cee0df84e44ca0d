//! Tokens whose algorithm does not fit the key (RFC 8725, sections 2.1 and 3.1).

use jsonwebtoken::Algorithm;

use crate::error::ForgeryError;
use crate::public_key::PublicKey;
use crate::signing_key::sign_hmac_token;
use crate::token::{ForgedToken, Token};

pub(crate) fn forge_tokens(good: &Token, issuer: &PublicKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = public_key_as_secret(good, issuer)?;
    forged.extend(swapped_algorithms(good));
    Ok(forged)
}

/// CVE-2015-9235 and many like it: the public key, used as an HMAC secret.
fn public_key_as_secret(good: &Token, issuer: &PublicKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let sign = |alg: &str, algorithm, secret: &[u8]| {
        sign_hmac_token(algorithm, &good.header_with("alg", alg), &good.claims, secret)
    };
    let mut forged = Vec::new();
    for (encoding, secret) in issuer.named_encodings() {
        forged.push(ForgedToken::new(
            format!("HS256, secret: the public key's {encoding}"),
            sign("HS256", Algorithm::HS256, &secret)?,
        ));
    }
    let pem = issuer.to_pem();
    for (alg, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let token = sign(alg, algorithm, pem.as_bytes())?;
        forged.push(ForgedToken::new(format!("{alg}, secret: the public key's PEM"), token));
    }
    forged.push(ForgedToken::new("HS256, empty secret", sign("HS256", Algorithm::HS256, b"")?));
    forged.push(ForgedToken::new("HS256, secret: \"secret\"", sign("HS256", Algorithm::HS256, b"secret")?));
    forged.push(ForgedToken::new(
        format!("HMAC with the public key's PEM, declared as {}", good.algorithm()),
        sign(good.algorithm(), Algorithm::HS256, pem.as_bytes())?,
    ));
    Ok(forged)
}

fn swapped_algorithms(good: &Token) -> impl Iterator<Item = ForgedToken> {
    let lower_case = good.algorithm().to_ascii_lowercase();
    let others = ["RS256", "PS256", "ES256", "RS384", "RS512", "ES384", "ES256K", "EdDSA", &lower_case];
    let others: Vec<String> =
        others.into_iter().filter(|alg| *alg != good.algorithm()).map(str::to_owned).collect();
    others.into_iter().map(|alg| {
        let token = good.with_header(&good.header_with("alg", alg.as_str()));
        ForgedToken::new(format!("algorithm {alg}, old signature"), token)
    })
}
