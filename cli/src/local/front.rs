//! The TLS front: HTTPS on the loopback address, with the certificates that `setup` imported.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::folder::POLL;
use super::forward::{Answer, forward, refuse};
use super::stacks::Stacks;
use crate::failure::{During, Result};
use crate::output;

const HANDSHAKE: Duration = Duration::from_secs(10);

pub(crate) struct Front {
    acceptor: TlsAcceptor,
    stacks: Stacks,
    emulator: SocketAddr,
}

impl Front {
    pub(crate) fn new(stacks: Stacks, emulator: SocketAddr) -> Result<Self> {
        let crypto = Arc::new(aws_lc_rs::default_provider());
        let certificates = Certificates { stacks: stacks.clone(), crypto: crypto.clone() };
        let config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .during("TLS cannot be served")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), stacks, emulator })
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let front = Arc::new(self);
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(front.clone().connection(stream));
                }
                Err(error) => {
                    output::say(&format!("the front cannot accept a connection: {error}"));
                    sleep(POLL).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let tls = match timeout(HANDSHAKE, self.acceptor.accept(stream)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => return output::say(&format!("TLS handshake failed: {error}")),
            Err(_) => return,
        };
        let server_name = tls.get_ref().1.server_name().map(str::to_owned);
        let service = service_fn(|request| {
            let (front, server_name) = (self.clone(), server_name.clone());
            async move { Ok::<_, Infallible>(front.answer(request, server_name.as_deref()).await) }
        });
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(tls), service);
        // A client that goes away has nobody to be told of it.
        let _ = connection.await;
    }

    /// Looks the stack up anew for each request: it may have been deployed again on an open connection.
    async fn answer(&self, request: Request<Incoming>, server_name: Option<&str>) -> Answer {
        match self.stacks.choose(server_name) {
            Ok(Some(backend)) => forward(request, &backend.load_balancer, self.emulator).await,
            Ok(None) => refuse(StatusCode::SERVICE_UNAVAILABLE),
            Err(failure) => {
                output::failure(&failure);
                refuse(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Reads the certificate at each handshake, so that one imported anew is served at once.
#[derive(Debug)]
struct Certificates {
    stacks: Stacks,
    crypto: Arc<CryptoProvider>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificate = self.stacks.choose(hello.server_name()).and_then(|backend| {
            backend.map(|backend| self.stacks.certificate(&backend, &self.crypto)).transpose()
        });
        match certificate {
            Ok(certificate) => certificate.map(Arc::new),
            Err(failure) => {
                output::failure(&failure);
                None
            }
        }
    }
}
