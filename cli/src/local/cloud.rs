//! The running local cloud, as the other commands use it.

use std::net::SocketAddr;
use std::path::PathBuf;

use restctl_contract::stack::{Certificate, StackName};
use serde::{Deserialize, Serialize};

use super::access_key::AccessKey;
use super::folder::CloudFolder;
use super::identity_provider::LocalIdentityProvider;
use super::stacks::ServedStacks;
use crate::directories;
use crate::failure::{Exit, Failure, FailureContext, Result};

/// Every resolver knows this name, but not every one knows the names below `.localhost`.
pub(crate) const LOCALHOST: &str = "localhost";

/// What clients on this machine can call the TLS front. A certificate that is generated for it is for these, too.
pub(crate) const FRONT_NAMES: &[&str] = &[LOCALHOST, "127.0.0.1"];

/// Where the parts of the running local cloud are, as its supervisor recorded them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LocalCloud {
    /// The emulator of AWS: `http://127.0.0.1:PORT`.
    pub(crate) endpoint_url: String,
    /// Signs each request to the emulator.
    pub(crate) access_key: AccessKey,
    /// The address at which the TLS front serves the first stack.
    pub(crate) front: SocketAddr,
    pub(crate) identity_provider: LocalIdentityProvider,
    /// Process id of the supervisor.
    pub(crate) supervisor: u32,
    /// Process id of the emulator.
    pub(crate) emulator: u32,
}

impl LocalCloud {
    /// Reads the record of the running local cloud. Fails with [`Exit::NotFound`] if none is running.
    pub(crate) fn find_running() -> Result<LocalCloud> {
        Self::find_in_folder(&CloudFolder::in_state_folder()?)?.ok_or_else(|| {
            Failure::new("the local cloud is not running").next("restctl local up").exit(Exit::NotFound)
        })
    }

    /// Returns what the TLS front serves.
    pub(crate) fn served_stacks(&self) -> Result<ServedStacks> {
        ServedStacks::in_state_folder()
    }

    /// Makes the TLS front serve `stack` with its certificate.
    pub(crate) async fn serve_stack(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        load_balancer_dns_name: &str,
    ) -> Result<()> {
        let stacks = self.served_stacks()?;
        stacks.put_into_service(stack, certificate, load_balancer_dns_name)?;
        stacks.wait_for_port(stack).await
    }

    /// Returns the address at which the TLS front serves `stack`, or the first one if it does not serve the stack yet.
    pub(crate) fn front_address(&self, stack: &StackName) -> Result<SocketAddr> {
        let port = self.served_stacks()?.find_port(stack)?.unwrap_or(self.front.port());
        Ok(SocketAddr::new(self.front.ip(), port))
    }

    /// Returns the name by which clients call an endpoint with this certificate.
    pub(crate) fn endpoint_name<'a>(&self, certificate: &'a Certificate) -> &'a str {
        let is_for_localhost = certificate.names.iter().any(|name| name == LOCALHOST);
        if is_for_localhost { LOCALHOST } else { &certificate.name }
    }

    /// Returns the folder for this cloud's tokens, which are deleted with the cloud.
    pub(crate) fn token_folder(&self) -> Result<PathBuf> {
        Ok(CloudFolder::in_state_folder()?.path().join("tokens"))
    }

    /// Reads the record in `folder`. `None` if no local cloud is running, or if it does not answer yet.
    pub(super) fn find_in_folder(folder: &CloudFolder) -> Result<Option<LocalCloud>> {
        // A killed supervisor leaves its record behind.
        if !folder.is_supervisor_running()? {
            return Ok(None);
        }
        let Some(record) = directories::read_private_file(&folder.record_file())? else { return Ok(None) };
        let unreadable = format!("cannot read {}", folder.record_file().display());
        serde_json::from_slice(&record).context(unreadable).map(Some)
    }
}
