//! Tokens that say that they need no signature (RFC 7519, section 6; RFC 8725, section 3.2).

use serde_json::{Value, json};

use crate::token::{Forged, Token, encode, without};

pub(crate) fn tokens(good: &Token) -> Vec<Forged> {
    let [header, payload, signature] = &good.parts;
    let under =
        |header: &Value, signature: &str| format!("{}.{payload}.{signature}", encode(header.to_string()));
    let mut forged = vec![
        Forged::new("no signature under the good header", format!("{header}.{payload}.")),
        Forged::new("no algorithm, no signature", under(&without(good.header.clone(), "alg"), "")),
    ];
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = good.header_with("alg", alg);
        forged.push(Forged::new(format!("algorithm {alg}, no signature"), under(&header, "")));
        forged.push(Forged::new(format!("algorithm {alg}, old signature"), under(&header, signature)));
    }
    for alg in [json!(""), json!(null), json!(["none"]), json!(false), json!("none ")] {
        forged.push(Forged::new(
            format!("algorithm {alg}, no signature"),
            under(&good.header_with("alg", alg), ""),
        ));
    }
    forged
}
