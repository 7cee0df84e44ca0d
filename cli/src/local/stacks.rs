//! What the front serves: for each stack, a file with its certificate, one with its load balancer and one with its port.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use restctl_contract::stack::{Certificate, StackName};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use super::folder::{CloudFolder, wait_until};
use crate::directories;
use crate::failure::{Failure, FailureContext, Result, shell_argument};

const CERTIFICATE: &str = "certificate.pem";
/// A certificate with another ARN, until the load balancer uses it.
const NEXT_CERTIFICATE: &str = "next-certificate.pem";
const BACKEND: &str = "backend.json";
/// The front writes it, all other files are the commands'.
const PORT: &str = "port";

/// How long the front may take to open a port.
const PORT_TIMEOUT: Duration = Duration::from_secs(10);

/// A folder with a subfolder for each stack.
#[derive(Debug, Clone)]
pub(crate) struct ServedStacks(PathBuf);

/// A stack's load balancer, and the name and the port that clients connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backend {
    #[serde(skip)]
    pub(super) stack: String,
    /// `None` until the front has opened it.
    #[serde(skip)]
    pub(super) port: Option<u16>,
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
            port: None,
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
        let folder = self.0.join(stack.as_str());
        // The backend first: without it, the front writes nothing into the folder.
        let removals = [fs::remove_file(folder.join(BACKEND)), fs::remove_dir_all(&folder)];
        let mut errors = removals.into_iter().filter_map(Result::err);
        let error = errors.find(|error| error.kind() != io::ErrorKind::NotFound);
        error.map_or(Ok(()), Err).context(format!("cannot remove {}", folder.display()))
    }

    /// Returns the stack whose certificate is for the name that a TLS client asks for, or else the stack of the port that the
    /// client connects to.
    pub(crate) fn find_backend(&self, server_name: Option<&str>, port: u16) -> Result<Option<Backend>> {
        let mut backends = self.read_backends()?;
        let named =
            server_name.and_then(|name| backends.iter().position(|backend| backend.serves_name(name)));
        let chosen = named.or_else(|| backends.iter().position(|backend| backend.port == Some(port)));
        Ok(chosen.map(|index| backends.swap_remove(index)))
    }

    /// Records the port at which the front serves `stack`.
    pub(super) fn write_port(&self, stack: &str, port: u16) -> Result<()> {
        // Does not create the folder, which `destroy` may have removed.
        directories::replace_file(&self.0.join(stack).join(PORT), port.to_string().as_bytes(), 0o600)
    }

    /// Returns the port at which the front serves `stack`. `None` if it does not serve the stack.
    pub(super) fn find_port(&self, stack: &StackName) -> Result<Option<u16>> {
        Ok(read_backend(&self.0.join(stack.as_str()))?.and_then(|backend| backend.port))
    }

    /// Waits until the front serves `stack`, which [`Self::put_into_service`] has recorded.
    pub(super) async fn wait_for_port(&self, stack: &StackName) -> Result<()> {
        if wait_until(PORT_TIMEOUT, || Ok(self.find_port(stack)?.is_some())).await? {
            return Ok(());
        }
        Err(Failure::new(format!("the local cloud does not serve the stack {stack}"))
            .why(format!("its TLS front has opened no port within {} s", PORT_TIMEOUT.as_secs()))
            .next("restctl local status, then restctl deploy"))
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

    pub(super) fn read_backends(&self) -> Result<Vec<Backend>> {
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
    backend.port = fs::read_to_string(stack.join(PORT)).ok().and_then(|port| port.parse().ok());
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
    fn a_stack_is_found_by_name_or_by_port() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = ServedStacks(dir.path().join("front"));
        let deploy = |stack: &str, port: u16| {
            let certificate = certificate(&format!("{stack}.example"), stack);
            let load_balancer = format!("lb-{stack}-0123abcd.us-east-1.elb.amazonaws.com");
            stacks.put_into_service(&stack_name(stack), &certificate, &load_balancer).unwrap();
            assert_eq!(stacks.find_port(&stack_name(stack)).unwrap(), None);
            stacks.write_port(stack, port).unwrap();
        };
        let load_balancer = |name: Option<&str>, port: u16| {
            stacks.find_backend(name, port).unwrap().map(|backend| backend.load_balancer)
        };
        assert_eq!(load_balancer(Some("a.example"), 1), None);

        let undeployed = certificate("c.example", "undeployed");
        stacks.keep_certificate(&stack_name("undeployed"), &undeployed, "chain", "key").unwrap();
        deploy("a", 1);
        deploy("b", 2);
        for (name, port, expected) in [
            (Some("B.example"), 1, Some("lb-b")),
            (Some("a.example"), 2, Some("lb-a")),
            (Some("localhost"), 1, Some("lb-a")),
            (Some("localhost"), 2, Some("lb-b")),
            (Some("c.example"), 2, Some("lb-b")),
            (None, 1, Some("lb-a")),
            (None, 3, None),
        ] {
            assert_eq!(load_balancer(name, port).as_deref(), expected, "{name:?} {port}");
        }

        let renamed = certificate("renamed.example", "a");
        stacks.keep_certificate(&stack_name("a"), &renamed, "chain", "key").unwrap();
        assert_eq!(load_balancer(Some("renamed.example"), 2).as_deref(), Some("lb-a"));
        assert_eq!(stacks.find_port(&stack_name("a")).unwrap(), Some(1));

        stacks.forget_stack(&stack_name("a")).unwrap();
        stacks.forget_stack(&stack_name("a")).unwrap();
        assert_eq!(load_balancer(Some("renamed.example"), 1), None);
        assert!(stacks.write_port("a", 1).is_err());
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
