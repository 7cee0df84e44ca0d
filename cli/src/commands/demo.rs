//! `restctl demo`: the main job on the local cloud, by the commands a user would type.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::Args;
use reqwest::StatusCode;
use reqwest::header::WWW_AUTHENTICATE;
use restctl_contract::api::ITEMS_PATH;
use serde_json::json;
use tokio::process::Command;

use crate::api::endpoint::Endpoint;
use crate::cli::target::TargetArgs;
use crate::context::Context;
use crate::deployment::packages::{self, Packages, Place};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::local::LocalCloud;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};

/// A stack of its own, so that it disturbs no other that the local cloud may hold.
const STACK: &str = "demo";

const SIGINT: i32 = rustix::process::Signal::INT.as_raw();

const DATA: &str = "fixtures/items.csv";

#[derive(Debug, Args)]
#[command(after_help = "\
Runs in a checkout of restctl, on a stack of its own called demo: it builds the Lambdas and loads \
fixtures/items.csv. A local cloud that runs already is used and left running.")]
pub(crate) struct Demo {
    /// Leave the stack and the local cloud running and print what to type next
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(args: Demo) -> Result<()> {
    let stack = STACK.parse().map_err(|why: String| Failure::new(why))?;
    let target = TargetArgs { stack, local: true, profile: None, region: None };
    let started = Instant::now();
    let demo = Stage::set()?;
    let was_running = LocalCloud::running().is_ok();

    let interrupted = Failure::new("the demo was interrupted");
    let played = unless_interrupted(interrupted, demo.play(&target)).await;
    if args.keep && played.is_ok() {
        demo.say_what_next();
    } else {
        demo.tear_down(was_running).await?;
    }
    played?;
    let seconds = started.elapsed().as_secs_f64();
    output::print_message(&format!("\nall of it took {seconds:.1} s"));
    match output::chosen_format() {
        Format::Text => Ok(()),
        Format::Json => output::print_json(&json!({ "stack": STACK, "kept": args.keep, "seconds": seconds })),
    }
}

/// Where the demo plays.
struct Stage {
    restctl: PathBuf,
    checkout: PathBuf,
}

impl Stage {
    fn set() -> Result<Self> {
        let restctl = std::env::current_exe().context("restctl's own path is not known")?;
        let checkout = packages::find_checkout().ok_or_else(|| {
            Failure::new("the demo needs a checkout of restctl, whose data it loads")
                .exit(Exit::Usage)
                .next("run it there")
        })?;
        Ok(Self { restctl, checkout })
    }

    async fn play(&self, target: &TargetArgs) -> Result<()> {
        output::print_message("# build the two Lambdas");
        let built = Instant::now();
        Packages::find(None, Place::Local, None)?;
        say_time(built);
        self.restctl(&["local", "up"]).await?;
        self.restctl(&["setup"]).await?;
        self.restctl(&["deploy"]).await?;
        self.restctl(&["upload", DATA]).await?;
        self.restctl(&["token"]).await?;
        self.restctl(&["get", "--id", "42"]).await?;
        self.restctl(&["get", "--id", "7", "--id", "42", "--id", "99"]).await?;
        call_without_token(target).await
    }

    /// Runs one command as a user would, and says how long it took.
    async fn restctl(&self, args: &[&str]) -> Result<()> {
        let typed = format!("restctl {}", args.join(" "));
        output::print_message(&format!("\n$ {typed}"));
        let started = Instant::now();
        let ended = Command::new(&self.restctl)
            .args(args)
            .args(["--output", "text"])
            .current_dir(&self.checkout)
            .env("RESTCTL_LOCAL", "1")
            .env("RESTCTL_STACK", STACK)
            // The demo brings its own client.
            .env_remove("RESTCTL_CLIENT_SECRET")
            .stdin(Stdio::null())
            .stdout(match output::chosen_format() {
                Format::Text => Stdio::inherit(),
                Format::Json => Stdio::null(),
            })
            .status()
            .await;
        let status = ended.context(format!("{typed} cannot be run"))?;
        if !status.success() {
            // Ctrl-C reaches the command too, which may be the first to end.
            let exit = if status.signal() == Some(SIGINT) { Exit::Interrupted } else { Exit::Failure };
            let stopped = Failure::new(format!("the demo stopped at: {typed}"));
            return Err(stopped.why(status.to_string()).exit(exit));
        }
        say_time(started);
        Ok(())
    }

    /// Removes the stack, and the local cloud where the demo brought it up.
    async fn tear_down(&self, was_running: bool) -> Result<()> {
        if LocalCloud::running().is_err() {
            return Ok(());
        }
        if was_running {
            self.restctl(&["destroy", "--yes", "--delete-data"]).await?;
            output::print_message("the local cloud was running before and goes on");
            return Ok(());
        }
        let destroyed = self.restctl(&["destroy", "--yes", "--delete-data"]).await;
        self.restctl(&["local", "down"]).await?;
        destroyed
    }

    fn say_what_next(&self) {
        output::print_message("\nThe stack and the local cloud go on. Next:");
        let folder = self.restctl.parent().unwrap_or(Path::new("."));
        let on_path = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|entry| entry == folder));
        if !on_path {
            output::print_message(&format!("  export PATH=\"{}:$PATH\"", folder.display()));
        }
        output::print_message(&format!(
            "  export RESTCTL_LOCAL=1 RESTCTL_STACK={STACK}\n  \
             restctl get --id 7\n  \
             restctl upload {DATA}\n  \
             restctl destroy\n  \
             restctl local down"
        ));
    }
}

async fn call_without_token(target: &TargetArgs) -> Result<()> {
    output::print_message("\n# the same call without a token");
    let started = Instant::now();
    let endpoint = Endpoint::look_up(&Context::new(target)?).await?;
    let address = format!("{}{ITEMS_PATH}42", endpoint.base_url);
    let answer = endpoint.client.get(&address).send().await;
    let answer = answer.map_err(|error| endpoint.no_answer_failure(&address, &error))?;
    let status = answer.status();
    let challenge = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    output::print_message(&format!(
        "GET {address}\n{status}\nwww-authenticate: {}",
        challenge.unwrap_or_default()
    ));
    let body = answer.text().await.context("the API broke off its answer")?;
    output::print_message(&body);
    if status != StatusCode::UNAUTHORIZED {
        return Err(Failure::new(format!("the API answers {status} to a call without a token")));
    }
    say_time(started);
    Ok(())
}

fn say_time(started: Instant) {
    output::print_message(&format!("({:.1} s)", started.elapsed().as_secs_f64()));
}
