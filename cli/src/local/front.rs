//! The TLS front: serves HTTPS on the loopback address with the certificates that `setup` imported.

use std::convert::Infallible;
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

use super::folder::POLL_INTERVAL;
use super::forward::{FrontResponse, error_response, forward_request};
use super::stacks::ServedStacks;
use super::upstream::Upstream;
use crate::failure::{FailureContext, Result};
use crate::terminal::output;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct TlsFront {
    acceptor: TlsAcceptor,
    stacks: ServedStacks,
    emulator: Upstream,
}

impl TlsFront {
    pub(crate) fn new(stacks: ServedStacks, emulator: Upstream) -> Result<Self> {
        let crypto = Arc::new(aws_lc_rs::default_provider());
        let certificates = CertificateResolver { stacks: stacks.clone(), crypto: crypto.clone() };
        let config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), stacks, emulator })
    }

    /// Serves until the future is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let front = Arc::new(self);
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(front.clone().serve_connection(stream));
                }
                Err(error) => {
                    output::print_message(format!("the front cannot accept a connection: {error}"));
                    sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    async fn serve_connection(self: Arc<Self>, stream: TcpStream) {
        let tls = match timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => return output::print_message(format!("TLS handshake failed: {error}")),
            Err(_) => return,
        };
        let server_name = tls.get_ref().1.server_name().map(str::to_owned);
        let service = service_fn(|request| {
            let (front, server_name) = (self.clone(), server_name.clone());
            async move { Ok::<_, Infallible>(front.answer_request(request, server_name.as_deref()).await) }
        });
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(tls), service);
        // A client that disconnects is not an error.
        let _ = connection.await;
    }

    /// Looks up the stack for each request, because it may have been deployed again since the connection was opened.
    async fn answer_request(&self, request: Request<Incoming>, server_name: Option<&str>) -> FrontResponse {
        match self.stacks.find_backend(server_name) {
            Ok(Some(backend)) => forward_request(request, &backend.load_balancer, &self.emulator).await,
            Ok(None) => error_response(StatusCode::SERVICE_UNAVAILABLE),
            Err(failure) => {
                output::print_failure(&failure);
                error_response(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Reads the certificate at each handshake, so that a new one is served at once.
#[derive(Debug)]
struct CertificateResolver {
    stacks: ServedStacks,
    crypto: Arc<CryptoProvider>,
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificate = self.stacks.find_backend(hello.server_name()).and_then(|backend| {
            backend.map(|backend| self.stacks.read_certificate(&backend, &self.crypto)).transpose()
        });
        match certificate {
            Ok(certificate) => certificate.map(Arc::new),
            Err(failure) => {
                output::print_failure(&failure);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use http_body_util::BodyExt;
    use rcgen::generate_simple_self_signed;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    use super::super::access_key::AccessKey;
    use super::super::folder::CloudFolder;
    use super::super::stacks::tests::certificate;
    use super::*;

    struct TestCloud {
        _dir: tempfile::TempDir,
        stacks: ServedStacks,
        front: SocketAddr,
    }

    impl TestCloud {
        async fn in_front_of(emulator: SocketAddr) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let stacks = ServedStacks::in_folder(&CloudFolder::at_path(dir.path()));
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let front = listener.local_addr().unwrap();
            let emulator = Upstream { address: emulator, access_key: AccessKey::generate().unwrap() };
            tokio::spawn(TlsFront::new(stacks.clone(), emulator).unwrap().serve(listener));
            Self { _dir: dir, stacks, front }
        }

        /// Imports a new certificate as `arn` and returns it.
        fn import_certificate(&self, stack: &str, name: &str, arn: &str) -> CertificateDer<'static> {
            let certified = generate_simple_self_signed([name.to_owned()]).unwrap();
            let (pem, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
            let stack = stack.parse().unwrap();
            self.stacks.keep_certificate(&stack, &certificate(name, arn), &pem, &key).unwrap();
            CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
        }

        fn put_into_service(&self, stack: &str, name: &str, arn: &str) {
            let load_balancer = format!("lb-{stack}-1.elb.amazonaws.com");
            self.stacks
                .put_into_service(&stack.parse().unwrap(), &certificate(name, arn), &load_balancer)
                .unwrap();
        }

        /// Deploys a stack with a new certificate and returns the certificate.
        fn deploy_stack(&self, stack: &str, name: &str) -> CertificateDer<'static> {
            let certificate = self.import_certificate(stack, name, "arn");
            self.put_into_service(stack, name, "arn");
            certificate
        }

        /// Sends `request` to the front as a client that trusts only `certificate` and verifies `name`.
        async fn send_request(
            &self,
            certificate: &CertificateDer<'static>,
            name: &str,
            request: &[u8],
        ) -> Result<String, String> {
            let mut roots = RootCertStore::empty();
            roots.add(certificate.clone()).unwrap();
            let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let stream = TcpStream::connect(self.front).await.unwrap();
            let server_name = ServerName::try_from(name.to_owned()).unwrap();
            let tls = TlsConnector::from(Arc::new(config)).connect(server_name, stream).await;
            let mut tls = tls.map_err(|error| error.to_string())?;
            tls.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            tls.read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
            Ok(String::from_utf8(answer).unwrap())
        }
    }

    /// Starts a server that answers with the request line, host, `x-token` and body length of each request.
    async fn start_echo_server() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = service_fn(|request: Request<Incoming>| async move {
            let (parts, body) = request.into_parts();
            let length = body.collect().await.unwrap().to_bytes().len();
            let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let seen = format!(
                "{} {} {:?} {:?} {length}",
                parts.method,
                parts.uri,
                header("host"),
                header("x-token")
            );
            Ok::<_, Infallible>(http::Response::new(seen))
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        address
    }

    const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn requests_reach_the_load_balancer_untouched() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let certificate = cloud.deploy_stack("a", "a.example");
        let request = b"POST /v1/items/a%2Fb/../%C3%A9?q=a%20b&r=%2F+&q HTTP/1.1\r\nhost: a.example\r\n\
            x-token: t\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
        let answer = cloud.send_request(&certificate, "a.example", request).await.unwrap();
        let seen = answer.rsplit("\r\n").next().unwrap();
        // The emulator decodes the path once.
        assert_eq!(
            seen,
            "POST /_alb/lb-a/v1/items/a%252Fb/../%25C3%25A9?q=a%20b&r=%2F+&q Some(\"127.0.0.1:443\") Some(\"t\") 3"
        );
    }

    #[tokio::test]
    async fn each_stack_answers_with_its_own_certificate() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let a = cloud.deploy_stack("a", "a.example");
        let b = cloud.deploy_stack("b", "b.example");
        assert!(cloud.send_request(&a, "a.example", GET).await.unwrap().contains("/_alb/lb-a/"));
        assert!(cloud.send_request(&b, "b.example", GET).await.unwrap().contains("/_alb/lb-b/"));
        assert!(cloud.send_request(&a, "b.example", GET).await.is_err());
        // An unknown name or no server name at all does not tell which of the two stacks is meant.
        for unclear in ["c.example", "127.0.0.1"] {
            let refused = cloud.send_request(&a, unclear, GET).await.unwrap_err();
            assert!(refused.contains("AccessDenied") || refused.contains("HandshakeFailure"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_certificate_imported_anew_is_served_at_once() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let old = cloud.deploy_stack("a", "a.example");
        assert!(cloud.send_request(&old, "a.example", GET).await.is_ok());
        let new = cloud.deploy_stack("a", "a.example");
        assert!(cloud.send_request(&new, "a.example", GET).await.is_ok());
        assert!(cloud.send_request(&old, "a.example", GET).await.is_err());
    }

    #[tokio::test]
    async fn a_certificate_with_another_arn_is_served_once_it_is_deployed() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let old = cloud.deploy_stack("a", "a.example");
        let first = cloud.import_certificate("a", "b.example", "another");
        let second = cloud.import_certificate("a", "b.example", "another");
        assert!(cloud.send_request(&old, "a.example", GET).await.is_ok());
        assert!(cloud.send_request(&second, "b.example", GET).await.is_err());
        cloud.put_into_service("a", "b.example", "another");
        assert!(cloud.send_request(&second, "b.example", GET).await.is_ok());
        for gone in [&old, &first] {
            assert!(cloud.send_request(gone, "b.example", GET).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_body_that_a_lambda_would_not_get_is_refused() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let certificate = cloud.deploy_stack("a", "a.example");
        for (length, status) in [(1_048_576, "200 OK"), (1_048_577, "413 Payload Too Large")] {
            let head = format!(
                "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let request = [head.as_bytes(), &vec![b'a'; length]].concat();
            let answer = cloud.send_request(&certificate, "a.example", &request).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_stopped_emulator_is_a_bad_gateway() {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let cloud = TestCloud::in_front_of(gone).await;
        let certificate = cloud.deploy_stack("a", "a.example");
        let answer = cloud.send_request(&certificate, "a.example", GET).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    }
}
