//! Tokens that must not get in, beside those that must: by the provider's own key, so that it is the claims and
//! the header that decide, and by everything that an attacker can make of a good one.

mod case;
mod claims;
mod forgeries;
mod shapes;
