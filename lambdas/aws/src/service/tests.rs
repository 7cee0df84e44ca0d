//! Checks what goes over the wire as the service checks it.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::*;
use crate::environment::Endpoints;
use crate::error_chain::error_chain;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Computes the signature from the request that arrived ("Create a signed AWS API request", AWS Identity and Access
/// Management User Guide).
fn expected_signature(headers: &HeaderMap, body: &str) -> String {
    let header = |name: &str| headers[name].to_str().unwrap().trim().to_owned();
    let authorization = header("authorization");
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(name).unwrap();
        rest.split(',').next().unwrap().trim().to_owned()
    };
    let signed = part("SignedHeaders=");
    let canonical: String = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let request = format!("POST\n/\n\n{canonical}\n{signed}\n{}", to_hexadecimal(&Sha256::digest(body)));
    let scope = part("Credential=").split_once('/').unwrap().1.to_owned();
    let date = header("x-amz-date");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", to_hexadecimal(&Sha256::digest(request)));
    let first = format!("AWS4{SECRET}").into_bytes();
    let key = scope.split('/').fold(first, |key, word| hmac_sha256(&key, word));
    to_hexadecimal(&hmac_sha256(&key, &to_sign))
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn to_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_call_carries_a_valid_signature() {
    let arrived = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&arrived);
    let answer = async move |headers: HeaderMap, body: String| {
        *keep.lock().unwrap() = Some((headers, body));
        "{}"
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    let environment = Environment {
        region: "eu-central-1".to_owned(),
        credentials: Credentials::new("AKIDEXAMPLE", SECRET, Some("session".into()), None, "test"),
        endpoints: Endpoints::Shared(url),
    };
    let dynamodb =
        Service::dynamodb(crate::https_client().unwrap(), &environment, Duration::from_secs(60)).unwrap();
    dynamodb.call("GetItem", Bytes::from_static(br#"{"TableName":"items"}"#)).await.unwrap();

    let (headers, body) = arrived.lock().unwrap().take().unwrap();
    assert_eq!(headers["x-amz-target"], "DynamoDB_20120810.GetItem");
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("/eu-central-1/dynamodb/aws4_request"), "{authorization}");
    for signed in ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        assert!(authorization.contains(signed), "{authorization}");
    }
    let signature = authorization.split_once("Signature=").unwrap().1;
    assert_eq!(signature, expected_signature(&headers, &body));
}

/// The SDK knows the endpoints of every partition.
#[tokio::test]
async fn each_region_has_the_endpoints_of_the_sdk() {
    macro_rules! resolve {
        ($sdk:ident, $region:expr) => {{
            use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder().region($region).build().unwrap();
            DefaultResolver::new().resolve_endpoint(&params).await.unwrap().url().to_owned()
        }};
    }
    let partitions = include_str!("../../../../fixtures/partitions.json");
    let partitions: Vec<serde_json::Value> = serde_json::from_str(partitions).unwrap();
    for partition in &partitions {
        let domain = partition["domain"].as_str().unwrap();
        for region in partition["regions"].as_array().unwrap() {
            let environment = Environment {
                region: region.as_str().unwrap().to_owned(),
                credentials: Credentials::new("id", "secret", None, None, "tests"),
                endpoints: Endpoints::Partition(domain.to_owned()),
            };
            let region = &environment.region;
            assert_eq!(environment.endpoint_url("dynamodb"), resolve!(aws_sdk_dynamodb, region));
            assert_eq!(environment.endpoint_url("secretsmanager"), resolve!(aws_sdk_secretsmanager, region));
        }
    }
}

#[test]
fn a_failed_call_names_its_cause_once() {
    let answer =
        br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#;
    let throttled = parse_error("Scan", StatusCode::BAD_REQUEST, answer);
    assert_eq!(error_chain(&throttled), "Scan was throttled: 400 Bad Request ThrottlingException: slow down");
    let unavailable = parse_error("Scan", StatusCode::SERVICE_UNAVAILABLE, b"");
    assert_eq!(error_chain(&unavailable), "Scan failed: 503 Service Unavailable");
    let refused = parse_error("Scan", StatusCode::BAD_REQUEST, br#"{"__type":"ValidationException"}"#);
    assert!(matches!(refused, CallError::Refused { code: ErrorCode::Validation, .. }));
}
