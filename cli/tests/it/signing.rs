//! Requests to the emulator without restctl, signed with the access key of the local cloud.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::Value;

/// The headers of an earlier signature.
const SIGNATURE_HEADERS: [&str; 3] = ["authorization", "x-amz-date", "x-amz-security-token"];

/// Signs the request to `service` with the access key in a local cloud's record, as an AWS SDK does.
pub(crate) fn sign_request(request: &mut Request, service: &str, record: &Value) {
    let key = |member: &str| record["access_key"][member].as_str().unwrap().to_owned();
    let identity = Credentials::new(key("id"), key("secret"), None, None, "tests").into();
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let params = SigningParams::builder().identity(&identity).region("us-east-1").name(service);
    let params = params.time(SystemTime::now()).settings(settings).build().unwrap().into();
    for name in SIGNATURE_HEADERS {
        request.headers_mut().remove(name);
    }
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let body = match request.headers().get("x-amz-content-sha256") {
        Some(digest) => SignableBody::Precomputed(digest.to_str().unwrap().to_owned()),
        None => SignableBody::Bytes(body),
    };
    let url = request.url();
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let headers: Vec<_> = headers.chain([("host", host.as_str())]).collect();
    let signable =
        SignableRequest::new(request.method().as_str(), url.as_str(), headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let signature: Vec<(HeaderName, HeaderValue)> =
        instructions.headers().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    request.headers_mut().extend(signature);
}

/// Returns the service for which an SDK has signed the request: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
pub(crate) fn signed_service(request: &Request) -> String {
    let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
    let (_, scope) = authorization.split_once("Credential=").unwrap();
    scope.split('/').nth(3).unwrap().to_owned()
}
