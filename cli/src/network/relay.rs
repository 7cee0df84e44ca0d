//! A socket on this machine whose connections end at another host.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::UnixListener;
use tokio::time::sleep;

use super::proxy::Proxy;
use super::tunnel::open_tunnel;
use crate::failure::{FailureContext, Result};

/// After a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Passes each connection on to one host and port through a tunnel of its own. An HTTP client tells a proxy the name in the
/// URL, but the endpoint is requested by the name of its certificate, which need not lead to it.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Only this user can enter it.
    folder: TempDir,
}

impl Relay {
    /// Starts a relay that runs until the command ends. Fails if the proxy does not open a tunnel.
    pub(crate) async fn start(proxy: Proxy, host: &str, port: u16) -> Result<Self> {
        let mut first = Some(open_tunnel(&proxy, host, port).await?);
        let what = "cannot prepare connections through the proxy";
        let relay = Self { folder: tempfile::tempdir().context_of_temporary_file(what)? };
        let listener = UnixListener::bind(relay.socket()).context_of_temporary_file(what)?;
        let host = host.to_owned();
        tokio::spawn(async move {
            loop {
                let Ok((mut connection, _)) = listener.accept().await else {
                    // Too many files may be open, until another connection ends.
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let (proxy, host, first) = (proxy.clone(), host.clone(), first.take());
                tokio::spawn(async move {
                    let opened = match first {
                        Some(tunnel) => Ok(tunnel),
                        None => open_tunnel(&proxy, &host, port).await,
                    };
                    // Without a tunnel, the connection ends, and the request on it reports that.
                    let Ok(mut tunnel) = opened else { return };
                    // Either side may end it at any time.
                    let _ = copy_bidirectional(&mut connection, &mut tunnel).await;
                });
            }
        });
        Ok(relay)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}
