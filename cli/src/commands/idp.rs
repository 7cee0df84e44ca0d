//! `restctl idp`: the identity provider that vouches for callers.

mod local_secret;
mod rotate_secret;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Idp {
    /// Print the provider's settings, its keys, and whether the API goes by them
    Show(show::Show),

    /// Put another client secret in place of the present one, once it has proved good
    RotateSecret(rotate_secret::RotateSecret),
}

pub(crate) async fn run(command: Idp, context: &Context) -> Result<()> {
    match command {
        Idp::Show(args) => show::run(args, context).await,
        Idp::RotateSecret(args) => rotate_secret::run(args, context).await,
    }
}
