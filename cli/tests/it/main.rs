//! The command as users meet it: the binary itself, in its own process.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod artifacts;
mod bad_input;
mod certificate;
mod cloud;
mod deploy;
mod destroy;
mod dlq;
mod export;
mod identity;
mod interposed;
mod interrupted_deployment;
mod interrupted_load;
mod issuer;
mod loads;
mod local_cloud;
mod logs;
mod main_job;
mod openapi;
mod options;
mod preflight;
mod roles;
mod upload;
mod words;
