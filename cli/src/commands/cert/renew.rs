//! `restctl cert renew`: the successor → ACM, under the same ARN, → in front, as handshakes prove.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use restctl_contract::stack::Certificate;
use restctl_contract::template::parameter;
use restctl_contract::timestamp::rfc3339;
use serde::Serialize;

use super::served::{self, Proof};
use crate::api::endpoint::Location;
use crate::aws::cloudformation::{self, Stack};
use crate::certificate::CertificateBundle;
use crate::commands::setup::import::import_certificate;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::settings;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
A self-signed certificate gets a successor for the same name. Any other is renewed by whoever issued it: give the new files. \
Nothing is imported unless all of it fits, the name of the endpoint included.

The successor keeps the ARN, so that the load balancer takes it by itself; the endpoint is looked at until each of its \
addresses serves it, for ten minutes at most. Where ACM does not allow that, as with another kind of key, it gets an ARN of \
its own and is not served before `restctl deploy`.

Exit codes: 0 served, or imported and waiting for a deployment; 1 not served in time; 2 the certificate does not fit; \
5 there is none to renew; 130 interrupted while waiting, with the successor imported.

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

    /// The certificates that issued it, from its issuer upwards, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    chain: Option<PathBuf>,
}

/// The outcome, for programs.
#[derive(Serialize)]
struct Report {
    /// `served`, or `imported` where a deployment has to put it in front.
    outcome: &'static str,
    name: String,
    arn: String,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    fingerprint: String,
    former_fingerprint: String,
    not_after: String,
    /// From the import until it was served everywhere.
    served_after_ms: Option<u64>,
    /// Where it was seen.
    addresses: Vec<String>,
    /// What to type next.
    next: Option<&'static str>,
}

pub(super) async fn run(args: Renew, context: &Context) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let (before, stack) =
        tokio::try_join!(settings::require_certificate(aws, name), cloudformation::find_own(aws, name),)?;
    let identity = successor(&args, &before)?;
    let stack = stack.filter(|stack| !stack.is_in_review());
    check_name(&identity, context, stack.as_ref(), &before)?;

    let certificate = import_certificate(context, &identity, Some(&before)).await?;
    // Under an ARN of its own, it is in front of nothing yet.
    let in_front =
        stack.filter(|stack| stack.parameter(parameter::CERTIFICATE_ARN) == Some(&certificate.arn));
    let location = in_front.and_then(|stack| Location::from_stack(context, &stack, &certificate).ok());
    let proof = match location {
        Some(location) => Some(prove(&location).await?),
        None => None,
    };
    let report = Report {
        outcome: if proof.is_some() { "served" } else { "imported" },
        name: certificate.name,
        arn: certificate.arn,
        fingerprint: certificate.fingerprint,
        former_fingerprint: before.fingerprint,
        not_after: rfc3339(identity.not_after),
        served_after_ms: proof.as_ref().map(Proof::milliseconds),
        addresses: proof.iter().flat_map(|proof| &proof.addresses).map(ToString::to_string).collect(),
        next: proof.is_none().then_some("restctl deploy"),
    };
    match output::chosen_format() {
        Format::Text => output::print_message(&report.words()),
        Format::Json => output::print_json(&report)?,
    }
    Ok(())
}

/// Read, or made in place of one that was made.
fn successor(args: &Renew, before: &Certificate) -> Result<CertificateBundle> {
    let now = SystemTime::now();
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return CertificateBundle::read(cert, key, args.chain.as_deref(), now);
    }
    if before.self_signed {
        return CertificateBundle::generate_self_signed(&before.name, now);
    }
    Err(Failure::new(format!("the certificate for {} is renewed by whoever issued it", before.name))
        .exit(Exit::Usage)
        .next("restctl cert renew --cert FILE --key FILE --chain FILE"))
}

/// Clients go on asking for the name that they know.
fn check_name(
    identity: &CertificateBundle,
    context: &Context,
    stack: Option<&Stack>,
    before: &Certificate,
) -> Result<()> {
    let location = stack.and_then(|stack| Location::from_stack(context, stack, before).ok());
    let name = location.map_or(before.name.clone(), |location| location.name);
    if identity.covers(&name)? {
        return Ok(());
    }
    Err(Failure::new(format!("the certificate is for {}, not for {name}", identity.names.join(", ")))
        .exit(Exit::Usage)
        .why("nothing was imported: the endpoint has the name that clients ask for")
        .next(format!(
            "give a certificate for {name};\nto change the name: restctl setup --cert FILE --key FILE, then \
             restctl deploy"
        )))
}

async fn prove(location: &Location) -> Result<Proof> {
    let interrupted =
        Failure::new("interrupted: the certificate is imported, and this no longer waits until it is served");
    unless_interrupted(interrupted.next("restctl cert show"), served::everywhere(location)).await
}

impl Report {
    fn words(&self) -> String {
        match self.served_after_ms {
            Some(after) => {
                let (fingerprint, addresses) = (&self.fingerprint, self.addresses.join(" and "));
                let after = Duration::from_millis(after);
                format!(
                    "SHA-256            {fingerprint}\nserved             at {addresses}, after {after:.1?}"
                )
            }
            None => format!(
                "SHA-256            {}, not served before a deployment\nnext: restctl deploy",
                self.fingerprint
            ),
        }
    }
}
