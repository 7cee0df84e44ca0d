//! Requests that no well-behaved client sends, beside those that only look so: status, headers and body of each.

mod bodies;
mod case;
mod events;
mod negotiation;
mod paths;
mod queries;
