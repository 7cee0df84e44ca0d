//! Tokens that claim to need no signature (RFC 7519, section 6; RFC 8725, section 3.2).

use serde_json::{Value, json};

use crate::base64url::encode_base64url;
use crate::token::{ForgedToken, Token, without_member};

pub(crate) fn forge_tokens(good: &Token) -> Vec<ForgedToken> {
    let [header, payload, signature] = &good.parts;
    let assemble = |header: &Value, signature: &str| {
        format!("{}.{payload}.{signature}", encode_base64url(header.to_string()))
    };
    let mut forged = vec![
        ForgedToken::new("no signature under the good header", format!("{header}.{payload}.")),
        ForgedToken::new(
            "no algorithm, no signature",
            assemble(&without_member(good.header.clone(), "alg"), ""),
        ),
    ];
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = good.header_with("alg", alg);
        forged.push(ForgedToken::new(format!("algorithm {alg}, no signature"), assemble(&header, "")));
        forged
            .push(ForgedToken::new(format!("algorithm {alg}, old signature"), assemble(&header, signature)));
    }
    for alg in [json!(""), json!(null), json!(["none"]), json!(false), json!("none ")] {
        forged.push(ForgedToken::new(
            format!("algorithm {alg}, no signature"),
            assemble(&good.header_with("alg", alg), ""),
        ));
    }
    forged
}
