//! What the front serves: a certificate file and a load balancer file for each stack.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use restctl_contract::stack::{Certificate, StackName};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use super::folder::CloudFolder;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result, shell_argument};

const CERTIFICATE: &str = "certificate.pem";
/// A certificate with another ARN, until the load balancer uses it.
const NEXT_CERTIFICATE: &str = "next-certificate.pem";
const BACKEND: &str = "backend.json";

/// A folder with a subfolder for each stack.
#[derive(Debug, Clone)]
pub(crate) struct ServedStacks(PathBuf);

/// A stack's load balancer and the name that clients connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backend {
    #[serde(skip)]
    stack: String,
    certificate_name: String,
    /// Empty if an earlier version of restctl wrote the file.
    #[serde(default)]
    certificate_arn: String,
    /// Its name in Elastic Load Balancing.
    pub(crate) load_balancer: String,
}

impl ServedStacks {
    pub(crate) fn in_state_folder() -> Result<Self> {
        Ok(Self::in_folder(&CloudFolder::in_state_folder()?))
    }

    pub(crate) fn in_folder(folder: &CloudFolder) -> Self {
        Self(folder.stacks_folder())
    }

    /// Gives the front the certificate that was imported for `stack`. The front uses it at once if its ARN is the one in
    /// service, otherwise after the next [`Self::put_into_service`].
    ///
    /// `chain_pem` starts with the leaf certificate. `key_pem` is its unencrypted private key.
    pub(crate) fn keep_certificate(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        chain_pem: &str,
        key_pem: &str,
    ) -> Result<()> {
        let folder = self.0.join(stack.as_str());
        // One file, so that a reader never sees a chain with the key of another.
        let both = format!("{}\n{}\n", chain_pem.trim_end(), key_pem.trim_end());
        let keep = |file| directories::write_private_file(&folder.join(file), both.as_bytes());
        match read_backend(&folder)? {
            None => keep(CERTIFICATE),
            // A load balancer serves its listener's certificate, which changes only with a deployment.
            Some(backend) if backend.certificate_arn != certificate.arn => keep(NEXT_CERTIFICATE),
            Some(backend) => {
                keep(CERTIFICATE)?;
                self.write_backend(Backend { certificate_name: certificate.name.clone(), ..backend })
            }
        }
    }

    /// Makes the front pass requests for the name of `certificate` to the load balancer of `stack`.
    pub(crate) fn put_into_service(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        load_balancer_dns_name: &str,
    ) -> Result<()> {
        let load_balancer = load_balancer_name(load_balancer_dns_name).ok_or_else(|| {
            Failure::new(format!("{load_balancer_dns_name} is not the DNS name of a load balancer"))
        })?;
        let folder = self.0.join(stack.as_str());
        match fs::rename(folder.join(NEXT_CERTIFICATE), folder.join(CERTIFICATE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("cannot put the certificate in {} into service", folder.display()))?;
        self.write_backend(Backend {
            stack: stack.to_string(),
            certificate_name: certificate.name.clone(),
            certificate_arn: certificate.arn.clone(),
            load_balancer: load_balancer.to_owned(),
        })
    }

    fn write_backend(&self, backend: Backend) -> Result<()> {
        let name = &backend.certificate_name;
        let mut others = self.read_backends()?.into_iter().filter(|other| other.stack != backend.stack);
        if let Some(other) = others.find(|other| other.serves_name(name)) {
            return Err(Failure::new(format!("two stacks cannot both serve {name}"))
                .why(format!("the local cloud serves the stack {} under this name", other.stack))
                .next(format!("restctl destroy --stack {}", shell_argument(&other.stack, "NAME"))));
        }
        let file = self.0.join(&backend.stack).join(BACKEND);
        let json = serde_json::to_vec(&backend).context("cannot record the load balancer")?;
        directories::write_private_file(&file, &json)
    }

    /// Deletes what [`Self::keep_certificate`] and [`Self::put_into_service`] recorded for `stack`.
    pub(crate) fn forget_stack(&self, stack: &StackName) -> Result<()> {
        let dir = self.0.join(stack.as_str());
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("cannot remove {}", dir.display()))
    }

    /// Returns the stack that serves the name a TLS client asked for, or the only stack if there is just one.
    pub(crate) fn find_backend(&self, server_name: Option<&str>) -> Result<Option<Backend>> {
        let mut backends = self.read_backends()?;
        if let Some(name) = server_name
            && let Some(named) = backends.iter().position(|backend| backend.serves_name(name))
        {
            return Ok(Some(backends.swap_remove(named)));
        }
        Ok(if backends.len() == 1 { backends.pop() } else { None })
    }

    pub(crate) fn read_certificate(
        &self,
        backend: &Backend,
        crypto: &CryptoProvider,
    ) -> Result<CertifiedKey> {
        let file = self.0.join(&backend.stack).join(CERTIFICATE);
        let doing = format!("cannot use the certificate in {}", file.display());
        let pem = fs::read(&file).context(&doing)?;
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().context(&doing)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).context(&doing)?;
        CertifiedKey::from_der(chain, key, crypto).context(doing)
    }

    fn read_backends(&self) -> Result<Vec<Backend>> {
        let doing = format!("cannot read {}", self.0.display());
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context(&doing)?,
        };
        let mut backends = Vec::new();
        for entry in entries {
            backends.extend(read_backend(&entry.context(&doing)?.path())?);
        }
        Ok(backends)
    }
}

impl Backend {
    fn serves_name(&self, name: &str) -> bool {
        self.certificate_name.eq_ignore_ascii_case(name)
    }
}

/// Reads a stack's load balancer. `None` if the stack has a certificate but is not deployed yet.
fn read_backend(stack: &Path) -> Result<Option<Backend>> {
    let file = stack.join(BACKEND);
    let doing = format!("cannot read {}", file.display());
    let json = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        json => json.context(&doing)?,
    };
    let mut backend: Backend = serde_json::from_slice(&json).context(doing)?;
    backend.stack = stack.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(backend))
}

/// Returns the name of a load balancer. Its DNS name consists of the name, a hyphen, an id and a domain.
fn load_balancer_name(dns_name: &str) -> Option<&str> {
    let (label, _) = dns_name.split_once('.')?;
    label.rsplit_once('-').map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn stack_name(name: &str) -> StackName {
        name.parse().unwrap()
    }

    pub(in crate::local) fn certificate(name: &str, arn: &str) -> Certificate {
        Certificate {
            arn: arn.to_owned(),
            name: name.to_owned(),
            names: vec![name.to_owned()],
            anchor: String::new(),
            fingerprint: String::new(),
            not_after: String::new(),
            self_signed: true,
            supersedes: Vec::new(),
            tags: restctl_contract::stack::Tags::new(),
        }
    }

    #[test]
    fn a_stack_is_found_by_name_or_as_the_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = ServedStacks(dir.path().join("front"));
        assert_eq!(stacks.find_backend(Some("a.example")).unwrap(), None);
        let load_balancer =
            |name: Option<&str>| stacks.find_backend(name).unwrap().map(|backend| backend.load_balancer);

        stacks
            .put_into_service(
                &stack_name("a"),
                &certificate("a.example", "a"),
                "lb-a-0123abcd.us-east-1.elb.amazonaws.com",
            )
            .unwrap();
        stacks
            .keep_certificate(
                &stack_name("certified-only"),
                &certificate("c.example", "certified-only"),
                "chain",
                "key",
            )
            .unwrap();
        assert_eq!(load_balancer(None).as_deref(), Some("lb-a"));
        assert_eq!(load_balancer(Some("other.example")).as_deref(), Some("lb-a"));

        stacks
            .put_into_service(
                &stack_name("b"),
                &certificate("b.example", "b"),
                "lb-b-4567.us-east-1.elb.amazonaws.com",
            )
            .unwrap();
        assert_eq!(load_balancer(Some("B.example")).as_deref(), Some("lb-b"));
        assert_eq!(load_balancer(Some("a.example")).as_deref(), Some("lb-a"));
        assert_eq!(load_balancer(Some("other.example")), None);
        assert_eq!(load_balancer(None), None);

        stacks
            .keep_certificate(&stack_name("a"), &certificate("renamed.example", "a"), "chain", "key")
            .unwrap();
        assert_eq!(load_balancer(Some("a.example")), None);
        assert_eq!(load_balancer(Some("renamed.example")).as_deref(), Some("lb-a"));

        stacks.forget_stack(&stack_name("a")).unwrap();
        stacks.forget_stack(&stack_name("a")).unwrap();
        assert_eq!(load_balancer(None).as_deref(), Some("lb-b"));
    }

    #[test]
    fn two_stacks_cannot_serve_the_same_name() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = ServedStacks(dir.path().join("front"));
        stacks
            .put_into_service(&stack_name("a"), &certificate("api.example", "a"), "a-1.elb.amazonaws.com")
            .unwrap();
        stacks
            .put_into_service(&stack_name("a"), &certificate("api.example", "a"), "a-2.elb.amazonaws.com")
            .unwrap();
        let refused = stacks
            .put_into_service(&stack_name("b"), &certificate("api.example", "b"), "b-1.elb.amazonaws.com")
            .unwrap_err();
        assert!(refused.to_string().contains("stack a"), "{refused}");
        assert!(
            stacks.put_into_service(&stack_name("a"), &certificate("api.example", "a"), "localhost").is_err()
        );
    }
}
