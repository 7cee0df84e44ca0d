//! `restctl cert show`: shows the certificate, what ACM says about it, and what the endpoint serves.

mod report;

use clap::Args;
use restctl_contract::stack::Certificate;
use serde_json::json;

use self::report::{CertificateReport, ServedCertificate};
use crate::api::endpoint::Location;
use crate::api::handshake::Handshake;
use crate::aws::{acm, cloudformation};
use crate::certificate::PresentedCertificate;
use crate::context::Context;
use crate::failure::{Failure, FailureContext, Result};
use crate::identity::settings;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
Shows the certificate that was imported last, what ACM says about it, and what the endpoint now presents in a TLS handshake.

Exit codes: 0 the certificate exists, served or not; 5 none was imported, or it is no longer in ACM.

Examples:
  restctl cert show
  restctl cert show --pem >ca.pem && curl --cacert ca.pem https://api.example.com/v1/openapi.json
  restctl cert show --output json | jq .days_left")]
pub(crate) struct Show {
    /// Print only the certificate that clients need to trust, in PEM
    #[arg(long)]
    pem: bool,
}

pub(super) async fn run(args: Show, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    if args.pem {
        return print_anchor(&settings::require_certificate(aws, &context.stack).await?);
    }
    let (certificate, stack) = tokio::try_join!(
        settings::require_certificate(aws, &context.stack),
        cloudformation::find_own(aws, &context.stack),
    )?;
    let (imported, described) = tokio::try_join!(
        acm::read_certificate(aws, &certificate.arn),
        acm::describe_certificate(aws, &certificate.arn)
    )?;
    let (Some(imported), Some(described)) = (imported, described) else {
        return Err(acm::certificate_missing_failure(&certificate.arn));
    };
    // A stack that is not deployed has no endpoint.
    let location = stack.and_then(|stack| Location::from_stack(context, &stack, &certificate).ok());
    let leaf = PresentedCertificate::parse_pem(&imported.certificate)?.into_iter().next();
    let leaf =
        leaf.ok_or_else(|| Failure::new(format!("ACM returned no certificate for {}", certificate.arn)))?;
    let served = match &location {
        Some(location) => Some(ServedCertificate::look_up(location, &leaf).await),
        None => None,
    };
    let issuers = PresentedCertificate::parse_pem(imported.chain.as_deref().unwrap_or_default())?;
    let report = CertificateReport::new(certificate, leaf, &issuers, described, served);
    match output::chosen_format() {
        Format::Text => output::print_text(output::align_values(&report.named_values())),
        Format::Json => output::print_json(&report),
    }
}

fn print_anchor(certificate: &Certificate) -> Result<()> {
    match output::chosen_format() {
        Format::Text => output::print_text(Text::from_lines(certificate.anchor.lines())),
        Format::Json => output::print_json(&json!({ "pem": certificate.anchor })),
    }
}

impl ServedCertificate {
    async fn look_up(location: &Location, imported: &PresentedCertificate) -> Self {
        let nothing =
            |why: String| Self { fingerprint: None, is_same: false, is_trusted: false, why: Some(why) };
        let handshake = match Handshake::perform(location).await {
            Ok(handshake) => handshake,
            Err(failure) => return nothing(failure.to_single_line()),
        };
        let fingerprint = handshake.certificate_fingerprint();
        let why = handshake.connection.context("not trusted").err().map(|failure| failure.to_single_line());
        match fingerprint {
            None => nothing(why.unwrap_or_else(|| "no certificate was presented".to_owned())),
            Some(fingerprint) => {
                let is_same = fingerprint == imported.fingerprint;
                Self { fingerprint: Some(fingerprint), is_same, is_trusted: why.is_none(), why }
            }
        }
    }
}
