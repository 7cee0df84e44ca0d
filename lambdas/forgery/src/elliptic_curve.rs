//! The curves of ECDSA in tokens (RFC 7518, section 3.4).

use restctl_contract::issuer::Algorithm;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(crate) const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    /// Returns the value of `crv` in a key (RFC 7518, section 6.2.1.1).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Curve::P256 => Algorithm::Es256,
            Curve::P384 => Algorithm::Es384,
            Curve::P521 => Algorithm::Es512,
        }
    }

    /// The length of a coordinate, and of each half of a signature.
    pub(crate) fn coordinate_bytes(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// RFC 5480, section 2.1.1.1.
    pub(crate) fn object_identifier(self) -> &'static [u64] {
        match self {
            Curve::P256 => &[1, 2, 840, 10_045, 3, 1, 7],
            Curve::P384 => &[1, 3, 132, 0, 34],
            Curve::P521 => &[1, 3, 132, 0, 35],
        }
    }

    /// Returns the order (FIPS 186-4, D.1.2), which equals zero in the arithmetic of signatures. It is as long as a
    /// coordinate.
    pub(crate) fn order(self) -> Vec<u8> {
        match self {
            Curve::P256 => [[0xff; 4].as_slice(), &[0; 4], &[0xff; 8], &P256_ORDER_END].concat(),
            Curve::P384 => [[0xff; 24].as_slice(), &P384_ORDER_END].concat(),
            Curve::P521 => [[0x01].as_slice(), &[0xff; 32], &P521_ORDER_END].concat(),
        }
    }
}

const P256_ORDER_END: [u8; 16] =
    [0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51];

const P384_ORDER_END: [u8; 24] = [
    0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec,
    0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

const P521_ORDER_END: [u8; 33] = [
    0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0,
    0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
];
