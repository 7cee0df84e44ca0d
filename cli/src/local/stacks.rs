//! What the front serves: for each stack its certificate and its load balancer, one file each.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use restctl_contract::stack::{Certificate, StackName};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};

const CERTIFICATE: &str = "certificate.pem";
/// One with another ARN, until the load balancer has it.
const NEXT_CERTIFICATE: &str = "next-certificate.pem";
const BACKEND: &str = "backend.json";

/// A folder with one folder per stack.
#[derive(Debug, Clone)]
pub(crate) struct Stacks(PathBuf);

/// A stack's load balancer, and the name under which it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backend {
    #[serde(skip)]
    stack: String,
    certificate_name: String,
    /// Empty where an earlier version wrote this.
    #[serde(default)]
    certificate_arn: String,
    /// Elastic Load Balancing's name of the load balancer.
    pub(crate) load_balancer: String,
}

impl Stacks {
    pub(crate) fn standard() -> Result<Self> {
        Ok(Self::of(&Folder::standard()?))
    }

    pub(crate) fn of(folder: &Folder) -> Self {
        Self(folder.stacks())
    }

    pub(crate) fn keep_certificate(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        chain_pem: &str,
        key_pem: &str,
    ) -> Result<()> {
        let folder = self.0.join(stack.as_str());
        // One file, so that a chain is never seen with another chain's key.
        let both = format!("{}\n{}\n", chain_pem.trim_end(), key_pem.trim_end());
        let keep = |file| directories::write_private_file(&folder.join(file), both.as_bytes());
        match backend(&folder)? {
            None => keep(CERTIFICATE),
            // A load balancer serves what its listener names, and that changes with a deployment.
            Some(backend) if backend.certificate_arn != certificate.arn => keep(NEXT_CERTIFICATE),
            Some(backend) => {
                keep(CERTIFICATE)?;
                self.write(Backend { certificate_name: certificate.name.clone(), ..backend })
            }
        }
    }

    pub(crate) fn serve(
        &self,
        stack: &StackName,
        certificate: &Certificate,
        load_balancer_dns_name: &str,
    ) -> Result<()> {
        let load_balancer = load_balancer_name(load_balancer_dns_name).ok_or_else(|| {
            Failure::new(format!("{load_balancer_dns_name} is no load balancer's DNS name"))
        })?;
        let folder = self.0.join(stack.as_str());
        match fs::rename(folder.join(NEXT_CERTIFICATE), folder.join(CERTIFICATE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("the certificate in {} cannot be put in front", folder.display()))?;
        self.write(Backend {
            stack: stack.to_string(),
            certificate_name: certificate.name.clone(),
            certificate_arn: certificate.arn.clone(),
            load_balancer: load_balancer.to_owned(),
        })
    }

    fn write(&self, backend: Backend) -> Result<()> {
        let name = &backend.certificate_name;
        let mut others = self.backends()?.into_iter().filter(|other| other.stack != backend.stack);
        if let Some(other) = others.find(|other| other.answers_to(name)) {
            return Err(Failure::new(format!("two stacks cannot both answer at {name}"))
                .why(format!("the local cloud serves the stack {} there", other.stack))
                .next(format!("restctl destroy --stack {}", other.stack)));
        }
        let file = self.0.join(&backend.stack).join(BACKEND);
        let json = serde_json::to_vec(&backend).context("the load balancer cannot be written down")?;
        directories::write_private_file(&file, &json)
    }

    pub(crate) fn forget(&self, stack: &StackName) -> Result<()> {
        let dir = self.0.join(stack.as_str());
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
        .context(format!("{} cannot be removed", dir.display()))
    }

    /// The stack that answers to the name a TLS client asked for, or the only one there is.
    pub(crate) fn choose(&self, server_name: Option<&str>) -> Result<Option<Backend>> {
        let mut backends = self.backends()?;
        if let Some(name) = server_name
            && let Some(named) = backends.iter().position(|backend| backend.answers_to(name))
        {
            return Ok(Some(backends.swap_remove(named)));
        }
        Ok(if backends.len() == 1 { backends.pop() } else { None })
    }

    pub(crate) fn certificate(&self, backend: &Backend, crypto: &CryptoProvider) -> Result<CertifiedKey> {
        let file = self.0.join(&backend.stack).join(CERTIFICATE);
        let doing = format!("the certificate in {} cannot be used", file.display());
        let pem = fs::read(&file).context(&doing)?;
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().context(&doing)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).context(&doing)?;
        CertifiedKey::from_der(chain, key, crypto).context(doing)
    }

    fn backends(&self) -> Result<Vec<Backend>> {
        let doing = format!("{} cannot be read", self.0.display());
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context(&doing)?,
        };
        let mut backends = Vec::new();
        for entry in entries {
            backends.extend(backend(&entry.context(&doing)?.path())?);
        }
        Ok(backends)
    }
}

impl Backend {
    fn answers_to(&self, name: &str) -> bool {
        self.certificate_name.eq_ignore_ascii_case(name)
    }
}

/// None for a stack that has a certificate and is not deployed yet.
fn backend(stack: &Path) -> Result<Option<Backend>> {
    let file = stack.join(BACKEND);
    let doing = format!("{} cannot be read", file.display());
    let json = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        json => json.context(&doing)?,
    };
    let mut backend: Backend = serde_json::from_slice(&json).context(doing)?;
    backend.stack = stack.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(backend))
}

/// A load balancer's DNS name starts with its name, a hyphen and an id.
fn load_balancer_name(dns_name: &str) -> Option<&str> {
    let (label, _) = dns_name.split_once('.')?;
    label.rsplit_once('-').map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn stack(name: &str) -> StackName {
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
        }
    }

    #[test]
    fn a_stack_is_chosen_by_name_or_because_it_is_alone() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = Stacks(dir.path().join("front"));
        assert_eq!(stacks.choose(Some("a.example")).unwrap(), None);
        let load_balancer =
            |name: Option<&str>| stacks.choose(name).unwrap().map(|backend| backend.load_balancer);

        stacks
            .serve(&stack("a"), &certificate("a.example", "a"), "lb-a-0123abcd.us-east-1.elb.amazonaws.com")
            .unwrap();
        stacks
            .keep_certificate(
                &stack("certified-only"),
                &certificate("c.example", "certified-only"),
                "chain",
                "key",
            )
            .unwrap();
        assert_eq!(load_balancer(None).as_deref(), Some("lb-a"));
        assert_eq!(load_balancer(Some("other.example")).as_deref(), Some("lb-a"));

        stacks
            .serve(&stack("b"), &certificate("b.example", "b"), "lb-b-4567.us-east-1.elb.amazonaws.com")
            .unwrap();
        assert_eq!(load_balancer(Some("B.example")).as_deref(), Some("lb-b"));
        assert_eq!(load_balancer(Some("a.example")).as_deref(), Some("lb-a"));
        assert_eq!(load_balancer(Some("other.example")), None);
        assert_eq!(load_balancer(None), None);

        stacks.keep_certificate(&stack("a"), &certificate("renamed.example", "a"), "chain", "key").unwrap();
        assert_eq!(load_balancer(Some("a.example")), None);
        assert_eq!(load_balancer(Some("renamed.example")).as_deref(), Some("lb-a"));

        stacks.forget(&stack("a")).unwrap();
        stacks.forget(&stack("a")).unwrap();
        assert_eq!(load_balancer(None).as_deref(), Some("lb-b"));
    }

    #[test]
    fn a_name_belongs_to_one_stack() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = Stacks(dir.path().join("front"));
        stacks.serve(&stack("a"), &certificate("api.example", "a"), "a-1.elb.amazonaws.com").unwrap();
        stacks.serve(&stack("a"), &certificate("api.example", "a"), "a-2.elb.amazonaws.com").unwrap();
        let refused =
            stacks.serve(&stack("b"), &certificate("api.example", "b"), "b-1.elb.amazonaws.com").unwrap_err();
        assert!(refused.to_string().contains("stack a"), "{refused}");
        assert!(stacks.serve(&stack("a"), &certificate("api.example", "a"), "localhost").is_err());
    }
}
