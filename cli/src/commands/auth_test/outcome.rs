//! What became of each request, and whether that is good.

use comfy_table::Table;
use restctl_forgery::ExpectedAnswer;
use serde::Serialize;

use super::answer::{self, AuthAnswer};
use crate::failure::{Failure, Result};
use crate::terminal::output;
use crate::terminal::text::Text;

/// A request and its answer.
#[derive(Serialize)]
pub(super) struct RequestOutcome {
    /// The issuer whose token the request has, or forges. `None` for a request that does not depend on one.
    pub(super) issuer: Option<String>,
    pub(super) name: String,
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) ok: bool,
    /// Whether the API accepted the request.
    #[serde(skip)]
    pub(super) is_accepted: bool,
    /// The command that explains a good token, if the request has one.
    #[serde(skip)]
    pub(super) explain_token: Option<&'static str>,
}

impl RequestOutcome {
    /// Returns the outcome of a request to which each of the `expected` answers is right.
    pub(super) fn compare(
        name: impl Into<String>,
        expected: &[ExpectedAnswer],
        answer: Result<AuthAnswer, reqwest::Error>,
    ) -> Self {
        let described: Vec<String> = expected
            .iter()
            .map(|expected| answer::describe_answer(expected.status, expected.problem, expected.challenge))
            .collect();
        let got = match &answer {
            Ok(answer) => answer.to_string(),
            Err(error) => format!("no answer: {}", answer::root_cause(error)),
        };
        Self {
            issuer: None,
            name: name.into(),
            expected: described.join("; or "),
            got,
            ok: answer.as_ref().is_ok_and(|answer| expected.iter().any(|expected| answer.matches(*expected))),
            is_accepted: answer.is_ok_and(|answer| answer.status.is_success()),
            explain_token: None,
        }
    }

    pub(super) fn of_issuer(self, issuer: &str) -> Self {
        Self { issuer: Some(issuer.to_owned()), ..self }
    }
}

/// Returns a table. If the requests are of several issuers, each one's follow its name.
pub(super) fn outcomes_text(outcomes: &[RequestOutcome]) -> Text {
    let groups: Vec<&[RequestOutcome]> = outcomes.chunk_by(|one, next| one.issuer == next.issuer).collect();
    let issuers = groups.iter().filter(|group| group[0].issuer.is_some()).count();
    if issuers < 2 {
        return Text::from_table(&outcomes_table(outcomes));
    }
    let mut parts = Vec::new();
    for group in groups {
        if let Some(issuer) = &group[0].issuer {
            parts.extend(["".into(), Text::from(format!("tokens of {issuer}")).cut()]);
        }
        parts.push(Text::from_table(&outcomes_table(group)));
    }
    Text::from_lines(parts)
}

fn outcomes_table(outcomes: &[RequestOutcome]) -> Table {
    // If the answer is right, its row need not repeat it as the expected one.
    let row = |outcome: &RequestOutcome| {
        let (ok, expected) = if outcome.ok { ("ok", "") } else { ("NOT OK", outcome.expected.as_str()) };
        [ok, &outcome.name, &outcome.got, expected].map(Text::from).into()
    };
    output::new_table(&["OK", "REQUEST", "ANSWER", "EXPECTED"], outcomes.iter().map(row).collect())
}

pub(super) fn require_expected(outcomes: &[RequestOutcome]) -> Result<()> {
    let wrong: Vec<&RequestOutcome> = outcomes.iter().filter(|outcome| !outcome.ok).collect();
    let Some(first) = wrong.first() else {
        output::print_message(format!("all {} requests were answered as expected", outcomes.len()));
        return Ok(());
    };
    let failure =
        Failure::new(format!("{} of {} requests were not answered as expected", wrong.len(), outcomes.len()));
    let issuer = first.issuer.as_ref().map_or_else(String::new, |issuer| format!(", {issuer}"));
    let failure =
        failure.why(format!("the first: {}{issuer}: {}, not {}", first.name, first.got, first.expected));
    let refused_token = wrong.iter().find_map(|outcome| outcome.explain_token);
    Err(if wrong.iter().any(|outcome| outcome.is_accepted && outcome.explain_token.is_none()) {
        failure.next(
            "the API accepted a request that it must refuse: check what is between the load balancer and the\n\
             function, and deploy this version: restctl deploy",
        )
    } else if let Some(explain_token) = refused_token {
        failure.next(explain_token)
    } else {
        failure.next("restctl deploy, which updates the API to this version; then restctl auth-test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn good_token(ok: bool) -> RequestOutcome {
        let explain_token = Some("restctl token explain");
        RequestOutcome { explain_token, ..sample_outcome(Some("https://a/"), "a good token", ok, ok) }
    }

    fn sample_outcome(issuer: Option<&str>, name: &str, ok: bool, is_accepted: bool) -> RequestOutcome {
        RequestOutcome {
            issuer: issuer.map(str::to_owned),
            name: name.to_owned(),
            expected: "401".to_owned(),
            got: "200".to_owned(),
            ok,
            is_accepted,
            explain_token: None,
        }
    }

    #[test]
    fn an_accepted_forgery_is_the_first_thing_to_fix() {
        let forgery = |ok, is_accepted| sample_outcome(Some("https://b/"), "no token", ok, is_accepted);
        assert!(require_expected(&[good_token(true), forgery(true, false)]).is_ok());
        for (outcomes, next) in [
            ([good_token(true), forgery(false, true)], "that it must refuse"),
            ([good_token(false), forgery(false, true)], "that it must refuse"),
            ([good_token(false), forgery(false, false)], "token explain"),
            ([good_token(true), forgery(false, false)], "restctl deploy"),
        ] {
            let failure = require_expected(&outcomes).unwrap_err();
            assert!(failure.exit == Exit::Failure && failure.to_string().contains(next), "{failure}");
        }
        let failure = require_expected(&[good_token(true), forgery(false, true)]).unwrap_err();
        assert!(failure.to_string().contains("no token, https://b/: 200, not 401"), "{failure}");
    }

    #[test]
    fn several_issuers_have_a_heading_each() {
        let health = || sample_outcome(None, "/health", true, true);
        let one = outcomes_text(&[health(), good_token(true)]);
        assert!(one.as_str().starts_with("OK"), "{}", one.as_str());
        assert!(!one.as_str().contains("https://a/"), "{}", one.as_str());

        let forgery = sample_outcome(Some("https://b/\n"), "no token", false, true);
        let two = outcomes_text(&[health(), good_token(true), forgery]);
        let lines: Vec<&str> = two.as_str().lines().map(str::trim_end).collect();
        let expected = [
            "OK  REQUEST  ANSWER",
            "ok  /health  200",
            "",
            "tokens of https://a/",
            "OK  REQUEST       ANSWER",
            "ok  a good token  200",
            "",
        ];
        assert_eq!(lines[..7], expected, "{}", two.as_str());
        assert!(lines.len() == 10 && lines[7].starts_with("tokens of https://b/"), "{}", two.as_str());
        assert!(lines[9].starts_with("NOT OK  no token  200     401"), "{}", two.as_str());
    }
}
