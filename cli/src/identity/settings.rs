//! A stack's settings, as `setup` stored them in the account.

use restctl_contract::stack::{Certificate, Setting, StackName};
use restctl_verifier::Provider;

use crate::aws::{Aws, secretsmanager, ssm};
use crate::failure::{Exit, Failure, FailureContext, Result};

/// The value of each setting until the deployment has created the identity provider.
pub(crate) const PLACEHOLDER: &str = "made-by-the-deployment";

/// The identity provider's settings. Any of them may be missing.
pub(crate) struct Settings {
    stack: StackName,
    values: [Option<String>; Setting::ALL.len()],
}

impl Settings {
    pub(crate) async fn read(aws: &Aws, stack: &StackName) -> Result<Self> {
        Ok(Self { stack: stack.clone(), values: ssm::read_settings(aws, stack).await? })
    }

    pub(crate) fn get(&self, setting: Setting) -> Option<&str> {
        self.values[setting as usize].as_deref().filter(|value| *value != PLACEHOLDER)
    }

    /// Whether nothing has been set up yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Whether the next deployment will create the provider.
    pub(crate) fn awaits_deployment(&self) -> bool {
        self.values[Setting::Issuer as usize].as_deref() == Some(PLACEHOLDER)
    }

    /// Fails if a parameter is missing: the template requires all of them, even as placeholders.
    pub(crate) fn check_complete(&self) -> Result<()> {
        match Setting::ALL.into_iter().find(|setting| self.values[*setting as usize].is_none()) {
            Some(missing) => self.require(missing).map(drop),
            None => Ok(()),
        }
    }

    /// Returns the names of the missing parameters.
    pub(crate) fn missing_parameters(&self) -> Vec<String> {
        let missing = Setting::ALL.into_iter().filter(|setting| self.values[*setting as usize].is_none());
        missing.map(|setting| self.stack.setting_parameter(setting)).collect()
    }

    pub(crate) fn provider(&self) -> Result<Provider> {
        self.require(Setting::Provider)?.parse().map_err(|why: String| {
            let parameter = self.stack.setting_parameter(Setting::Provider);
            Failure::new(format!("the parameter {parameter} is invalid"))
                .why(why)
                .next("restctl setup --provider KIND")
        })
    }

    pub(crate) fn require(&self, setting: Setting) -> Result<&str> {
        self.get(setting).ok_or_else(|| {
            if self.awaits_deployment() {
                return Failure::new(format!("the stack {} has no identity provider yet", self.stack))
                    .exit(Exit::NotFound)
                    .why("it was set up to have its own, which the deployment creates")
                    .next("restctl deploy");
            }
            not_set_up_failure(&self.stack)
                .why(format!("the parameter {} is missing", self.stack.setting_parameter(setting)))
        })
    }
}

/// Reads what `setup` recorded about the imported certificate. `None` if there is none.
pub(crate) async fn read_certificate(aws: &Aws, stack: &StackName) -> Result<Option<Certificate>> {
    let name = stack.certificate_secret();
    let Some(text) = secretsmanager::read_secret(aws, &name).await? else { return Ok(None) };
    let certificate = serde_json::from_str(&text);
    certificate.context(format!("the secret {name} does not describe a certificate")).map(Some)
}

pub(crate) async fn write_certificate(aws: &Aws, stack: &StackName, certificate: &Certificate) -> Result<()> {
    let metadata = serde_json::to_string(certificate).context("cannot describe the certificate")?;
    let description = "Certificate that restctl imported into ACM";
    secretsmanager::write_secret(aws, &stack.certificate_secret(), description, &metadata).await
}

pub(crate) async fn require_certificate(aws: &Aws, stack: &StackName) -> Result<Certificate> {
    read_certificate(aws, stack).await?.ok_or_else(|| {
        not_set_up_failure(stack).why(format!("the secret {} is missing", stack.certificate_secret()))
    })
}

fn not_set_up_failure(stack: &StackName) -> Failure {
    Failure::new(format!("the stack {stack} has not been set up"))
        .exit(Exit::NotFound)
        .next("restctl setup; or name another --stack, --region or --profile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_each_setting_is_its_place_in_the_list() {
        for (place, setting) in Setting::ALL.into_iter().enumerate() {
            assert_eq!(setting as usize, place);
        }
    }
}
