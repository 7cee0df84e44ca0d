//! The HTTP client of all calls to AWS, including those by which a profile signs in.

use std::ffi::OsString;
use std::path::Path;
use std::{env, fs};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use reqwest::Url;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::failure::{Failure, FailureContext, Result};
use crate::network::certificate_refusal::TRUST_THE_PROXY;
use crate::network::proxy::{self, Proxy};
use crate::network::tunnel::find_refusal;

/// The file with the authorities that the AWS CLI trusts instead of the system's ("Environment variables to configure the AWS
/// CLI", AWS CLI User Guide).
const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// Builds the client. It uses the proxy that the environment names.
pub(super) fn build_client() -> Result<SharedHttpClient> {
    let proxy = Proxy::from_environment()?.as_ref().map(build_proxy_config).transpose()?;
    let context = TlsContext::builder().with_trust_store(read_trust_store()?).build();
    let context = context.context("cannot set up TLS")?;
    let client = Builder::new().build_with_connector_fn(move |settings, _| {
        let mut connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_proxy_config(proxy.clone());
        connector.build()
    });
    Ok(SharedHttpClient::new(ExplainingClient { client }))
}

fn build_proxy_config(proxy: &Proxy) -> Result<ProxyConfig> {
    let config = ProxyConfig::https(proxy.url.as_str()).map_err(|_| proxy::unusable(proxy.variable))?;
    Ok(config.no_proxy(&proxy.exceptions))
}

/// Returns the file of `AWS_CA_BUNDLE`, if there is one.
fn chosen_bundle() -> Option<OsString> {
    env::var_os(AWS_CA_BUNDLE).filter(|file| !file.is_empty())
}

/// Returns what to do about a certificate that is not trusted.
pub(super) fn trust_advice() -> String {
    match chosen_bundle() {
        Some(_) => format!(
            "if a proxy opens TLS connections here, add its authority to the file that {AWS_CA_BUNDLE} names"
        ),
        None => TRUST_THE_PROXY.to_owned(),
    }
}

fn read_trust_store() -> Result<TrustStore> {
    let Some(file) = chosen_bundle() else { return Ok(TrustStore::default()) };
    let pem = read_bundle(Path::new(&file))
        .map_err(|failure| failure.next(format!("correct {AWS_CA_BUNDLE}, or unset it")))?;
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

/// Reads a bundle of certificates. The SDK's client panics if it is given another file.
fn read_bundle(file: &Path) -> Result<Vec<u8>> {
    let what = format!("cannot read the certificates of {AWS_CA_BUNDLE} in {}", file.display());
    let pem = fs::read(file).context(&what)?;
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        authorities.add(certificate.context(&what)?).context(&what)?;
    }
    if authorities.is_empty() {
        return Err(Failure::new(what).why("it contains none"));
    }
    Ok(pem)
}

/// Replaces the error of a request that a proxy refused by what the proxy answered.
#[derive(Debug)]
struct ExplainingClient {
    client: SharedHttpClient,
}

impl HttpClient for ExplainingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(ExplainingConnector { connector })
    }
}

#[derive(Debug)]
struct ExplainingConnector {
    connector: SharedHttpConnector,
}

impl HttpConnector for ExplainingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = Url::parse(request.uri());
        let answer = self.connector.call(request);
        HttpConnectorFuture::new(async move {
            match (answer.await, url) {
                (Err(error), Ok(url)) if error.is_io() || error.is_timeout() => {
                    Err(match find_refusal(&url).await {
                        None => error,
                        // An error of the user is final, and those of the network are not.
                        Some(refusal) if refusal.is_final => ConnectorError::user(refusal.failure.into()),
                        Some(refusal) if error.is_timeout() => {
                            ConnectorError::timeout(refusal.failure.into())
                        }
                        Some(refusal) => ConnectorError::io(refusal.failure.into()),
                    })
                }
                (answer, _) => answer,
            }
        })
    }
}
