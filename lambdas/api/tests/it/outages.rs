//! Outages: the identity provider is down, slow, hostile or rotating its keys, or the table is unavailable. The tests
//! assert the answers and how often the provider is asked.

mod keys;
mod provider;
mod raw;
mod table;

use std::time::Duration;

use restctl_contract::issuer::TrustedIssuer;
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use serde_json::json;

use crate::stage::{PATIENCE, Stage, TABLE, assert_problem};

/// Starts the function with an item 42 and a provider that answers like this.
async fn start_stage(answer: JwksAnswer) -> Stage {
    let provider = IdentityProvider::start().await;
    provider.answer_with(answer);
    let stage = Stage::start_with_provider(provider, "S").await;
    stage.put_item("42", json!({}));
    stage
}

/// Starts the function with an item 42 and these variables.
async fn start_stage_with_variables(variables: &[(&str, &str)]) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let stage = Stage::start_with_variables(IdentityProvider::start().await, dynamo, "S", variables).await;
    stage.put_item("42", json!({}));
    stage
}

/// Starts the function with an item 42 and a provider whose keys are said to be there.
async fn start_stage_with_jwks_uri(jwks_uri: &str) -> Stage {
    let provider = IdentityProvider::start().await;
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let issuer = TrustedIssuer { jwks_uri: jwks_uri.to_owned(), ..provider.trusted_issuer() };
    let stage = Stage::start_with_issuers(provider, dynamo, &[issuer]).await;
    stage.put_item("42", json!({}));
    stage
}

async fn get_with(stage: &Stage, token: &str) -> AlbAnswer {
    stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await
}

/// Asserts a 503. Nobody can tell whether the token is good, so a 401 would be wrong.
fn assert_keys_unavailable(answer: &AlbAnswer, seconds: std::ops::RangeInclusive<u64>) {
    assert_problem(answer, 503, "keys-unavailable");
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    assert!(retry_after.is_some_and(|after| seconds.contains(&after)), "{retry_after:?}");
    assert_eq!(answer.header("www-authenticate"), None);
}

/// Asserts that no request waited for the provider until the function's own time ran out.
fn assert_within_time(stage: &Stage, provider: &str) {
    let output = stage.runtime.output();
    assert!(!output.contains("time is running out"), "{provider}: {output}");
}

/// Waits until the function answers with the item again.
async fn assert_recovery(stage: &Stage) {
    let recovery = async {
        while stage.get("/v1/items/42").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, recovery).await.expect("the function recovers");
}
