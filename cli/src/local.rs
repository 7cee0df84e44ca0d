//! The local cloud: an emulator of AWS, a development identity provider and a TLS front.
//!
//! [`start_cloud`] starts a supervisor in the background, which runs all three. Their records are in one folder, which
//! [`stop_cloud`] removes.

mod access_key;
mod cloud;
mod emulator;
mod folder;
mod forward;
mod front;
mod identity_provider;
mod ports;
mod python;
mod random;
mod stacks;
mod start;
mod stop;
mod subprocess;
mod supervisor;
mod upstream;

pub(crate) use access_key::{AccessKey, REGION};
pub(crate) use cloud::{FRONT_NAMES, LOCALHOST, LocalCloud};
pub(crate) use identity_provider::LocalIdentityProvider;
pub(crate) use ports::LocalPorts;
pub(crate) use start::start_cloud;
pub(crate) use stop::stop_cloud;
pub(crate) use supervisor::{SuperviseArgs, run_supervisor};
