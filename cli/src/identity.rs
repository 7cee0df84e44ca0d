//! The identity provider: what it publishes, how the stack is set up for it, and the client that restctl is.

pub(crate) mod client_secret;
pub(crate) mod cognito;
pub(crate) mod discovery;
pub(crate) mod grant;
pub(crate) mod http;
pub(crate) mod policy;
pub(crate) mod settings;
