//! A table that does not answer.

use std::time::Duration;

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use serde_json::json;

use super::raw::{Behavior, RawServer};
use super::start_stage_with_variables;
use crate::stage::assert_problem;

#[tokio::test]
async fn an_unreachable_table_is_reported_as_busy() {
    let silent = RawServer::start(Behavior::Send(String::new())).await;
    for endpoint in ["http://127.0.0.1:1", silent.url()] {
        let stage = start_stage_with_variables(&[("AWS_ENDPOINT_URL", endpoint)]).await;
        let event = AlbRequest::get("/v1/items/42").bearer(&stage.provider.token()).multi_value_event();
        let bulk = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["42"]}));
        for event in [event, bulk.bearer(&stage.provider.token()).multi_value_event()] {
            // The function answers before Lambda would end it.
            let answer = stage.runtime.invoke_within(&event, Duration::from_secs(4)).await;
            let answer = AlbAnswer::from_function_answer(
                &answer.unwrap_or_else(|error| panic!("{endpoint}: {error}")),
            );
            assert_problem(&answer, 503, "table-busy");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
}
