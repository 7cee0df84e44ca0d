//! Checks of the trusted issuers.

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::failure::shell_argument;
use crate::identity::{discovery, policy};

/// Checks that each provider spells its issuer exactly as the settings do.
pub(super) async fn check_issuer(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let policy = facts.token_policy().await?;
    for issuer in &policy.issuers {
        discovery::fetch_document(&issuer.issuer, &issuer.authorities).await.map_err(|failure| {
            let url = shell_argument(&issuer.issuer, "URL");
            let is_of_client = policy.is_client_issuer(issuer);
            failure.next(match is_of_client {
                true => "check the provider; if its issuer is another one now: restctl setup --issuer URL, then restctl deploy"
                    .to_owned(),
                false => format!(
                    "check the provider; if it is no longer needed: restctl idp remove {url}, then restctl deploy"
                ),
            })
        })?;
    }
    let spelled: Vec<&str> = policy.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
    Ok(CheckFinding::ok(format!("{}, as the provider spells it", spelled.join(" and "))))
}

/// Checks that each issuer publishes keys that can verify tokens.
pub(super) async fn check_keys(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let policy = facts.token_policy().await?;
    let has_several = policy.issuers.len() > 1;
    let mut summaries = Vec::new();
    for issuer in &policy.issuers {
        // The keys of the client's issuer are needed again.
        let summary = match policy.is_client_issuer(issuer) {
            true => facts.provider_keys().await?.summary(),
            false => policy::fetch_keys(issuer).await?.summary(),
        };
        summaries.push(if has_several { format!("{summary} of {}", issuer.issuer) } else { summary });
    }
    Ok(CheckFinding::ok(summaries.join("; ")))
}
