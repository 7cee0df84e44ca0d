//! Durations as arguments.

use std::time::Duration;

/// Parses a whole number with its unit: `90s`, `10m`, `2h`, `3d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let (at, unit) = text.char_indices().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number: u32 = text[..at].parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * seconds))
}
