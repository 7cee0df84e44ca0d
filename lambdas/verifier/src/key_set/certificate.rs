//! The certificate of a key (RFC 7517, section 4.7).

use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

/// Returns the SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) of a certificate in DER.
pub(super) fn public_key_info(certificate: &[u8]) -> Result<Vec<u8>, String> {
    let der = CertificateDer::from(certificate);
    let certificate =
        EndEntityCert::try_from(&der).map_err(|error| format!("its certificate cannot be read ({error})"))?;
    Ok(certificate.subject_public_key_info().to_vec())
}
