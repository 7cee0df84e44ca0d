//! One service that speaks AWS's JSON protocol.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, Uri};
use serde::Deserialize;

use crate::{BoxError, Environment, Https};

/// Error codes by which a service says that it is asked for more than it gives ("Error handling with DynamoDB",
/// Amazon DynamoDB Developer Guide).
const THROTTLED: [&str; 3] =
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];

pub struct Service {
    https: Https,
    endpoint: Uri,
    region: String,
    credentials: Credentials,
    protocol: Protocol,
    timeout: Duration,
}

/// What is the service's own about the protocol.
struct Protocol {
    signing_name: &'static str,
    /// Of the header `x-amz-target`, before the operation.
    target: &'static str,
    content_type: &'static str,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Setback {
    #[error("{operation} is throttled: {source}")]
    Throttled { operation: &'static str, source: BoxError },
    /// The service or the way there is out of order.
    #[error("{operation}: {source}")]
    Down { operation: &'static str, source: BoxError },
    /// The answer would be the same again. `code` is the service's, as in `ValidationException`.
    #[error("{operation} is refused: {code}: {message}")]
    Refused { operation: &'static str, code: String, message: String },
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Service {
    /// Amazon DynamoDB. A call without an answer within `timeout` counts as failed.
    ///
    /// # Errors
    /// If the endpoint is no address.
    pub fn dynamodb(https: Https, environment: &Environment, timeout: Duration) -> Result<Self, BoxError> {
        let protocol = Protocol {
            signing_name: "dynamodb",
            target: "DynamoDB_20120810",
            content_type: "application/x-amz-json-1.0",
        };
        Self::new(https, environment, protocol, timeout)
    }

    /// AWS Secrets Manager, as [`Self::dynamodb`].
    ///
    /// # Errors
    /// As [`Self::dynamodb`].
    pub fn secrets_manager(
        https: Https,
        environment: &Environment,
        timeout: Duration,
    ) -> Result<Self, BoxError> {
        let protocol = Protocol {
            signing_name: "secretsmanager",
            target: "secretsmanager",
            content_type: "application/x-amz-json-1.1",
        };
        Self::new(https, environment, protocol, timeout)
    }

    fn new(
        https: Https,
        environment: &Environment,
        protocol: Protocol,
        timeout: Duration,
    ) -> Result<Self, BoxError> {
        let Environment { region, credentials, endpoint_url } = environment.clone();
        let endpoint = endpoint_url.unwrap_or_else(|| endpoint(protocol.signing_name, &region)).parse()?;
        Ok(Self { https, endpoint, region, credentials, protocol, timeout })
    }

    /// Makes the call once, and returns the answer's body.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn call(&self, operation: &'static str, body: Bytes) -> Result<Bytes, Setback> {
        let down = |source| Setback::Down { operation, source };
        let request = self.request(operation, body).map_err(down)?;
        let answered = tokio::time::timeout(self.timeout, self.exchange(request)).await;
        let (status, answer) = answered.map_err(|_| down("no answer in time".into()))?.map_err(down)?;
        if status == StatusCode::OK { Ok(answer) } else { Err(setback(operation, status, &answer)) }
    }

    /// Opens a connection for the first call to come, and checks nothing: that call would find out.
    pub async fn connect(&self) {
        if let Ok(request) = Request::get(&self.endpoint).body(Full::default()) {
            let _ = tokio::time::timeout(self.timeout, self.exchange(request)).await;
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), BoxError> {
        let answer = self.https.request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    fn request(&self, operation: &str, body: Bytes) -> Result<Request<Full<Bytes>>, BoxError> {
        let target = format!("{}.{operation}", self.protocol.target);
        let content_type = self.protocol.content_type;
        let identity = self.credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.protocol.signing_name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", content_type), ("x-amz-target", &target)];
        let uri = self.endpoint.to_string();
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(&body))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let request = Request::post(&self.endpoint).header("content-type", content_type);
        let mut request = request.header("x-amz-target", &target).body(Full::new(body))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

fn setback(operation: &'static str, status: StatusCode, answer: &[u8]) -> Setback {
    let ErrorBody { kind, message } = serde_json::from_slice(answer).unwrap_or_default();
    let code = kind.rsplit('#').next().unwrap_or_default();
    let source = || format!("{status} {code}: {message}").into();
    if THROTTLED.contains(&code) {
        Setback::Throttled { operation, source: source() }
    } else if status.is_server_error() {
        Setback::Down { operation, source: source() }
    } else {
        let code = if code.is_empty() { status.to_string() } else { code.to_owned() };
        Setback::Refused { operation, code, message }
    }
}

/// "Service endpoints and quotas", AWS General Reference; China has a domain of its own.
fn endpoint(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{service}.{region}.{domain}")
}
