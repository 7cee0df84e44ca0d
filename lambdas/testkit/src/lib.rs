//! What tests and benchmarks stand a Lambda on: the Lambda Runtime API around the real binary, an identity
//! provider with hostile habits, and the events of an Application Load Balancer. Everything listens on
//! 127.0.0.1 only. A kit for tests: what cannot go on panics, but for [`bench`], whose report says what went wrong.

pub mod alb;
pub mod bench;
pub mod dynamodb;
pub mod identity_provider;
pub mod runtime;
pub mod s3;
mod server;
pub mod signing_key;
pub mod sqs;
pub mod tls;
