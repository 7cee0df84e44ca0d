//! The function's settings, which the template passes as environment variables.

mod issuers;

use restctl_aws::optional_variable;
use restctl_contract::key::Key;
use restctl_contract::template::variable;

pub(crate) use self::issuers::IssuerSettings;

pub(crate) struct Settings {
    pub(crate) items_table: String,
    pub(crate) key: Key,
    /// One or more, each with a name of its own.
    pub(crate) issuers: Vec<IssuerSettings>,
    /// The name of the secret that signs cursors, if the stack is deployed with the list.
    pub(crate) cursor_key: Option<String>,
    /// Whether the OpenAPI document is served without a token.
    pub(crate) openapi_is_open: bool,
    pub(crate) stack: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable} {problem}; {advice}")]
pub(crate) struct SettingsError {
    variable: &'static str,
    problem: String,
    advice: &'static str,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, SettingsError> {
        let kind = required_variable(variable::KEY_TYPE)?;
        let kind = kind.parse().map_err(|problem| refuse(variable::KEY_TYPE, problem))?;
        Ok(Self {
            items_table: required_variable(variable::ITEMS_TABLE)?,
            key: Key { name: required_variable(variable::KEY_NAME)?, kind },
            issuers: IssuerSettings::from_environment()?,
            cursor_key: optional_variable(variable::CURSOR_KEY),
            openapi_is_open: parse_openapi_access(&required_variable(variable::OPENAPI)?)?,
            stack: required_variable(variable::STACK)?,
        })
    }
}

fn required_variable(variable: &'static str) -> Result<String, SettingsError> {
    optional_variable(variable).ok_or_else(|| refuse(variable, "is missing or empty".to_owned()))
}

fn parse_openapi_access(setting: &str) -> Result<bool, SettingsError> {
    match setting {
        "token" => Ok(false),
        "open" => Ok(true),
        other => Err(refuse(variable::OPENAPI, format!("is {other:?}, not token or open"))),
    }
}

fn refuse(variable: &'static str, problem: String) -> SettingsError {
    SettingsError { variable, problem, advice: "deploy the stack again to set it" }
}
