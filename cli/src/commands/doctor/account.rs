//! Who calls AWS, and from where.

use time::{Duration, OffsetDateTime};

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use super::memo::CREDENTIALS;
use crate::failure::Failure;

/// A clock that is further off than this is worth a warning: a token has this much leeway for its `nbf` and `iat`.
const WORTH_A_WARNING: Duration = Duration::seconds(60);

/// Signatures of AWS are good for five minutes ("Signature Version 4", AWS IAM User Guide).
const TOO_MUCH: Duration = Duration::seconds(300);

const SET_THE_CLOCK: &str = "set this machine's clock, such as with: timedatectl set-ntp true";

pub(super) async fn region(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let aws = facts.clients().await?;
    Ok(Finding::ok(match &aws.endpoint_url {
        Some(endpoint) => format!("{} at {endpoint}", aws.region),
        None => aws.region.clone(),
    }))
}

pub(super) async fn credentials(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let caller = facts.caller().await?;
    Ok(Finding::ok(format!("{} in account {}", caller.arn, caller.account)))
}

/// By when AWS answered, also where it refused who called.
pub(super) async fn clock(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let Some(ahead) = facts.ahead().await? else {
        // There is nobody to compare it with.
        return Err(Trouble::with(CREDENTIALS, Failure::new("AWS has not told the time")));
    };
    let compared = compared(ahead);
    if ahead.abs() > TOO_MUCH {
        let failure = Failure::new(compared).why("signatures and tokens count as expired");
        return Err(failure.next(SET_THE_CLOCK).into());
    }
    Ok(if ahead.abs() > WORTH_A_WARNING {
        Finding::warning(compared, SET_THE_CLOCK)
    } else {
        Finding::ok(compared)
    })
}

/// How far this machine is ahead of a service that said `date`, a whole second, between two moments of this machine's:
/// by no more than is certain, however long the answer took.
pub(super) fn ahead(sent: OffsetDateTime, date: OffsetDateTime, received: OffsetDateTime) -> Duration {
    let end = date + Duration::SECOND;
    if received < date {
        received - date
    } else if sent > end {
        sent - end
    } else {
        Duration::ZERO
    }
}

fn compared(ahead: Duration) -> String {
    match ahead.whole_seconds() {
        0 => "this machine and AWS have the same time".to_owned(),
        ahead @ 1.. => format!("this machine is {ahead} s ahead of AWS"),
        behind => format!("this machine is {} s behind AWS", -behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_takes_its_time_is_no_clock_that_is_wrong() {
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
            let compared = compared(ahead(at(sent), at(date), at(received)));
            assert!(compared.contains(expected), "{compared}");
        }
    }
}
