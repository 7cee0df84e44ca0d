//! `restctl idp`: the identity provider, and rotation of the client secret.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::issuer::Issuer;

fn show_provider(cloud: &Cloud) -> Value {
    cloud.succeed(&["idp", "show", "--output", "json"]).json()
}

/// Runs `restctl idp rotate-secret` with this secret on standard input.
fn rotate_secret(cloud: &Cloud, secret: &str) -> CommandOutput {
    cloud.run_with_input(&["idp", "rotate-secret", "--client-secret-file", "-"], secret)
}

#[test]
fn a_new_client_secret_is_stored_only_if_it_works() {
    let cloud = Cloud::start_empty();
    for command in ["show", "rotate-secret"] {
        cloud.run(&["idp", command]).failed_with(5, &["has not been set up", "restctl setup"]);
    }
    cloud.succeed(&["setup"]);
    let before = show_provider(&cloud);
    let provider = &before["issuers"][0]["provider"];
    assert_eq!((provider, &before["deployed"]), (&json!("auth0"), &Value::Null));
    cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);

    let first = cloud.stored_client_secret();
    rotate_secret(&cloud, "wrong")
        .failed_with(4, &["refuses the client", "access_denied", "the current one stays"]);
    rotate_secret(&cloud, "\n").failed_with(2, &["is empty"]);
    assert_eq!(cloud.stored_client_secret(), first, "a refused secret changes nothing");

    // The new secret is never printed: `Cloud::run` searches every output for it.
    let rotated = cloud.succeed(&["idp", "rotate-secret", "--output", "json"]).json();
    assert_eq!((&rotated["outcome"], &rotated["client_id"]), (&json!("rotated"), &json!("restctl-local")));
    let second = cloud.stored_client_secret();
    assert_ne!(second, first);
    assert_eq!(cloud.record()["identity_provider"]["client_secret"], json!(second));
    cloud.succeed(&["get", "--id", "42"]);
    rotate_secret(&cloud, &first).failed_with(4, &["refuses the client"]);
    let given = rotate_secret(&cloud, &second);
    assert_eq!(given.exit, 0, "{}", given.stderr);
    assert!(
        !given.stderr.contains(&second) && given.stderr.contains("and the API would accept it"),
        "{}",
        given.stderr
    );
    cloud.succeed(&["setup"]);
    assert_eq!(cloud.stored_client_secret(), second, "setup takes the secret of the record");

    the_current_state_is_shown(&cloud);
    a_token_that_the_api_would_refuse_changes_nothing(&cloud, &second);
}

fn the_current_state_is_shown(cloud: &Cloud) {
    let report = show_provider(cloud);
    let (issuer, provider) = (&report["issuers"][0], &cloud.record()["identity_provider"]);
    for member in ["issuer", "scope"] {
        assert_eq!(issuer[member], provider[member], "{member}");
    }
    assert_eq!(issuer["audiences"], json!([provider["audience"]]));
    assert_eq!(report["client"]["client_id"], provider["client_id"]);
    assert_eq!(issuer["keys"][0]["algorithms"], json!(["RS256"]));
    assert_eq!(report["client_secret"]["is_set"], true);
    assert!(report["client_secret"]["last_changed"].as_str().unwrap().ends_with('Z'), "{report}");
    assert_eq!(report["deployed"], json!({ "is_same": true, "different": [] }));

    let (url, audience) = (provider["issuer"].as_str().unwrap(), provider["audience"].as_str().unwrap());
    cloud.succeed(&["setup", "--audience", "https://other.example.test"]);
    let change = format!("audiences of {url}: {audience} -> https://other.example.test");
    assert_eq!(show_provider(cloud)["deployed"], json!({ "is_same": false, "different": [change] }));
    let text = cloud.succeed(&["idp", "show"]).stdout;
    assert!(text.contains("with other settings: restctl deploy") && text.contains(&change), "{text}");
    cloud.succeed(&["setup", "--audience", audience]);
}

fn a_token_that_the_api_would_refuse_changes_nothing(cloud: &Cloud, secret: &str) {
    // This issuer grants every request, and its tokens are no JWTs.
    let issuer = Issuer::start(&["client_secret_post"]);
    let file = cloud.write_file("secret", secret);
    cloud.succeed(&["setup", "--issuer", issuer.url(), "--client-secret-file", &file]);
    cloud.succeed(&["deploy"]);
    rotate_secret(cloud, "another")
        .failed_with(4, &["granted an opaque token", "restctl setup --resource", "the current secret stays"]);
    // The provider is not the local cloud's, so restctl cannot create a new secret.
    cloud.run(&["idp", "rotate-secret"]).failed_with(2, &["no terminal", "--client-secret-file"]);

    issuer.publish_keys(StatusCode::OK, json!([{ "kty": "oct", "k": "c2VjcmV0" }]));
    let report = show_provider(cloud);
    assert_eq!(report["issuers"][0]["keys"], Value::Null);
    let why = report["issuers"][0]["keys_error"].as_str().unwrap();
    assert!(why.contains("could verify no token"), "{report}");
    rotate_secret(cloud, "another").failed_with(1, &["could verify no token"]);
    assert_eq!(cloud.stored_client_secret(), secret);
}
