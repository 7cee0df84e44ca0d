use std::env;

use aws_credential_types::Credentials;

/// The region and the identity that a function runs with. The credentials live as long as the process.
#[derive(Debug, Clone)]
pub struct Environment {
    pub region: String,
    pub credentials: Credentials,
    pub endpoints: Endpoints,
}

/// Where the services are.
#[derive(Debug, Clone)]
pub enum Endpoints {
    /// All at one URL, as in the local cloud.
    Shared(String),
    /// AWS's own, under the domain of the partition, such as `amazonaws.com`.
    Partition(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is missing or empty")]
pub struct MissingVariable(&'static str);

impl Environment {
    /// Reads the variables that Lambda sets, under the names that the AWS SDKs read, too ("Using Lambda environment
    /// variables", AWS Lambda Developer Guide). The variable `url_suffix` holds the domain of the partition, which Lambda
    /// does not set.
    ///
    /// # Errors
    /// If one of them is missing.
    pub fn from_variables(url_suffix: &'static str) -> Result<Self, MissingVariable> {
        let (id, secret) =
            (required_variable("AWS_ACCESS_KEY_ID")?, required_variable("AWS_SECRET_ACCESS_KEY")?);
        let session_token = optional_variable("AWS_SESSION_TOKEN");
        let endpoints = match optional_variable("AWS_ENDPOINT_URL") {
            Some(url) => Endpoints::Shared(url),
            None => Endpoints::Partition(required_variable(url_suffix)?),
        };
        Ok(Self {
            region: required_variable("AWS_REGION")?,
            credentials: Credentials::new(id, secret, session_token, None, "environment"),
            endpoints,
        })
    }

    /// Returns the URL of a service ("Service endpoints and quotas", AWS General Reference).
    pub(crate) fn endpoint_url(&self, service: &str) -> String {
        match &self.endpoints {
            Endpoints::Shared(url) => url.clone(),
            Endpoints::Partition(domain) => format!("https://{service}.{}.{domain}", self.region),
        }
    }
}

/// Reads an environment variable. An empty one counts as missing, since a template cannot leave one out.
pub fn optional_variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads an environment variable, as [`optional_variable`].
///
/// # Errors
/// If it is missing.
pub fn required_variable(name: &'static str) -> Result<String, MissingVariable> {
    optional_variable(name).ok_or(MissingVariable(name))
}
