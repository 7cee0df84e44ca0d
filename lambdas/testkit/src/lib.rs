//! The environment of a Lambda in tests and benchmarks: the Lambda Runtime API around the real binary, stand-ins for
//! DynamoDB, S3 and SQS, an identity provider that can misbehave, and the events of an Application Load Balancer.
//!
//! Everything listens on 127.0.0.1 only. Errors panic, except in [`bench`], whose report says what went wrong.

pub mod alb;
pub mod bench;
pub mod dynamodb;
pub mod identity_provider;
pub mod runtime;
pub mod s3;
mod server;
pub mod signing_key;
pub mod small_stack;
pub mod sqs;
pub mod tls;
