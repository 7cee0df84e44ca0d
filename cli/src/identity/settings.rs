//! A stack's settings, as `setup` stored them in the account.

use restctl_contract::issuer::{self, TrustedIssuer};
use restctl_contract::stack::{Certificate, Setting, StackName, Tags};

use crate::aws::{Aws, secretsmanager, ssm};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::token_client::TokenClient;

/// The settings of the identity providers. Any of them may be missing.
pub(crate) struct Settings {
    stack: StackName,
    /// Empty if the stack's own user pool is the only issuer.
    issuers: Option<Vec<TrustedIssuer>>,
    /// `None` until the deployment has created the user pool, and while another issuer's client replaces the one before.
    client: Option<TokenClient>,
}

impl Settings {
    pub(crate) async fn read(aws: &Aws, stack: &StackName) -> Result<Self> {
        let [issuers, client] = ssm::read_settings(aws, stack).await?;
        let unreadable = |setting, why: String| {
            let name = stack.setting_parameter(setting);
            // setup reads the settings too, before it writes them.
            Failure::new(format!("the parameter {name} is unreadable")).why(why).next(format!(
                "aws ssm delete-parameter --name {name}\n\
                 restctl setup --issuer URL --audience AUDIENCE --client-id ID, which writes it again"
            ))
        };
        let issuers = issuers.map(|text| issuer::from_json(&text)).transpose();
        // Without a client, the parameter is missing or null.
        let client = client.map(|text| serde_json::from_str::<Option<_>>(&text)).transpose();
        Ok(Self {
            stack: stack.clone(),
            issuers: issuers.map_err(|why| unreadable(Setting::Issuers, why))?,
            client: client.map_err(|error| unreadable(Setting::Client, error.to_string()))?.flatten(),
        })
    }

    /// Returns the issuers besides a user pool of the stack. Empty if nothing is set up.
    pub(crate) fn issuers(&self) -> &[TrustedIssuer] {
        self.issuers.as_deref().unwrap_or_default()
    }

    pub(crate) fn client(&self) -> Option<&TokenClient> {
        self.client.as_ref()
    }

    /// Returns the issuer that grants the client its tokens, unless it is a user pool of the stack.
    pub(crate) fn client_issuer(&self) -> Option<&TrustedIssuer> {
        let client = self.client()?;
        self.issuers().iter().find(|issuer| issuer.issuer == client.issuer)
    }

    /// Whether nothing has been set up yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.issuers.is_none() && self.client.is_none()
    }

    /// Whether the next deployment will create the provider. Issuers without a client are those of an interrupted setup.
    pub(crate) fn awaits_deployment(&self) -> bool {
        self.issuers.as_ref().is_some_and(Vec::is_empty) && self.client.is_none()
    }

    /// Fails if the template lacks a parameter.
    pub(crate) fn check_complete(&self) -> Result<()> {
        match self.issuers {
            Some(_) => Ok(()),
            None => Err(self.missing_failure(Setting::Issuers)),
        }
    }

    /// Returns the names of the missing parameters.
    pub(crate) fn missing_parameters(&self) -> Vec<String> {
        let missing = [
            (self.issuers.is_none(), Setting::Issuers),
            (self.client.is_none() && !self.awaits_deployment(), Setting::Client),
        ];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        missing.map(|(_, setting)| self.stack.setting_parameter(setting)).collect()
    }

    pub(crate) fn require_client(&self) -> Result<&TokenClient> {
        if self.awaits_deployment() {
            return Err(Failure::new(format!("the stack {} has no identity provider yet", self.stack))
                .exit(Exit::NotFound)
                .why("it was set up to have its own, which the deployment creates")
                .next("restctl deploy"));
        }
        self.client.as_ref().ok_or_else(|| self.missing_failure(Setting::Client))
    }

    fn missing_failure(&self, setting: Setting) -> Failure {
        not_set_up_failure(&self.stack)
            .why(format!("the parameter {} is missing", self.stack.setting_parameter(setting)))
    }
}

/// Returns the issuers with `issuer` among them: in the place of the one with the same URL or of the one that it replaces, or
/// else last. Fails if they do not fit into the settings.
pub(crate) fn with_issuer(
    issuers: &[TrustedIssuer],
    issuer: TrustedIssuer,
    replaced: Option<&TrustedIssuer>,
) -> Result<Vec<TrustedIssuer>> {
    let mut issuers = issuers.to_vec();
    let url = replaced.map_or(&issuer.issuer, |replaced| &replaced.issuer);
    match issuers.iter().position(|known| known.issuer == *url) {
        Some(place) => issuers[place] = issuer,
        None => issuers.push(issuer),
    }
    check_issuers_size(&issuers)?;
    Ok(issuers)
}

/// Writes the issuers. A parameter that does not exist yet gets these tags.
pub(crate) async fn write_issuers(
    aws: &Aws,
    stack: &StackName,
    issuers: &[TrustedIssuer],
    tags: &Tags,
) -> Result<()> {
    ssm::write_setting(aws, stack, Setting::Issuers, &issuer::to_json(issuers), tags).await
}

/// Fails if the issuers are too large for a parameter and for the function's environment.
fn check_issuers_size(issuers: &[TrustedIssuer]) -> Result<()> {
    let (size, limit) = (issuer::to_json(issuers).len(), issuer::MAX_ISSUERS_BYTES);
    if size <= limit {
        return Ok(());
    }
    let has_authorities = issuers.iter().any(|issuer| !issuer.authorities.is_empty());
    Err(Failure::usage(format!("the settings of the issuers have {size} bytes, and at most {limit} fit"))
        .why("the API's function gets them in its environment, which has at most 4,096 bytes")
        .next(if has_authorities {
            "give a --provider-ca FILE with fewer or smaller certificates, such as one of an ECDSA key; or first remove an \
             issuer that is no longer needed: restctl idp remove URL"
        } else {
            "first remove an issuer that is no longer needed: restctl idp remove URL; or give fewer audiences"
        }))
}

/// Writes the client. A parameter that does not exist yet gets these tags.
pub(crate) async fn write_client(
    aws: &Aws,
    stack: &StackName,
    client: &TokenClient,
    tags: &Tags,
) -> Result<()> {
    let text = serde_json::to_string(client).context("cannot describe the client")?;
    ssm::write_setting(aws, stack, Setting::Client, &text, tags).await
}

/// Writes the client and, if there is another one, its secret or private key. What does not exist yet gets these tags.
///
/// A secret must only ever be sent to its own issuer, even if this is interrupted. If the issuer is another one, there is
/// therefore no client between the old secret and the new one: commands fail until `setup` or the deployment runs again.
pub(crate) async fn replace_client(
    aws: &Aws,
    stack: &StackName,
    before: Option<&TokenClient>,
    client: &TokenClient,
    secret: Option<&str>,
    tags: &Tags,
) -> Result<()> {
    if before.is_some_and(|before| before.issuer != client.issuer) {
        ssm::write_setting(aws, stack, Setting::Client, "null", tags).await?;
    }
    if let Some(secret) = secret {
        let description = secretsmanager::CLIENT_SECRET_DESCRIPTION;
        secretsmanager::write_secret(aws, &stack.client_secret(), description, secret, tags).await?;
    }
    write_client(aws, stack, client, tags).await
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
    let (name, tags) = (stack.certificate_secret(), &certificate.tags);
    secretsmanager::write_secret(aws, &name, description, &metadata, tags).await
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
