//! DynamoDB's number, so far as to tell whether two texts mean the same one.

use std::fmt;

/// Significant digits that DynamoDB keeps, and the exponents it takes in scientific notation (Amazon DynamoDB,
/// "Supported data types and naming rules").
const MAX_DIGITS: usize = 38;
const EXPONENTS: std::ops::RangeInclusive<i64> = -130..=125;

/// Equal where the numbers are: `42`, `42.0` and `4.2e1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without zeros before or after; none for zero.
    digits: String,
    /// Of the first digit: 1 for 42.
    exponent: i64,
}

impl Decimal {
    /// Digits, with a sign, a fraction and an exponent as JSON writes them; leading zeros are let pass.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, scale) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, scale)) => (mantissa, parse_scale(scale)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        let leading_zeros = all.len() - significant.len();
        let exponent = i64::try_from(whole.len()).ok()? - 1 - i64::try_from(leading_zeros).ok()? + scale;
        let digits = significant.trim_end_matches('0').to_owned();
        let fits = digits.len() <= MAX_DIGITS && EXPONENTS.contains(&exponent);
        fits.then_some(Self { negative, digits, exponent })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_scale(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if is_digits(digits) && digits.len() <= 6 { text.parse().ok() } else { None }
}

/// Without an exponent, as DynamoDB writes it.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let Ok(exponent) = usize::try_from(self.exponent) else {
            let zeros = usize::try_from(-self.exponent - 1).unwrap_or_default();
            return write!(f, "0.{}{}", "0".repeat(zeros), self.digits);
        };
        match self.digits.split_at_checked(exponent + 1) {
            Some((whole, "")) => f.write_str(whole),
            Some((whole, fraction)) => write!(f, "{whole}.{fraction}"),
            None => write!(f, "{:0<width$}", self.digits, width = exponent + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_number_are_equal() {
        for (plain, texts) in [
            ("42", &["42", "042", "42.0", "4.2e1", "4.2E+1", "420e-1", "0.42e2"][..]),
            ("-1.5", &["-1.5", "-01.50", "-15e-1"]),
            ("0", &["0", "-0", "0.0", "000", "0e5", "-0.00e-3"]),
            ("0.001", &["0.001", "1e-3", "0.0010"]),
            ("1000", &["1000", "1e3", "1000.000"]),
            ("123456789012345678901234567890", &["123456789012345678901234567890"]),
        ] {
            for text in texts {
                let number = Decimal::parse(text).unwrap();
                assert_eq!(number.to_string(), plain, "{text}");
                assert_eq!(Some(number), Decimal::parse(plain), "{text}");
            }
        }
        assert_ne!(Decimal::parse("0.1"), Decimal::parse("1"));
        assert_ne!(Decimal::parse("-1"), Decimal::parse("1"));
        // One more than a double tells apart.
        assert_ne!(Decimal::parse("9007199254740993"), Decimal::parse("9007199254740992"));
    }

    #[test]
    fn what_dynamodb_cannot_hold_is_no_number() {
        assert!(Decimal::parse(&"9".repeat(38)).is_some());
        assert!(Decimal::parse(&"9".repeat(39)).is_none());
        assert!(Decimal::parse("1e125").is_some());
        assert!(Decimal::parse("1e126").is_none());
        assert!(Decimal::parse("1e-130").is_some());
        assert!(Decimal::parse("1e-131").is_none());
        assert!(Decimal::parse("1e999999999999999999999").is_none());
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "", "-", "+1", " 1", "1 ", "1.", ".5", "1e", "e1", "1e+", "1e+-1", "0x1", "1_0", "--1", "NaN",
            "١",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
