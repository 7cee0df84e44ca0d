//! Failures of a conversion.

use std::error::Error;

use crate::failure::Failure;

/// What to do about a file that its own program can still open.
pub(super) const EXPORT_AGAIN: &str =
    "open it in the program that wrote it, export it again, and run the command again";

/// Describes why the file `shown` cannot be converted, and what to do about it.
pub(super) fn cannot_convert(shown: &str, why: impl Into<String>, next: impl Into<String>) -> Failure {
    Failure::new(format!("{shown} cannot be loaded")).why(why).next(next)
}

/// Describes a file that ends early, or whose parts contradict each other.
pub(super) fn damaged(shown: &str, why: &dyn Error) -> Failure {
    Failure::new(format!("{shown} is damaged or was cut off"))
        .because(why)
        .next(format!("copy or download it again; if that does not help, {EXPORT_AGAIN}"))
}

/// Describes a file whose parts contradict each other, in words of restctl.
pub(super) fn contradictory(shown: &str, why: impl Into<String>) -> Failure {
    Failure::new(format!("{shown} is damaged or was cut off"))
        .why(why)
        .next(format!("copy or download it again; if that does not help, {EXPORT_AGAIN}"))
}
