//! The TLS front: serves HTTPS on the loopback address with the certificates that `setup` imported.
//!
//! Each stack has a port of its own. A client that connects to `localhost` or to an IP address names no stack, so only the port
//! tells which one it means.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::folder::POLL_INTERVAL;
use super::forward::{FrontResponse, MAX_HEADERS_BYTES, error_response, forward_request};
use super::stacks::{Backend, ServedStacks};
use super::upstream::Upstream;
use crate::failure::{FailureContext, Result};
use crate::terminal::output;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to look for new and deleted stacks.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// How long to wait after the stacks cannot be read or a port cannot be opened.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

const HTTP_2: &[u8] = b"h2";

/// How many requests at a time an Application Load Balancer accepts over one connection ("Listeners for your Application Load
/// Balancers", section "HTTP/2").
const MAX_CONCURRENT_REQUESTS: u32 = 128;

#[derive(Clone)]
pub(crate) struct TlsFront {
    stacks: ServedStacks,
    emulator: Upstream,
}

impl TlsFront {
    pub(crate) fn new(stacks: ServedStacks, emulator: Upstream) -> Self {
        Self { stacks, emulator }
    }

    /// Serves the first stack at `listener`, and each further one at a port of its own, until the future is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) -> Result<Infallible> {
        let first = FrontPort::open(&self, listener)?;
        let mut others = HashMap::new();
        loop {
            if let Err(failure) = self.follow_stacks(first.number, &mut others).await {
                output::print_failure(&failure);
                sleep(RETRY_INTERVAL).await;
            }
            sleep(FOLLOW_INTERVAL).await;
        }
    }

    /// Gives each new stack a port: the first one if no other stack has it. Closes the ports of deleted stacks.
    async fn follow_stacks(&self, first: u16, others: &mut HashMap<String, FrontPort>) -> Result<()> {
        let backends = self.stacks.read_backends()?;
        others.retain(|stack, _| backends.iter().any(|backend| backend.stack == *stack));
        let mut is_first_taken = backends.iter().any(|backend| backend.port == Some(first));
        for Backend { stack, .. } in backends.iter().filter(|backend| backend.port.is_none()) {
            let port = match others.get(stack) {
                // It was deleted and deployed again in the meantime.
                Some(port) => port.number,
                None if !is_first_taken => {
                    is_first_taken = true;
                    first
                }
                None => {
                    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
                    let port = FrontPort::open(self, listener.context("cannot open a port")?)?;
                    others.entry(stack.clone()).or_insert(port).number
                }
            };
            self.stacks.write_port(stack, port)?;
        }
        Ok(())
    }

    async fn accept_connections(self, listener: TcpListener, port: u16, acceptor: TlsAcceptor) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(self.clone().serve_connection(stream, port, acceptor.clone()));
                }
                Err(error) => {
                    output::print_message(format!("the front cannot accept a connection: {error}"));
                    sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    async fn serve_connection(self, stream: TcpStream, port: u16, acceptor: TlsAcceptor) {
        let tls = match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => return output::print_message(format!("TLS handshake failed: {error}")),
            Err(_) => return,
        };
        let session = tls.get_ref().1;
        let is_http2 = session.alpn_protocol() == Some(HTTP_2);
        let server_name: Option<Arc<str>> = session.server_name().map(Arc::from);
        let service = service_fn(|request| {
            let (front, server_name) = (self.clone(), server_name.clone());
            async move { Ok::<_, Infallible>(front.answer_request(request, server_name.as_deref(), port).await) }
        });
        // A client that disconnects is not an error.
        let _ = if is_http2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            let builder = builder.timer(TokioTimer::new()).max_concurrent_streams(MAX_CONCURRENT_REQUESTS);
            // More than the load balancer accepts, so that larger headers get its answer too.
            let builder = builder.max_header_list_size(2 * MAX_HEADERS_BYTES);
            builder.serve_connection(TokioIo::new(tls), service).await
        } else {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(tls), service).await
        };
    }

    /// Looks up the stack for each request, because it may have been deployed again since the connection was opened.
    async fn answer_request(
        &self,
        request: Request<Incoming>,
        server_name: Option<&str>,
        port: u16,
    ) -> FrontResponse {
        match self.stacks.find_backend(server_name, port) {
            Ok(Some(backend)) => forward_request(request, &backend.load_balancer, &self.emulator).await,
            Ok(None) => error_response(StatusCode::SERVICE_UNAVAILABLE),
            Err(failure) => {
                output::print_failure(&failure);
                error_response(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// An open port of the front. It is closed when this is dropped.
struct FrontPort {
    number: u16,
    accepting: JoinHandle<()>,
}

impl FrontPort {
    fn open(front: &TlsFront, listener: TcpListener) -> Result<Self> {
        let number = listener.local_addr().context("a listener has no address")?.port();
        let acceptor = build_acceptor(&front.stacks, number)?;
        let accepting = tokio::spawn(front.clone().accept_connections(listener, number, acceptor));
        Ok(Self { number, accepting })
    }
}

impl Drop for FrontPort {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn build_acceptor(stacks: &ServedStacks, port: u16) -> Result<TlsAcceptor> {
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let certificates = CertificateResolver { stacks: stacks.clone(), port, crypto: crypto.clone() };
    let mut config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Reads the certificate at each handshake, so that a new one is served at once.
#[derive(Debug)]
struct CertificateResolver {
    stacks: ServedStacks,
    port: u16,
    crypto: Arc<CryptoProvider>,
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let backend = self.stacks.find_backend(hello.server_name(), self.port);
        let certificate = backend.and_then(|backend| {
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
    use tokio_rustls::client::TlsStream;

    use super::super::access_key::AccessKey;
    use super::super::cloud::FRONT_NAMES;
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
            tokio::spawn(TlsFront::new(stacks.clone(), emulator).serve(listener));
            Self { _dir: dir, stacks, front }
        }

        /// Imports a new certificate, also for this machine, as `arn` and returns it.
        fn import_certificate(&self, stack: &str, name: &str, arn: &str) -> CertificateDer<'static> {
            let names: Vec<_> = [&[name], FRONT_NAMES].concat().into_iter().map(str::to_owned).collect();
            let certified = generate_simple_self_signed(names).unwrap();
            let (pem, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
            let stack = stack.parse().unwrap();
            self.stacks.keep_certificate(&stack, &certificate(name, arn), &pem, &key).unwrap();
            CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
        }

        async fn put_into_service(&self, stack: &str, name: &str, arn: &str) {
            let load_balancer = format!("lb-{stack}-1.elb.amazonaws.com");
            let stack = stack.parse().unwrap();
            self.stacks.put_into_service(&stack, &certificate(name, arn), &load_balancer).unwrap();
            self.stacks.wait_for_port(&stack).await.unwrap();
        }

        /// Deploys a stack with a new certificate and returns the certificate.
        async fn deploy_stack(&self, stack: &str, name: &str) -> CertificateDer<'static> {
            let certificate = self.import_certificate(stack, name, "arn");
            self.put_into_service(stack, name, "arn").await;
            certificate
        }

        /// Returns the address at which the front serves `stack`.
        fn address_of(&self, stack: &str) -> SocketAddr {
            let port = self.stacks.find_port(&stack.parse().unwrap()).unwrap().unwrap();
            (Ipv4Addr::LOCALHOST, port).into()
        }

        /// Sends `request` to the port of the first stack as a client that trusts only `certificate` and verifies `name`.
        async fn send_request(
            &self,
            certificate: &CertificateDer<'static>,
            name: &str,
            request: &[u8],
        ) -> Result<String, String> {
            send_request_to(self.front, certificate, name, request).await
        }
    }

    async fn connect(
        front: SocketAddr,
        certificate: &CertificateDer<'static>,
        name: &str,
        protocol: &[u8],
    ) -> Result<TlsStream<TcpStream>, String> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(front).await.unwrap();
        let server_name = ServerName::try_from(name.to_owned()).unwrap();
        let connected = TlsConnector::from(Arc::new(config)).connect(server_name, stream).await;
        connected.map_err(|error| error.to_string())
    }

    async fn send_request_to(
        front: SocketAddr,
        certificate: &CertificateDer<'static>,
        name: &str,
        request: &[u8],
    ) -> Result<String, String> {
        let mut tls = connect(front, certificate, name, b"http/1.1").await?;
        tls.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        tls.read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(answer).unwrap())
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
        let certificate = cloud.deploy_stack("a", "a.example").await;
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
        let a = cloud.deploy_stack("a", "a.example").await;
        let b = cloud.deploy_stack("b", "b.example").await;
        assert!(cloud.send_request(&a, "a.example", GET).await.unwrap().contains("/_alb/lb-a/"));
        assert!(cloud.send_request(&b, "b.example", GET).await.unwrap().contains("/_alb/lb-b/"));
        assert!(cloud.send_request(&a, "b.example", GET).await.is_err());
    }

    #[tokio::test]
    async fn each_stack_has_a_port_for_clients_that_do_not_name_it() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let a = cloud.deploy_stack("a", "a.example").await;
        let b = cloud.deploy_stack("b", "b.example").await;
        assert_eq!(cloud.address_of("a"), cloud.front);
        for name in FRONT_NAMES {
            let (at_a, at_b) = (cloud.address_of("a"), cloud.address_of("b"));
            assert!(send_request_to(at_a, &a, name, GET).await.unwrap().contains("/_alb/lb-a/"), "{name}");
            assert!(send_request_to(at_b, &b, name, GET).await.unwrap().contains("/_alb/lb-b/"), "{name}");
            assert!(send_request_to(at_b, &a, name, GET).await.is_err(), "{name}");
        }
        // The first port is free again, and an open one stays as it is.
        cloud.stacks.forget_stack(&"a".parse().unwrap()).unwrap();
        let at_b = cloud.address_of("b");
        cloud.deploy_stack("c", "c.example").await;
        assert_eq!((cloud.address_of("c"), cloud.address_of("b")), (cloud.front, at_b));
        cloud.stacks.forget_stack(&"b".parse().unwrap()).unwrap();
        while TcpStream::connect(at_b).await.is_ok() {
            sleep(POLL_INTERVAL).await;
        }
    }

    #[tokio::test]
    async fn http_2_allows_as_many_requests_at_a_time_as_the_load_balancer() {
        const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let certificate = cloud.deploy_stack("a", "a.example").await;
        let mut tls = connect(cloud.front, &certificate, "a.example", HTTP_2).await.unwrap();
        // The client's preface and empty SETTINGS (RFC 9113, sections 3.4 and 4.1).
        tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let mut head = [0; 9];
        tls.read_exact(&mut head).await.unwrap();
        assert_eq!(head[3], 4, "the server's first frame is not SETTINGS");
        let mut settings = vec![0; usize::from(head[2])];
        tls.read_exact(&mut settings).await.unwrap();
        let limit = settings.chunks(6).find(|setting| setting[..2] == MAX_CONCURRENT_STREAMS).unwrap();
        assert_eq!(limit[2..], 128_u32.to_be_bytes());
    }

    #[tokio::test]
    async fn a_certificate_imported_anew_is_served_at_once() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let old = cloud.deploy_stack("a", "a.example").await;
        assert!(cloud.send_request(&old, "a.example", GET).await.is_ok());
        let new = cloud.deploy_stack("a", "a.example").await;
        assert!(cloud.send_request(&new, "a.example", GET).await.is_ok());
        assert!(cloud.send_request(&old, "a.example", GET).await.is_err());
    }

    #[tokio::test]
    async fn a_certificate_with_another_arn_is_served_once_it_is_deployed() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let old = cloud.deploy_stack("a", "a.example").await;
        let first = cloud.import_certificate("a", "b.example", "another");
        let second = cloud.import_certificate("a", "b.example", "another");
        assert!(cloud.send_request(&old, "a.example", GET).await.is_ok());
        assert!(cloud.send_request(&second, "b.example", GET).await.is_err());
        cloud.put_into_service("a", "b.example", "another").await;
        assert!(cloud.send_request(&second, "b.example", GET).await.is_ok());
        for gone in [&old, &first] {
            assert!(cloud.send_request(gone, "b.example", GET).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_body_that_a_lambda_would_not_get_is_refused() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let certificate = cloud.deploy_stack("a", "a.example").await;
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
    async fn headers_that_a_load_balancer_would_not_accept_are_refused() {
        let cloud = TestCloud::in_front_of(start_echo_server().await).await;
        let certificate = cloud.deploy_stack("a", "a.example").await;
        let header = |length: usize| format!("x-long: {}\r\n", "a".repeat(length));
        for (target, headers, status) in [
            ("a".repeat(16_000), header(16_000), "200 OK"),
            ("a".repeat(16_384), String::new(), "400 Bad Request"),
            (String::new(), header(16_384), "400 Bad Request"),
            (String::new(), header(16_000).repeat(5), "400 Bad Request"),
        ] {
            let request = format!("GET /{target} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
            let answer = cloud.send_request(&certificate, "a.example", request.as_bytes()).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{}", &answer[..100]);
        }
    }

    #[tokio::test]
    async fn a_stopped_emulator_is_a_bad_gateway() {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let cloud = TestCloud::in_front_of(gone).await;
        let certificate = cloud.deploy_stack("a", "a.example").await;
        let answer = cloud.send_request(&certificate, "a.example", GET).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    }
}
