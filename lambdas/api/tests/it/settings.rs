//! The settings with which the function starts.

use restctl_testkit::runtime::Runtime;
use serde_json::{Value, json};

use crate::stage::BINARY;

#[tokio::test]
async fn the_function_refuses_to_start_without_its_settings() {
    let issuer = json!({
        "issuer": "https://tenant.example.test/",
        "provider": "auth0",
        "audiences": ["https://items.example.test"],
        "scope": "read:items",
        "jwks_uri": "https://127.0.0.1:1/jwks.json",
    });
    let with = |name: &str, value: Value| {
        let mut issuer = issuer.clone();
        issuer[name] = value;
        issuer
    };
    let issuers = json!([issuer]).to_string();
    let good = [
        ("ITEMS_TABLE", "items"),
        ("KEY_NAME", "id"),
        ("KEY_TYPE", "S"),
        ("ISSUERS", issuers.as_str()),
        ("OPENAPI", "token"),
        ("STACK", "restctl"),
        ("URL_SUFFIX", "amazonaws.com"),
    ];
    for (variable, value) in [
        ("KEY_TYPE", "B".to_owned()),
        ("STACK", String::new()),
        ("URL_SUFFIX", String::new()),
        ("OPENAPI", "maybe".to_owned()),
        ("ISSUERS", String::new()),
        ("ISSUERS", "[]".to_owned()),
        ("ISSUERS", "made-by-hand".to_owned()),
        ("ISSUERS", issuer.to_string()),
        ("ISSUERS", json!([issuer, issuer]).to_string()),
        ("ISSUERS", json!([with("scope", json!("")), issuer]).to_string()),
        ("ISSUERS", json!([with("provider", json!("other"))]).to_string()),
        ("ISSUERS", json!([with("algorithms", json!(["HS256"]))]).to_string()),
        ("ISSUERS", json!([with("jwks_uri", json!("http://tenant.example.test/jwks.json"))]).to_string()),
        ("ISSUERS", json!([with("jwks_uri", json!("http://127.0.0.1:1/jwks.json"))]).to_string()),
        ("ISSUERS", json!([with("authorities", json!(["AAAA"]))]).to_string()),
        ("USER_POOL", issuers.clone()),
        // The list describes it already.
        ("USER_POOL", issuer.to_string()),
    ] {
        let variables = [&good[..], &[(variable, value.as_str())]].concat();
        let runtime = Runtime::start(BINARY, &variables).await;
        runtime.wait_for_end().await.unwrap_or_else(|error| panic!("{variable}={value}: {error}"));
        let output = runtime.output();
        assert!(output.contains(&format!("the environment variable {variable} ")), "{value}: {output}");
    }
}
