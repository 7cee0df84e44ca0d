//! Which certificates a connection to the endpoint trusts: those under the trust anchor of the certificate that `setup`
//! imported, and those under the system's roots.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::failure::{FailureContext, Result};

/// Verifies the name and the dates in any case. The system's roots are read only if the anchor is not enough: reading them
/// takes longer than the rest of a handshake.
#[derive(Debug)]
pub(crate) struct EndpointVerifier {
    anchor: CertificateDer<'static>,
    by_anchor: Arc<WebPkiServerVerifier>,
}

impl EndpointVerifier {
    /// `anchor` is a certificate in PEM.
    pub(crate) fn new(anchor: &str) -> Result<Self> {
        let unreadable = "cannot read the certificate that setup stored";
        let anchor = CertificateDer::from_pem_slice(anchor.as_bytes()).context(unreadable)?;
        let mut roots = RootCertStore::empty();
        roots.add(anchor.clone()).context(unreadable)?;
        let by_anchor =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto_provider()).build();
        Ok(Self { anchor, by_anchor: by_anchor.context(unreadable)? })
    }
}

/// Builds the TLS configuration of a client with this verifier and these protocols.
pub(crate) fn build_tls_config(
    verifier: Arc<dyn ServerCertVerifier>,
    protocols: &[&[u8]],
) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(crypto_provider())
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl ServerCertVerifier for EndpointVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judge = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        judge(self.by_anchor.as_ref()).or_else(|_| {
            let verifier = Verifier::new_with_extra_roots([self.anchor.clone()], crypto_provider())?;
            judge(&verifier)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_anchor.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_anchor.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_anchor.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::CertificateError;

    use super::*;

    fn verify_with(
        verifier: &EndpointVerifier,
        certificate: &CertificateDer<'_>,
        name: &str,
        now: UnixTime,
    ) -> Result<(), Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(certificate, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn the_anchor_is_trusted_for_its_name_and_dates_only() {
        let own = rcgen::generate_simple_self_signed(["api.example.com".to_owned()]).unwrap();
        let impostor = rcgen::generate_simple_self_signed(["api.example.com".to_owned()]).unwrap();
        let verifier = EndpointVerifier::new(&own.cert.pem()).unwrap();
        let now = UnixTime::now();
        verify_with(&verifier, own.cert.der(), "api.example.com", now).unwrap();
        let wrong_name = verify_with(&verifier, own.cert.der(), "other.example.com", now).unwrap_err();
        assert!(matches!(
            wrong_name,
            Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
        ));
        assert!(verify_with(&verifier, impostor.cert.der(), "api.example.com", now).is_err());
        let before_all = UnixTime::since_unix_epoch(Duration::from_secs(1));
        assert!(verify_with(&verifier, own.cert.der(), "api.example.com", before_all).is_err());
        assert!(EndpointVerifier::new("no certificate").is_err());
    }

    #[test]
    fn an_authority_is_trusted_for_what_it_issues() {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let verifier = EndpointVerifier::new(&authority.self_signed(&authority_key).unwrap().pem()).unwrap();
        let issuer = Issuer::from_params(&authority, &authority_key);
        let leaf = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        verify_with(&verifier, leaf.der(), "api.example.com", UnixTime::now()).unwrap();
        assert!(verify_with(&verifier, leaf.der(), "example.com", UnixTime::now()).is_err());
    }
}
