//! `restctl auth-test`: sends requests that the deployed API must accept, and many that it must refuse.

mod answer;

use std::collections::HashSet;

use clap::Args;
use comfy_table::Table;
use reqwest::StatusCode;
use restctl_contract::api::{HEALTH_PATH, ITEM_NOT_FOUND, ITEMS_PATH};
use restctl_contract::json::{self, Limits};
use restctl_forgery::{Attempt, ExpectedAnswer};
use serde::Serialize;
use serde_json::Value;

use self::answer::AuthAnswer;
use crate::api::endpoint::Endpoint;
use crate::api::token;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::discovery;
use crate::identity::policy::TokenPolicy;
use crate::terminal::output::{self, Format};
use crate::terminal::progress;
use crate::terminal::sent_secrets::SentSecret;
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
Forges tokens as an attacker could: unsigned, signed with another key, signed with the public key as a secret, changed, \
repeated, or sent in other places. The API must refuse each with the right error. It must accept a good token, and /health \
without a token. The requests are sent one after another; they read one item and change nothing.

Exit code 1 if any answer is not as expected.")]
pub(crate) struct AuthTest {}

const GOOD_TOKEN: &str = "a good token";

/// A proxy may join two headers into one (RFC 9110, section 5.3), as the local cloud does. The API then refuses them as bad
/// credentials.
const JOINED_HEADERS: [ExpectedAnswer; 2] = [
    ExpectedAnswer { status: 401, problem: Some("token-missing"), challenge: Some("") },
    ExpectedAnswer { status: 401, problem: Some("token-refused"), challenge: Some("invalid_token") },
];

/// A request and its answer.
#[derive(Serialize)]
struct RequestOutcome {
    name: String,
    expected: String,
    got: String,
    ok: bool,
    /// Whether the API accepted the request.
    #[serde(skip)]
    is_accepted: bool,
    #[serde(skip)]
    has_good_token: bool,
}

pub(crate) async fn run(_: AuthTest, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let (policy, endpoint, token) = tokio::join!(
        TokenPolicy::read(aws, &context.stack),
        Endpoint::look_up(context),
        token::obtain_token(context)
    );
    // If all fail, the policy's failure names the first missing step: setup.
    let (policy, token, endpoint) = (policy?, token?, endpoint?);
    let issuer = policy.client_issuer()?;
    let jwks = parse_keys(&discovery::fetch_keys(issuer).await?, &issuer.jwks_uri)?;
    // This id is valid for keys of strings and of numbers. It need not exist.
    let path = format!("{ITEMS_PATH}0");

    let mut outcomes = vec![request_health(&endpoint).await?];
    let (token, good) = request_with_good_token(context, &endpoint, &path, token.access_token).await?;
    outcomes.push(good);
    let attempts = restctl_forgery::forge_attempts(&token, &jwks, &path);
    let attempts = attempts
        .context("cannot forge tokens from the one that restctl token prints")
        .map_err(|failure| failure.exit(Exit::Authentication).next("restctl token explain"))?;
    let progress = progress::new_spinner("auth-test");
    for attempt in attempts {
        progress.set_message(&attempt.name);
        let answer = send_attempt(&endpoint, &attempt).await?;
        let expected = if context.local.is_some() && repeats_a_header(&attempt) {
            [&[attempt.expected], JOINED_HEADERS.as_slice()].concat()
        } else {
            vec![attempt.expected]
        };
        outcomes.push(compare_answer(attempt.name, &expected, answer));
    }
    progress.finish_and_clear();

    match output::chosen_format() {
        Format::Text => output::print_text(Text::from_table(&outcomes_table(&outcomes)))?,
        Format::Json => output::print_json(&outcomes)?,
    }
    require_expected(&outcomes)
}

fn parse_keys(document: &[u8], address: &str) -> Result<Value> {
    let limits = Limits { depth: 16, values: document.len() };
    let doing = format!("cannot parse the keys at {address}");
    serde_json::to_value(json::parse(document, limits).context(&*doing)?).context(doing)
}

/// Requests `/health`, which needs no token. Fails if there is no answer, because no other path would answer then.
async fn request_health(endpoint: &Endpoint) -> Result<RequestOutcome> {
    let address = format!("{}{HEALTH_PATH}", endpoint.base_url);
    let answer = AuthAnswer::from_request(endpoint.client.get(&address)).await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let expected = ExpectedAnswer { status: 200, problem: None, challenge: None };
    Ok(compare_answer("/health without a token".to_owned(), &[expected], Ok(answer)))
}

/// Requests an item with the cached token, and once more with a new one if the API refuses it. Returns the token of the last
/// request and its outcome.
async fn request_with_good_token(
    context: &Context,
    endpoint: &Endpoint,
    path: &str,
    mut token: String,
) -> Result<(String, RequestOutcome)> {
    let address = format!("{}{path}", endpoint.base_url);
    SentSecret::of_token(&token).remember();
    let mut answer = AuthAnswer::from_request(endpoint.client.get(&address).bearer_auth(&token)).await;
    if answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED) {
        token = token::renew_token(context).await?.access_token;
        SentSecret::of_token(&token).remember();
        answer = AuthAnswer::from_request(endpoint.client.get(&address).bearer_auth(&token)).await;
    }
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let found = ExpectedAnswer { status: 200, problem: None, challenge: None };
    let not_found = ExpectedAnswer { status: 404, problem: Some(ITEM_NOT_FOUND), challenge: None };
    let mut outcome = compare_answer(GOOD_TOKEN.to_owned(), &[found, not_found], Ok(answer));
    outcome.has_good_token = true;
    Ok((token, outcome))
}

async fn send_attempt(endpoint: &Endpoint, attempt: &Attempt) -> Result<Result<AuthAnswer, reqwest::Error>> {
    let address = format!("{}{}", endpoint.base_url, attempt.path);
    let method = attempt.method.parse().context(format!("{:?} is not an HTTP method", attempt.method))?;
    let mut request = endpoint.client.request(method, &address).body(attempt.body.clone());
    // This appends: a repeated header is sent twice.
    for (name, value) in &attempt.headers {
        request = request.header(name, value);
    }
    Ok(AuthAnswer::from_request(request).await)
}

fn repeats_a_header(attempt: &Attempt) -> bool {
    let names: HashSet<&String> = attempt.headers.iter().map(|(name, _)| name).collect();
    names.len() < attempt.headers.len()
}

/// Returns the outcome of a request to which each of the `expected` answers is right.
fn compare_answer(
    name: String,
    expected: &[ExpectedAnswer],
    answer: Result<AuthAnswer, reqwest::Error>,
) -> RequestOutcome {
    let described: Vec<String> = expected
        .iter()
        .map(|expected| answer::describe_answer(expected.status, expected.problem, expected.challenge))
        .collect();
    let got = match &answer {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("no answer: {}", answer::root_cause(error)),
    };
    RequestOutcome {
        name,
        expected: described.join("; or "),
        got,
        ok: answer.as_ref().is_ok_and(|answer| expected.iter().any(|expected| answer.matches(*expected))),
        is_accepted: answer.is_ok_and(|answer| answer.status.is_success()),
        has_good_token: false,
    }
}

fn outcomes_table(outcomes: &[RequestOutcome]) -> Table {
    // If the answer is right, its row need not repeat it as the expected one.
    let row = |outcome: &RequestOutcome| {
        let (ok, expected) = if outcome.ok { ("ok", "") } else { ("NOT OK", outcome.expected.as_str()) };
        [ok, &outcome.name, &outcome.got, expected].map(Text::from).into()
    };
    output::new_table(&["OK", "REQUEST", "ANSWER", "EXPECTED"], outcomes.iter().map(row).collect())
}

fn require_expected(outcomes: &[RequestOutcome]) -> Result<()> {
    let wrong: Vec<&RequestOutcome> = outcomes.iter().filter(|outcome| !outcome.ok).collect();
    let Some(first) = wrong.first() else {
        output::print_message(format!("all {} requests were answered as expected", outcomes.len()));
        return Ok(());
    };
    let failure =
        Failure::new(format!("{} of {} requests were not answered as expected", wrong.len(), outcomes.len()));
    let failure = failure.why(format!("the first: {}: {}, not {}", first.name, first.got, first.expected));
    Err(if wrong.iter().any(|outcome| outcome.is_accepted && !outcome.has_good_token) {
        failure.next(
            "the API accepted a request that it must refuse: check what is between the load balancer and the\n\
             function, and deploy this version: restctl deploy",
        )
    } else if wrong.iter().any(|outcome| outcome.has_good_token) {
        failure.next("restctl token explain")
    } else {
        failure.next("restctl deploy, which updates the API to this version; then restctl auth-test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_outcome(name: &str, ok: bool, is_accepted: bool) -> RequestOutcome {
        RequestOutcome {
            name: name.to_owned(),
            expected: "401".to_owned(),
            got: "200".to_owned(),
            ok,
            is_accepted,
            has_good_token: name == GOOD_TOKEN,
        }
    }

    #[test]
    fn an_accepted_forgery_is_the_first_thing_to_fix() {
        assert!(
            require_expected(&[
                sample_outcome(GOOD_TOKEN, true, true),
                sample_outcome("no token", true, false)
            ])
            .is_ok()
        );
        for (outcomes, next) in [
            (
                [sample_outcome(GOOD_TOKEN, true, true), sample_outcome("no token", false, true)],
                "that it must refuse",
            ),
            (
                [sample_outcome(GOOD_TOKEN, false, false), sample_outcome("no token", false, true)],
                "that it must refuse",
            ),
            (
                [sample_outcome(GOOD_TOKEN, false, false), sample_outcome("no token", false, false)],
                "token explain",
            ),
            (
                [sample_outcome(GOOD_TOKEN, true, true), sample_outcome("no token", false, false)],
                "restctl deploy",
            ),
        ] {
            let failure = require_expected(&outcomes).unwrap_err();
            assert!(failure.exit == Exit::Failure && failure.to_string().contains(next), "{failure}");
        }
    }
}
