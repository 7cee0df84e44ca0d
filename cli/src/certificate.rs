//! The TLS certificate that `setup` imports: read, checked or made before anything is sent.

mod presented;
mod reimport;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use restctl_contract::stack::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::{FromDer, GeneralName};

use crate::digest::sha256_hex;
use crate::failure::{Exit, Failure, FailureContext, Result};

pub(crate) use presented::{Presented, covers, did_issue};
pub(crate) use reimport::Obstacle;

/// How long a self-signed certificate is valid: the 398 days that browsers accept, less one.
const SELF_SIGNED_VALIDITY: Duration = Duration::from_secs(397 * 24 * 60 * 60);

/// A certificate file may hold a chain; a key file holds one key. Neither comes near this many bytes.
const MAX_PEM_BYTES: u64 = 256 * 1024;

/// A certificate with its private key and the chain behind it, known to fit together.
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    pub(crate) chain_pem: Option<String>,
    /// The DNS name to ask for and to verify.
    pub(crate) name: String,
    /// All that it is for, stars as they stand.
    pub(crate) names: Vec<String>,
    pub(crate) not_after: OffsetDateTime,
    fingerprint: String,
    self_signed: bool,
}

impl Identity {
    /// Reads PEM files and checks that the key matches, that the certificate is valid at `now`, that it has a
    /// DNS name and that each certificate of the chain issued the one before it.
    pub(crate) fn read(cert: &Path, key: &Path, chain: Option<&Path>, now: SystemTime) -> Result<Self> {
        let certificate_pem = read_pem(cert)?;
        let key_pem = read_pem(key)?;
        let chain_pem = chain.map(read_pem).transpose()?;
        let certificates = parse_certificates(&certificate_pem, cert)?;
        let leaf = &certificates[0];
        if certificates.len() > 1 {
            return Err(usage(format!("{} holds {} certificates", cert.display(), certificates.len()))
                .next("leave the first one in --cert and put the others into a file for --chain"));
        }
        check_key(leaf, &key_pem, cert, key)?;
        if let (Some(chain_pem), Some(chain)) = (&chain_pem, chain) {
            check_chain(leaf, &parse_certificates(chain_pem, chain)?, chain)?;
        }
        let facts = Facts::of(leaf, &format!("the certificate in {}", cert.display()))?;
        facts.check_validity(now)?;
        if facts.is_authority {
            return Err(usage(format!("{} is an authority's certificate (CA:TRUE)", facts.subject))
                .why("clients refuse a server that presents one; `openssl req -x509` makes one by default")
                .next(
                    "--self-signed NAME instead, or\n\
                     openssl req -x509 … -addext basicConstraints=critical,CA:FALSE",
                ));
        }
        let name = facts.name.ok_or_else(|| {
            usage(format!("the certificate in {} names no DNS name", cert.display()))
                .why("clients verify the subject alternative names; the common name no longer counts")
                .next("have it issued again with the API's DNS name as a subject alternative name")
        })?;
        Ok(Self {
            certificate_pem,
            key_pem,
            chain_pem,
            name,
            names: facts.names,
            not_after: facts.not_after,
            fingerprint: facts.fingerprint,
            self_signed: false,
        })
    }

    /// Makes a key (ECDSA P-256) and a certificate for `name` that nobody else vouches for.
    pub(crate) fn self_signed(name: &str, now: SystemTime) -> Result<Self> {
        let not_a_name = || usage(format!("{name:?} is not a DNS name")).next("such as api.example.com");
        DnsName::try_from(name).map_err(|_| not_a_name())?;
        let mut params = CertificateParams::new([name.to_owned()]).map_err(|_| not_a_name())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // A clock that is a little behind must accept it as well.
        params.not_before = (now - Duration::from_secs(60 * 60)).into();
        params.not_after = (now + SELF_SIGNED_VALIDITY).into();
        let key = KeyPair::generate().context("a key cannot be generated")?;
        let certificate = params.self_signed(&key).context("the certificate cannot be signed")?;
        let facts = Facts::of(certificate.der(), "the new certificate")?;
        let name = facts.name.ok_or_else(not_a_name)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            chain_pem: None,
            name,
            names: facts.names,
            not_after: facts.not_after,
            fingerprint: facts.fingerprint,
            self_signed: true,
        })
    }

    /// Why ACM would refuse it under the ARN of the certificate `former_pem`; none where it takes it.
    pub(crate) fn obstacle_to_replacing(&self, former_pem: &str) -> Result<Option<Obstacle>> {
        const FORMER: &str = "the certificate in ACM";
        const NEW: &str = "the new certificate";
        let former = CertificateDer::from_pem_slice(former_pem.as_bytes());
        let former = former.context(format!("{FORMER} cannot be read"))?;
        let new = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes());
        let new = new.context(format!("{NEW} cannot be read"))?;
        reimport::obstacle(&parse(&former, FORMER)?, &parse(&new, NEW)?)
            .context("what the certificates may be used for cannot be read")
    }

    /// It is for this name, as a client would see it.
    pub(crate) fn covers(&self, name: &str) -> Result<bool> {
        let der = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes());
        Ok(covers(&der.context("the new certificate cannot be read")?, name))
    }

    /// What Secrets Manager keeps of it, once it has been imported as `arn`.
    pub(crate) fn metadata(&self, arn: String, supersedes: Vec<String>) -> Result<Certificate> {
        Ok(Certificate {
            arn,
            name: self.name.clone(),
            names: self.names.clone(),
            anchor: topmost(self.chain_pem.as_deref().unwrap_or(&self.certificate_pem)).to_owned(),
            fingerprint: self.fingerprint.clone(),
            not_after: self.not_after.format(&Rfc3339).context("the certificate's expiry is out of range")?,
            self_signed: self.self_signed,
            supersedes,
        })
    }

    /// The certificate, then its chain, as a server sends them.
    pub(crate) fn served_pem(&self) -> String {
        format!("{}\n{}", self.certificate_pem.trim_end(), self.chain_pem.as_deref().unwrap_or_default())
    }
}

/// What a certificate says.
struct Facts {
    name: Option<String>,
    names: Vec<String>,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    fingerprint: String,
    is_authority: bool,
    subject: String,
}

impl Facts {
    fn of(der: &CertificateDer<'_>, which: &str) -> Result<Self> {
        let certificate = parse(der, which)?;
        let names = certificate.subject_alternative_name();
        let names = names.context(format!("{which} has names that cannot be read"))?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        let names: Vec<String> = names.collect();
        Ok(Self {
            // Any one label stands for the star.
            name: names.first().map(|name| name.replacen('*', "restctl", 1)),
            names,
            not_before: certificate.validity().not_before.to_datetime(),
            not_after: certificate.validity().not_after.to_datetime(),
            fingerprint: sha256_hex(der),
            is_authority: certificate.is_ca(),
            subject: which.to_owned(),
        })
    }

    fn check_validity(&self, now: SystemTime) -> Result<()> {
        let now = OffsetDateTime::from(now);
        if now > self.not_after {
            return Err(usage(format!("{} expired on {}", self.subject, self.not_after.date()))
                .next("renew it, then run this again with the new files"));
        }
        if now < self.not_before {
            return Err(usage(format!("{} is valid only from {}", self.subject, self.not_before.date()))
                .next("check this machine's clock, or wait"));
        }
        Ok(())
    }
}

/// The last certificate of a PEM text.
fn topmost(pem: &str) -> &str {
    pem.rfind("-----BEGIN CERTIFICATE-----").map_or(pem, |start| &pem[start..])
}

fn check_key(leaf: &CertificateDer<'_>, key_pem: &str, cert: &Path, key: &Path) -> Result<()> {
    if key_pem.contains("ENCRYPTED") {
        return Err(usage(format!("the private key in {} is encrypted", key.display()))
            .why("ACM imports unencrypted keys only")
            .next(format!("openssl pkey -in {} -out key.pem", key.display())));
    }
    let no_key = || {
        usage(format!("{} holds no private key that can be used", key.display()))
            .next("give a PEM file (BEGIN PRIVATE KEY) with an RSA or ECDSA key to --key")
    };
    let der = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| no_key())?;
    let signer = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).map_err(|_| no_key())?;
    match rustls::sign::CertifiedKey::new(vec![leaf.clone().into_owned()], signer).keys_match() {
        Ok(()) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(usage("the private key does not match the certificate")
                .why(format!("{} was issued for another key than {}", cert.display(), key.display()))
                .next("give the key with which the certificate was requested to --key"))
        }
        Err(error) => Err(error).context(format!("{} cannot be used", cert.display())),
    }
}

fn check_chain(leaf: &CertificateDer<'_>, chain: &[CertificateDer<'static>], file: &Path) -> Result<()> {
    let mut issued = parse(leaf, "the certificate")?;
    for (place, der) in chain.iter().enumerate() {
        let issuer = parse(der, "a certificate of the chain")?;
        if issued.verify_signature(Some(issuer.public_key())).is_err() {
            return Err(usage(format!(
                "certificate {} in {} did not issue the one before it",
                place + 1,
                file.display()
            ))
            .why(format!(
                "{:?} should be issued by {:?}",
                issued.subject().to_string(),
                issued.issuer().to_string()
            ))
            .next("order the chain from the issuer of --cert upwards, each certificate once"));
        }
        issued = issuer;
    }
    Ok(())
}

fn parse<'a>(der: &'a CertificateDer<'_>, which: &str) -> Result<X509Certificate<'a>> {
    let parsed = X509Certificate::from_der(der);
    parsed.map(|(_, certificate)| certificate).context(format!("{which} cannot be read"))
}

fn parse_certificates(pem: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.context(format!("{} is not a PEM file", file.display()))?;
    if certificates.is_empty() {
        return Err(usage(format!("{} holds no certificate", file.display()))
            .next("give a PEM file (BEGIN CERTIFICATE)"));
    }
    Ok(certificates)
}

fn read_pem(file: &Path) -> Result<String> {
    let size = fs::metadata(file).context(format!("{} cannot be read", file.display()))?.len();
    if size > MAX_PEM_BYTES {
        return Err(usage(format!("{} has {size} bytes and is no PEM file", file.display())));
    }
    fs::read_to_string(file).context(format!("{} cannot be read as PEM", file.display()))
}

fn usage(what: impl Into<String>) -> Failure {
    Failure::new(what).exit(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files {
        dir: tempfile::TempDir,
    }

    impl Files {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn put(&self, name: &str, text: &str) -> std::path::PathBuf {
            let file = self.dir.path().join(name);
            fs::write(&file, text).unwrap();
            file
        }
    }

    fn made() -> Identity {
        Identity::self_signed("api.example.com", SystemTime::now()).unwrap()
    }

    fn refusal(result: Result<Identity>) -> String {
        result.err().expect("it was accepted").to_string()
    }

    #[test]
    fn a_self_signed_certificate_reads_back_as_any_other() {
        let made = made();
        let files = Files::new();
        let (cert, key) = (files.put("cert.pem", &made.certificate_pem), files.put("key.pem", &made.key_pem));
        let read = Identity::read(&cert, &key, None, SystemTime::now()).unwrap();
        assert_eq!(read.name, "api.example.com");
        assert_eq!(read.fingerprint, made.fingerprint);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let files = Files::new();
        let cert = files.put("cert.pem", &made().certificate_pem);
        let key = files.put("key.pem", &made().key_pem);
        assert!(refusal(Identity::read(&cert, &key, None, SystemTime::now())).contains("does not match"));
    }

    #[test]
    fn a_certificate_out_of_its_time_is_refused() {
        let made = made();
        let files = Files::new();
        let (cert, key) = (files.put("cert.pem", &made.certificate_pem), files.put("key.pem", &made.key_pem));
        let later = SystemTime::now() + SELF_SIGNED_VALIDITY + Duration::from_secs(60);
        assert!(refusal(Identity::read(&cert, &key, None, later)).contains("expired on"));
        let earlier = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        assert!(refusal(Identity::read(&cert, &key, None, earlier)).contains("valid only from"));
    }

    #[test]
    fn an_authoritys_certificate_is_refused() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let files = Files::new();
        let (cert, key) =
            (files.put("cert.pem", &certificate.pem()), files.put("key.pem", &key.serialize_pem()));
        assert!(refusal(Identity::read(&cert, &key, None, SystemTime::now())).contains("CA:TRUE"));
    }

    #[test]
    fn files_that_are_not_what_they_should_be_are_refused() {
        let made = made();
        let files = Files::new();
        let (cert, key) = (files.put("cert.pem", &made.certificate_pem), files.put("key.pem", &made.key_pem));
        let text = files.put("text", "hello");
        let now = SystemTime::now();
        assert!(refusal(Identity::read(&text, &key, None, now)).contains("holds no certificate"));
        assert!(refusal(Identity::read(&cert, &text, None, now)).contains("no private key"));
        assert!(refusal(Identity::read(&cert, &text.join("x"), None, now)).contains("cannot be read"));
        let locked = files.put("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
        assert!(refusal(Identity::read(&cert, &locked, None, now)).contains("encrypted"));
        let stranger = files.put("chain.pem", &self::made().certificate_pem);
        assert!(refusal(Identity::read(&cert, &key, Some(&stranger), now)).contains("did not issue"));
        assert!(refusal(Identity::self_signed("not a name", now)).contains("not a DNS name"));
    }
}
