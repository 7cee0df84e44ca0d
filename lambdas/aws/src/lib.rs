//! What the Lambdas need of AWS without an SDK: signed calls of its JSON protocol over one HTTPS client, which
//! everything else that needs HTTPS shares.
//!
//! The typed SDK turns each item into a map of strings on its way out and in. That is two thirds of the CPU time of a
//! load, and most of the CPU time of a cold start. Here the caller writes and reads the bodies.

mod environment;
mod error_chain;
mod https;
mod service;

pub use aws_credential_types::Credentials;
pub use environment::{Endpoints, Environment, MissingVariable, optional_variable, required_variable};
pub use error_chain::error_chain;
pub use https::{HttpsClient, RootCertificates, https_client, https_client_trusting};
pub use service::{CallError, ErrorCode, Service};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
