//! A server between restctl and the local cloud, which answers some calls in place of the cloud: as AWS would, if the local
//! cloud is too fast or too lenient.

use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;

use crate::cloud::{Cloud, RECORD};
use crate::loopback_server::serve_until_exit;
use crate::signing::{sign_request, signed_service};

type Answer = Box<dyn Fn(&Call) -> Option<String> + Send + Sync>;

/// The answer with the status 403, as S3 gives it for a bucket of another account.
pub(crate) const FORBIDDEN: &str = "<Error><Code>AccessDenied</Code></Error>";

pub(crate) struct Call {
    pub(crate) uri: String,
    /// The operation, in the JSON protocols.
    pub(crate) target: String,
    /// A form in the query protocol, otherwise JSON.
    pub(crate) body: String,
}

impl Call {
    /// Whether this is a call of that action in the query protocol.
    pub(crate) fn is_action(&self, action: &str) -> bool {
        self.body.split('&').any(|part| part.strip_prefix("Action=") == Some(action))
    }

    /// Returns a parameter of a call in the query protocol.
    pub(crate) fn query_parameter(&self, name: &str) -> String {
        let value = self.body.split('&').find_map(|part| part.split_once('=').filter(|(it, _)| *it == name));
        value.unwrap().1.replace("%3A", ":").replace("%2F", "/")
    }
}

/// A gate at which calls wait until a test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait_until_open(&self) {
        let is_open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(is_open, |is_open| !*is_open).unwrap());
    }
}

struct Front {
    /// The record of the cloud that stands behind.
    record: Value,
    client: reqwest::Client,
    answer: Answer,
}

async fn answer_or_pass_on(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Bytes) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let call = Call {
        uri: uri.to_string(),
        target: target.unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    // The answer may wait, and other calls must not wait for it.
    let answering = Arc::clone(&front);
    let answer = tokio::task::spawn_blocking(move || (answering.answer)(&call)).await.unwrap();
    if let Some(answer) = answer {
        // Only errors have this member, or this element.
        let status = match answer.as_str() {
            // S3's answer to HEAD has no body.
            FORBIDDEN => StatusCode::FORBIDDEN,
            text if text.contains("__type") || text.starts_with("<ErrorResponse>") => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        return (status, HeaderMap::new(), answer.into());
    }
    let endpoint = front.record["endpoint_url"].as_str().unwrap().trim_end_matches('/');
    let mut request = front.client.request(method, format!("{endpoint}{uri}")).body(body);
    let is_end_to_end =
        |name: &str| !["host", "content-length", "transfer-encoding", "connection"].contains(&name);
    for (name, value) in headers.iter().filter(|(name, _)| is_end_to_end(name.as_str())) {
        request = request.header(name, value);
    }
    // The signature covers the host, which is another one now.
    let mut request = request.build().unwrap();
    let service = signed_service(&request);
    sign_request(&mut request, &service, &front.record);
    let passed_on = front.client.execute(request).await.unwrap();
    let (status, headers) = (passed_on.status(), passed_on.headers().clone());
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    let headers = headers.filter(|(name, _)| is_end_to_end(name.as_str())).collect();
    (status, headers, passed_on.bytes().await.unwrap())
}

/// Lets `answer` answer the calls of `cloud` from now on. If it returns `None`, the cloud answers.
pub(crate) fn interpose(cloud: &Cloud, answer: impl Fn(&Call) -> Option<String> + Send + Sync + 'static) {
    let mut record: Value = cloud.record();
    let front = Arc::new(Front {
        record: record.clone(),
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        answer: Box::new(answer),
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    record["endpoint_url"] = format!("http://{}", listener.local_addr().unwrap()).into();
    let routes =
        Router::new().fallback(answer_or_pass_on).layer(DefaultBodyLimit::disable()).with_state(front);
    serve_until_exit(listener, routes);
    std::fs::write(cloud.state_folder().join(RECORD), record.to_string()).unwrap();
}
