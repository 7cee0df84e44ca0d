//! `restctl auth-test`: requests that must get in, and many that must not, against the deployed endpoint.

mod answer;

use std::collections::HashSet;

use clap::Args;
use comfy_table::Table;
use reqwest::StatusCode;
use restctl_contract::api::{HEALTH_PATH, ITEMS_PATH};
use restctl_forgery::{Attempt, ExpectedAnswer};
use serde::Serialize;
use serde_json::Value;

use self::answer::Answer;
use crate::api::endpoint::Endpoint;
use crate::api::token;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::discovery;
use crate::identity::policy::TokenPolicy;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Forges what an attacker could make of one token: without a signature, signed with another key, with the public key \
taken for a secret, changed, repeated, sent in other places. Each must be refused in the right words. A good token, \
and /health without one, must get in. The requests go one after another; they read one id and change nothing.

Exit code 1 where an answer is not as expected.")]
pub(crate) struct AuthTest {}

const GOOD_TOKEN: &str = "a good token";

/// What stands in between may join two headers into one (RFC 9110, section 5.3), as the local cloud does: then they
/// are refused as bad credentials.
const JOINED: [ExpectedAnswer; 2] = [
    ExpectedAnswer { status: 401, problem: Some("token-missing"), challenge: Some("") },
    ExpectedAnswer { status: 401, problem: Some("token-refused"), challenge: Some("invalid_token") },
];

/// One request and what became of it.
#[derive(Serialize)]
struct Outcome {
    name: String,
    expected: String,
    got: String,
    ok: bool,
    /// The answer is a success.
    #[serde(skip)]
    got_in: bool,
}

pub(crate) async fn run(_: AuthTest, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let (asked, endpoint, token) = tokio::join!(
        TokenPolicy::read(aws, &context.stack),
        Endpoint::look_up(context),
        token::obtain_token(context)
    );
    // Where all fail, the step that comes first is the one to name: setup.
    let (asked, token, endpoint) = (asked?, token?, endpoint?);
    let jwks: Value = serde_json::from_slice(&discovery::fetch_keys(&asked.jwks_uri).await?)
        .context(format!("the keys at {} cannot be read", asked.jwks_uri))?;
    // An id that a string and a number can be; it need not exist.
    let path = format!("{ITEMS_PATH}0");

    let mut outcomes = vec![health(&endpoint).await?];
    let (token, good) = good_token(context, &endpoint, &path, token.access_token).await?;
    outcomes.push(good);
    let attempts = restctl_forgery::forge_attempts(&token, &jwks, &path);
    let attempts = attempts
        .context("nothing can be forged of the token that restctl token prints")
        .map_err(|failure| failure.exit(Exit::Authentication).next("restctl token explain"))?;
    let progress = output::spinner("auth-test");
    for attempt in attempts {
        progress.set_message(attempt.name.clone());
        let answer = send(&endpoint, &attempt).await?;
        let expected = if context.local.is_some() && has_header_twice(&attempt) {
            [&[attempt.expected], JOINED.as_slice()].concat()
        } else {
            vec![attempt.expected]
        };
        outcomes.push(outcome(attempt.name, &expected, answer));
    }
    progress.finish_and_clear();

    match output::chosen_format() {
        Format::Text => output::print_line(&table(&outcomes).trim_fmt())?,
        Format::Json => output::print_json(&outcomes)?,
    }
    judge(&outcomes)
}

/// The one open path. Where it does not answer, nothing will.
async fn health(endpoint: &Endpoint) -> Result<Outcome> {
    let address = format!("{}{HEALTH_PATH}", endpoint.base_url);
    let answer = Answer::of(endpoint.client.get(&address)).await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let expected = ExpectedAnswer { status: 200, problem: None, challenge: None };
    Ok(outcome("/health without a token".to_owned(), &[expected], Ok(answer)))
}

/// What becomes of a good token; once, where the cached one is refused, of a new one.
async fn good_token(
    context: &Context,
    endpoint: &Endpoint,
    path: &str,
    mut token: String,
) -> Result<(String, Outcome)> {
    let address = format!("{}{path}", endpoint.base_url);
    let mut answer = Answer::of(endpoint.client.get(&address).bearer_auth(&token)).await;
    if answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED) {
        token = token::renew_token(context).await?.access_token;
        answer = Answer::of(endpoint.client.get(&address).bearer_auth(&token)).await;
    }
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let found = ExpectedAnswer { status: 200, problem: None, challenge: None };
    let not_found = ExpectedAnswer { status: 404, problem: Some("item-not-found"), challenge: None };
    Ok((token, outcome(GOOD_TOKEN.to_owned(), &[found, not_found], Ok(answer))))
}

async fn send(endpoint: &Endpoint, attempt: &Attempt) -> Result<Result<Answer, reqwest::Error>> {
    let address = format!("{}{}", endpoint.base_url, attempt.path);
    let method = attempt.method.parse().context(format!("{:?} is no method", attempt.method))?;
    let mut request = endpoint.client.request(method, &address).body(attempt.body.clone());
    // A header that is there twice is sent twice.
    for (name, value) in &attempt.headers {
        request = request.header(name, value);
    }
    Ok(Answer::of(request).await)
}

fn has_header_twice(attempt: &Attempt) -> bool {
    let names: HashSet<&String> = attempt.headers.iter().map(|(name, _)| name).collect();
    names.len() < attempt.headers.len()
}

/// `expected` are the answers that are right.
fn outcome(name: String, expected: &[ExpectedAnswer], answer: Result<Answer, reqwest::Error>) -> Outcome {
    let described: Vec<String> = expected
        .iter()
        .map(|expected| answer::described(expected.status, expected.problem, expected.challenge))
        .collect();
    let got = match &answer {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("no answer: {}", answer::root_cause(error)),
    };
    Outcome {
        name,
        expected: described.join("; or "),
        got,
        ok: answer.as_ref().is_ok_and(|answer| expected.iter().any(|expected| answer.is(*expected))),
        got_in: answer.is_ok_and(|answer| answer.status.is_success()),
    }
}

fn table(outcomes: &[Outcome]) -> Table {
    // What was expected is what came, where all is well.
    let row = |outcome: &Outcome| {
        let (ok, expected) = if outcome.ok { ("ok", "") } else { ("NOT OK", outcome.expected.as_str()) };
        [ok, &outcome.name, &outcome.got, expected].map(str::to_owned).into()
    };
    output::new_table(&["OK", "REQUEST", "ANSWER", "EXPECTED"], outcomes.iter().map(row).collect())
}

fn judge(outcomes: &[Outcome]) -> Result<()> {
    let wrong: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.ok).collect();
    let Some(first) = wrong.first() else {
        output::print_message(&format!("all {} requests were answered as expected", outcomes.len()));
        return Ok(());
    };
    let failure =
        Failure::new(format!("{} of {} requests were not answered as expected", wrong.len(), outcomes.len()));
    let failure = failure.why(format!("the first: {}: {}, not {}", first.name, first.got, first.expected));
    Err(if wrong.iter().any(|outcome| outcome.got_in && outcome.name != GOOD_TOKEN) {
        failure.next(
            "a request got in that must not: see what stands between the load balancer and the function, and\n\
             deploy this version: restctl deploy",
        )
    } else if wrong.iter().any(|outcome| outcome.name == GOOD_TOKEN) {
        failure.next("restctl token explain")
    } else {
        failure.next("restctl deploy, which brings the API up to this version; then restctl auth-test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, ok: bool, got_in: bool) -> Outcome {
        Outcome { name: name.to_owned(), expected: "401".to_owned(), got: "200".to_owned(), ok, got_in }
    }

    #[test]
    fn a_forgery_that_gets_in_is_the_first_thing_to_mend() {
        assert!(judge(&[outcome(GOOD_TOKEN, true, true), outcome("no token", true, false)]).is_ok());
        for (outcomes, next) in [
            ([outcome(GOOD_TOKEN, true, true), outcome("no token", false, true)], "got in that must not"),
            ([outcome(GOOD_TOKEN, false, false), outcome("no token", false, true)], "got in that must not"),
            ([outcome(GOOD_TOKEN, false, false), outcome("no token", false, false)], "token explain"),
            ([outcome(GOOD_TOKEN, true, true), outcome("no token", false, false)], "restctl deploy"),
        ] {
            let failure = judge(&outcomes).unwrap_err();
            assert!(failure.exit == Exit::Failure && failure.to_string().contains(next), "{failure}");
        }
    }
}
