//! A request as the load balancer brings it, and the answer as it takes it.

pub(crate) mod answer;
pub(crate) mod event;
pub(crate) mod negotiation;
pub(crate) mod request;
pub(crate) mod route;
