//! The ports of the local cloud.

use std::net::{Ipv4Addr, TcpListener};

use clap::Args;

use crate::failure::{FailureContext, Result};

/// Ports on the loopback address. If a port is not given, a free one is chosen.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct LocalPorts {
    /// Port of the AWS emulator [default: a free port]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// Port of the development identity provider [default: a free port]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) identity_provider_port: Option<u16>,

    /// Port of the TLS front for the first stack [default: a free port]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) https_port: Option<u16>,
}

impl LocalPorts {
    /// Returns the given ports with their flags.
    pub(crate) fn given_flags(&self) -> impl Iterator<Item = (&'static str, u16)> {
        let ports = [
            ("--port", self.port),
            ("--identity-provider-port", self.identity_provider_port),
            ("--https-port", self.https_port),
        ];
        ports.into_iter().filter_map(|(flag, port)| Some((flag, port?)))
    }

    /// Fails if a given port is in use, before anything is started.
    pub(crate) fn check_free(&self) -> Result<()> {
        for (flag, port) in self.given_flags() {
            let listener =
                TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context(format!("cannot use port {port}"));
            listener.map_err(|failure| {
                failure.next(format!("use another port with {flag}, or leave it out to use a free one"))
            })?;
        }
        Ok(())
    }
}
