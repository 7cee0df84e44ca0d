//! Tokens whose algorithm is not that of the key (RFC 8725, sections 2.1 and 3.1).

use jsonwebtoken::Algorithm;

use crate::error::Error;
use crate::public_key::PublicKey;
use crate::signing_key::hmac_token;
use crate::token::{Forged, Token};

pub(crate) fn tokens(good: &Token, issuer: &PublicKey) -> Result<Vec<Forged>, Error> {
    let mut forged = public_key_as_secret(good, issuer)?;
    forged.extend(swapped(good));
    Ok(forged)
}

/// CVE-2015-9235 and its many sisters: the key that everybody may know, taken for a shared secret.
fn public_key_as_secret(good: &Token, issuer: &PublicKey) -> Result<Vec<Forged>, Error> {
    let with = |alg: &str, algorithm, secret: &[u8]| {
        hmac_token(algorithm, &good.header_with("alg", alg), &good.claims, secret)
    };
    let mut forged = Vec::new();
    for (encoding, secret) in issuer.encodings() {
        forged.push(Forged::new(
            format!("HS256, secret: the public key's {encoding}"),
            with("HS256", Algorithm::HS256, &secret)?,
        ));
    }
    let pem = issuer.pem();
    for (alg, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let token = with(alg, algorithm, pem.as_bytes())?;
        forged.push(Forged::new(format!("{alg}, secret: the public key's PEM"), token));
    }
    forged.push(Forged::new("HS256, empty secret", with("HS256", Algorithm::HS256, b"")?));
    forged.push(Forged::new("HS256, secret: \"secret\"", with("HS256", Algorithm::HS256, b"secret")?));
    forged.push(Forged::new(
        format!("HMAC with the public key's PEM, called {}", good.algorithm()),
        with(good.algorithm(), Algorithm::HS256, pem.as_bytes())?,
    ));
    Ok(forged)
}

fn swapped(good: &Token) -> impl Iterator<Item = Forged> {
    let lower_case = good.algorithm().to_ascii_lowercase();
    let others = ["RS256", "PS256", "ES256", "RS384", "RS512", "ES384", "ES256K", "EdDSA", &lower_case];
    let others: Vec<String> =
        others.into_iter().filter(|alg| *alg != good.algorithm()).map(str::to_owned).collect();
    others.into_iter().map(|alg| {
        let token = good.under(&good.header_with("alg", alg.as_str()));
        Forged::new(format!("algorithm {alg}, old signature"), token)
    })
}
