//! The verifier as its users call it.

mod advice;
mod claims;
mod explanations;
mod faults;
mod fixture;
mod issuers;
mod key_choice;
mod key_sets;
mod profiles;
mod shapes;
mod signatures;
mod stack;
