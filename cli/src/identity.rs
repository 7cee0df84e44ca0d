//! The identity provider: what it publishes, the stack's settings for it, and the tokens that it grants to restctl.

pub(crate) mod authorities;
pub(crate) mod changes;
pub(crate) mod client_key;
pub(crate) mod client_secret;
pub(crate) mod cognito;
pub(crate) mod discovery;
pub(crate) mod grant;
pub(crate) mod http;
pub(crate) mod policy;
pub(crate) mod settings;
mod token_advice;
pub(crate) mod token_client;
