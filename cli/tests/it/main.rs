//! The command as users meet it: the binary itself, in its own process.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod artifacts;
mod authority;
mod bad_input;
mod cert;
mod certificate;
mod cloud;
mod configuration;
mod deploy;
mod destroy;
mod dlq;
mod doctor;
mod edited;
mod export;
mod first_steps;
mod get;
mod help;
mod identity;
mod idp;
mod impostor;
mod interposed;
mod interrupted_deployment;
mod interrupted_load;
mod issuer;
mod lambdas;
mod loads;
mod local_cloud;
mod logs;
mod main_job;
mod openapi;
mod options;
mod outputs;
mod pages;
mod preflight;
mod readme;
mod roles;
mod scripts;
mod shell;
mod snapshots;
mod state_folder;
mod status;
mod terminal;
mod tls_stand_in;
mod upload;
mod verify;
