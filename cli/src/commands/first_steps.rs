//! `restctl` without a command: runs the commands that lead to a first API, one step at a time. Without a terminal, it prints
//! the help.

use std::env;
use std::fmt;

use restctl_contract::load::{LedgerEntry, LoadState};
use restctl_contract::template::output as stack_output;
use tokio::process::Command;

use crate::aws::{cloudformation, dynamodb, sts};
use crate::cli::target::TargetArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};
use crate::identity::settings::{self, Settings};
use crate::local::LocalCloud;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::Format;
use crate::terminal::text::Text;
use crate::terminal::{interrupt, output, prompt};

/// The steps in their order; each needs the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstStep {
    LocalCloud,
    Setup,
    Deploy,
    Upload,
    Get,
}

const STEPS: [FirstStep; 5] =
    [FirstStep::LocalCloud, FirstStep::Setup, FirstStep::Deploy, FirstStep::Upload, FirstStep::Get];

impl FirstStep {
    fn describe(self) -> &'static str {
        match self {
            FirstStep::LocalCloud => "a cloud on this machine, without an account",
            FirstStep::Setup => "a certificate, and the identity provider that issues tokens",
            FirstStep::Deploy => "the stack: load balancer, functions, table",
            FirstStep::Upload => "the data",
            FirstStep::Get => "the API",
        }
    }
}

/// The command of the step.
impl fmt::Display for FirstStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FirstStep::LocalCloud => "restctl local up",
            FirstStep::Setup => "restctl setup",
            FirstStep::Deploy => "restctl deploy",
            FirstStep::Upload => "restctl upload FILE",
            FirstStep::Get => "restctl get --id ID",
        })
    }
}

pub(crate) async fn run(target: &TargetArgs, mut command: clap::Command) -> Result<Exit> {
    if output::chosen_format() == Format::Json {
        return Err(Failure::usage("there is no command").next("restctl --help"));
    }
    if !output::is_interactive() {
        output::print_message(Text::from_lines(command.render_help().to_string().lines()));
        return Ok(Exit::Usage);
    }
    output::print_message("restctl turns a data file into a secured REST API on AWS.");
    unless_interrupted(interrupted(), run_steps(target, command)).await
}

fn interrupted() -> Failure {
    Failure::interrupted().next("restctl, which continues from there")
}

async fn run_steps(target: &TargetArgs, mut command: clap::Command) -> Result<Exit> {
    let Some(target) = choose_target(target)? else {
        output::print_message(Text::from_lines(command.render_help().to_string().lines()));
        return Ok(Exit::Done);
    };
    loop {
        let next = next_step(&target).await?;
        print_steps(&target, next);
        let Some(words) = choose_command(next)? else {
            output::print_message("");
            output::print_message(format!("next: {}", with_target_flags(&target, &next.to_string())));
            return Ok(Exit::Done);
        };
        if run_command(&target, &words).await? == Exit::Interrupted {
            return Ok(Exit::Interrupted);
        }
        if next == FirstStep::Get {
            output::print_message("");
            output::print_message(format!(
                "The API is running. To see its parts: {}; for the other commands: restctl --help",
                with_target_flags(&target, "restctl status")
            ));
            return Ok(Exit::Done);
        }
    }
}

/// Asks whether to use the local cloud or AWS. `None` if the user wants the help first.
fn choose_target(target: &TargetArgs) -> Result<Option<TargetArgs>> {
    if target.local || target.profile.is_some() || target.region.is_some() {
        return Ok(Some(target.clone()));
    }
    let answers = ["on this machine, to try it without an account", "on AWS", "show the help first"];
    Ok(match prompt::ask_optional_choice("Where do you want the API?", &answers, interrupted()) {
        Some(0) => Some(TargetArgs { local: true, ..target.clone() }),
        Some(1) => Some(target.clone()),
        _ => None,
    })
}

/// Returns the first step that is not done.
async fn next_step(target: &TargetArgs) -> Result<FirstStep> {
    if target.local && LocalCloud::find_running().is_err() {
        return Ok(FirstStep::LocalCloud);
    }
    let context = Context::new(target)?;
    let (aws, name) = (context.aws().await?, &context.stack);
    // Without credentials every other call fails too; this one says what to do.
    sts::read_caller(aws).await?;
    let (certificate, settings, stack) = tokio::try_join!(
        settings::read_certificate(aws, name),
        Settings::read(aws, name),
        cloudformation::find_own(aws, name),
    )?;
    if certificate.is_none() || !settings.missing_parameters().is_empty() {
        return Ok(FirstStep::Setup);
    }
    let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else { return Ok(FirstStep::Deploy) };
    let Ok(ledger) = stack.output(stack_output::LEDGER_TABLE) else { return Ok(FirstStep::Deploy) };
    let entries = dynamodb::read_ledger_entries(aws, ledger).await?;
    let is_ignored =
        |entry: &Result<LedgerEntry>| matches!(entry, Ok(entry) if entry.state == LoadState::Ignored);
    let is_empty = entries.values().all(is_ignored);
    Ok(if is_empty { FirstStep::Upload } else { FirstStep::Get })
}

fn print_steps(target: &TargetArgs, next: FirstStep) {
    output::print_message("");
    let mut mark = "done";
    for step in STEPS.into_iter().filter(|step| target.local || *step != FirstStep::LocalCloud) {
        if step == next {
            mark = "next";
        }
        output::print_message(format!("  {mark:<4}  {step:<20}  {}", step.describe()));
        if step == next {
            mark = "";
        }
    }
    output::print_message("");
}

/// Asks for what the step needs and returns its command. `None` if the user prefers to type it.
fn choose_command(step: FirstStep) -> Result<Option<Vec<String>>> {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    Ok(match step {
        FirstStep::LocalCloud => confirm_step(step)?.then(|| words(&["local", "up"])).flatten(),
        FirstStep::Setup => confirm_step(step)?.then(|| words(&["setup"])).flatten(),
        FirstStep::Deploy => confirm_step(step)?.then(|| words(&["deploy"])).flatten(),
        FirstStep::Upload => {
            let file = prompt::ask_text(
                "Data file (.csv, .ndjson or .json with a column id)",
                "restctl upload FILE",
            )?;
            words(&["upload", &file])
        }
        FirstStep::Get => words(&["get", "--id", &prompt::ask_text("Id of an item", "restctl get --id ID")?]),
    })
}

fn confirm_step(step: FirstStep) -> Result<bool> {
    let (question, answers) = (format!("Run {step} now?"), ["yes", "no, I will type it"]);
    Ok(prompt::ask_optional_choice(&question, &answers, interrupted()) == Some(0))
}

/// Returns the flags with which a command uses the same stack, account and region.
fn target_flags(target: &TargetArgs) -> Vec<String> {
    let TargetArgs { stack, local, profile, region } = target;
    let mut flags = Vec::new();
    flags.extend(local.then(|| "--local".to_owned()));
    let stack = Some(stack.to_string()).filter(|stack| stack != TargetArgs::DEFAULT_STACK);
    for (flag, value) in [("--stack", &stack), ("--profile", profile), ("--region", region)] {
        flags.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    flags
}

pub(super) fn with_target_flags(target: &TargetArgs, command: &str) -> String {
    let flags = target_flags(target);
    if flags.is_empty() { command.to_owned() } else { format!("{command} {}", join_words(&flags)) }
}

/// Joins the words of a command for a shell. Values may come from a restctl.toml that someone else wrote.
fn join_words(words: &[String]) -> String {
    let quoted = words.iter().map(|word| match word.starts_with("--") {
        true => word.clone(),
        false => shell_argument(word, "VALUE"),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Prints the command with its flags and runs it at this terminal.
async fn run_command(target: &TargetArgs, words: &[String]) -> Result<Exit> {
    let mut words = words.to_vec();
    words.extend(target_flags(target));
    let shown = format!("restctl {}", join_words(&words));
    output::print_message(format!("$ {shown}"));
    let restctl = env::current_exe().context("cannot find the path of restctl itself")?;
    // Ctrl-C reaches the command, too, which says what it means.
    let _interrupted = interrupt::leave_to_other_process();
    let status = Command::new(restctl).args(&words).status().await;
    let status = status.context(format!("cannot run {shown}"))?;
    if let Some(exit) =
        [Exit::Done, Exit::Interrupted].into_iter().find(|exit| status.code() == Some(*exit as i32))
    {
        return Ok(exit);
    }
    Err(Failure::new(format!("{shown} failed"))
        .why("the message above says what happened and what to type next")
        .next("restctl, which continues from there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_commands_use_the_same_stack_account_and_region() {
        let default = TargetArgs {
            stack: TargetArgs::DEFAULT_STACK.parse().unwrap(),
            local: false,
            profile: None,
            region: None,
        };
        assert_eq!(with_target_flags(&default, "restctl status"), "restctl status");
        let local = TargetArgs { local: true, ..default.clone() };
        assert_eq!(with_target_flags(&local, "restctl status"), "restctl status --local");
        let other = TargetArgs {
            stack: "prices".parse().unwrap(),
            profile: Some("my profile".to_owned()),
            region: Some("eu-west-1".to_owned()),
            ..default
        };
        assert_eq!(
            with_target_flags(&other, "restctl status"),
            "restctl status --stack prices --profile 'my profile' --region eu-west-1"
        );
    }
}
