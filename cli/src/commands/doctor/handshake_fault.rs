//! Which check explains a failed TLS handshake.

use rustls::CertificateError;

use super::check_names::{CHAIN, CONNECTION, EXPIRY, KEY, NAME};
use crate::api::handshake::Handshake;

/// Returns the name of the check that reports why the handshake failed.
pub(super) fn failed_handshake_check(handshake: &Handshake) -> &'static str {
    use CertificateError::*;
    if handshake.holds_key == Some(false) {
        return KEY;
    }
    match &handshake.certificate_error {
        None => CONNECTION,
        Some(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => NAME,
        Some(rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        )) => EXPIRY,
        Some(_) => CHAIN,
    }
}
