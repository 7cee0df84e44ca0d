//! Checks of the identity provider.

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::identity::{discovery, policy};

/// Checks that each provider spells its issuer exactly as the settings do.
pub(super) async fn check_issuer(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let issuers = &facts.token_policy().await?.issuers;
    for issuer in issuers {
        discovery::fetch_document(&issuer.issuer, &issuer.authorities).await?;
    }
    let spelled: Vec<&str> = issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
    Ok(CheckFinding::ok(format!("{}, as the provider spells it", spelled.join(", "))))
}

/// Checks that each issuer publishes keys that can verify tokens.
pub(super) async fn check_keys(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let client_issuer = &facts.token_policy().await?.client_issuer()?.issuer;
    let mut summaries = vec![facts.provider_keys().await?.summary()];
    let issuers = &facts.token_policy().await?.issuers;
    for issuer in issuers.iter().filter(|issuer| issuer.issuer != *client_issuer) {
        let keys = policy::fetch_keys(issuer).await?;
        summaries.push(format!("{} of {}", keys.summary(), issuer.issuer));
    }
    Ok(CheckFinding::ok(summaries.join("; ")))
}
