//! HEAD is answered like GET, so that the load balancer gives both answers the same length.

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use serde_json::json;

use crate::stage::Stage;

/// Returns the answer except for the id of its request.
async fn send_without_id(stage: &Stage, request: &AlbRequest) -> AlbAnswer {
    let mut answer = stage.send(request).await;
    answer.headers.remove("x-request-id");
    answer
}

#[tokio::test]
async fn head_has_the_answer_of_get() {
    let stage = Stage::start_with_list().await;
    stage.put_item("42", json!({"text": {"S": "x".repeat(5_000)}}));
    let token = stage.provider.token();
    for (path, status) in [
        ("/v1/items/42", 200),
        ("/v1/items", 200),
        ("/v1/openapi.json", 200),
        ("/health", 200),
        ("/v1/items/none", 404),
        ("/nowhere", 404),
    ] {
        for encoding in ["identity", "gzip"] {
            let request = |method| AlbRequest::new(method, path).header("accept-encoding", encoding);
            let get = send_without_id(&stage, &request("GET").bearer(&token)).await;
            let head = send_without_id(&stage, &request("HEAD").bearer(&token)).await;
            assert_eq!((get.status, get.body.is_empty()), (status, false), "{path}");
            assert_eq!((&get.headers, &get.body), (&head.headers, &head.body), "{path}, {encoding}");
        }
    }
    let refused = send_without_id(&stage, &AlbRequest::new("HEAD", "/v1/items/42")).await;
    let refused_get = send_without_id(&stage, &AlbRequest::get("/v1/items/42")).await;
    assert_eq!((refused.status, refused.body), (401, refused_get.body));
}
