//! The API's endpoint: reached at the load balancer, verified by the certificate's name.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Certificate as TrustedCertificate;
use restctl_contract::api::Problem;
use restctl_contract::stack::Certificate;
use restctl_contract::template::{output as stack_output, parameter};

use crate::aws::cloudformation::{self, Stack};
use crate::context::Context;
use crate::failure::{During, Exit, Failure, Result};
use crate::settings;

/// The port of the listener in `templates/stack.yaml`.
const HTTPS_PORT: u16 = 443;

pub(crate) struct Endpoint {
    pub(crate) base_url: String,
    pub(crate) client: reqwest::Client,
    /// `setup` has imported a certificate under another ARN than the one deployed.
    awaits_deployment: bool,
}

/// The name that leads to the load balancer; one of the certificate's.
fn name<'a>(stack: &'a Stack, certificate: &'a Certificate) -> &'a str {
    stack.parameter(parameter::DOMAIN).filter(|domain| !domain.is_empty()).unwrap_or(&certificate.name)
}

/// `https://NAME`, with the port where it is not HTTPS's own.
pub(crate) fn base_url(context: &Context, stack: &Stack, certificate: &Certificate) -> String {
    match &context.local {
        Some(local) => format!("https://{}:{}", name(stack, certificate), local.front.port()),
        None => format!("https://{}", name(stack, certificate)),
    }
}

impl Endpoint {
    /// A client that asks for the certificate's name at the load balancer's address, so that the API can be called,
    /// and its name verified, before any DNS record points there. It trusts the system's roots and what vouches for
    /// the certificate that `setup` imported.
    pub(crate) async fn find(context: &Context) -> Result<Self> {
        let (certificate, stack) = tokio::try_join!(
            settings::require_certificate(&context.aws, &context.stack),
            cloudformation::deployed(&context.aws, &context.stack),
        )?;
        let addresses = match &context.local {
            Some(local) => vec![local.front],
            None => resolve(stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?).await?,
        };
        let trusted = TrustedCertificate::from_pem(certificate.anchor.as_bytes());
        let trusted = trusted.during("the certificate that setup stored cannot be read")?;
        let mut builder = reqwest::Client::builder()
            .resolve_to_addrs(name(&stack, &certificate), &addresses)
            .tls_certs_merge([trusted])
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .user_agent(concat!("restctl/", env!("CARGO_PKG_VERSION")));
        if context.local.is_some() {
            builder = builder.no_proxy();
        }
        let client = builder.build().during("the HTTP client does not start")?;
        let deployed = stack.parameter(parameter::CERTIFICATE_ARN);
        let awaits_deployment = deployed.is_some_and(|arn| arn != certificate.arn);
        Ok(Self { base_url: base_url(context, &stack, &certificate), client, awaits_deployment })
    }

    /// The API gave no answer at all.
    pub(crate) fn no_answer(&self, address: &str, error: &reqwest::Error) -> Failure {
        let refused_certificate = format!("{error:?}").contains("InvalidCertificate");
        let failure = Failure::new(format!("the API does not answer at {address}")).because(error);
        failure.next(match (refused_certificate, self.awaits_deployment) {
            (true, true) => {
                "the endpoint still serves the certificate before the one imported last: restctl deploy"
            }
            (true, false) => {
                "the endpoint serves another certificate than the one imported last: restctl setup, then restctl deploy"
            }
            (false, _) => "see whether the endpoint is still this one: restctl deploy",
        })
    }
}

async fn resolve(load_balancer: &str) -> Result<Vec<SocketAddr>> {
    let addresses = tokio::net::lookup_host((load_balancer, HTTPS_PORT)).await;
    let addresses = addresses.during(format!("the load balancer's name {load_balancer} cannot be resolved"));
    Ok(addresses
        .map_err(|failure| {
            failure.next("a new load balancer's name takes a minute or two to appear; try again")
        })?
        .collect())
}

/// An answer of the API that is not what was asked for.
pub(crate) fn refusal(status: reqwest::StatusCode, body: &[u8]) -> Failure {
    let failure = Failure::new(format!("the API answers {status}"));
    let failure = match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => failure.why(problem.detail.unwrap_or(problem.title)),
        Err(_) => failure,
    };
    match status.as_u16() {
        401 | 403 => failure
            .exit(Exit::Authentication)
            .next("compare the token with the settings: restctl token, restctl setup"),
        404 => failure.exit(Exit::NotFound),
        502..=504 => failure.next("try again in a moment"),
        _ => failure,
    }
}
