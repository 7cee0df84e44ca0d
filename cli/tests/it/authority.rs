//! A private certificate authority: a root, an intermediate, and the certificates it issues.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Authority {
    pub(crate) root: Certificate,
    pub(crate) intermediate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) struct Issued {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with_names("root", "intermediate")
    }

    /// Returns an authority whose certificates have these common names.
    pub(crate) fn with_names(root: &str, intermediate: &str) -> Self {
        Self::with_keys(root, intermediate, || KeyPair::generate().unwrap())
    }

    /// Returns an authority with RSA keys, whose certificates for RSA keys ACM imports.
    pub(crate) fn with_rsa_keys() -> Self {
        Self::with_keys("root", "intermediate", generate_rsa_key)
    }

    fn with_keys(root: &str, intermediate: &str, generate_key: impl Fn() -> KeyPair) -> Self {
        let (params, key) = (authority_params(root), generate_key());
        let root = params.self_signed(&key).unwrap();
        let root_issuer = Issuer::new(params, key);
        let (params, key) = (authority_params(intermediate), generate_key());
        let intermediate = params.signed_by(&key, &root_issuer).unwrap();
        Self { root, intermediate, issuer: Issuer::new(params, key) }
    }

    /// Issues a certificate for `name` with a new key of ECDSA P-256. It expires `days` days from now.
    pub(crate) fn issue_certificate(&self, name: &str, days: i64) -> Issued {
        self.issue_for_key(KeyPair::generate().unwrap(), name, days)
    }

    /// Issues a certificate like [`Self::issue_certificate`], for this key.
    pub(crate) fn issue_for_key(&self, key: KeyPair, name: &str, days: i64) -> Issued {
        let certificate = server_params(name, days).signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }

    /// Returns the certificates above those that it issues, PEM.
    pub(crate) fn chain_pem(&self) -> String {
        format!("{}{}", self.intermediate.pem(), self.root.pem())
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

pub(crate) fn server_params(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    let away = DAY * u32::try_from(days.unsigned_abs()).unwrap();
    params.not_after = if days < 0 { now - away } else { now + away }.into();
    params.not_before = (now - 30 * DAY).into();
    params
}

/// Generates an RSA key of 2,048 bits.
pub(crate) fn generate_rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}
