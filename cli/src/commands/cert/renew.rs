//! `restctl cert renew`: imports a new certificate into ACM under the same ARN, and proves by handshakes that the endpoint
//! serves it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use restctl_contract::stack::Certificate;
use restctl_contract::template::parameter;
use restctl_contract::timestamp::to_rfc3339;
use serde::Serialize;

use super::served_proof::{self, ServedProof};
use crate::api::endpoint::{self, Location};
use crate::aws::cloudformation::{self, Stack};
use crate::certificate::CertificateBundle;
use crate::cli::wait::WaitArgs;
use crate::commands::setup::import::import_certificate;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::identity::settings;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
Replaces a self-signed certificate with a new one for the same name. Only its issuer can renew any other certificate: give the \
new files. Nothing is imported unless everything matches, including the name of the endpoint.

The new certificate keeps the ARN, so the load balancer serves it without a deployment. The command waits for up to ten minutes \
until every address of the endpoint serves it. If ACM does not allow the same ARN, for example because the key type changes, \
the certificate gets a new ARN, and `restctl deploy` puts it in service.

Exit codes: 0 served, or imported and waiting for a deployment; 1 not served within ten minutes; 2 the certificate does not \
match; 5 no certificate to renew; 7 --timeout is over, after the import; 130 interrupted while waiting, after the import.

Examples:
  restctl cert renew
  restctl cert renew --cert cert.pem --key key.pem --chain chain.pem")]
pub(crate) struct Renew {
    /// Certificate to serve, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Its private key, PEM, not encrypted
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Chain of the certificates that issued it, from its issuer upwards, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    chain: Option<PathBuf>,

    #[command(flatten)]
    wait: WaitArgs,
}

/// The JSON output.
#[derive(Serialize)]
struct RenewReport {
    /// `served`, or `imported` if it needs a deployment to be served.
    outcome: &'static str,
    name: String,
    arn: String,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    fingerprint: String,
    former_fingerprint: String,
    not_after: String,
    /// Milliseconds from the import until every address served it.
    served_after_ms: Option<u64>,
    /// The addresses that serve it.
    addresses: Vec<String>,
    /// What to type next.
    next: Option<&'static str>,
}

pub(super) async fn run(args: Renew, context: &Context) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let (before, stack) =
        tokio::try_join!(settings::require_certificate(aws, name), cloudformation::find_own(aws, name),)?;
    let bundle = read_or_create(&args, context, &before)?;
    let stack = stack.filter(|stack| !stack.is_in_review());
    check_name(&bundle, stack.as_ref(), &before)?;

    let certificate = import_certificate(context, &bundle, Some(&before), before.tags.clone()).await?;
    // A certificate with a new ARN is served only after the next deployment.
    let serving_stack =
        stack.filter(|stack| stack.parameter(parameter::CERTIFICATE_ARN) == Some(&certificate.arn));
    let location = serving_stack.and_then(|stack| Location::from_stack(context, &stack, &certificate).ok());
    let proof = match location {
        Some(location) => {
            let proof = served_proof::wait_until_served_everywhere(&location);
            let undone = "every address served it; the certificate is imported";
            Some(args.wait.deadline().limit(undone, "restctl cert show", proof).await?)
        }
        None => None,
    };
    let report = RenewReport {
        outcome: if proof.is_some() { "served" } else { "imported" },
        name: certificate.name,
        arn: certificate.arn,
        fingerprint: certificate.fingerprint,
        former_fingerprint: before.fingerprint,
        not_after: to_rfc3339(bundle.not_after),
        served_after_ms: proof.as_ref().map(ServedProof::elapsed_ms),
        addresses: proof.iter().flat_map(|proof| proof.addresses.clone()).collect(),
        next: proof.is_none().then_some("restctl deploy"),
    };
    match output::chosen_format() {
        Format::Text => output::print_message(report.to_text()),
        Format::Json => output::print_json(&report)?,
    }
    Ok(())
}

/// Reads the new certificate from the given files, or generates one to replace a self-signed certificate.
fn read_or_create(args: &Renew, context: &Context, before: &Certificate) -> Result<CertificateBundle> {
    let now = SystemTime::now();
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return CertificateBundle::read(cert, key, args.chain.as_deref(), now);
    }
    if before.self_signed {
        return CertificateBundle::generate_self_signed(&before.name, context.local_names(), now);
    }
    Err(Failure::new(format!("only its issuer can renew the certificate for {}", before.name))
        .exit(Exit::Usage)
        .next("restctl cert renew --cert FILE --key FILE --chain FILE"))
}

/// Checks that the certificate is valid for the endpoint's name, which clients request.
fn check_name(bundle: &CertificateBundle, stack: Option<&Stack>, before: &Certificate) -> Result<()> {
    let name = stack.and_then(endpoint::domain).unwrap_or(&before.name);
    if bundle.covers_name(name)? {
        return Ok(());
    }
    let shown = shell_argument(name, "that name");
    Err(Failure::new(format!("the certificate is for {}, not for {name}", bundle.names.join(", ")))
        .exit(Exit::Usage)
        .why("nothing was imported, because clients request the endpoint by this name")
        .next(format!(
            "give a certificate for {shown};\nto change the name: restctl setup --cert FILE --key FILE, then \
             restctl deploy"
        )))
}

impl RenewReport {
    fn to_text(&self) -> Text {
        match self.served_after_ms {
            Some(after) => {
                let (fingerprint, addresses) = (&self.fingerprint, self.addresses.join(" and "));
                let after = Duration::from_millis(after);
                Text::from_lines([
                    format!("SHA-256            {fingerprint}"),
                    format!("served             at {addresses}, after {after:.1?}"),
                ])
            }
            None => Text::from_lines([
                format!("SHA-256            {}, not served before the next deployment", self.fingerprint)
                    .as_str(),
                "next: restctl deploy",
            ]),
        }
    }
}
