//! `restctl` alone: on a terminal it leads from nothing to an API, step by step, by the commands that one would type;
//! elsewhere it is the help.

use std::env;
use std::fmt;

use clap::CommandFactory;
use restctl_contract::template::output as stack_output;
use tokio::process::Command;

use crate::aws::{cloudformation, dynamodb, sts};
use crate::cli::target::TargetArgs;
use crate::commands::invocation::Cli;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::settings::{self, Settings};
use crate::local::LocalCloud;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::{output, prompt};

/// In this order, each of them needs those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    LocalCloud,
    Setup,
    Deploy,
    Upload,
    Get,
}

const STEPS: [Step; 5] = [Step::LocalCloud, Step::Setup, Step::Deploy, Step::Upload, Step::Get];

impl Step {
    fn describe(self) -> &'static str {
        match self {
            Step::LocalCloud => "a cloud on this machine, which needs no account",
            Step::Setup => "a certificate, and the identity provider that issues tokens",
            Step::Deploy => "the stack: load balancer, functions, table",
            Step::Upload => "the data",
            Step::Get => "the API",
        }
    }
}

/// As it is typed.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Step::LocalCloud => "restctl local up",
            Step::Setup => "restctl setup",
            Step::Deploy => "restctl deploy",
            Step::Upload => "restctl upload FILE",
            Step::Get => "restctl get --id ID",
        })
    }
}

pub(crate) async fn run(target: &TargetArgs) -> Result<Exit> {
    if !output::is_interactive() {
        output::print_message(&Cli::command().render_help().to_string());
        return Ok(Exit::Usage);
    }
    output::print_message("restctl turns a data file into a secured REST API on AWS.");
    unless_interrupted(Failure::new("interrupted").next("restctl, which goes on from there"), lead(target))
        .await
}

async fn lead(target: &TargetArgs) -> Result<Exit> {
    let Some(target) = choose_place(target)? else {
        output::print_message(&Cli::command().render_help().to_string());
        return Ok(Exit::Done);
    };
    loop {
        let next = next_step(&target).await?;
        show(&target, next);
        let Some(words) = words(next)? else {
            output::print_message(&format!("\nnext: {}", typed(&target, &next.to_string())));
            return Ok(Exit::Done);
        };
        type_it(&target, &words).await?;
        if next == Step::Get {
            output::print_message(&format!(
                "\nThat is all. What there is now: {}; what else there is: restctl --help",
                typed(&target, "restctl status")
            ));
            return Ok(Exit::Done);
        }
    }
}

/// Where it shall be; none where that is not known yet.
fn choose_place(target: &TargetArgs) -> Result<Option<TargetArgs>> {
    if target.local || target.profile.is_some() || target.region.is_some() {
        return Ok(Some(target.clone()));
    }
    let answers = ["on this machine, to try it, without an account", "on AWS", "show me the help first"];
    Ok(match prompt::ask_optional_choice("Where shall it be?", &answers) {
        Some(0) => Some(TargetArgs { local: true, ..target.clone() }),
        Some(1) => Some(target.clone()),
        _ => None,
    })
}

/// The first one that is not done.
async fn next_step(target: &TargetArgs) -> Result<Step> {
    if target.local && LocalCloud::running().is_err() {
        return Ok(Step::LocalCloud);
    }
    let context = Context::new(target)?;
    let (aws, name) = (context.aws().await?, &context.stack);
    // Without credentials nothing else can be asked, and this says what to do about it.
    sts::caller(aws).await?;
    let (certificate, settings, stack) = tokio::try_join!(
        settings::read_certificate(aws, name),
        Settings::read(aws, name),
        cloudformation::find_own(aws, name),
    )?;
    if certificate.is_none() || settings.check_complete().is_err() {
        return Ok(Step::Setup);
    }
    let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else { return Ok(Step::Deploy) };
    let Ok(ledger) = stack.output(stack_output::LEDGER_TABLE) else { return Ok(Step::Deploy) };
    let is_empty = dynamodb::read_ledger_entries(aws, ledger).await?.is_empty();
    Ok(if is_empty { Step::Upload } else { Step::Get })
}

fn show(target: &TargetArgs, next: Step) {
    output::print_message("");
    let mut mark = "done";
    for step in STEPS.into_iter().filter(|step| target.local || *step != Step::LocalCloud) {
        if step == next {
            mark = "next";
        }
        output::print_message(&format!("  {mark:<4}  {step:<20}  {}", step.describe()));
        if step == next {
            mark = "";
        }
    }
    output::print_message("");
}

/// What to type for it; none where that is left to whoever is asked.
fn words(step: Step) -> Result<Option<Vec<String>>> {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    Ok(match step {
        Step::LocalCloud => agreed(step)?.then(|| words(&["local", "up"])).flatten(),
        Step::Setup => agreed(step)?.then(|| words(&["setup"])).flatten(),
        Step::Deploy => agreed(step)?.then(|| words(&["deploy"])).flatten(),
        Step::Upload => {
            let file = prompt::ask_text(
                "Data file (.csv, .ndjson, .json; with a column id)",
                "restctl upload FILE",
            )?;
            words(&["upload", &file])
        }
        Step::Get => words(&["get", "--id", &prompt::ask_text("Id of an item", "restctl get --id ID")?]),
    })
}

fn agreed(step: Step) -> Result<bool> {
    Ok(prompt::ask_optional_choice(&format!("{step}, now?"), &["yes", "no, I will type it"]) == Some(0))
}

fn typed(target: &TargetArgs, command: &str) -> String {
    let local = if target.local { " --local" } else { "" };
    format!("{command}{local}")
}

/// Runs the command as it would be typed, at this terminal.
async fn type_it(target: &TargetArgs, words: &[String]) -> Result<()> {
    let mut words = words.to_vec();
    let TargetArgs { stack, local, profile, region } = target;
    words.extend(local.then(|| "--local".to_owned()));
    let stack = Some(stack.to_string()).filter(|stack| stack != TargetArgs::DEFAULT_STACK);
    for (flag, value) in [("--stack", &stack), ("--profile", profile), ("--region", region)] {
        words.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    let shown = format!("restctl {}", shell_words::join(&words));
    output::print_message(&format!("$ {shown}"));
    let restctl = env::current_exe().context("restctl's own path is not known")?;
    let status = Command::new(restctl).args(&words).status().await;
    let status = status.context(format!("{shown} cannot be run"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{shown} did not end well"))
        .why("it says above what happened, and what to type about it")
        .next("restctl, which goes on from there"))
}
