//! What an answer says about a request's credentials.

use std::error::Error;
use std::fmt;

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{RequestBuilder, StatusCode};
use restctl_contract::api::Problem;
use restctl_forgery::ExpectedAnswer;

/// A problem document has a few hundred bytes. Only the beginning of a larger body is kept.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(super) struct AuthAnswer {
    pub(super) status: StatusCode,
    /// The last part of the problem's type.
    problem: Option<String>,
    /// The error code of the challenge; empty if it has none.
    challenge: Option<String>,
}

impl AuthAnswer {
    /// Sends the request and reads its answer to the end, so that the next request can use the same connection.
    pub(super) async fn from_request(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let mut answer = request.send().await?;
        let status = answer.status();
        let challenge = answer.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| parse_error_code(&String::from_utf8_lossy(value.as_bytes())));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            let room = MAX_BODY_BYTES.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(Self { status, problem: parse_problem_type(&body), challenge })
    }

    pub(super) fn matches(&self, expected: ExpectedAnswer) -> bool {
        self.status == expected.status
            && self.problem.as_deref() == expected.problem
            && self.challenge.as_deref() == expected.challenge
    }
}

impl fmt::Display for AuthAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (problem, challenge) = (self.problem.as_deref(), self.challenge.as_deref());
        f.write_str(&describe_answer(self.status.as_u16(), problem, challenge))
    }
}

pub(super) fn describe_answer(status: u16, problem: Option<&str>, challenge: Option<&str>) -> String {
    let mut text = status.to_string();
    if let Some(problem) = problem {
        text.push_str(&format!(" {problem}"));
    }
    match challenge {
        None => {}
        Some("") => text.push_str(", challenge"),
        Some(code) => text.push_str(&format!(", challenge {code}")),
    }
    text
}

/// Returns the innermost cause without the address, which may contain a token.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else { return "cannot send the request".to_owned() };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn parse_problem_type(body: &[u8]) -> Option<String> {
    let problem: Problem = serde_json::from_slice(body).ok()?;
    Some(problem.short_type().to_owned())
}

/// Parses the error code, a quoted string (RFC 6750, section 3).
fn parse_error_code(challenge: &str) -> String {
    let code = challenge.split_once("error=\"").and_then(|(_, rest)| rest.split_once('"'));
    code.map_or(String::new(), |(code, _)| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_code_of_a_challenge_is_not_its_description() {
        for (challenge, code) in [
            (r#"Bearer realm="restctl""#, ""),
            (r#"Bearer realm="restctl", error="invalid_token", error_description="x""#, "invalid_token"),
            (r#"Bearer realm="restctl", error_description="x", error="invalid_request""#, "invalid_request"),
            (r#"Bearer error_description="x""#, ""),
        ] {
            assert_eq!(parse_error_code(challenge), code, "{challenge}");
        }
    }

    #[test]
    fn an_answer_matches_in_all_parts_or_not_at_all() {
        let expected =
            ExpectedAnswer { status: 401, problem: Some("token-refused"), challenge: Some("invalid_token") };
        let answer = |status, problem: Option<&str>, challenge: Option<&str>| AuthAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            problem: problem.map(str::to_owned),
            challenge: challenge.map(str::to_owned),
        };
        let good = answer(401, Some("token-refused"), Some("invalid_token"));
        assert!(good.matches(expected));
        assert_eq!(good.to_string(), "401 token-refused, challenge invalid_token");
        assert!(!answer(200, Some("token-refused"), Some("invalid_token")).matches(expected));
        assert!(!answer(401, Some("token-missing"), Some("invalid_token")).matches(expected));
        assert!(!answer(401, None, Some("invalid_token")).matches(expected));
        assert!(!answer(401, Some("token-refused"), Some("")).matches(expected));
        assert!(!answer(401, Some("token-refused"), None).matches(expected));
    }
}
