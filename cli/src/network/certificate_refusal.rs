//! Connections that end because a certificate is not trusted.

use std::{error, io};

use rustls::Error;

/// What to do about a proxy that presents certificates of its own in place of those of the hosts behind it.
pub(crate) const TRUST_THE_PROXY: &str =
    "if a proxy opens TLS connections here, trust its authority: export SSL_CERT_FILE=/path/to/bundle.pem";

/// Whether a connection failed because its certificate was refused.
pub(crate) fn is_certificate_refusal(error: &(dyn error::Error + 'static)) -> bool {
    // `source` of an I/O error skips the error that it wraps.
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return is_certificate_refusal(wrapped);
    }
    match error.downcast_ref() {
        Some(Error::InvalidCertificate(_)) => true,
        Some(_) => false,
        None => error.source().is_some_and(is_certificate_refusal),
    }
}
