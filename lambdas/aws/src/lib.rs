//! What the Lambdas ask of AWS without an SDK: calls of its JSON protocol, signed, over one HTTPS client that
//! whatever else needs HTTPS shares.
//!
//! The typed SDK makes a map of strings of each item on its way out and in, which is two thirds of the CPU that a
//! load costs, and at a cold start it is most of the CPU there is. The bodies are written and read by whoever makes
//! the call.

mod environment;
mod https;
mod service;

pub use aws_credential_types::Credentials;
pub use environment::Environment;
pub use https::{Https, client};
pub use service::{Service, Setback};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
