//! The ports of the local cloud.

use std::net::{Ipv4Addr, TcpListener};

use clap::Args;

use crate::failure::{FailureContext, Result};

/// Ports on the loopback address; free ones where none is given.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Ports {
    /// Port of the emulator of AWS [default: a free one]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// Port of the development identity provider [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) identity_provider_port: Option<u16>,

    /// Port of the TLS front [default: a free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) https_port: Option<u16>,
}

impl Ports {
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, u16)> {
        let ports = [
            ("--port", self.port),
            ("--identity-provider-port", self.identity_provider_port),
            ("--https-port", self.https_port),
        ];
        ports.into_iter().filter_map(|(flag, port)| Some((flag, port?)))
    }

    /// Fails where a given port is taken, before anything is started.
    pub(crate) fn check(&self) -> Result<()> {
        for (flag, port) in self.given() {
            let listener =
                TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context(format!("port {port} cannot be used"));
            listener.map_err(|failure| {
                failure.next(format!("name another port in {flag}, or leave it out for a free one"))
            })?;
        }
        Ok(())
    }
}
