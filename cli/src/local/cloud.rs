//! What the other commands know of the running local cloud.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use restctl_contract::stack::{Certificate, StackName};
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use super::identity_provider::IdentityProvider;
use super::stacks::Stacks;
use crate::failure::{Exit, Failure, FailureContext, Result};

/// Where the parts of the running local cloud are, as its supervisor wrote it down.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LocalCloud {
    /// The emulator of AWS: `http://127.0.0.1:PORT`.
    pub(crate) endpoint_url: String,
    /// The TLS front, to which the certificate's name must be resolved.
    pub(crate) front: SocketAddr,
    pub(crate) identity_provider: IdentityProvider,
    /// Process id of the supervisor.
    pub(crate) supervisor: u32,
    /// Process id of the emulator.
    pub(crate) emulator: u32,
}

impl LocalCloud {
    /// Fails with [`Exit::NotFound`] where no local cloud is up.
    pub(crate) fn running() -> Result<LocalCloud> {
        Self::find(&Folder::standard()?)?.ok_or_else(|| {
            Failure::new("the local cloud is not running").next("restctl local up").exit(Exit::NotFound)
        })
    }

    /// Hands over the certificate that was imported for `stack`: the front terminates TLS for its name with it, from now
    /// on where its ARN is the one that is served, else from [`Self::serve`] on.
    ///
    /// `chain_pem` starts with the leaf certificate; `key_pem` is its unencrypted private key.
    pub(crate) fn keep_certificate(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        chain_pem: &str,
        key_pem: &str,
    ) -> Result<()> {
        Stacks::standard()?.keep_certificate(stack, certificate, chain_pem, key_pem)
    }

    /// From now on the front passes requests for the name of `certificate` to the load balancer of `stack`.
    pub(crate) fn serve(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        load_balancer_dns_name: &str,
    ) -> Result<()> {
        Stacks::standard()?.serve(stack, certificate, load_balancer_dns_name)
    }

    /// Forgets what [`Self::keep_certificate`] and [`Self::serve`] were told of `stack`.
    pub(crate) fn forget(&self, stack: &StackName) -> Result<()> {
        Stacks::standard()?.forget(stack)
    }

    /// Where tokens for it are kept: they are worth nothing without it, and go with it.
    pub(crate) fn tokens(&self) -> Result<PathBuf> {
        Ok(Folder::standard()?.path().join("tokens"))
    }

    /// None where no cloud is up, or it does not answer yet.
    pub(super) fn find(folder: &Folder) -> Result<Option<LocalCloud>> {
        // A supervisor that was killed leaves its record behind.
        if !folder.supervisor_lives()? || !folder.record().exists() {
            return Ok(None);
        }
        let doing = format!("{} cannot be read", folder.record().display());
        let record = fs::read(folder.record()).context(&doing)?;
        serde_json::from_slice(&record).context(doing).map(Some)
    }
}
