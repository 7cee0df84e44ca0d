//! TLS certificates: those to import, those in use, and whether one can replace another in ACM.

mod bundle;
mod details;
mod key_algorithm;
mod prerequisites;
mod presented;
mod reimport;

pub(crate) use bundle::CertificateBundle;
pub(crate) use presented::{PresentedCertificate, covers_name, did_issue};
