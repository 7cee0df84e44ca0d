//! Calls of a service that speaks AWS's JSON protocol.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, Uri};
use serde::Deserialize;

use crate::BoxError;
use crate::environment::Environment;
use crate::https::HttpsClient;

/// The error codes of a throttled call ("Error handling with DynamoDB", Amazon DynamoDB Developer Guide).
const THROTTLING_CODES: [&str; 3] =
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];

/// One AWS service in one region.
pub struct Service {
    https: HttpsClient,
    endpoint: Uri,
    region: String,
    credentials: Credentials,
    protocol: Protocol,
    timeout: Duration,
}

/// The part of the protocol that differs from service to service.
struct Protocol {
    signing_name: &'static str,
    /// What the header `x-amz-target` names before the operation.
    target_prefix: &'static str,
    content_type: &'static str,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("{operation} was throttled")]
    Throttled { operation: &'static str, source: BoxError },
    /// The service failed, or the connection to it.
    #[error("{operation} failed")]
    Unavailable { operation: &'static str, source: BoxError },
    /// The service would refuse the same request again.
    #[error("{operation} was refused: {code}: {message}")]
    Refused { operation: &'static str, code: ErrorCode, message: String },
}

/// A service's name for the reason why it refuses a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorCode {
    /// `ValidationException`: the request's own content is invalid.
    Validation,
    Other(String),
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorCode::Validation => f.write_str("ValidationException"),
            ErrorCode::Other(code) => f.write_str(code),
        }
    }
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Service {
    /// Returns a client of Amazon DynamoDB. A call without an answer within `timeout` fails.
    ///
    /// # Errors
    /// If the endpoint is not a URL.
    pub fn dynamodb(
        https: HttpsClient,
        environment: &Environment,
        timeout: Duration,
    ) -> Result<Self, BoxError> {
        let protocol = Protocol {
            signing_name: "dynamodb",
            target_prefix: "DynamoDB_20120810",
            content_type: "application/x-amz-json-1.0",
        };
        Self::new(https, environment, protocol, timeout)
    }

    /// Returns a client of AWS Secrets Manager, as [`Self::dynamodb`].
    ///
    /// # Errors
    /// As [`Self::dynamodb`].
    pub fn secrets_manager(
        https: HttpsClient,
        environment: &Environment,
        timeout: Duration,
    ) -> Result<Self, BoxError> {
        let protocol = Protocol {
            signing_name: "secretsmanager",
            target_prefix: "secretsmanager",
            content_type: "application/x-amz-json-1.1",
        };
        Self::new(https, environment, protocol, timeout)
    }

    fn new(
        https: HttpsClient,
        environment: &Environment,
        protocol: Protocol,
        timeout: Duration,
    ) -> Result<Self, BoxError> {
        let Environment { region, credentials, endpoint_url } = environment.clone();
        let endpoint =
            endpoint_url.unwrap_or_else(|| regional_endpoint(protocol.signing_name, &region)).parse()?;
        Ok(Self { https, endpoint, region, credentials, protocol, timeout })
    }

    /// Makes the call once and returns the answer's body.
    ///
    /// # Errors
    /// If there is no answer, or if it is an error.
    pub async fn call(&self, operation: &'static str, body: Bytes) -> Result<Bytes, CallError> {
        let unavailable = |source| CallError::Unavailable { operation, source };
        let request = self.sign_request(operation, body).map_err(unavailable)?;
        let sent = tokio::time::timeout(self.timeout, self.send_request(request)).await;
        let (status, answer) =
            sent.map_err(|_| unavailable("no answer in time".into()))?.map_err(unavailable)?;
        if status == StatusCode::OK { Ok(answer) } else { Err(parse_error(operation, status, &answer)) }
    }

    /// Opens a connection for the next call and ignores errors, since that call would report them.
    pub async fn connect(&self) {
        if let Ok(request) = Request::get(&self.endpoint).body(Full::default()) {
            let _ = tokio::time::timeout(self.timeout, self.send_request(request)).await;
        }
    }

    async fn send_request(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), BoxError> {
        let answer = self.https.request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    fn sign_request(&self, operation: &str, body: Bytes) -> Result<Request<Full<Bytes>>, BoxError> {
        let target = format!("{}.{operation}", self.protocol.target_prefix);
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

fn parse_error(operation: &'static str, status: StatusCode, answer: &[u8]) -> CallError {
    let ErrorBody { kind, message } = serde_json::from_slice(answer).unwrap_or_default();
    let code = kind.rsplit('#').next().unwrap_or_default();
    let source = || match (code, &*message) {
        ("", "") => status.to_string().into(),
        _ => format!("{status} {code}: {message}").into(),
    };
    if THROTTLING_CODES.contains(&code) {
        CallError::Throttled { operation, source: source() }
    } else if status.is_server_error() {
        CallError::Unavailable { operation, source: source() }
    } else {
        let code = match code {
            "ValidationException" => ErrorCode::Validation,
            "" => ErrorCode::Other(status.to_string()),
            code => ErrorCode::Other(code.to_owned()),
        };
        CallError::Refused { operation, code, message }
    }
}

/// "Service endpoints and quotas", AWS General Reference. China has a domain of its own.
fn regional_endpoint(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{service}.{region}.{domain}")
}
