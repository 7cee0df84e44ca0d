//! The deployed API as a client sees it: where it is, whether it is the right one, and the token that opens it.

pub(crate) mod client;
pub(crate) mod endpoint;
pub(crate) mod handshake;
pub(crate) mod retry;
pub(crate) mod session_cache;
pub(crate) mod timed_request;
pub(crate) mod token;
pub(crate) mod trust;
