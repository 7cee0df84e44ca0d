//! The local cloud: an emulator of AWS, a development identity provider and a TLS front.

mod cloud;

pub(crate) use cloud::{IdentityProvider, LocalCloud};
