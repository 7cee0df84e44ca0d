//! `restctl cert`: the certificate in front of the API.

mod renew;
mod served;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Cert {
    /// Print what the certificate is, and whether the endpoint serves it
    Show(show::Show),

    /// Import its successor, and look until the endpoint serves that
    Renew(renew::Renew),
}

pub(crate) async fn run(command: Cert, context: &Context) -> Result<()> {
    match command {
        Cert::Show(args) => show::run(args, context).await,
        Cert::Renew(args) => renew::run(args, context).await,
    }
}
