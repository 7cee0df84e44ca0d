//! The verifier as its users call it.

mod claims;
mod explanations;
mod faults;
mod fixture;
mod key_choice;
mod key_sets;
mod shapes;
mod signatures;
mod stack;
