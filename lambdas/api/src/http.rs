//! Requests from the load balancer, and the answers that it accepts.

pub(crate) mod answer;
pub(crate) mod event;
pub(crate) mod negotiation;
pub(crate) mod request;
pub(crate) mod route;
