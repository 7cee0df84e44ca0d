//! The arguments that describe the identity provider and the client as which restctl requests tokens.

use std::path::PathBuf;

use clap::Args;

use crate::commands::idp::issuer_args::IssuerArgs;
use crate::identity::token_client::ClientAuthentication;

#[derive(Debug, Args)]
#[command(next_help_heading = "Identity provider")]
pub(super) struct ProviderArgs {
    #[command(flatten)]
    pub(super) issuer: IssuerArgs,

    /// Id of the client that requests tokens for `restctl token` and `restctl get`
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,

    /// File with the client's secret, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(super) client_secret_file: Option<PathBuf>,

    /// File with the client's private key (PEM or JWK), or - for standard input: it signs assertions instead of sending a
    /// secret (private_key_jwt)
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_file")]
    pub(super) client_key_file: Option<PathBuf>,

    /// Id (kid) of that key at the provider; empty: none
    #[arg(long, value_name = "KID")]
    pub(super) client_key_id: Option<String>,

    /// How the client authenticates [default: private_key_jwt with --client-key-file, otherwise the first of these that the
    /// provider supports]
    #[arg(long, value_name = "METHOD")]
    pub(super) client_authentication: Option<ClientAuthentication>,

    /// Scope to ask the provider for; empty: none [default: that of --scope; entra: AUDIENCE/.default; keycloak: none]
    #[arg(long, value_name = "SCOPE")]
    pub(super) request_scope: Option<String>,

    /// Resource to ask for (RFC 8707); empty: none
    #[arg(long, value_name = "URI")]
    pub(super) resource: Option<String>,
}

impl ProviderArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.issuer.is_empty()
            && self.client_id.is_none()
            && self.client_secret_file.is_none()
            && self.client_key_file.is_none()
            && self.client_key_id.is_none()
            && self.client_authentication.is_none()
            && self.request_scope.is_none()
            && self.resource.is_none()
    }

    pub(super) fn names_no_provider(&self) -> bool {
        self.issuer.provider.is_none()
            && self.issuer.issuer.is_none()
            && self.client_id.is_none()
            && self.issuer.audience.is_empty()
    }
}
