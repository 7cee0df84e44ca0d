//! Checks of a token: that the provider grants one, and that the endpoint accepts it.

use reqwest::StatusCode;
use restctl_contract::api::{ITEM_NOT_FOUND, ITEMS_PATH, Problem};
use restctl_verifier::CheckOutcome;

use super::check_report::{CheckError, CheckFinding};
use super::facts::DoctorFacts;
use crate::api::endpoint::{self, Endpoint};
use crate::identity::http::read_bounded_body;
use crate::terminal::sent_secrets::SentSecret;
use crate::timestamp::seconds_now;

/// The answer is one item or a problem document.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

pub(super) async fn check_token_grant(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let token = facts.new_token().await?;
    Ok(CheckFinding::ok(match token.expires_at {
        Some(expires_at) => format!("granted for {} s", expires_at.saturating_sub(seconds_now())),
        None => "granted, without a lifetime; it is not cached".to_owned(),
    }))
}

/// Checks that the API's own verifier accepts the token.
pub(super) async fn check_claims(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (policy, keys, token) =
        (facts.token_policy().await?, facts.provider_keys().await?, facts.new_token().await?);
    let explained = policy.explain_with_keys(&token.access_token, policy.client_issuer()?, keys);
    explained.require_accepted()?;
    let passed =
        explained.explanation.checks.iter().filter(|report| report.outcome == CheckOutcome::Passed).count();
    Ok(CheckFinding::ok(format!("all {passed} checks of restctl token explain pass")))
}

/// Checks that the endpoint accepts the token.
pub(super) async fn check_access(facts: &DoctorFacts<'_>) -> Result<CheckFinding, CheckError> {
    let (location, token) = (facts.trusted_location().await?, facts.new_token().await?);
    let endpoint = Endpoint::from_location(location.clone()).await?;
    // This id is valid for string and number keys alike; the item need not exist.
    let path = format!("{ITEMS_PATH}0");
    let address = format!("{}{path}", endpoint.base_url);
    SentSecret::of_token(&token.access_token).remember();
    let answer = endpoint.client.get(&address).bearer_auth(&token.access_token).send().await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = read_bounded_body(answer, MAX_ANSWER_BYTES).await?;
    endpoint::check_sender(&address, status, &headers, &body)?;
    if status == StatusCode::OK || (status == StatusCode::NOT_FOUND && is_item_not_found(&body)) {
        return Ok(CheckFinding::ok(format!("GET {path} answers {status}")));
    }
    Err(endpoint::parse_refusal(status, &body).into())
}

/// Whether the API itself answered that the item does not exist, rather than a proxy that has no such page.
fn is_item_not_found(body: &[u8]) -> bool {
    let problem = serde_json::from_slice::<Problem>(body);
    problem.is_ok_and(|problem| problem.short_type() == ITEM_NOT_FOUND)
}
