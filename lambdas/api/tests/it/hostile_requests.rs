//! Requests that no well-behaved client sends, and odd ones that are valid, with the status, headers and body of each
//! answer.

mod bodies;
mod case;
mod conversion;
mod events;
mod log;
mod negotiation;
mod paths;
mod queries;
