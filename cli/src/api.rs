//! The deployed API as a client sees it: where it is, how its certificate is verified, the token that it accepts, and
//! calls of it.

pub(crate) mod client;
pub(crate) mod endpoint;
pub(crate) mod handshake;
pub(crate) mod retry;
pub(crate) mod session_cache;
pub(crate) mod timed_request;
pub(crate) mod token;
pub(crate) mod trust;
