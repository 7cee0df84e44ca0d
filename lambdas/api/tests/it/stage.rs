//! The real function on a stage: an identity provider, a table, and the load balancer's events.

use std::time::Duration;

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{AUDIENCE, IdentityProvider, SCOPE};
use restctl_testkit::runtime::Runtime;
use serde_json::{Value, json};

pub(crate) const TABLE: &str = "items";
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_restctl-api");

pub(crate) struct Stage {
    pub(crate) provider: IdentityProvider,
    pub(crate) dynamo: Dynamo,
    pub(crate) runtime: Runtime,
}

impl Stage {
    /// With string keys.
    pub(crate) async fn set() -> Self {
        Self::with(IdentityProvider::start().await, "S").await
    }

    pub(crate) async fn with_number_keys() -> Self {
        Self::with(IdentityProvider::start().await, "N").await
    }

    pub(crate) async fn with(provider: IdentityProvider, key_type: &str) -> Self {
        let dynamo = Dynamo::start().await;
        dynamo.create_table(TABLE, "id");
        Self::on(provider, dynamo, key_type).await
    }

    /// Deployed with the list.
    pub(crate) async fn with_list() -> Self {
        let (provider, dynamo) = (IdentityProvider::start().await, Dynamo::start().await);
        dynamo.create_table(TABLE, "id");
        dynamo.keep_secret("cursor-key", "a secret of the stack");
        Self::told(provider, dynamo, "S", &[("CURSOR_KEY", "cursor-key")]).await
    }

    pub(crate) async fn on(provider: IdentityProvider, dynamo: Dynamo, key_type: &str) -> Self {
        Self::told(provider, dynamo, key_type, &[]).await
    }

    /// With these variables besides, which overrule the usual ones.
    pub(crate) async fn told(
        provider: IdentityProvider,
        dynamo: Dynamo,
        key_type: &str,
        others: &[(&str, &str)],
    ) -> Self {
        let (issuer, jwks_uri) = (provider.issuer(), provider.jwks_uri());
        let variables = [
            ("AWS_ENDPOINT_URL", dynamo.url()),
            ("ITEMS_TABLE", TABLE),
            ("KEY_NAME", "id"),
            ("KEY_TYPE", key_type),
            ("ISSUER", &issuer),
            ("AUDIENCE", AUDIENCE),
            ("JWKS_URI", &jwks_uri),
            ("SCOPE", SCOPE),
            ("PROVIDER", "auth0"),
            ("OPENAPI", "token"),
            ("STACK", "restctl"),
        ];
        let runtime = Runtime::start(BINARY, &[&variables, others].concat()).await;
        Self { provider, dynamo, runtime }
    }

    /// An item with a string key and what a load adds to it.
    pub(crate) fn put(&self, id: &str, mut item: Value) {
        item["id"] = json!({"S": id});
        item["restctl:load"] = json!({"S": "2024-01-01T00:00:00.000Z/0123456789abcdef"});
        self.dynamo.put(TABLE, item);
    }

    pub(crate) async fn send(&self, request: &AlbRequest) -> AlbAnswer {
        self.send_event(&request.event()).await
    }

    pub(crate) async fn send_event(&self, event: &Value) -> AlbAnswer {
        let answer = self.runtime.invoke(event).await.unwrap_or_else(|error| panic!("{error}"));
        AlbAnswer::read(&answer)
    }

    /// With a good token.
    pub(crate) async fn get(&self, path: &str) -> AlbAnswer {
        self.send(&AlbRequest::get(path).bearer(&self.provider.token())).await
    }

    /// With a good token.
    pub(crate) async fn batch_get(&self, ids: Value) -> AlbAnswer {
        let request = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ids}));
        self.send(&request.bearer(&self.provider.token())).await
    }

    /// The function's output, once `enough` says so of it.
    pub(crate) async fn output(&self, enough: impl Fn(&str) -> bool) -> String {
        let wait = async {
            loop {
                let output = self.runtime.output();
                if enough(&output) {
                    return output;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let output = tokio::time::timeout(Duration::from_secs(10), wait).await;
        output.unwrap_or_else(|_| panic!("not what was waited for: {}", self.runtime.output()))
    }
}

/// Checks that an answer is the problem `kind` and returns it.
pub(crate) fn problem(answer: &AlbAnswer, status: u16, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:restctl:problem:{kind}"));
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}
