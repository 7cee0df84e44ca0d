//! The verifier as its users call it.

mod explanations;
mod key_sets;
mod refusals;
