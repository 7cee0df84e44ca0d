//! The curves of RFC 7518, section 6.2.1.1.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
    ParsedPublicKey,
};
use restctl_contract::issuer::Algorithm;

use super::jwk::without_leading_zeros;

/// Begins an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|curve| curve.name() == name);
        found.ok_or_else(|| format!("its curve {name} is not P-256, P-384 or P-521"))
    }

    /// Finds the curve of a SubjectPublicKeyInfo.
    pub(super) fn of_key_info(key_info: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| ParsedPublicKey::new(curve.parameters(), key_info).is_ok())
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    /// Returns the only algorithm of keys on this curve (RFC 7518, section 3.4).
    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Curve::P256 => Algorithm::Es256,
            Curve::P384 => Algorithm::Es384,
            Curve::P521 => Algorithm::Es512,
        }
    }

    fn parameters(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED,
            Curve::P384 => &ECDSA_P384_SHA384_FIXED,
            Curve::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }

    fn coordinate_bytes(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// Returns the uncompressed point with these coordinates, if it is on the curve.
    pub(super) fn point(self, x: &[u8], y: &[u8]) -> Result<Vec<u8>, String> {
        let point = [vec![UNCOMPRESSED], self.coordinate("x", x)?, self.coordinate("y", y)?].concat();
        match ParsedPublicKey::new(self.parameters(), &point) {
            Ok(_) => Ok(point),
            Err(_) => {
                let (name, x, y) = (self.name(), x.len(), y.len());
                Err(format!("its x and y, with {x} and {y} bytes, are not a point on {name}"))
            }
        }
    }

    /// Makes a coordinate as long as RFC 7518, section 6.2.1.2, wants it. Some issuers send it without leading zeros, or
    /// with one as a sign. Both mean the same integer.
    fn coordinate(self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let expected = self.coordinate_bytes();
        let digits = without_leading_zeros(bytes);
        match expected.checked_sub(digits.len()) {
            _ if bytes.is_empty() => Err(format!("its {name} is empty")),
            Some(missing) => Ok([vec![0; missing], digits.to_vec()].concat()),
            None => Err(format!("its {name} has {} bytes, and {} has {expected}", bytes.len(), self.name())),
        }
    }
}
