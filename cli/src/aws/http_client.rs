//! The HTTP client of all calls to AWS, including those by which a profile signs in.

use std::error::Error;
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
use restctl_contract::issuer::is_loopback_host;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::answer::AnsweredBy;
use crate::failure::{AwsCause, Failure, FailureContext, Result};
use crate::network::certificate_refusal::{TRUST_THE_PROXY, is_certificate_refusal};
use crate::network::name_lookup::find_unknown_name;
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

/// Builds a client of an emulator on this machine, which is reached without TLS and without a proxy.
pub(super) fn build_plain_client() -> SharedHttpClient {
    SharedHttpClient::new(ExplainingClient { client: Builder::new().build_http() })
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

/// Marks each answer with its host. Replaces the error of a request that got no answer by a failure: what the host did, and what
/// to do about that.
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
                (Ok(mut answer), Ok(url)) => {
                    answer.add_extension(AnsweredBy(url.host_str().unwrap_or_default().to_owned()));
                    Ok(answer)
                }
                (Err(error), Ok(url)) if !error.is_user() => Err(explain_no_answer(error, &url).await),
                (answer, _) => answer,
            }
        })
    }
}

/// Returns an error of the same kind, on which it depends whether the request is sent again.
async fn explain_no_answer(error: ConnectorError, url: &Url) -> ConnectorError {
    let (failure, is_final) = match find_refusal(url).await {
        Some(refusal) => (refusal.failure, refusal.is_final),
        None => (describe_no_answer(&error, url).await, is_certificate_refusal(&error)),
    };
    let failure = failure.aws_cause((!is_final).then_some(AwsCause::Unreachable)).into();
    match error.as_other() {
        // An error of the user is final, and those of the network are not.
        _ if is_final => ConnectorError::user(failure),
        _ if error.is_timeout() => ConnectorError::timeout(failure),
        _ if error.is_io() => ConnectorError::io(failure),
        kind => ConnectorError::other(failure, kind),
    }
}

async fn describe_no_answer(error: &ConnectorError, url: &Url) -> Failure {
    let host = url.host_str().unwrap_or_default();
    if is_certificate_refusal(error) {
        return Failure::new(format!("{host} presents a certificate that is not trusted"))
            .because(error)
            .next(trust_advice());
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if let Some(unknown) = find_unknown_name(url).await {
        return Failure::new(format!("the name {} does not resolve", unknown.name))
            .because(&unknown.error)
            .next(
                "check the region (--region), this machine's network and its DNS;\n\
             if a proxy leads out of this network: export HTTPS_PROXY=http://HOST:PORT",
            );
    }
    let cause: &dyn Error = error.source().unwrap_or(error);
    let failure = Failure::new(format!("{host}:{port} does not answer")).because(cause);
    match is_loopback_host(host) {
        true => failure
            .next("check that the emulator is running there; for the local cloud: restctl local status"),
        false => failure.next(
            "run the same command again, because the cause may be temporary;\n\
             if it stays, check this machine's network, and whether a firewall closes the way to that host",
        ),
    }
}
