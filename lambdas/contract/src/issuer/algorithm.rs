use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An algorithm of signatures with a public key (RFC 7518, section 3.1; RFC 8037, section 3.1). `none` and the algorithms
/// with a shared secret are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "RS384")]
    Rs384,
    #[serde(rename = "RS512")]
    Rs512,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "PS384")]
    Ps384,
    #[serde(rename = "PS512")]
    Ps512,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "ES512")]
    Es512,
    /// With an Ed25519 key.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Algorithm; 10] = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ];

    /// Returns the algorithms of an issuer that names none.
    pub fn defaults() -> Vec<Algorithm> {
        vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256]
    }

    /// Returns the value of `alg` in a token's header.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Es512 => "ES512",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// Reads the `alg` of a header or a key. EdDSA has two names: RFC 9864, section 2.2, calls it by its curve.
    pub fn from_jose_name(name: &str) -> Option<Algorithm> {
        match name {
            "Ed25519" => Some(Algorithm::EdDsa),
            _ => Self::ALL.into_iter().find(|algorithm| algorithm.name() == name),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::from_jose_name(name)
            .ok_or_else(|| format!("an algorithm is {}, not {name:?}", Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_has_the_name_of_its_standard() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_jose_name(algorithm.name()), Some(algorithm));
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
        }
        assert_eq!(Algorithm::from_jose_name("Ed25519"), Some(Algorithm::EdDsa));
        assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDsa));
        for name in ["", "none", "HS256", "es256", "ES256 ", "ed25519", "Ed448"] {
            assert_eq!(Algorithm::from_jose_name(name), None, "{name}");
            let error = name.parse::<Algorithm>().unwrap_err();
            assert!(error.starts_with("an algorithm is RS256, ") && error.contains("EdDSA, not "), "{error}");
        }
    }
}
