//! `restctl cert`: shows and renews the certificate of the endpoint.

mod renew;
mod served_proof;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Cert {
    /// Show the certificate, and whether the endpoint serves it
    Show(show::Show),

    /// Import a new certificate, and wait until the endpoint serves it
    Renew(renew::Renew),
}

pub(crate) async fn run(command: Cert, context: &Context) -> Result<()> {
    match command {
        Cert::Show(args) => show::run(args, context).await,
        Cert::Renew(args) => renew::run(args, context).await,
    }
}
