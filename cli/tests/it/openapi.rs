//! The options of the API in a deployment: the list, and who may read the OpenAPI document.

use std::net::SocketAddr;

use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::Value;

use crate::cloud::Cloud;

/// Returns a client that trusts the certificate of the API, and the API's URL.
pub(crate) fn api_client(cloud: &Cloud) -> (Client, String) {
    let pem =
        std::fs::read(cloud.state_folder().join("restctl/local/front/restctl/certificate.pem")).unwrap();
    let front: SocketAddr = cloud.record()["front"].as_str().unwrap().parse().unwrap();
    let client = Client::builder()
        .no_proxy()
        .resolve("restctl.localhost", front)
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .build()
        .unwrap();
    (client, format!("https://restctl.localhost:{}", front.port()))
}

/// Sends a GET request to the API, and returns the status and the body of the answer.
fn get_from_api(cloud: &Cloud, path: &str, token: Option<&str>) -> (StatusCode, Value) {
    let (client, url) = api_client(cloud);
    let mut request = client.get(format!("{url}{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    })
}

/// Returns the environment of the API function.
fn api_variables(cloud: &Cloud) -> Value {
    let function = cloud.resource_id("ApiFunction");
    let path = format!("/2015-03-31/functions/{function}/configuration");
    let configuration = cloud.send_request("lambda", Method::GET, &path, |request| request);
    serde_json::from_str::<Value>(&configuration).unwrap()["Environment"]["Variables"].take()
}

/// Whether the stack has the secret that signs cursors.
fn has_cursor_key(cloud: &Cloud) -> bool {
    let secrets = cloud.call_json("secretsmanager", "secretsmanager.ListSecrets", &serde_json::json!({}));
    let mut names =
        secrets["SecretList"].as_array().unwrap().iter().map(|secret| secret["Name"].as_str().unwrap());
    names.any(|name| name.contains("CursorKey"))
}

#[test]
fn options_of_the_api_persist() {
    let cloud = Cloud::start_set_up();
    let deployed = cloud.succeed(&["deploy"]);
    assert!(deployed.stderr.contains("the list of all items is off"), "{}", deployed.stderr);
    assert!(deployed.stderr.contains("/v1/openapi.json needs a token"), "{}", deployed.stderr);
    assert_eq!(
        (api_variables(&cloud).get("CURSOR_KEY"), &api_variables(&cloud)["OPENAPI"]),
        (None, &"token".into())
    );
    let token = cloud.succeed(&["token"]).stdout;
    let token = Some(token.trim());
    assert_eq!(get_from_api(&cloud, "/v1/openapi.json", None).0, StatusCode::UNAUTHORIZED);
    let (status, document) = get_from_api(&cloud, "/v1/openapi.json", token);
    assert_eq!((status, document["paths"].get("/v1/items")), (StatusCode::OK, None));
    assert_eq!(get_from_api(&cloud, "/v1/items", token).1["type"], "urn:restctl:problem:list-off");
    cloud.run(&["export"]).failed_with(5, &["has no list of items", "restctl deploy --list on"]);

    cloud.succeed(&["deploy", "--list", "on"]);
    assert!(has_cursor_key(&cloud));
    let cursor_key = api_variables(&cloud)["CURSOR_KEY"].as_str().unwrap().to_owned();
    assert!(cursor_key.starts_with("arn:aws:secretsmanager:"), "{cursor_key}");
    assert_eq!(
        get_from_api(&cloud, "/v1/items", token),
        (StatusCode::OK, serde_json::json!({ "items": [] }))
    );
    assert!(cloud.succeed(&["deploy"]).stderr.contains("no change"));

    let open = cloud.succeed(&["deploy", "--openapi", "open"]);
    assert!(open.stderr.contains("the list of all items is on"), "{}", open.stderr);
    assert!(open.stderr.contains("/v1/openapi.json is open to everyone"), "{}", open.stderr);
    assert_eq!(api_variables(&cloud)["CURSOR_KEY"], cursor_key);
    let (status, document) = get_from_api(&cloud, "/v1/openapi.json", None);
    assert_eq!((status, document["paths"]["/v1/items"].is_object()), (StatusCode::OK, true));
    assert_eq!(get_from_api(&cloud, "/v1/items", None).0, StatusCode::UNAUTHORIZED);

    cloud.succeed(&["deploy", "--list", "off"]);
    assert!(!has_cursor_key(&cloud));
    assert_eq!(
        (api_variables(&cloud).get("CURSOR_KEY"), &api_variables(&cloud)["OPENAPI"]),
        (None, &"open".into())
    );
    assert_eq!(get_from_api(&cloud, "/v1/items", token).1["type"], "urn:restctl:problem:list-off");
}
