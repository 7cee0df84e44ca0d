use std::env;

use aws_credential_types::Credentials;

/// Where and as whom a function runs. Its credentials live as long as its process does.
#[derive(Debug, Clone)]
pub struct Environment {
    pub region: String,
    pub credentials: Credentials,
    /// In place of AWS's own endpoints, as in the local cloud.
    pub endpoint_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is missing, which Lambda sets")]
pub struct NotLambda(&'static str);

impl Environment {
    /// What Lambda and the AWS SDKs call the variables ("Using Lambda environment variables", AWS Lambda Developer
    /// Guide).
    ///
    /// # Errors
    /// If one of those that Lambda sets is missing.
    pub fn read() -> Result<Self, NotLambda> {
        let required = |name| optional(name).ok_or(NotLambda(name));
        let (id, secret) = (required("AWS_ACCESS_KEY_ID")?, required("AWS_SECRET_ACCESS_KEY")?);
        Ok(Self {
            region: required("AWS_REGION")?,
            credentials: Credentials::new(id, secret, optional("AWS_SESSION_TOKEN"), None, "environment"),
            endpoint_url: optional("AWS_ENDPOINT_URL"),
        })
    }
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
