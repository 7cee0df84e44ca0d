//! The digits of numbers, as JSON writes them.

/// Above and below these a number is written with an exponent.
const PLAIN: std::ops::Range<f64> = 1e-7..1e21;

/// Longer decimals have more digits than any number of DynamoDB, and take long to convert.
const MAX_DECIMAL_BYTES: usize = 64;

/// No decimal of DynamoDB has more places.
const MAX_PLAIN_SCALE: u32 = 200;

const BILLION: u64 = 1_000_000_000;

/// Returns the shortest text that reads back as the same number, without a fraction if it is whole. `None` if it is
/// infinite or not a number.
pub(super) fn shortest_f64(number: f64) -> Option<String> {
    match number {
        _ if !number.is_finite() => None,
        // Minus zero is zero.
        0.0 => Some("0".to_owned()),
        _ if PLAIN.contains(&number.abs()) => Some(number.to_string()),
        _ => Some(format!("{number:e}")),
    }
}

/// Returns the shortest text that reads back as the same 32-bit number.
pub(super) fn shortest_f32(number: f32) -> Option<String> {
    match number {
        _ if !number.is_finite() => None,
        0.0 => Some("0".to_owned()),
        _ if PLAIN.contains(&f64::from(number.abs())) => Some(number.to_string()),
        _ => Some(format!("{number:e}")),
    }
}

/// Returns the value of a 16-bit number (IEEE 754 binary16).
pub(super) fn f16_to_f32(bits: u16) -> f32 {
    let fraction = f32::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => fraction * 2_f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        exponent => (1024.0 + fraction) * 2_f32.powi(i32::from(exponent) - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// Returns a decimal whose unscaled value is `digits`, an integer with an optional sign.
pub(super) fn with_scale(digits: &str, scale: u32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let scale = match scale {
        0 => return format!("{sign}{digits}"),
        1..=MAX_PLAIN_SCALE => scale as usize,
        _ => return format!("{sign}{digits}e-{scale}"),
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Returns the digits of a big-endian integer in two's complement. `None` if it is too long.
pub(super) fn big_integer(bytes: &[u8]) -> Option<String> {
    if bytes.len() > MAX_DECIMAL_BYTES {
        return None;
    }
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if is_negative {
        negate(&mut magnitude);
    }
    let mut groups = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        groups.push(divide_by_billion(&mut magnitude));
    }
    let first = groups.pop().unwrap_or(0);
    let rest: String = groups.iter().rev().map(|group| format!("{group:09}")).collect();
    Some(format!("{}{first}{rest}", if is_negative { "-" } else { "" }))
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

/// Divides in place and returns the remainder.
fn divide_by_billion(bytes: &mut [u8]) -> u64 {
    let mut remainder = 0;
    for byte in bytes {
        let value = remainder << 8 | u64::from(*byte);
        *byte = (value / BILLION) as u8;
        remainder = value % BILLION;
    }
    remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_with_as_few_digits_as_they_need() {
        let texts = [
            (1.0, "1"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (3.5, "3.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (1e-7, "0.0000001"),
            (1.5e-8, "1.5e-8"),
            (f64::MAX, "1.7976931348623157e308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
        ];
        for (number, text) in texts {
            assert_eq!(shortest_f64(number).unwrap(), text);
        }
        assert_eq!(shortest_f64(f64::NAN), None);
        assert_eq!(shortest_f32(0.1).unwrap(), "0.1");
        assert_eq!(shortest_f32(f32::NEG_INFINITY), None);
    }

    #[test]
    fn half_floats_are_exact() {
        for (bits, value) in [
            (0, 0.0),
            (1, 5.960_464_5e-8),
            (0x3c00, 1.0),
            (0xc248, -3.140_625),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f32(bits), value, "{bits:x}");
        }
        assert!(f16_to_f32(0x7e00).is_nan());
    }

    #[test]
    fn decimals_keep_all_digits() {
        for (digits, scale, text) in [
            ("350", 2, "3.50"),
            ("-5", 3, "-0.005"),
            ("0", 2, "0.00"),
            ("42", 0, "42"),
            ("12", 1, "1.2"),
            ("-1", 201, "-1e-201"),
        ] {
            assert_eq!(with_scale(digits, scale), text);
        }
        let numbers = [0, 1, -1, 127, -128, 999_999_999, 1_000_000_000, -1_000_000_000, i128::MAX, i128::MIN];
        for number in numbers {
            assert_eq!(big_integer(&number.to_be_bytes()).unwrap(), number.to_string());
        }
        assert_eq!(big_integer(&[]).unwrap(), "0");
        assert_eq!(big_integer(&[0x80]).unwrap(), "-128");
        assert_eq!(big_integer(&[1; 65]), None);
    }
}
