//! A certificate to import, with its private key and its chain, checked before anything is sent.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use restctl_contract::stack::{Certificate, Tags};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::details::{CertificateDetails, parse_certificate};
use super::prerequisites::{check_is_fully_qualified, check_prerequisites};
use super::presented::covers_name;
use super::reimport::{self, ReimportObstacle};
use crate::failure::{Failure, FailureContext, Result, shell_argument};

/// How long a self-signed certificate is valid: one day less than the 398 days that browsers accept.
const SELF_SIGNED_VALIDITY: Duration = Duration::from_secs(397 * 24 * 60 * 60);

/// No real certificate, chain or key file comes near this size.
const MAX_PEM_BYTES: u64 = 256 * 1024;

/// "Prerequisites for importing ACM certificates", ACM User Guide.
const MAX_KEY_PEM_BYTES: usize = 5120;

/// A certificate, its private key and its chain, known to match one another.
pub(crate) struct CertificateBundle {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    pub(crate) chain_pem: Option<String>,
    /// The DNS name that clients connect to and verify.
    pub(crate) name: String,
    /// All DNS names of the certificate, wildcards included.
    pub(crate) names: Vec<String>,
    pub(crate) not_after: OffsetDateTime,
    fingerprint: String,
    self_signed: bool,
}

impl CertificateBundle {
    /// Reads PEM files. Checks that the key matches, that the certificate is valid at `now` and has a DNS name, and that
    /// each certificate of the chain issued the one before it.
    pub(crate) fn read(cert: &Path, key: &Path, chain: Option<&Path>, now: SystemTime) -> Result<Self> {
        let certificate_pem = read_pem(cert, "CERTIFICATE")?;
        let key_pem = read_pem(key, "PRIVATE KEY")?;
        let chain_pem = chain.map(|chain| read_pem(chain, "CERTIFICATE")).transpose()?;
        let certificates = parse_certificates(&certificate_pem, cert)?;
        let leaf = &certificates[0];
        if certificates.len() > 1 {
            return Err(Failure::usage(format!(
                "{} contains {} certificates",
                cert.display(),
                certificates.len()
            ))
            .next("keep the first certificate in --cert and move the others to a file for --chain"));
        }
        let description = format!("the certificate in {}", cert.display());
        check_prerequisites(&parse_certificate(leaf, &description)?, &description)?;
        check_key(leaf, &key_pem, cert, key)?;
        if let (Some(chain_pem), Some(chain)) = (&chain_pem, chain) {
            check_chain(leaf, &parse_certificates(chain_pem, chain)?, chain)?;
        }
        let details = CertificateDetails::parse(leaf, &description)?;
        check_validity(&details, now)?;
        if details.is_authority {
            return Err(Failure::usage(format!(
                "{} is the certificate of an authority (CA:TRUE)",
                details.description
            ))
            .why("clients refuse a server with such a certificate; `openssl req -x509` makes one by default")
            .next(
                "use --self-signed NAME, or\n\
                     openssl req -x509 … -addext basicConstraints=critical,CA:FALSE",
            ));
        }
        let name = details.name.ok_or_else(|| {
            Failure::usage(format!("{description} has no DNS name"))
                .why("clients check the subject alternative names and ignore the common name")
                .next("have it reissued with the API's DNS name as a subject alternative name")
        })?;
        check_is_fully_qualified(&details.names)?;
        Ok(Self {
            certificate_pem,
            key_pem,
            chain_pem,
            name,
            names: details.names,
            not_after: details.not_after,
            fingerprint: details.fingerprint,
            self_signed: false,
        })
    }

    /// Generates an ECDSA P-256 key and a self-signed certificate for `name`, and for these further names and IP addresses.
    pub(crate) fn generate_self_signed(name: &str, further: &[&str], now: SystemTime) -> Result<Self> {
        let not_a_name = || {
            Failure::usage(format!("{name:?} is not a DNS name")).next("use a name such as api.example.com")
        };
        DnsName::try_from(name).map_err(|_| not_a_name())?;
        let names: Vec<_> = [&[name], further].concat().into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).map_err(|_| not_a_name())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Clients whose clocks are slightly behind must accept it too.
        params.not_before = (now - Duration::from_secs(60 * 60)).into();
        params.not_after = (now + SELF_SIGNED_VALIDITY).into();
        let key = KeyPair::generate().context("cannot generate the private key")?;
        let certificate = params.self_signed(&key).context("cannot sign the certificate")?;
        let details = CertificateDetails::parse(certificate.der(), "the new certificate")?;
        let name = details.name.ok_or_else(not_a_name)?;
        check_is_fully_qualified(&details.names)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            chain_pem: None,
            name,
            names: details.names,
            not_after: details.not_after,
            fingerprint: details.fingerprint,
            self_signed: true,
        })
    }

    /// Returns why ACM would refuse to import this certificate under the ARN of the certificate `former_pem`. `None` if ACM
    /// accepts it.
    pub(crate) fn reimport_obstacle(&self, former_pem: &str) -> Result<Option<ReimportObstacle>> {
        const FORMER: &str = "the certificate in ACM";
        const NEW: &str = "the new certificate";
        let former = CertificateDer::from_pem_slice(former_pem.as_bytes());
        let former = former.context(format!("cannot read {FORMER}"))?;
        let new = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes());
        let new = new.context(format!("cannot read {NEW}"))?;
        reimport::find_obstacle(&parse_certificate(&former, FORMER)?, &parse_certificate(&new, NEW)?)
            .context("cannot read the certificates' key usages")
    }

    /// Whether a client would accept the certificate for this name.
    pub(crate) fn covers_name(&self, name: &str) -> Result<bool> {
        let der = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes());
        Ok(covers_name(&der.context("cannot read the new certificate")?, name))
    }

    /// Returns what Secrets Manager keeps about the certificate after its import as `arn`.
    pub(crate) fn to_metadata(
        &self,
        arn: String,
        supersedes: Vec<String>,
        tags: Tags,
    ) -> Result<Certificate> {
        Ok(Certificate {
            arn,
            name: self.name.clone(),
            names: self.names.clone(),
            anchor: last_certificate(self.chain_pem.as_deref().unwrap_or(&self.certificate_pem)).to_owned(),
            fingerprint: self.fingerprint.clone(),
            not_after: self.not_after.format(&Rfc3339).context("the certificate's expiry is out of range")?,
            self_signed: self.self_signed,
            supersedes,
            tags,
        })
    }

    /// Returns the certificate followed by its chain, the order in which a server sends them.
    pub(crate) fn served_pem(&self) -> String {
        format!("{}\n{}", self.certificate_pem.trim_end(), self.chain_pem.as_deref().unwrap_or_default())
    }
}

fn check_validity(details: &CertificateDetails, now: SystemTime) -> Result<()> {
    let now = OffsetDateTime::from(now);
    if now > details.not_after {
        return Err(Failure::usage(format!(
            "{} expired on {}",
            details.description,
            details.not_after.date()
        ))
        .next("renew it, then run the same command with the new files"));
    }
    if now < details.not_before {
        return Err(Failure::usage(format!(
            "{} is valid only from {}",
            details.description,
            details.not_before.date()
        ))
        .next("check this machine's clock, or wait"));
    }
    Ok(())
}

/// Returns the last certificate of a PEM text.
fn last_certificate(pem: &str) -> &str {
    pem.rfind("-----BEGIN CERTIFICATE-----").map_or(pem, |start| &pem[start..])
}

fn check_key(leaf: &CertificateDer<'_>, key_pem: &str, cert: &Path, key: &Path) -> Result<()> {
    if key_pem.contains("ENCRYPTED") {
        return Err(Failure::usage(format!("the private key in {} is encrypted", key.display()))
            .why("ACM imports unencrypted keys only")
            .next(format!(
                "openssl pkey -in {} -out key.pem",
                shell_argument(&key.to_string_lossy(), "FILE")
            )));
    }
    if key_pem.len() > MAX_KEY_PEM_BYTES {
        return Err(Failure::usage(format!("the private key in {} is too long", key.display()))
            .why(format!("it has {} bytes, and ACM imports at most 5,120", key_pem.len()))
            .next("pass a file with only the certificate's own private key to --key"));
    }
    let no_key = || {
        Failure::usage(format!("{} contains no usable private key", key.display()))
            .next("pass a PEM file (BEGIN PRIVATE KEY) with an RSA or ECDSA key to --key")
    };
    let der = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| no_key())?;
    let signer = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).map_err(|_| no_key())?;
    match rustls::sign::CertifiedKey::new(vec![leaf.clone().into_owned()], signer).keys_match() {
        Ok(()) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(Failure::usage("the private key does not match the certificate")
                .why(format!("{} was not issued for the key in {}", cert.display(), key.display()))
                .next("pass the key that the certificate was requested with to --key"))
        }
        Err(error) => Err(error).context(format!("cannot use {}", cert.display())),
    }
}

fn check_chain(leaf: &CertificateDer<'_>, chain: &[CertificateDer<'static>], file: &Path) -> Result<()> {
    if chain.first() == Some(leaf) {
        return Err(Failure::usage(format!("{} starts with the certificate itself", file.display()))
            .why("ACM does not accept the certificate in its own chain")
            .next("keep only the certificates above it in --chain"));
    }
    let mut issued = parse_certificate(leaf, "the certificate")?;
    for (place, der) in chain.iter().enumerate() {
        let issuer = parse_certificate(der, "a certificate of the chain")?;
        if issued.verify_signature(Some(issuer.public_key())).is_err() {
            return Err(Failure::usage(format!(
                "certificate {} in {} did not issue the one before it",
                place + 1,
                file.display()
            ))
            .why(format!(
                "the issuer of {:?} is {:?}",
                issued.subject().to_string(),
                issued.issuer().to_string()
            ))
            .next("order the chain from the issuer of --cert upwards, with each certificate once"));
        }
        issued = issuer;
    }
    Ok(())
}

fn parse_certificates(pem: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.context(format!("{} is not a PEM file", file.display()))?;
    if certificates.is_empty() {
        return Err(Failure::usage(format!("{} contains no certificate", file.display()))
            .next("pass a PEM file (BEGIN CERTIFICATE)"));
    }
    Ok(certificates)
}

/// Reads the PEM blocks of this kind. ACM imports nothing else ("Certificate import problems"), but other tools also write the
/// attributes of a key, or spaces at the ends of lines.
fn read_pem(file: &Path, kind: &str) -> Result<String> {
    let size = fs::metadata(file).context_of_argument(format!("cannot read {}", file.display()))?.len();
    if size > MAX_PEM_BYTES {
        return Err(Failure::usage(format!("{} is not a PEM file: it has {size} bytes", file.display())));
    }
    let text =
        fs::read_to_string(file).context_of_argument(format!("cannot read {} as PEM", file.display()))?;
    let (mut blocks, mut is_inside) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        is_inside |= line.starts_with("-----BEGIN ") && line.ends_with(&format!(" {kind}-----"));
        if is_inside {
            blocks.push_str(line);
            blocks.push('\n');
        }
        is_inside &= !line.starts_with("-----END ");
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TestFiles {
        dir: tempfile::TempDir,
    }

    impl TestFiles {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn write_file(&self, name: &str, text: &str) -> std::path::PathBuf {
            let file = self.dir.path().join(name);
            fs::write(&file, text).unwrap();
            file
        }
    }

    fn self_signed() -> CertificateBundle {
        CertificateBundle::generate_self_signed("api.example.com", &[], SystemTime::now()).unwrap()
    }

    fn refusal_text(result: Result<CertificateBundle>) -> String {
        result.err().expect("it was accepted").to_string()
    }

    #[test]
    fn a_self_signed_certificate_can_be_read_from_files() {
        let made = self_signed();
        let files = TestFiles::new();
        let (cert, key) =
            (files.write_file("cert.pem", &made.certificate_pem), files.write_file("key.pem", &made.key_pem));
        let read = CertificateBundle::read(&cert, &key, None, SystemTime::now()).unwrap();
        assert_eq!(read.name, "api.example.com");
        assert_eq!(read.fingerprint, made.fingerprint);
    }

    #[test]
    fn only_the_blocks_of_a_file_are_imported() {
        let made = self_signed();
        let files = TestFiles::new();
        let with_spaces = made.certificate_pem.replace('\n', " \r\n");
        let cert = files.write_file("cert.pem", &format!("subject=CN = api.example.com\n{with_spaces}"));
        let attributes = "Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n";
        let key = format!("{}{attributes}{}", made.certificate_pem, made.key_pem);
        let key = files.write_file("key.pem", &key);
        let read = CertificateBundle::read(&cert, &key, None, SystemTime::now()).unwrap();
        assert_eq!(
            read.certificate_pem.lines().collect::<Vec<_>>(),
            made.certificate_pem.lines().collect::<Vec<_>>()
        );
        assert_eq!(read.key_pem.lines().collect::<Vec<_>>(), made.key_pem.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_certificate_that_acm_refuses_is_refused() {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let params = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        let files = TestFiles::new();
        let cert = files.write_file("cert.pem", &params.self_signed(&key).unwrap().pem());
        let key = files.write_file("key.pem", &key.serialize_pem());
        let refused = refusal_text(CertificateBundle::read(&cert, &key, None, SystemTime::now()));
        assert!(refused.contains("cert.pem has a key of the type"), "{refused}");
        let local = CertificateBundle::generate_self_signed("localhost", &[], SystemTime::now());
        assert!(refusal_text(local).contains("not a fully qualified name"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let files = TestFiles::new();
        let cert = files.write_file("cert.pem", &self_signed().certificate_pem);
        let key = files.write_file("key.pem", &self_signed().key_pem);
        assert!(
            refusal_text(CertificateBundle::read(&cert, &key, None, SystemTime::now()))
                .contains("does not match")
        );
    }

    #[test]
    fn a_certificate_outside_its_validity_is_refused() {
        let made = self_signed();
        let files = TestFiles::new();
        let (cert, key) =
            (files.write_file("cert.pem", &made.certificate_pem), files.write_file("key.pem", &made.key_pem));
        let later = SystemTime::now() + SELF_SIGNED_VALIDITY + Duration::from_secs(60);
        assert!(refusal_text(CertificateBundle::read(&cert, &key, None, later)).contains("expired on"));
        let earlier = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        assert!(
            refusal_text(CertificateBundle::read(&cert, &key, None, earlier)).contains("valid only from")
        );
    }

    #[test]
    fn an_authoritys_certificate_is_refused() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let files = TestFiles::new();
        let (cert, key) = (
            files.write_file("cert.pem", &certificate.pem()),
            files.write_file("key.pem", &key.serialize_pem()),
        );
        assert!(
            refusal_text(CertificateBundle::read(&cert, &key, None, SystemTime::now())).contains("CA:TRUE")
        );
    }

    #[test]
    fn unusable_files_are_refused() {
        let made = self_signed();
        let files = TestFiles::new();
        let (cert, key) =
            (files.write_file("cert.pem", &made.certificate_pem), files.write_file("key.pem", &made.key_pem));
        let text = files.write_file("text", "hello");
        let now = SystemTime::now();
        assert!(
            refusal_text(CertificateBundle::read(&text, &key, None, now)).contains("contains no certificate")
        );
        assert!(
            refusal_text(CertificateBundle::read(&cert, &text, None, now)).contains("no usable private key")
        );
        assert!(
            refusal_text(CertificateBundle::read(&cert, &text.join("x"), None, now)).contains("cannot read")
        );
        let locked = files.write_file("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
        assert!(refusal_text(CertificateBundle::read(&cert, &locked, None, now)).contains("encrypted"));
        let chain = Some(cert.as_path());
        assert!(
            refusal_text(CertificateBundle::read(&cert, &key, chain, now)).contains("the certificate itself")
        );
        let many = files.write_file("keys.pem", &made.key_pem.repeat(25));
        assert!(refusal_text(CertificateBundle::read(&cert, &many, None, now)).contains("at most 5,120"));
        let stranger = files.write_file("chain.pem", &self_signed().certificate_pem);
        assert!(
            refusal_text(CertificateBundle::read(&cert, &key, Some(&stranger), now))
                .contains("did not issue")
        );
        assert!(
            refusal_text(CertificateBundle::generate_self_signed("not a name", &[], now))
                .contains("not a DNS name")
        );
    }
}
