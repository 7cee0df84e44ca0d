//! The `--max-rejects` argument.

use std::fmt;
use std::str::FromStr;

/// A share of the rows, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share(f64);

impl Share {
    /// Returns whether `part` is a larger share of `whole`.
    pub(super) fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        part as f64 / whole as f64 > self.0
    }

    /// Returns the text for a load's metadata: a decimal number from 0 to 1.
    pub(super) fn to_metadata(self) -> String {
        self.0.to_string()
    }
}

/// Parses what people type, such as `5%` or `0.5%`; `0` needs no sign.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a share is a percentage from 0% to 100%, such as 5% or 0.5%".to_owned();
        let percent = text.strip_suffix('%').or((text == "0").then_some(text)).ok_or_else(wrong)?;
        if !percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(wrong());
        }
        // The decimal point moves in the text, because a division would round once more.
        let share: f64 = format!("{percent}e-2").parse().map_err(|_| wrong())?;
        if share <= 1.0 { Ok(Self(share)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage() {
        for (text, fraction) in
            [("5%", "0.05"), ("0.5%", "0.005"), ("0.7%", "0.007"), ("0", "0"), ("0%", "0"), ("100%", "1")]
        {
            let share: Share = text.parse().unwrap();
            assert_eq!(share.to_metadata(), fraction);
        }
        for bad in ["", "%", "5", "101%", "-1%", "1e1%", "NaN%", "inf%", ".%", "5 %", "five"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
        assert_eq!("0.7%".parse::<Share>().unwrap().to_string(), "0.7%");
    }

    #[test]
    fn exactly_the_share_is_not_more_than_it() {
        let share: Share = "0.7%".parse().unwrap();
        assert!(!share.is_exceeded_by(7, 1000));
        assert!(share.is_exceeded_by(8, 1000));
        assert!("0".parse::<Share>().unwrap().is_exceeded_by(1, 1_000_000_000));
    }
}
