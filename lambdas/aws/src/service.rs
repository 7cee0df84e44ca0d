//! Calls of a service that speaks AWS's JSON protocol.

mod answer_limit;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::{Request, StatusCode, Uri};
use serde::Deserialize;

use self::answer_limit::{AnswerLimit, read_body};
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
    answers: Option<AnswerLimit>,
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
        let endpoint = environment.endpoint_url(protocol.signing_name).parse()?;
        let Environment { region, credentials, .. } = environment.clone();
        Ok(Self { https, endpoint, region, credentials, protocol, timeout, answers: None })
    }

    /// Lets the bodies of all answers together have at most `bytes` bytes of memory. An answer that is larger has all of
    /// it alone. Until there is room, the rest of an answer stays on its connection.
    ///
    /// Drop an answer before the next call: the call may wait for its room.
    #[must_use]
    pub fn limit_answers(self, bytes: u32) -> Self {
        Self { answers: Some(AnswerLimit::new(bytes)), ..self }
    }

    /// Makes the call once and returns the answer's body.
    ///
    /// # Errors
    /// If there is no answer, or if it is an error.
    pub async fn call(&self, operation: &'static str, body: Bytes) -> Result<Bytes, CallError> {
        let unavailable = |source| CallError::Unavailable { operation, source };
        let request = self.sign_request(operation, body).map_err(unavailable)?;
        let (status, answer) = self.send_request(request).await.map_err(unavailable)?;
        if status == StatusCode::OK { Ok(answer) } else { Err(parse_error(operation, status, &answer)) }
    }

    /// Opens a connection for the next call and ignores errors, since that call would report them.
    pub async fn connect(&self) {
        if let Ok(request) = Request::get(&self.endpoint).body(Full::default()) {
            let _ = self.send_request(request).await;
        }
    }

    async fn send_request(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), BoxError> {
        let began = Instant::now();
        let answer = within(self.timeout, self.https.request(request)).await?;
        let (status, body) = (answer.status(), answer.into_body());
        let (share, time_left) = match &self.answers {
            // Waiting for room is nobody's delay.
            Some(limit) => (Some(limit.reserve(body.size_hint().upper()).await?), self.timeout),
            None => (None, self.timeout.saturating_sub(began.elapsed())),
        };
        let bytes = within(time_left, read_body(body)).await?;
        Ok(match share {
            Some(share) => (status, share.into_answer(bytes)),
            None => (status, bytes.into()),
        })
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

async fn within<T, E: Into<BoxError>>(
    time: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    tokio::time::timeout(time, work).await.map_err(|_| "no answer in time")?.map_err(Into::into)
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
