//! `restctl token explain`

use std::io::{Read, stdin};

use clap::Args;
use comfy_table::Table;
use restctl_verifier::{CheckOutcome, CheckReport, Explanation, MAX_TOKEN_BYTES};
use serde::Serialize;

use crate::api::token;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::policy::TokenPolicy;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Judges by the API's own code, by the settings of the last deployment where CloudFormation tells them, and by the \
issuer's keys as they are now. Behind a wrong signature, what a token says is anyone's word.

Other users of this machine can see a token that is given as an argument, and the shell may keep it in its history; \
- reads it from standard input. The token itself is never printed.

Exit code 4 where the token is refused.

Examples:
  restctl token explain
  restctl token explain - < token.txt")]
pub(crate) struct Explain {
    /// Token to explain, or - for standard input [default: the one that `restctl token` prints]
    #[arg(value_name = "TOKEN")]
    token: Option<String>,
}

/// The outcome, for programs.
#[derive(Serialize)]
struct Report<'a> {
    accepted: bool,
    /// The check for which the API refuses the token.
    refused_by: Option<&'static str>,
    checks: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    check: &'static str,
    /// `passed`, `failed`, or `not reached`.
    verdict: &'static str,
    found: &'a str,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) async fn run(args: Explain, context: &Context) -> Result<()> {
    let asked = TokenPolicy::read(context.aws().await?, &context.stack).await?;
    let token = match args.token.as_deref() {
        Some("-") => read_token()?,
        Some(token) => token.to_owned(),
        None => token::obtain_token(context).await?.access_token,
    };
    let explanation = asked.explain_token(&token, &asked.fetch_keys().await?);

    match output::chosen_format() {
        Format::Text => output::print_line(&table(&explanation).trim_fmt())?,
        Format::Json => output::print_json(&Report::of(&explanation))?,
    }
    if asked.has_changed {
        output::print_message(
            "the settings have changed since the last deployment, by which this goes: restctl deploy",
        );
    }
    asked.require_accepted(&explanation)
}

/// One byte more than is looked at, so that a token that is too large shows.
fn read_token() -> Result<String> {
    let mut text = String::new();
    let read = stdin().lock().take(2 * MAX_TOKEN_BYTES as u64).read_to_string(&mut text);
    read.context("the token cannot be read from standard input")?;
    if text.trim().is_empty() {
        return Err(Failure::new("there is no token on standard input").exit(Exit::Usage));
    }
    Ok(text)
}

impl<'a> Report<'a> {
    fn of(explanation: &'a Explanation) -> Self {
        let refused_by = explanation.first_failure().map(|(report, _)| report.check.name());
        let checks = explanation.checks.iter().map(|report| Line {
            check: report.check.name(),
            verdict: verdict(report),
            found: &report.found,
            expected: &report.expected,
            reason: match &report.outcome {
                CheckOutcome::Failed(refusal) => Some(refusal.to_string()),
                CheckOutcome::Passed | CheckOutcome::NotReached => None,
            },
        });
        Self { accepted: refused_by.is_none(), refused_by, checks: checks.collect() }
    }
}

fn verdict(report: &CheckReport) -> &'static str {
    match report.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed(_) => "failed",
        CheckOutcome::NotReached => "not reached",
    }
}

fn table(explanation: &Explanation) -> Table {
    // What is as expected need not say so twice.
    let row = |report: &CheckReport| {
        let expected = match report.outcome {
            CheckOutcome::Passed => String::new(),
            CheckOutcome::Failed(_) | CheckOutcome::NotReached => report.expected.clone(),
        };
        vec![verdict(report).to_owned(), report.check.to_string(), report.found.clone(), expected]
    };
    output::new_table(
        &["VERDICT", "CHECK", "FOUND", "EXPECTED"],
        explanation.checks.iter().map(row).collect(),
    )
}
