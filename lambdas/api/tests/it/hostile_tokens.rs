//! Tokens that must be refused, and good ones that must pass. Some are signed by the provider's own key, so that only
//! claims and header decide. Others are what an attacker can make of a good token.

mod case;
mod claims;
mod forgeries;
mod shapes;
