//! HTTPS on 127.0.0.1 like AWS's endpoints: TLS 1.3, a leaf certificate with an RSA key of 2,048 bits, an intermediate
//! authority between it and the root, and HTTP/1.1.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate authority, and its certificate for `localhost`.
pub struct Authority {
    root_pem: String,
    server: Arc<ServerConfig>,
}

impl Authority {
    pub fn generate() -> Self {
        let root_key = rsa_key();
        let root_params = authority_params("restctl test root");
        let root = root_params.self_signed(&root_key).expect("a key signs its own certificate");
        let root_issuer = Issuer::new(root_params, root_key);

        let intermediate_key = rsa_key();
        let intermediate_params = authority_params("restctl test intermediate");
        let intermediate =
            intermediate_params.signed_by(&intermediate_key, &root_issuer).expect("the root signs");
        let intermediate_issuer = Issuer::new(intermediate_params, intermediate_key);

        let leaf_key = rsa_key();
        let leaf = leaf_params().signed_by(&leaf_key, &intermediate_issuer).expect("the intermediate signs");

        let chain = vec![leaf.der().clone(), intermediate.der().clone()];
        let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).expect("rcgen writes PKCS#8");
        // Every client knows these groups, so all of them exchange keys in the same way.
        let mut crypto = default_provider();
        crypto.kx_groups = vec![kx_group::X25519, kx_group::SECP256R1];
        let mut server = ServerConfig::builder_with_provider(Arc::new(crypto))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("AWS-LC has TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the certificate is the key's");
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { root_pem: root.pem(), server: Arc::new(server) }
    }

    /// Returns the certificate that a client must trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// Listens on a free port of 127.0.0.1.
    pub async fn listen(&self) -> TlsListener {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::clone(&self.server)) }
    }
}

pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    /// Returns `https://localhost:PORT`.
    pub fn origin(&self) -> String {
        let address = self.tcp.local_addr().expect("a bound socket has an address");
        format!("https://localhost:{}", address.port())
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    /// Handshakes are done one after the other. A client whose handshake fails reports the error itself.
    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (mut stream, address) = Listener::accept(&mut self.tcp).await;
            send_at_once(&mut stream);
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

fn rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("AWS-LC generates RSA keys")
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn leaf_params() -> CertificateParams {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("both are names a certificate can have");
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

/// Turns off the delay of small packets. Otherwise an answer may wait 40 ms for the acknowledgement of the one before.
/// If it cannot be turned off, a test only takes longer.
pub(crate) fn send_at_once(stream: &mut TcpStream) {
    let _ = stream.set_nodelay(true);
}
