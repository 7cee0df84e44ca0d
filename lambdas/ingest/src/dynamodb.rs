//! Calls of Amazon DynamoDB: JSON over HTTP, signed, as many at a time as the table takes.
//!
//! The typed SDK makes a map of strings of each item on its way out and in, which is two thirds of the CPU that a
//! load costs. The bodies are written and read by whoever makes the call.

mod backoff;
mod pace;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

pub(crate) use backoff::Backoff;
use pace::Pace;

use crate::error::{BoxError, Error};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// A call without an answer for so long is made again.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How often a call is made that finds the service down. One that is throttled is made until it is taken.
const ATTEMPTS: u32 = 8;

/// Error codes by which DynamoDB says that it is asked for more than the table gives ("Error handling with
/// DynamoDB", Amazon DynamoDB Developer Guide).
const THROTTLED: [&str; 3] =
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];

pub(crate) struct Dynamodb {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    region: String,
    credentials: SharedCredentialsProvider,
    pace: Pace,
    backoff: Backoff,
}

/// Why one attempt came to nothing.
enum Setback {
    Throttled,
    /// The service or the way there is out of order.
    Down(BoxError),
    /// The answer would be the same again.
    Final(Error),
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Dynamodb {
    pub(crate) fn new(config: &SdkConfig, backoff: Backoff) -> Result<Self, BoxError> {
        let region = config.region().ok_or("no region is set")?.to_string();
        let endpoint = config.endpoint_url().map_or_else(|| endpoint(&region), str::to_owned);
        let tls = rustls::crypto::aws_lc_rs::default_provider();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_provider_and_native_roots(tls)?;
        Ok(Self {
            http: Client::builder(TokioExecutor::new())
                .build(connector.https_or_http().enable_http1().wrap_connector(http)),
            endpoint: endpoint.parse()?,
            region,
            credentials: config.credentials_provider().ok_or("there are no credentials")?,
            pace: Pace::default(),
            backoff,
        })
    }

    /// Makes the call until it is answered, and returns the answer's body.
    ///
    /// # Errors
    /// [`Error::Refused`] where the request itself is at fault.
    pub(crate) async fn call(&self, operation: &'static str, body: Vec<u8>) -> Result<Bytes, Error> {
        let body = Bytes::from(body);
        let mut failures = 0;
        for attempt in 0.. {
            match self.attempt(operation, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(Setback::Final(error)) => return Err(error),
                Err(Setback::Throttled) => {}
                Err(Setback::Down(source)) => {
                    failures += 1;
                    if failures == ATTEMPTS {
                        return Err(Error::Service { operation, target: self.endpoint.to_string(), source });
                    }
                }
            }
            self.backoff.wait(attempt).await;
        }
        unreachable!("the attempts never end by themselves")
    }

    /// The table takes no more at the moment: it left some requests of a batch undone. Waits before the next.
    pub(crate) async fn slow_down(&self, attempt: u32) {
        self.pace.throttled();
        self.backoff.wait(attempt).await;
    }

    async fn attempt(&self, operation: &'static str, body: Bytes) -> Result<Bytes, Setback> {
        let _turn = self.pace.turn().await;
        let request = self.request(operation, body).await.map_err(Setback::Down)?;
        let exchange = async {
            let answer = self.http.request(request).await?;
            let status = answer.status();
            Ok::<_, BoxError>((status, answer.into_body().collect().await?.to_bytes()))
        };
        let answered = tokio::time::timeout(TIMEOUT, exchange).await;
        let (status, answer) =
            answered.map_err(|_| Setback::Down("no answer in time".into()))?.map_err(Setback::Down)?;
        if status == StatusCode::OK {
            self.pace.taken();
            return Ok(answer);
        }
        let setback = setback(operation, status, &answer);
        if let Setback::Throttled = &setback {
            self.pace.throttled();
        }
        Err(setback)
    }

    async fn request(&self, operation: &str, body: Bytes) -> Result<Request<Full<Bytes>>, BoxError> {
        let target = format!("DynamoDB_20120810.{operation}");
        let identity = self.credentials.provide_credentials().await?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("dynamodb")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", &target)];
        let uri = self.endpoint.to_string();
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(&body))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let request = Request::post(&self.endpoint).header("content-type", CONTENT_TYPE);
        let mut request = request.header("x-amz-target", &target).body(Full::new(body))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// What `operation` answered.
pub(crate) fn parse<'a, T: Deserialize<'a>>(operation: &'static str, answer: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| Error::answer(operation, error))
}

fn setback(operation: &'static str, status: StatusCode, answer: &[u8]) -> Setback {
    let ErrorBody { kind, message } = serde_json::from_slice(answer).unwrap_or_default();
    let code = kind.rsplit('#').next().unwrap_or_default();
    let source: BoxError = format!("{status} {code}: {message}").into();
    if THROTTLED.contains(&code) {
        Setback::Throttled
    } else if status.is_server_error() {
        Setback::Down(source)
    } else if code == "ValidationException" {
        Setback::Final(Error::Refused { operation, message })
    } else {
        Setback::Final(Error::Service { operation, target: "DynamoDB".to_owned(), source })
    }
}

/// "Amazon DynamoDB endpoints and quotas", AWS General Reference; China has a domain of its own.
fn endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://dynamodb.{region}.{domain}")
}
