//! `restctl token explain`: makes the API's checks of a token and prints the result of each.

use std::path::Path;

use clap::Args;
use comfy_table::Table;
use restctl_verifier::{CheckOutcome, CheckReport, Explanation, MAX_TOKEN_BYTES};
use serde::Serialize;

use crate::api::token;
use crate::cli::file_argument::read_file_argument;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::identity::policy::{ExplainedToken, TokenPolicy};
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
Checks the token with the API's own code, the settings of the last deployment (if CloudFormation shows them), and the \
issuer's current keys. If the signature is wrong, anyone may have written what the token says.

Other users of this machine can see a token that is given as an argument, and the shell may keep it in its history. Give \
- to read it from standard input. The token itself is never printed.

Exit code 4 if the API refuses the token.

Examples:
  restctl token explain
  restctl token explain - < token.txt")]
pub(crate) struct Explain {
    /// Token to explain, or - for standard input [default: the one that `restctl token` prints]
    #[arg(value_name = "TOKEN")]
    token: Option<String>,
}

/// The JSON output.
#[derive(Serialize)]
struct TokenReport<'a> {
    accepted: bool,
    /// The issuer whose rules and keys apply: the one that the token names, or else the first.
    issuer: &'a str,
    /// The first check that fails.
    refused_by: Option<&'static str>,
    checks: Vec<CheckLine<'a>>,
}

#[derive(Serialize)]
struct CheckLine<'a> {
    check: &'static str,
    /// `passed`, `failed`, or `not reached`.
    verdict: &'static str,
    found: &'a str,
    expected: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) async fn run(args: Explain, context: &Context) -> Result<()> {
    let policy = TokenPolicy::read(context.aws().await?, &context.stack).await?;
    let token = match args.token.as_deref() {
        Some("-") => read_token()?,
        Some(token) => token.to_owned(),
        None => token::obtain_token(context).await?.access_token,
    };
    let explained = policy.explain_token(&token).await?;
    let explanation = &explained.explanation;

    match output::chosen_format() {
        Format::Text => output::print_text(Text::from_table(&checks_table(explanation)))?,
        Format::Json => output::print_json(&TokenReport::new(&explained))?,
    }
    if policy.issuers.len() > 1 {
        output::print_message(format!(
            "checked with the keys and the settings of {}",
            explained.issuer.issuer
        ));
    }
    if policy.has_changed {
        output::print_message(
            "these checks use the settings of the last deployment, which have changed since: restctl deploy",
        );
    }
    explained.require_accepted()
}

/// Reads the token from standard input, even if it is longer than allowed: then it has to fail its check.
fn read_token() -> Result<String> {
    let (text, _) = read_file_argument(Path::new("-"), 2 * MAX_TOKEN_BYTES as u64, "the token")?;
    if text.trim().is_empty() {
        return Err(Failure::new("there is no token on standard input").exit(Exit::Usage));
    }
    Ok(text)
}

impl<'a> TokenReport<'a> {
    fn new(explained: &'a ExplainedToken<'_>) -> Self {
        let (issuer, explanation) = (&explained.issuer.issuer, &explained.explanation);
        let refused_by = explanation.first_failure().map(|(report, _)| report.check.name());
        let checks = explanation.checks.iter().map(|report| CheckLine {
            check: report.check.name(),
            verdict: verdict_of(report),
            found: &report.found,
            expected: &report.expected,
            reason: match &report.outcome {
                CheckOutcome::Failed(refusal) => Some(refusal.to_string()),
                CheckOutcome::Passed | CheckOutcome::NotReached => None,
            },
        });
        Self { accepted: refused_by.is_none(), issuer, refused_by, checks: checks.collect() }
    }
}

fn verdict_of(report: &CheckReport) -> &'static str {
    match report.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed(_) => "failed",
        CheckOutcome::NotReached => "not reached",
    }
}

fn checks_table(explanation: &Explanation) -> Table {
    // A check that passed found what was expected, so its row need not repeat that.
    let row = |report: &CheckReport| {
        let expected = match report.outcome {
            CheckOutcome::Passed => String::new(),
            CheckOutcome::Failed(_) | CheckOutcome::NotReached => report.expected.clone(),
        };
        vec![verdict_of(report).to_owned(), report.check.to_string(), report.found.clone(), expected]
    };
    output::new_table(
        &["VERDICT", "CHECK", "FOUND", "EXPECTED"],
        explanation.checks.iter().map(row).collect(),
    )
}
