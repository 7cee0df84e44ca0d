//! `restctl demo`: builds, deploys and calls an API on the local cloud, with the commands that a user would type.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::Args;
use reqwest::StatusCode;
use reqwest::header::WWW_AUTHENTICATE;
use restctl_contract::api::ITEMS_PATH;
use serde_json::json;
use tokio::process::Command;

use crate::api::endpoint::{Endpoint, Location};
use crate::cli::target::TargetArgs;
use crate::context::Context;
use crate::deployment::packages::{self, Packages, Place};
use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};
use crate::local::LocalCloud;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// The demo's own stack, so that it leaves the other stacks of the local cloud alone.
const STACK_NAME: &str = "demo";

const DATA_FILE: &str = "fixtures/items.csv";

#[derive(Debug, Args)]
#[command(after_help = "\
Run it in a checkout of restctl. It builds the Lambdas, deploys a stack of its own called demo, and loads \
fixtures/items.csv. If the local cloud is already running, the demo uses it and leaves it running.")]
pub(crate) struct Demo {
    /// Leave the stack and the local cloud running and print what to type next
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(args: Demo) -> Result<()> {
    let stack = STACK_NAME.parse().map_err(|why: String| Failure::new(why))?;
    let target = TargetArgs { stack, local: true, profile: None, region: None };
    let started = Instant::now();
    let demo = DemoRunner::from_checkout()?;
    let was_running = LocalCloud::find_running().is_ok();

    let interrupted = Failure::new("the demo was interrupted");
    let outcome = unless_interrupted(interrupted, demo.run_steps(&target)).await;
    if args.keep
        && let Ok(location) = &outcome
    {
        demo.print_next_steps(location);
    } else {
        demo.tear_down(was_running).await?;
    }
    outcome?;
    let seconds = started.elapsed().as_secs_f64();
    output::print_message("");
    output::print_message(format!("the demo took {seconds:.1} s"));
    match output::chosen_format() {
        Format::Text => Ok(()),
        Format::Json => {
            output::print_json(&json!({ "stack": STACK_NAME, "kept": args.keep, "seconds": seconds }))
        }
    }
}

/// Runs restctl in its checkout.
struct DemoRunner {
    restctl: PathBuf,
    checkout: PathBuf,
}

impl DemoRunner {
    fn from_checkout() -> Result<Self> {
        let restctl = std::env::current_exe().context("cannot find the path of restctl itself")?;
        let checkout = packages::find_checkout().ok_or_else(|| {
            Failure::new("the demo needs a checkout of restctl, which contains its data")
                .exit(Exit::Usage)
                .next("run it in a checkout")
        })?;
        Ok(Self { restctl, checkout })
    }

    async fn run_steps(&self, target: &TargetArgs) -> Result<Location> {
        output::print_message("# build the two Lambdas");
        let built = Instant::now();
        Packages::find(None, Place::Local, None)?;
        print_duration(built);
        self.run_restctl(&["local", "up"]).await?;
        self.run_restctl(&["setup"]).await?;
        self.run_restctl(&["deploy"]).await?;
        self.run_restctl(&["upload", DATA_FILE]).await?;
        self.run_restctl(&["token"]).await?;
        self.run_restctl(&["get", "--id", "42"]).await?;
        self.run_restctl(&["get", "--id", "7", "--id", "42", "--id", "99"]).await?;
        call_without_token(target).await
    }

    /// Runs one command as a user would and prints how long it took.
    async fn run_restctl(&self, args: &[&str]) -> Result<()> {
        let command = format!("restctl {}", args.join(" "));
        output::print_message("");
        output::print_message(format!("$ {command}"));
        let started = Instant::now();
        let status = Command::new(&self.restctl)
            .args(args)
            .args(["--output", "text"])
            .current_dir(&self.checkout)
            .env("RESTCTL_LOCAL", "1")
            .env("RESTCTL_STACK", STACK_NAME)
            // The secret of another client would replace that of the local cloud's client.
            .env_remove("RESTCTL_CLIENT_SECRET")
            .stdin(Stdio::null())
            .stdout(match output::chosen_format() {
                Format::Text => Stdio::inherit(),
                Format::Json => Stdio::null(),
            })
            .status()
            .await;
        let status = status.context(format!("cannot run {command}"))?;
        if !status.success() {
            // Ctrl-C reaches the command too, and the command may end before the demo.
            let is_interrupted = status.code() == Some(Exit::Interrupted as i32);
            let exit = if is_interrupted { Exit::Interrupted } else { Exit::Failure };
            let stopped = Failure::new(format!("the demo stopped at: {command}"));
            return Err(stopped.why(status.to_string()).exit(exit));
        }
        print_duration(started);
        Ok(())
    }

    /// Removes the stack, and stops the local cloud if the demo started it.
    async fn tear_down(&self, was_running: bool) -> Result<()> {
        if LocalCloud::find_running().is_err() {
            return Ok(());
        }
        if was_running {
            self.run_restctl(&["destroy", "--yes", "--delete-data"]).await?;
            output::print_message("the local cloud was already running and keeps running");
            return Ok(());
        }
        let destroyed = self.run_restctl(&["destroy", "--yes", "--delete-data"]).await;
        self.run_restctl(&["local", "down"]).await?;
        destroyed
    }

    fn print_next_steps(&self, location: &Location) {
        output::print_message("");
        output::print_message("The stack and the local cloud keep running. Next:");
        let folder = self.restctl.parent().unwrap_or(Path::new("."));
        let on_path = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|entry| entry == folder));
        if !on_path {
            output::print_message(format!(
                "  export PATH={}:$PATH",
                shell_argument(&folder.to_string_lossy(), "FOLDER")
            ));
        }
        let call = location.curl_command(&format!("{ITEMS_PATH}7"), "restctl token");
        output::print_message(Text::from_lines([
            format!("  export RESTCTL_LOCAL=1 RESTCTL_STACK={STACK_NAME}").as_str(),
            "  restctl get --id 7",
            "  restctl cert show --pem >ca.pem",
            &format!("  {call}"),
            &format!("  restctl upload {DATA_FILE}"),
            "  restctl destroy",
            "  restctl local down",
        ]));
    }
}

/// Checks that the API refuses the call, and returns where the API is.
async fn call_without_token(target: &TargetArgs) -> Result<Location> {
    output::print_message("");
    output::print_message("# the same call without a token");
    let started = Instant::now();
    let endpoint = Endpoint::look_up(&Context::new(target)?).await?;
    let address = format!("{}{ITEMS_PATH}42", endpoint.base_url);
    let answer = endpoint.client.get(&address).send().await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let status = answer.status();
    let challenge = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    output::print_message(Text::from_lines([
        format!("GET {address}"),
        status.to_string(),
        format!("www-authenticate: {}", challenge.unwrap_or_default()),
    ]));
    let body = answer.text().await.context("the API did not complete its answer")?;
    output::print_message(&body);
    if status != StatusCode::UNAUTHORIZED {
        return Err(Failure::new(format!("the API answers {status} to a call without a token")));
    }
    print_duration(started);
    Ok(endpoint.location)
}

fn print_duration(started: Instant) {
    output::print_message(format!("({:.1} s)", started.elapsed().as_secs_f64()));
}
