//! How far this machine's clock is ahead of a service's.

use time::{Duration, OffsetDateTime};

/// Returns how far this machine is ahead of a service, negative if it is behind. The service reported `date`, in whole
/// seconds, between the local times `sent` and `received`.
///
/// Returns only the offset that is certain, however long the answer took.
pub(super) fn certain_offset(
    sent: OffsetDateTime,
    date: OffsetDateTime,
    received: OffsetDateTime,
) -> Duration {
    let end = date + Duration::SECOND;
    if received < date {
        received - date
    } else if sent > end {
        sent - end
    } else {
        Duration::ZERO
    }
}

pub(super) fn describe_offset(offset: Duration) -> String {
    match offset.whole_seconds() {
        0 => "this machine and AWS have the same time".to_owned(),
        ahead @ 1.. => format!("this machine is {ahead} s ahead of AWS"),
        behind => format!("this machine is {} s behind AWS", -behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_not_a_wrong_clock() {
        let at = |milliseconds: i64| {
            let start = OffsetDateTime::from_unix_timestamp(1_763_868_000).unwrap();
            start + Duration::milliseconds(milliseconds)
        };
        for (sent, date, received, expected) in [
            (0, 0, 300, "the same time"),
            (900, 0, 1_300, "the same time"),
            (0, 0, 40_000, "the same time"),
            (0, 20_000, 40_000, "the same time"),
            (93_000, 0, 94_000, "92 s ahead"),
            (0, 10_000, 1_000, "9 s behind"),
        ] {
            let description = describe_offset(certain_offset(at(sent), at(date), at(received)));
            assert!(description.contains(expected), "{description}");
        }
    }
}
