//! The API's endpoint: reached at the load balancer's address, verified by the certificate's name.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use restctl_contract::api::Problem;
use restctl_contract::stack::Certificate;
use restctl_contract::template::{output as stack_output, parameter};
use serde::{Deserialize, Serialize};

use crate::api::trust::{EndpointVerifier, build_tls_config};
use crate::aws::cloudformation::{self, Stack};
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::settings;
use crate::local::LOCALHOST;
use crate::network::certificate_refusal::{TRUST_THE_PROXY, is_certificate_refusal};
use crate::network::page_text::first_line;
use crate::network::proxy::Proxy;
use crate::network::relay::Relay;

/// The port of the listener in `templates/stack.yaml`.
const HTTPS_PORT: u16 = 443;

/// Finds out why the API refuses the cached token. It may be good: after a rotation, the issuer's keys may reach the API later.
pub(crate) const EXPLAIN_TOKEN: &str = "restctl token explain;\n\
    if all its checks pass, the API may lack the issuer's newest keys, which it fetches at most once a minute: try again then";

pub(super) const USER_AGENT: &str = concat!("restctl/", env!("CARGO_PKG_VERSION"));

/// From the request to the end of its answer.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the API is and how to verify it: all that is needed to connect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Location {
    /// The DNS name to request and to verify; the certificate has it.
    pub(crate) name: String,
    /// The host that serves it: the load balancer's own DNS name, or the local cloud's TLS front.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The trust anchor of the certificate that `setup` imported, PEM.
    pub(crate) anchor: String,
    /// SHA-256 of that certificate's DER, lower-case hexadecimal.
    pub(crate) fingerprint: String,
    /// The attribute that identifies an item.
    pub(crate) key: String,
    /// `setup` has imported a certificate under an ARN that is not deployed yet.
    awaits_deployment: bool,
}

impl Location {
    pub(crate) async fn look_up(context: &Context) -> Result<Self> {
        let aws = context.aws().await?;
        let (certificate, stack) = tokio::try_join!(
            settings::require_certificate(aws, &context.stack),
            cloudformation::find_deployed(aws, &context.stack),
        )?;
        Self::from_stack(context, &stack, &certificate)
    }

    pub(crate) fn from_stack(context: &Context, stack: &Stack, certificate: &Certificate) -> Result<Self> {
        let (name, host, port) = match &context.local {
            Some(local) => {
                let stack_name = stack.name().parse().map_err(|why: String| Failure::new(why))?;
                let address = local.front_address(&stack_name)?;
                (local.endpoint_name(certificate), address.ip().to_string(), address.port())
            }
            None => {
                let host = stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?;
                (certificate.name.as_str(), host.to_owned(), HTTPS_PORT)
            }
        };
        let deployed = stack.parameter(parameter::CERTIFICATE_ARN);
        Ok(Self {
            name: domain(stack).unwrap_or(name).to_owned(),
            host,
            port,
            anchor: certificate.anchor.clone(),
            fingerprint: certificate.fingerprint.clone(),
            key: stack.output(stack_output::KEY_NAME)?.to_owned(),
            awaits_deployment: deployed.is_some_and(|arn| arn != certificate.arn),
        })
    }

    /// Returns `https://NAME`, with the port if it is not 443.
    pub(crate) fn base_url(&self) -> String {
        match self.port {
            HTTPS_PORT => format!("https://{}", self.name),
            port => format!("https://{}:{port}", self.name),
        }
    }

    /// Returns the command that sends a GET request for `path` to the local cloud with curl. It trusts the file `ca.pem`, and
    /// `token_command` prints its token.
    pub(crate) fn curl_command(&self, path: &str, token_command: &str) -> String {
        let Self { name, host, port, .. } = self;
        let resolve =
            if name == LOCALHOST { String::new() } else { format!("--resolve {name}:{port}:{host} ") };
        let header = format!("-H \"Authorization: Bearer $({token_command})\"");
        format!("curl --cacert ca.pem {resolve}{header} {}{path}", self.base_url())
    }

    /// Describes a request to `address` that got no answer.
    pub(crate) fn no_answer_failure(&self, address: &str, error: &(dyn Error + 'static)) -> Failure {
        let failure = Failure::new(format!("the API does not answer at {address}")).because(error);
        let is_refusal = is_certificate_refusal(error);
        let next = match (is_refusal, self.awaits_deployment) {
            (true, true) => "the endpoint still serves the previous certificate: restctl deploy",
            (true, false) => {
                "the endpoint does not serve the certificate imported last: restctl setup, then restctl deploy"
            }
            (false, _) => {
                "run the same command again, because the cause may be temporary; if it stays: restctl doctor"
            }
        };
        match self.proxy() {
            Ok(Some(_)) if is_refusal => failure.next(format!("{next};\n{TRUST_THE_PROXY}")),
            _ => failure.next(next),
        }
    }

    /// Returns the proxy on the way to the endpoint. `None` if there is none, or if `NO_PROXY` has the name or the host.
    pub(crate) fn proxy(&self) -> Result<Option<Proxy>> {
        Ok(Proxy::on_the_way_to(&self.host)?.filter(|proxy| proxy.is_on_the_way_to(&self.name)))
    }

    /// Resolves the host.
    pub(crate) async fn resolve_addresses(&self) -> Result<Vec<SocketAddr>> {
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses = addresses.context(format!("cannot resolve the load balancer's name {}", self.host));
        Ok(addresses
            .map_err(|failure| {
                failure
                    .next("wait a minute or two, until DNS knows a new load balancer's name, and try again")
            })?
            .collect())
    }
}

#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) base_url: String,
    pub(crate) client: reqwest::Client,
    pub(crate) location: Location,
    /// What the client connects to if there is a proxy.
    _relay: Option<Arc<Relay>>,
}

impl Endpoint {
    pub(crate) async fn look_up(context: &Context) -> Result<Self> {
        Self::from_location(Location::look_up(context).await?).await
    }

    /// Builds a client that requests the certificate's name at the load balancer's address: the API can be called, and its
    /// name verified, before any DNS record points there.
    pub(crate) async fn from_location(location: Location) -> Result<Self> {
        let verifier = Arc::new(EndpointVerifier::new(&location.anchor)?);
        let builder = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(build_tls_config(verifier, &[b"h2", b"http/1.1"])?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(ANSWER_TIMEOUT)
            .user_agent(USER_AGENT);
        let (builder, relay) = match location.proxy()? {
            Some(proxy) => {
                let relay = Relay::start(proxy, &location.host, location.port).await?;
                (builder.unix_socket(relay.socket()), Some(Arc::new(relay)))
            }
            None => (builder.resolve_to_addrs(&location.name, &location.resolve_addresses().await?), None),
        };
        let client = builder.build().context("the HTTP client does not start")?;
        Ok(Self { base_url: location.base_url(), client, location, _relay: relay })
    }

    /// Calls [`Location::no_answer_failure`] of this endpoint's location.
    pub(crate) fn no_answer_failure(&self, address: &str, error: &reqwest::Error) -> Failure {
        self.location.no_answer_failure(address, error)
    }
}

/// Returns the name whose DNS record points to the load balancer. `None` if the stack has no such record.
pub(crate) fn domain(stack: &Stack) -> Option<&str> {
    stack.parameter(parameter::DOMAIN).filter(|domain| !domain.is_empty())
}

/// Describes an answer of the API whose status is an error.
pub(crate) fn parse_refusal(status: StatusCode, body: &[u8]) -> Failure {
    let failure = Failure::new(format!("the API answered {status}"));
    let failure = match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => failure.why(problem.detail.unwrap_or(problem.title)),
        Err(_) => failure.why_lines(first_line("", body)),
    };
    match status.as_u16() {
        401 => failure
            .exit(Exit::Authentication)
            .next(format!("compare the token with the settings: {EXPLAIN_TOKEN}")),
        403 => failure
            .exit(Exit::Authentication)
            .next("compare the token with the settings: restctl token explain"),
        404 => failure.exit(Exit::NotFound),
        429 | 503 => failure.next("run the same command again; the cause is temporary"),
        500..=504 => failure.next(
            "run the same command again, because the cause may be temporary; if it stays: restctl logs",
        ),
        _ => failure,
    }
}

/// Fails if something in between has answered in place of the API, which answers with JSON. Its load balancer has pages for
/// server errors.
pub(crate) fn check_sender(
    address: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<()> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if status.is_server_error() || is_json(content_type) {
        return Ok(());
    }
    let why = match first_line(content_type, body) {
        Some(words) => format!("it answered {status} with the text \"{words}\""),
        None => format!("it answered {status} without JSON"),
    };
    Err(Failure::new(format!("something else than the API has answered at {address}")).why(why).next(
        "ask the administrator of the proxy or firewall in between to allow this address;\n\
         or, if this network asks for that in a browser, sign in to it",
    ))
}

/// Whether this is a media type of the API: its problem documents have one of their own (RFC 9457, section 3).
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const NAME: &str = "api.example.com";

    /// Starts a TLS server with its own certificate, and returns its port.
    async fn serve_another_certificate() -> u16 {
        let own = generate_simple_self_signed([NAME.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(acceptor.accept(stream).await);
            }
        });
        port
    }

    async fn failure_at(port: u16, awaits_deployment: bool) -> String {
        let location = Location {
            name: NAME.to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
            anchor: generate_simple_self_signed([NAME.to_owned()]).unwrap().cert.pem(),
            fingerprint: String::new(),
            key: "id".to_owned(),
            awaits_deployment,
        };
        let endpoint = Endpoint::from_location(location).await.unwrap();
        let error = endpoint.client.get(&endpoint.base_url).send().await.unwrap_err();
        endpoint.no_answer_failure(&endpoint.base_url, &error).to_string()
    }

    #[test]
    fn a_page_is_not_an_answer_of_the_api() {
        let check = |status: u16, content_type: &str, body: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
            check_sender("https://api.example.com/v1", status.try_into().unwrap(), &headers, body.as_bytes())
        };
        for status in [200, 403, 404] {
            let failure = check(status, "text/html", "<title>Sign in</title>").unwrap_err().to_string();
            assert!(failure.contains("with the text \"Sign in\""), "{failure}");
            assert!(failure.contains("something else than the API"), "{failure}");
        }
        assert!(check(200, "application/json; charset=utf-8", "{}").is_ok());
        assert!(check(404, "Application/Problem+JSON", "{}").is_ok());
        // The load balancer's own.
        assert!(check(502, "text/html", "<h1>502 Bad Gateway</h1>").is_ok());
        let failure =
            parse_refusal(StatusCode::BAD_GATEWAY, b"<html><h1>502 Bad Gateway</h1></html>").to_string();
        assert!(failure.contains("502 Bad Gateway") && failure.contains("restctl logs"), "{failure}");
    }

    #[tokio::test]
    async fn a_refused_certificate_is_told_apart_from_no_answer() {
        let port = serve_another_certificate().await;
        let failure = failure_at(port, false).await;
        assert!(failure.contains("restctl setup, then restctl deploy"), "{failure}");
        let failure = failure_at(port, true).await;
        assert!(failure.contains("still serves the previous certificate"), "{failure}");
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let failure = failure_at(nobody, false).await;
        assert!(failure.contains("the cause may be temporary"), "{failure}");
    }
}
