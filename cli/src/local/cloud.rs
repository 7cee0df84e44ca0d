use std::net::SocketAddr;

use restctl_contract::stack::StackName;

use crate::failure::{Failure, Result};

pub(crate) struct IdentityProvider {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) scope: String,
}

pub(crate) struct LocalCloud {
    pub(crate) endpoint_url: String,
    pub(crate) front: SocketAddr,
    pub(crate) identity_provider: IdentityProvider,
}

impl LocalCloud {
    pub(crate) fn running() -> Result<LocalCloud> {
        Err(Failure::new("the local cloud is not running").next("restctl local up"))
    }
    pub(crate) fn keep_certificate(&self, _stack: &StackName, _chain_pem: &str, _key_pem: &str) -> Result<()> {
        Ok(())
    }
    pub(crate) fn serve(&self, _stack: &StackName, _name: &str, _dns: &str) -> Result<()> {
        Ok(())
    }
    pub(crate) fn forget(&self, _stack: &StackName) -> Result<()> {
        Ok(())
    }
}
