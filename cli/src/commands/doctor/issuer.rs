//! Checks of the identity provider.

use restctl_contract::stack::Setting;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::identity::discovery;

/// Checks that the provider spells its issuer exactly as the settings do.
pub(super) async fn check_issuer(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let issuer = facts.complete_settings().await?.require(Setting::Issuer)?;
    discovery::fetch_document(issuer).await?;
    Ok(CheckFinding::ok(format!("{issuer}, as the provider spells it")))
}

pub(super) async fn check_keys(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    Ok(CheckFinding::ok(facts.provider_keys().await?.summary()))
}
