//! The identity provider.

use restctl_contract::stack::Setting;

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use crate::identity::discovery;

/// It calls itself what the settings call it, to the letter.
pub(super) async fn issuer(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let issuer = facts.settings().await?.require(Setting::Issuer)?;
    discovery::fetch_document(issuer).await?;
    Ok(Finding::ok(format!("{issuer}, as it calls itself")))
}

pub(super) async fn keys(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let keys = facts.keys().await?.describe();
    let named = keys.iter().map(|key| {
        let kid = key.kid.as_deref().unwrap_or("without an id");
        format!("{kid} ({})", key.algorithms.join(", "))
    });
    Ok(Finding::ok(named.collect::<Vec<_>>().join(", ")))
}
