//! From one provider to another, without a refused request.

use reqwest::StatusCode;
use serde_json::json;

use crate::cloud::{Cloud, CommandOutput};
use crate::issuer::{Issuer, IssuerDesign};

/// Requests an item with this token, as a client without restctl does.
fn get_item(cloud: &Cloud, token: &str) -> StatusCode {
    let front = cloud.record()["front"].as_str().unwrap().parse().unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .resolve("restctl.localhost", front)
        .danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let address = format!("https://restctl.localhost:{}/v1/items/42", front.port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { client.get(address).bearer_auth(token).send().await.unwrap().status() })
}

#[test]
fn a_provider_is_replaced_without_refusals() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let record = cloud.record();
    let old = record["identity_provider"]["issuer"].as_str().unwrap();
    let old_token = cloud.succeed(&["token"]).stdout.trim().to_owned();
    let new = Issuer::start_with(IssuerDesign {
        methods: &["client_secret_post"],
        audience: Some("items"),
        ..IssuerDesign::default()
    });
    assert_eq!(get_item(&cloud, &old_token), StatusCode::OK);
    assert_eq!(get_item(&cloud, &new.grant()), StatusCode::UNAUTHORIZED);

    let added = cloud.succeed(&["idp", "add", "--issuer", new.url(), "--audience", "items"]);
    let change =
        format!("change             trust in {}: none -> openid, for items, with read:items", new.url());
    assert!(added.stderr.contains(&change), "{}", added.stderr);
    let doctor = cloud.run(&["doctor"]);
    doctor.failed_with(1, &["deployed settings", "restctl deploy"]);
    cloud.succeed(&["deploy"]);
    assert_eq!(get_item(&cloud, &old_token), StatusCode::OK);
    assert_eq!(get_item(&cloud, &new.grant()), StatusCode::OK);
    cloud.succeed(&["get", "--id", "42"]);
    both_are_shown(&cloud, old, new.url());

    // restctl moves, too. Nothing has to be deployed for that.
    cloud.run(&["idp", "remove", old]).failed_with(2, &["gets its own tokens", "restctl setup --issuer"]);
    let secret = cloud.write_file("secret", "another");
    let moving = ["setup", "--issuer", new.url(), "--client-id", "new", "--client-secret-file", &secret];
    let moved = cloud.succeed(&moving);
    assert!(!moved.stderr.contains("trust in"), "both stay trusted:\n{}", moved.stderr);
    cloud.succeed(&["get", "--id", "42"]);
    assert!(new.last_request().form.contains("client_id=new"));

    let removed = cloud.succeed(&["idp", "remove", old, "--output", "json"]);
    assert_eq!(removed.json()["issuers"].as_array().unwrap().len(), 1);
    cloud.run(&["idp", "remove", old]).failed_with(5, &["is not among the trusted issuers", new.url()]);
    cloud.succeed(&["deploy"]);
    assert_eq!(get_item(&cloud, &old_token), StatusCode::UNAUTHORIZED);
    assert_eq!(get_item(&cloud, &new.grant()), StatusCode::OK);
    cloud.succeed(&["get", "--id", "42"]);
    cloud.succeed(&["doctor"]);
}

fn both_are_shown(cloud: &Cloud, old: &str, new: &str) {
    let doctor = cloud.succeed(&["doctor"]).stdout;
    for text in [format!("{old} and {new}, as the provider spells it"), format!("key (ES256) of {new}")] {
        assert!(doctor.contains(&text), "{text:?} is not in:\n{doctor}");
    }
    let status = cloud.succeed(&["status", "--output", "json"]).json();
    assert_eq!(status["provider"]["also_trusted"], json!([new]), "{status}");
    let shown = cloud.succeed(&["idp", "show"]).stdout;
    assert!(shown.contains(old) && shown.contains(new) && shown.contains("client of"), "{shown}");
    let config = cloud.succeed(&["config", "show"]).stdout;
    assert!(config.contains("issuer-2") && config.contains("audiences-2"), "{config}");
    // The local cloud does not support it at all.
    let mut edge = cloud.command_as_on_aws(&["deploy", "--dry-run", "--edge-jwt", "on"]);
    let refused = CommandOutput::from(edge.output().unwrap());
    let all = format!("all but one of {old}, {new}");
    refused.failed_with(2, &["one trusted issuer only", &all, "--edge-jwt off", "restctl idp remove URL"]);
}
