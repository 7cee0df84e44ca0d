//! A good verifier refuses every forgery, and each forgery would pass the flawed verifier that it is made for.

mod claims_only;
mod fixture;
mod good_verifier;
mod several_issuers;
mod signatures;
mod signing_keys;
