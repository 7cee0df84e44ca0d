//! `restctl idp`: shows the identity providers, trusts one more or one less, and rotates the client secret.

mod add;
pub(super) mod issuer_args;
mod local_secret;
pub(super) mod planned_changes;
mod remove;
mod rotate_secret;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Idp {
    /// Show the providers' settings and keys, and whether the API uses them
    Show(show::Show),

    /// Trust another issuer, or change what an issuer is trusted for
    Add(add::Add),

    /// Stop trusting an issuer
    Remove(remove::Remove),

    /// Replace the client secret or private key after testing the new one
    RotateSecret(rotate_secret::RotateSecret),
}

pub(crate) async fn run(command: Idp, context: &Context) -> Result<()> {
    match command {
        Idp::Show(args) => show::run(args, context).await,
        Idp::Add(args) => add::run(args, context).await,
        Idp::Remove(args) => remove::run(args, context).await,
        Idp::RotateSecret(args) => rotate_secret::run(args, context).await,
    }
}
