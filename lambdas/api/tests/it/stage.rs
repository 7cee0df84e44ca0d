//! The real function with an identity provider and a table, called with the load balancer's events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use restctl_contract::issuer::{self, TrustedIssuer};
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::IdentityProvider;
use restctl_testkit::runtime::Runtime;
use serde_json::{Value, json};

pub(crate) const TABLE: &str = "items";
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_restctl-api");

/// The time after which a test stops waiting. No test depends on how fast the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Stage {
    pub(crate) provider: IdentityProvider,
    pub(crate) dynamo: Dynamo,
    pub(crate) runtime: Runtime,
}

impl Stage {
    /// Starts the function with string keys.
    pub(crate) async fn start() -> Self {
        Self::start_with_provider(IdentityProvider::start().await, "S").await
    }

    pub(crate) async fn start_with_number_keys() -> Self {
        Self::start_with_provider(IdentityProvider::start().await, "N").await
    }

    pub(crate) async fn start_with_provider(provider: IdentityProvider, key_type: &str) -> Self {
        let dynamo = Dynamo::start().await;
        dynamo.create_table(TABLE, "id");
        Self::start_with_table(provider, dynamo, key_type).await
    }

    /// Starts the function as it is deployed with the list.
    pub(crate) async fn start_with_list() -> Self {
        let (provider, dynamo) = (IdentityProvider::start().await, Dynamo::start().await);
        dynamo.create_table(TABLE, "id");
        dynamo.keep_secret("cursor-key", "a secret of the stack");
        Self::start_with_variables(provider, dynamo, "S", &[("CURSOR_KEY", "cursor-key")]).await
    }

    pub(crate) async fn start_with_table(provider: IdentityProvider, dynamo: Dynamo, key_type: &str) -> Self {
        Self::start_with_variables(provider, dynamo, key_type, &[]).await
    }

    /// Starts the function with other issuers than the provider.
    pub(crate) async fn start_with_issuers(
        provider: IdentityProvider,
        dynamo: Dynamo,
        issuers: &[TrustedIssuer],
    ) -> Self {
        Self::start_with_variables(provider, dynamo, "S", &[("ISSUERS", &issuer::to_json(issuers))]).await
    }

    /// Starts the function with more variables, which override the usual ones.
    pub(crate) async fn start_with_variables(
        provider: IdentityProvider,
        dynamo: Dynamo,
        key_type: &str,
        others: &[(&str, &str)],
    ) -> Self {
        let issuers = issuer::to_json(&[provider.trusted_issuer()]);
        let variables = [
            ("AWS_ENDPOINT_URL", dynamo.url()),
            ("ITEMS_TABLE", TABLE),
            ("KEY_NAME", "id"),
            ("KEY_TYPE", key_type),
            ("ISSUERS", &issuers),
            ("OPENAPI", "token"),
            ("STACK", "restctl"),
        ];
        let runtime = Runtime::start(BINARY, &[&variables, others].concat()).await;
        Self { provider, dynamo, runtime }
    }

    /// Stores an item with a string key and the attribute that a load adds.
    pub(crate) fn put_item(&self, id: &str, mut item: Value) {
        item["id"] = json!({"S": id});
        item["restctl:load"] = json!({"S": "2024-01-01T00:00:00.000Z/0123456789abcdef"});
        self.dynamo.put_item(TABLE, item);
    }

    pub(crate) async fn send(&self, request: &AlbRequest) -> AlbAnswer {
        self.send_event(&request.multi_value_event()).await
    }

    pub(crate) async fn send_event(&self, event: &Value) -> AlbAnswer {
        let answer = self.runtime.invoke(event).await.unwrap_or_else(|error| panic!("{error}"));
        AlbAnswer::from_function_answer(&answer)
    }

    /// Requests a path with a good token.
    pub(crate) async fn get(&self, path: &str) -> AlbAnswer {
        self.send(&AlbRequest::get(path).bearer(&self.provider.token())).await
    }

    /// Requests items by their ids with a good token.
    pub(crate) async fn batch_get(&self, ids: Value) -> AlbAnswer {
        let request = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ids}));
        self.send(&request.bearer(&self.provider.token())).await
    }

    /// Waits until `is_complete` accepts the function's output, and returns it.
    pub(crate) async fn wait_for_output(&self, is_complete: impl Fn(&str) -> bool) -> String {
        let wait = async {
            loop {
                let output = self.runtime.output();
                if is_complete(&output) {
                    return output;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let output = tokio::time::timeout(PATIENCE, wait).await;
        output.unwrap_or_else(|_| panic!("the output stays incomplete: {}", self.runtime.output()))
    }
}

/// Asserts that an answer is the problem `kind`, and returns it.
pub(crate) fn assert_problem(answer: &AlbAnswer, status: u16, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:restctl:problem:{kind}"));
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}

/// Asserts that CloudWatch takes every metric of a request's log line ("Specification: Embedded metric format", Amazon
/// CloudWatch User Guide; "Dimension" and "PutMetricData", Amazon CloudWatch API Reference). It drops others silently.
#[track_caller]
pub(crate) fn assert_metrics_are_accepted(line: &Value) {
    let metadata = &line["_aws"];
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
        - metadata["Timestamp"].as_i64().expect("the time in milliseconds");
    assert!((-7_200_000..=1_209_600_000).contains(&age), "at most 2 weeks old or 2 hours ahead: {line}");
    let name_is_valid = |name: &Value, longest: usize| {
        name.as_str().is_some_and(|name| {
            (1..=longest).contains(&name.len()) && !name.starts_with(':') && is_dimension_text(name)
        })
    };
    for directive in metadata["CloudWatchMetrics"].as_array().expect("a list of directives") {
        assert!(name_is_valid(&directive["Namespace"], 255), "{directive}");
        for set in directive["Dimensions"].as_array().expect("a list of sets") {
            let keys = set.as_array().expect("a set of keys");
            assert!(keys.len() <= 30, "{directive}");
            for key in keys {
                assert!(name_is_valid(key, 250), "{directive}");
                let value = line[key.as_str().unwrap()].as_str().expect("a dimension is a text");
                assert!((1..=1024).contains(&value.len()) && is_dimension_text(value), "{key}: {value}");
            }
        }
        let metrics = directive["Metrics"].as_array().expect("a list of metrics");
        assert!((1..=100).contains(&metrics.len()), "{directive}");
        for metric in metrics {
            assert!(name_is_valid(&metric["Name"], 255), "{directive}");
            assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()), "{directive}");
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}: {line}");
        }
    }
}

fn is_dimension_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && !text.trim().is_empty()
}
