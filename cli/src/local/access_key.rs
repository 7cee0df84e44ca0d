//! The access key of the local cloud, without which the emulator answers nobody.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, Request};
use serde::{Deserialize, Serialize};

use super::random::random_hex;
use crate::failure::{FailureContext, Result};

/// The emulator takes any region; other tools sign for the one that `restctl local env` prints.
pub(crate) const REGION: &str = "us-east-1";

/// Where the front puts its own signature: the `Authorization` header belongs to the API's client.
const FRONT_AUTHORIZATION: HeaderName = HeaderName::from_static("x-restctl-authorization");
const FRONT_DATE: HeaderName = HeaderName::from_static("x-restctl-date");

/// An access key as AWS has them, made anew for each local cloud.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl AccessKey {
    pub(crate) fn generate() -> Result<Self> {
        Ok(Self { id: format!("LOCAL{}", random_hex::<8>()?.to_uppercase()), secret: random_hex::<32>()? })
    }

    pub(crate) fn to_credentials(&self) -> Credentials {
        Credentials::new(&self.id, &self.secret, None, None, "the local cloud")
    }

    /// Signs a request of the front: its method, path, query, host and body. The other headers are the client's.
    pub(crate) fn sign_front_request<B: AsRef<[u8]>>(&self, request: &mut Request<B>) -> Result<()> {
        let doing = "cannot sign a request to the emulator";
        let identity = self.to_credentials().into();
        let mut settings = SigningSettings::default();
        // As S3's signatures do, which cover the path as it is. Those of other services normalize it.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .context(doing)?
            .into();
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let uri = request.uri().to_string();
        let signable = SignableRequest::new(
            request.method().as_str(),
            &uri,
            [("host", host)].into_iter(),
            SignableBody::Bytes(request.body().as_ref()),
        );
        let (instructions, _) = sign(signable.context(doing)?, &params).context(doing)?.into_parts();
        for (name, value) in instructions.headers() {
            let name = match name {
                "x-amz-date" => FRONT_DATE,
                name if name == AUTHORIZATION => FRONT_AUTHORIZATION,
                _ => continue,
            };
            request.headers_mut().insert(name, value.parse().context(doing)?);
        }
        Ok(())
    }
}
