//! Decimal numbers as DynamoDB stores them: 38 significant digits, magnitudes from 1E-130 to 9.99…E+125
//! ("Data types", Amazon DynamoDB Developer Guide).

use std::ops::RangeInclusive;

const MAX_DIGITS: usize = 38;
const EXPONENTS: RangeInclusive<i64> = -130..=125;

/// Why a text is not a number that DynamoDB stores, as the rest of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("is not a number")]
    NotANumber,
    #[error("has more than {MAX_DIGITS} significant digits, the most that DynamoDB keeps")]
    TooManyDigits,
    #[error("is outside the range of DynamoDB's numbers, 1E-130 to 9.9E+125")]
    OutOfRange,
}

/// Returns the plain notation of a number: `007` and `7.0` become `7`, `1e3` becomes `1000`.
///
/// Two numbers are equal if and only if their plain notations are.
///
/// # Errors
/// If DynamoDB cannot store it. The text is as in JSON, but leading zeros, a plus sign (`+5`) and a point at either end
/// of the digits (`.5`, `5.`) are accepted, as DynamoDB does.
pub fn normalize(text: &str) -> Result<String, NumberError> {
    if is_canonical(text) {
        return Ok(text.to_owned());
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let all = [whole, fraction].concat();
    if !is_digits(&all) || !is_digits(exponent_digits) {
        return Err(NumberError::NotANumber);
    }
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return Ok("0".to_owned());
    }
    if digits.len() > MAX_DIGITS {
        return Err(NumberError::TooManyDigits);
    }
    let leading_zeros = (all.len() - all.trim_start_matches('0').len()) as i64;
    let exponent: i32 = exponent.parse().map_err(|_| NumberError::OutOfRange)?;
    let magnitude = i64::from(exponent) + whole.len() as i64 - leading_zeros - 1;
    if !EXPONENTS.contains(&magnitude) {
        return Err(NumberError::OutOfRange);
    }
    Ok(plain_notation(text.starts_with('-'), digits, magnitude))
}

/// Returns whether a text is a number in plain notation that comes back unchanged: at most 38 digits, without leading
/// or trailing zeros that mean nothing.
pub fn is_canonical(text: &str) -> bool {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "1"));
    let digits = unsigned.len() - usize::from(unsigned.len() > whole.len());
    is_digits(whole)
        && is_digits(fraction)
        && digits <= MAX_DIGITS
        && (whole == "0" || !whole.starts_with('0'))
        && !fraction.ends_with('0')
        && !(negative && unsigned == "0")
}

/// Returns how many digits a plain decimal has behind its point: 2 for `3.50`. Returns `None` for a number without a point,
/// with leading zeros or an exponent, or with more digits than DynamoDB keeps.
pub fn decimal_places(text: &str) -> Option<usize> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.')?;
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    let is_decimal = is_digits(whole) && is_digits(fraction) && !has_leading_zero;
    (is_decimal && whole.len() + fraction.len() <= MAX_DIGITS).then_some(fraction.len())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `magnitude` is the power of ten of the first digit.
fn plain_notation(negative: bool, digits: &str, magnitude: i64) -> String {
    let sign = if negative { "-" } else { "" };
    if magnitude < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(magnitude.unsigned_abs() as usize - 1));
    }
    let whole = magnitude as usize + 1;
    match digits.split_at_checked(whole) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits}{}", "0".repeat(whole - digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_notations_of_a_number_become_one() {
        for (text, normal) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.00", "0"),
            ("007", "7"),
            ("7.0", "7"),
            ("-1.50", "-1.5"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("12.34e1", "123.4"),
            ("12.34e2", "1234"),
            ("0.00120", "0.0012"),
            ("120e-5", "0.0012"),
            ("0e999999999999", "0"),
            ("-00.00e-3", "0"),
            ("042", "42"),
            ("4.2E+1", "42"),
            ("420e-1", "42"),
            ("0.42e2", "42"),
            (".5", "0.5"),
            ("-.050", "-0.05"),
            ("5.", "5"),
            ("5.e1", "50"),
            ("+5", "5"),
            ("+.5e+3", "500"),
            ("+0", "0"),
            (".0", "0"),
            // Digits that a double does not keep.
            ("9007199254740993", "9007199254740993"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(normalize(text).as_deref(), Ok(normal), "{text}");
        }
    }

    #[test]
    fn digits_and_range_are_limited_as_in_dynamodb() {
        let digits = "1".repeat(38);
        assert_eq!(normalize(&digits).as_deref(), Ok(digits.as_str()));
        assert_eq!(normalize(&format!("{digits}000")).unwrap().len(), 41);
        assert_eq!(normalize(&"1".repeat(39)), Err(NumberError::TooManyDigits));
        assert_eq!(normalize("9.9e125").unwrap().len(), 126);
        assert_eq!(normalize("1e126"), Err(NumberError::OutOfRange));
        assert!(normalize("1e-130").is_ok());
        assert_eq!(normalize("1e-131"), Err(NumberError::OutOfRange));
        assert_eq!(normalize("1e99999999999"), Err(NumberError::OutOfRange));
    }

    #[test]
    fn decimals_have_places() {
        for (text, places) in [("3.50", Some(2)), ("-0.1", Some(1)), ("0.00", Some(2)), ("12.345", Some(3))] {
            assert_eq!(decimal_places(text), places, "{text}");
        }
        let long = format!("0.{}", "1".repeat(38));
        for text in ["3", "03.50", ".5", "5.", "+1.5", "1.5e3", "1.2.3", "--1.5", " 1.5", "", &long] {
            assert_eq!(decimal_places(text), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_numbers() {
        for text in [
            "", "-", "+", ".", "+.", "-.", ".e1", "+e1", "--1", "+-1", "-+1", "++1", "1..", "..1", "1.2.3",
            "e1", "1e", "1e+", "1e+-5", "0e+-5", "1e.5", "1,5", "1_000", "0x1", "NaN", " 1", "1 ", "+ 1",
            "١",
        ] {
            assert_eq!(normalize(text), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn only_text_that_comes_back_unchanged_is_canonical() {
        for canonical in ["0", "7", "-7", "0.5", "-12.25", "1000", &"9".repeat(38)] {
            assert!(is_canonical(canonical), "{canonical}");
        }
        let with_zeros = format!("1{}", "0".repeat(38));
        for other in [
            "007",
            "1.",
            "0.0",
            "00",
            "1.5.5",
            "--1",
            &format!("0.{}", "1".repeat(38)),
            "1e5",
            "+1",
            "1.0",
            "-0",
            "-0.0",
            ".5",
            "5.",
            "",
            "+49301234567",
            &with_zeros,
        ] {
            assert!(!is_canonical(other), "{other}");
        }
    }
}
