//! `restctl idp`: shows the identity provider and rotates the client secret.

mod local_secret;
mod rotate_secret;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Idp {
    /// Show the provider's settings and keys, and whether the API uses them
    Show(show::Show),

    /// Replace the client secret with a new one, after checking that it works
    RotateSecret(rotate_secret::RotateSecret),
}

pub(crate) async fn run(command: Idp, context: &Context) -> Result<()> {
    match command {
        Idp::Show(args) => show::run(args, context).await,
        Idp::RotateSecret(args) => rotate_secret::run(args, context).await,
    }
}
