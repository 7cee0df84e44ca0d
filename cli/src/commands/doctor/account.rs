//! Who calls AWS, and from where.

use time::Duration;

use super::fact::CREDENTIALS;
use super::facts::Facts;
use super::finding::{Finding, Trouble};
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

fn compared(ahead: Duration) -> String {
    // AWS tells whole seconds, cut off.
    match ahead.whole_seconds() {
        -1..=1 => "this machine and AWS have the same time".to_owned(),
        ahead @ 2.. => format!("this machine is {ahead} s ahead of AWS"),
        behind => format!("this machine is {} s behind AWS", -behind),
    }
}
