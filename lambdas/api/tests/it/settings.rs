//! The settings with which the function starts.

use restctl_testkit::runtime::Runtime;

use crate::stage::BINARY;

#[tokio::test]
async fn the_function_refuses_to_start_without_its_settings() {
    let good = [
        ("ITEMS_TABLE", "items"),
        ("KEY_NAME", "id"),
        ("KEY_TYPE", "S"),
        ("ISSUER", "https://tenant.example.test/"),
        ("AUDIENCE", "https://items.example.test"),
        ("JWKS_URI", "https://127.0.0.1:1/jwks.json"),
        ("SCOPE", "read:items"),
        ("PROVIDER", "auth0"),
    ];
    for (variable, value) in [
        ("ISSUER", ""),
        ("SCOPE", ""),
        ("KEY_TYPE", "B"),
        ("JWKS_URI", "http://tenant.example.test/jwks.json"),
    ] {
        let variables = [&good[..], &[(variable, value)]].concat();
        let runtime = Runtime::start(BINARY, &variables).await;
        runtime.wait_for_end().await.unwrap_or_else(|error| panic!("{variable}={value}: {error}"));
        assert!(runtime.output().contains(variable), "{}", runtime.output());
    }
}
