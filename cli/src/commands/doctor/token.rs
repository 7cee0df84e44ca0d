//! A token, from the provider to the endpoint.

use reqwest::StatusCode;
use restctl_contract::api::{ITEMS_PATH, PROBLEM_TYPE, Problem};
use restctl_verifier::CheckOutcome;

use super::check_report::{Finding, Trouble};
use super::facts::Facts;
use crate::api::endpoint::{self, Endpoint};
use crate::identity::http::read_bounded_body;
use crate::timestamp::seconds_now;

/// One item, or a problem.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

pub(super) async fn granted(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let token = facts.token().await?;
    Ok(Finding::ok(format!("granted for {} s", token.expires_at.saturating_sub(seconds_now()))))
}

/// The API's own code accepts it.
pub(super) async fn claims(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (asked, keys, token) = (facts.asked().await?, facts.keys().await?, facts.token().await?);
    let explanation = asked.explain_token(&token.access_token, keys);
    asked.require_accepted(&explanation)?;
    let passed = explanation.checks.iter().filter(|report| report.outcome == CheckOutcome::Passed).count();
    Ok(Finding::ok(format!("all {passed} checks of restctl token explain pass")))
}

/// The endpoint accepts it.
pub(super) async fn access(facts: &Facts<'_>) -> Result<Finding, Trouble> {
    let (location, token) = (facts.trusted().await?, facts.token().await?);
    let endpoint = Endpoint::resolve(location.clone()).await?;
    // An id that a string and a number can be; it need not exist.
    let path = format!("{ITEMS_PATH}0");
    let address = format!("{}{path}", endpoint.base_url);
    let answer = endpoint.client.get(&address).bearer_auth(&token.access_token).send().await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let status = answer.status();
    let body = read_bounded_body(answer, MAX_ANSWER_BYTES).await?;
    if status == StatusCode::OK || (status == StatusCode::NOT_FOUND && is_no_such_item(&body)) {
        return Ok(Finding::ok(format!("GET {path} answers {status}")));
    }
    Err(endpoint::parse_refusal(status, &body).into())
}

/// In the API's own words, and not in those of somebody in between.
fn is_no_such_item(body: &[u8]) -> bool {
    let problem = serde_json::from_slice::<Problem>(body);
    problem.is_ok_and(|problem| problem.kind == format!("{PROBLEM_TYPE}item-not-found"))
}
