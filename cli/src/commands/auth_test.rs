//! `restctl auth-test`: sends requests that the deployed API must accept, and many that it must refuse.

mod answer;
mod outcome;
mod tested_issuer;

use std::collections::HashSet;
use std::path::PathBuf;

use clap::Args;
use reqwest::StatusCode;
use restctl_contract::api::{HEALTH_PATH, ITEM_NOT_FOUND, ITEMS_PATH};
use restctl_forgery::{Attempt, ExpectedAnswer, KnownIssuer, forge_attempts, forge_presentations};

use self::answer::AuthAnswer;
use self::outcome::{RequestOutcome, outcomes_text, require_expected};
use self::tested_issuer::TestedIssuer;
use crate::api::endpoint::{self, Endpoint};
use crate::api::token;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::policy::TokenPolicy;
use crate::terminal::output::{self, Format};
use crate::terminal::progress;
use crate::terminal::sent_secrets::SentSecret;
use crate::timestamp::seconds_now;

#[derive(Debug, Args)]
#[command(after_help = "\
Forges tokens as an attacker could: unsigned, signed with another key, signed with the public key as a secret, changed, \
repeated, or sent in other places. The API must refuse each with the right error. It must accept a good token, and /health \
without a token. The requests are sent one after another; they read one item and change nothing.

If the API trusts several issuers, the tokens of each are forged, and tokens that mix them. restctl gets good tokens from one \
issuer only. For another one, a token that lacks nothing but a good signature stands in: this shows that forged tokens of the \
issuer are refused, but not that its good ones are accepted. To test that as well, give one of its tokens with --token-file.

Exit code 1 if any answer is not as expected.

Examples:
  restctl auth-test
  restctl auth-test --token-file - < token-of-another-issuer.txt")]
pub(crate) struct AuthTest {
    /// File with a good access token of another trusted issuer, or - for standard input; may be repeated
    #[arg(long = "token-file", value_name = "FILE")]
    token_files: Vec<PathBuf>,
}

const GOOD_TOKEN: &str = "a good token";

const EXPLAIN_GIVEN_TOKEN: &str = "restctl token explain - < FILE, with the file of --token-file";

/// A proxy may join two headers into one (RFC 9110, section 5.3), as the local cloud does. The API then refuses them as bad
/// credentials.
const JOINED_HEADERS: [ExpectedAnswer; 2] = [
    ExpectedAnswer { status: 401, problem: Some("token-missing"), challenge: Some("") },
    ExpectedAnswer { status: 401, problem: Some("token-refused"), challenge: Some("invalid_token") },
];

pub(crate) async fn run(args: AuthTest, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let (policy, endpoint, token) = tokio::join!(
        TokenPolicy::read(aws, &context.stack),
        Endpoint::look_up(context),
        token::obtain_token(context)
    );
    // If all fail, the policy's failure names the first missing step: setup.
    let (policy, token, endpoint) = (policy?, token?, endpoint?);
    let mut issuers = TestedIssuer::read_all(&policy, &args.token_files).await?;
    // This id is valid for keys of strings and of numbers. It need not exist.
    let path = format!("{ITEMS_PATH}0");

    let health = request_health(&endpoint).await?;
    let (token, own) = request_with_own_token(context, &endpoint, &path, token.access_token).await?;
    // The first one grants restctl its tokens.
    issuers[0].token = Some(token);
    let outcomes = vec![health, own.of_issuer(&issuers[0].trusted.issuer)];
    let mut test = Test { context, endpoint, path, outcomes, sent: HashSet::new() };
    let (mut missing, mut untested) = (Vec::new(), Vec::new());
    for (index, issuer) in issuers.iter().enumerate() {
        match &issuer.token {
            _ if index == 0 => {}
            Some(token) => test.send_given_token(&issuer.trusted.issuer, token).await,
            None => untested.push(&issuer.trusted.issuer),
        }
        if let Some(reason) = test.send_forgeries(&issuers, index).await? {
            missing.push(issuer.missing_forgeries(&reason));
        }
    }

    match output::chosen_format() {
        Format::Text => output::print_text(outcomes_text(&test.outcomes))?,
        Format::Json => output::print_json(&test.outcomes)?,
    }
    for name in untested {
        output::print_message(format!(
            "not shown: that the API accepts tokens of {name} (give one with --token-file)"
        ));
    }
    require_expected(&test.outcomes)?;
    require_complete(&missing)
}

/// What has been sent to the API, and what came back.
struct Test<'a> {
    context: &'a Context,
    endpoint: Endpoint,
    /// The path of an item.
    path: String,
    outcomes: Vec<RequestOutcome>,
    /// Requests that are the same for every issuer are sent once.
    sent: HashSet<SentRequest>,
}

/// Method, path, headers and body.
type SentRequest = (&'static str, String, Vec<(String, String)>, String);

impl Test<'_> {
    /// Requests an item with a token of `--token-file`.
    async fn send_given_token(&mut self, issuer: &str, token: &str) {
        SentSecret::of_token(token).remember();
        let answer = request_item(&self.endpoint, &self.path, token).await;
        let outcome = compare_good_answer(answer, EXPLAIN_GIVEN_TOKEN);
        self.outcomes.push(outcome.of_issuer(issuer));
    }

    /// Sends the forgeries of one of the issuers. Returns why those that need its key are missing, if they are.
    async fn send_forgeries(&mut self, issuers: &[TestedIssuer<'_>], index: usize) -> Result<Option<String>> {
        let mut others: Vec<KnownIssuer<'_>> = issuers.iter().map(TestedIssuer::known).collect();
        let issuer = others.remove(index);
        let forgeries = forge_attempts(&issuer, &others, &self.path, seconds_now());
        let explain = if index == 0 { endpoint::EXPLAIN_TOKEN } else { EXPLAIN_GIVEN_TOKEN };
        let forgeries = forgeries
            .context(format!("cannot forge tokens of {}", issuer.trusted.issuer))
            .map_err(|failure| failure.exit(Exit::Authentication).next(explain))?;
        let presented = issuer.token.filter(|_| index == 0);
        let presentations = presented.map(|token| forge_presentations(token, &self.path)).unwrap_or_default();

        let progress = progress::new_spinner("auth-test");
        for attempt in presentations.into_iter().chain(forgeries.attempts) {
            progress.set_message(&attempt.name);
            self.send_attempt(&issuer.trusted.issuer, attempt).await?;
        }
        progress.finish_and_clear();
        Ok(forgeries.missing_key.map(|error| error.to_string()))
    }

    async fn send_attempt(&mut self, issuer: &str, attempt: Attempt) -> Result<()> {
        let Attempt { method, path, headers, body, .. } = attempt.clone();
        if !self.sent.insert((method, path, headers, body)) {
            return Ok(());
        }
        let answer = request_attempt(&self.endpoint, &attempt).await?;
        let expected = if self.context.local.is_some() && repeats_a_header(&attempt) {
            [&[attempt.expected], JOINED_HEADERS.as_slice()].concat()
        } else {
            vec![attempt.expected]
        };
        let outcome = RequestOutcome::compare(attempt.name, &expected, answer);
        self.outcomes.push(outcome.of_issuer(issuer));
        Ok(())
    }
}

/// Requests `/health`, which needs no token. Fails if there is no answer, because no other path would answer then.
async fn request_health(endpoint: &Endpoint) -> Result<RequestOutcome> {
    let address = format!("{}{HEALTH_PATH}", endpoint.base_url);
    let answer = AuthAnswer::from_request(endpoint.client.get(&address)).await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let expected = ExpectedAnswer { status: 200, problem: None, challenge: None };
    Ok(RequestOutcome::compare("/health without a token", &[expected], Ok(answer)))
}

/// Requests an item with the cached token, and once more with a new one if the API refuses it. Returns the token of the last
/// request and its outcome.
async fn request_with_own_token(
    context: &Context,
    endpoint: &Endpoint,
    path: &str,
    mut token: String,
) -> Result<(String, RequestOutcome)> {
    SentSecret::of_token(&token).remember();
    let mut answer = request_item(endpoint, path, &token).await;
    if answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED) {
        token = token::renew_token(context).await?.access_token;
        SentSecret::of_token(&token).remember();
        answer = request_item(endpoint, path, &token).await;
    }
    let address = format!("{}{path}", endpoint.base_url);
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    Ok((token, compare_good_answer(Ok(answer), endpoint::EXPLAIN_TOKEN)))
}

async fn request_item(endpoint: &Endpoint, path: &str, token: &str) -> Result<AuthAnswer, reqwest::Error> {
    let address = format!("{}{path}", endpoint.base_url);
    AuthAnswer::from_request(endpoint.client.get(&address).bearer_auth(token)).await
}

fn compare_good_answer(
    answer: Result<AuthAnswer, reqwest::Error>,
    explain_token: &'static str,
) -> RequestOutcome {
    let found = ExpectedAnswer { status: 200, problem: None, challenge: None };
    let not_found = ExpectedAnswer { status: 404, problem: Some(ITEM_NOT_FOUND), challenge: None };
    let outcome = RequestOutcome::compare(GOOD_TOKEN, &[found, not_found], answer);
    RequestOutcome { explain_token: Some(explain_token), ..outcome }
}

async fn request_attempt(
    endpoint: &Endpoint,
    attempt: &Attempt,
) -> Result<Result<AuthAnswer, reqwest::Error>> {
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

/// Fails if some forgeries could not be made, each for one of these reasons: the test has shown less than it should.
fn require_complete(missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let failure = Failure::new("the forgeries that need the keys of an issuer could not be made");
    Err(failure.why_lines(missing).next("restctl idp show"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_forgeries_are_a_failure() {
        assert!(require_complete(&[]).is_ok());
        let failure = require_complete(&["https://a/: no key".to_owned()]).unwrap_err();
        assert!(
            failure.exit == Exit::Failure && failure.to_string().contains("https://a/: no key"),
            "{failure}"
        );
    }
}
