//! Checks of the region, the credentials and the clock.

use time::Duration;

use super::check_names::CREDENTIALS;
use super::check_report::{CheckError, CheckFinding};
use super::clock_offset::describe_offset;
use super::facts::DoctorFacts;
use crate::failure::Failure;

/// The verifier allows this much leeway for a token's `nbf` and `iat`.
const MAX_OFFSET_WITHOUT_WARNING: Duration = Duration::seconds(60);

/// AWS accepts signatures for five minutes ("Signature Version 4", AWS IAM User Guide).
const MAX_OFFSET: Duration = Duration::seconds(300);

const SET_THE_CLOCK: &str = "set this machine's clock, for example: timedatectl set-ntp true";

pub(super) async fn check_region(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let aws = facts.untested_clients().await?;
    Ok(CheckFinding::ok(match &aws.endpoint_url {
        Some(endpoint) => format!("{} at {endpoint}", aws.region),
        None => aws.region.clone(),
    }))
}

pub(super) async fn check_credentials(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let caller = facts.caller().await?;
    Ok(CheckFinding::ok(format!("{} in account {}", caller.arn, caller.account)))
}

/// Compares the clock with the date of AWS's answer, even if AWS refused the caller.
pub(super) async fn check_clock(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let Some(offset) = facts.clock_offset().await? else {
        return Err(CheckError::in_check(CREDENTIALS, Failure::new("AWS did not report the time")));
    };
    let description = describe_offset(offset);
    if offset.abs() > MAX_OFFSET {
        let failure = Failure::new(description)
            .why("AWS and the API refuse signatures and tokens if the times differ too much");
        return Err(failure.next(SET_THE_CLOCK).into());
    }
    Ok(if offset.abs() > MAX_OFFSET_WITHOUT_WARNING {
        CheckFinding::warning(description, SET_THE_CLOCK)
    } else {
        CheckFinding::ok(description)
    })
}
