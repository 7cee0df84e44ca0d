//! RSA keys that are strong enough.

use std::ops::RangeInclusive;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::RsaPublicKeyComponents;

use super::certificate;
use super::jwk::{Jwk, without_leading_zeros};

/// Sizes of RSA moduli. RFC 7518, section 3.3, requires at least 2,048 bits; AWS-LC verifies up to 8,192.
const MODULUS_BITS: RangeInclusive<usize> = 2048..=8192;

/// The largest exponent that AWS-LC takes, which bounds the cost of a signature.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// Odd primes by which no modulus is divisible. One division by their product tells almost every sound modulus from those of
/// ROCA, too.
const SMALL_PRIMES: [u64; 9] = [3, 5, 7, 11, 13, 17, 19, 23, 29];
const LAST_SMALL_PRIME: u64 = 29;
const SMALL_PRIMES_PRODUCT: u64 = 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29;

/// The last of the first 71 primes. Every weak key of ROCA with 992 bits or more was made with at least these.
const LAST_ROCA_PRIME: u64 = 353;

/// The generator of the group from which weak keys of ROCA come.
const ROCA_GENERATOR: u64 = 65_537;

pub(super) struct RsaKey {
    pub(super) components: RsaPublicKeyComponents<Vec<u8>>,
}

impl RsaKey {
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, String> {
        match (&jwk.n, &jwk.e, &jwk.certificate) {
            (Some(n), Some(e), _) => Self::from_integers(n, e),
            (None, None, Some(certificate)) => {
                let key_info = certificate::public_key_info(certificate)?;
                let key =
                    rsa::PublicKey::from_der(&key_info).map_err(|_| "its certificate has no RSA key")?;
                let (modulus, exponent) = (key.modulus(), key.exponent());
                Self::from_integers(
                    modulus.big_endian_without_leading_zero(),
                    exponent.big_endian_without_leading_zero(),
                )
            }
            (None, ..) => Err("it has no n".to_owned()),
            (_, None, _) => Err("it has no e".to_owned()),
        }
    }

    /// Takes a modulus and an exponent, both big-endian. Some issuers send them as signed integers, with a zero first, which
    /// AWS-LC refuses.
    fn from_integers(modulus: &[u8], exponent: &[u8]) -> Result<Self, String> {
        let (n, e) = (without_leading_zeros(modulus), without_leading_zeros(exponent));
        check_modulus(n)?;
        check_exponent(e)?;
        Ok(Self { components: RsaPublicKeyComponents { n: n.to_vec(), e: e.to_vec() } })
    }
}

fn check_modulus(modulus: &[u8]) -> Result<(), String> {
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if !MODULUS_BITS.contains(&bits) {
        let (least, most) = MODULUS_BITS.into_inner();
        return Err(format!("its modulus has {bits} bits, not {least} to {most}"));
    }
    if remainder(modulus, 2) == 0 {
        return Err("its modulus is even".to_owned());
    }
    let rest = remainder(modulus, SMALL_PRIMES_PRODUCT);
    if let Some(prime) = SMALL_PRIMES.into_iter().find(|prime| rest.is_multiple_of(*prime)) {
        return Err(format!("its modulus is divisible by {prime}"));
    }
    let larger_primes = || (LAST_SMALL_PRIME + 1..=LAST_ROCA_PRIME).filter(|number| is_prime(*number));
    if SMALL_PRIMES.into_iter().all(|prime| is_power_of_roca_generator(rest % prime, prime))
        && larger_primes().all(|prime| is_power_of_roca_generator(remainder(modulus, prime), prime))
    {
        return Err("its private key can be computed, because a faulty chip made it (ROCA)".to_owned());
    }
    Ok(())
}

fn check_exponent(exponent: &[u8]) -> Result<(), String> {
    let value =
        exponent.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)));
    match value {
        Some(0) => Err("its exponent is 0".to_owned()),
        Some(1) => Err("its exponent is 1, so that anyone can sign".to_owned()),
        Some(even) if even % 2 == 0 => Err("its exponent is even".to_owned()),
        Some(odd) if odd <= MAX_EXPONENT => Ok(()),
        _ => Err("its exponent has more than 33 bits".to_owned()),
    }
}

fn is_prime(number: u64) -> bool {
    (2..number)
        .take_while(|divisor| divisor * divisor <= number)
        .all(|divisor| !number.is_multiple_of(divisor))
}

/// The divisor has less than 56 bits.
fn remainder(integer: &[u8], divisor: u64) -> u64 {
    integer.iter().fold(0, |rest, byte| (rest * 256 + u64::from(*byte)) % divisor)
}

/// Whether `remainder` is in the group that the generator generates modulo `prime`.
///
/// A weak key of ROCA (CVE-2017-15361) is the product of two primes of the form k·M + (65537^a mod M), where M is the product
/// of the first primes, so it is a power of 65537 modulo each of them (Nemec, Sys, Svenda, Klinec and Matyas, "The Return of
/// Coppersmith's Attack", CCS 2017, sections 2.1 and 2.2). Of the other moduli, one in 2^83 is so for all primes up to 353.
fn is_power_of_roca_generator(remainder: u64, prime: u64) -> bool {
    let mut power = 1;
    loop {
        if power == remainder {
            return true;
        }
        power = power * ROCA_GENERATOR % prime;
        if power == 1 {
            return false;
        }
    }
}
