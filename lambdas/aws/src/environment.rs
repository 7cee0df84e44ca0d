use std::env;

use aws_credential_types::Credentials;

/// The region and the identity that a function runs with. The credentials live as long as the process.
#[derive(Debug, Clone)]
pub struct Environment {
    pub region: String,
    pub credentials: Credentials,
    /// Replaces AWS's own endpoints, as in the local cloud.
    pub endpoint_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is missing or empty")]
pub struct MissingVariable(&'static str);

impl Environment {
    /// Reads the variables that Lambda sets, under the names that the AWS SDKs read, too ("Using Lambda environment
    /// variables", AWS Lambda Developer Guide).
    ///
    /// # Errors
    /// If one of them is missing.
    pub fn from_variables() -> Result<Self, MissingVariable> {
        let (id, secret) =
            (required_variable("AWS_ACCESS_KEY_ID")?, required_variable("AWS_SECRET_ACCESS_KEY")?);
        let session_token = optional_variable("AWS_SESSION_TOKEN");
        Ok(Self {
            region: required_variable("AWS_REGION")?,
            credentials: Credentials::new(id, secret, session_token, None, "environment"),
            endpoint_url: optional_variable("AWS_ENDPOINT_URL"),
        })
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
