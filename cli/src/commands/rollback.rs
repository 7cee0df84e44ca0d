//! `restctl rollback`: returns to the previous version of the functions, without CloudFormation.

use clap::Args;
use restctl_contract::template::{output as stack_output, variable};
use serde_json::{Value, json};

use crate::aws::{Aws, cloudformation, lambda};
use crate::cli::wait::WaitArgs;
use crate::context::Context;
use crate::deployment::function_version::LiveVersion;
use crate::deployment::smoke;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

/// The variables that name the resources which a function's role gives access to.
const RESOURCE_VARIABLES: [&str; 5] = [
    variable::ITEMS_TABLE,
    variable::LEDGER_TABLE,
    variable::LOAD_QUEUE,
    variable::DEAD_LETTER_QUEUE,
    variable::CURSOR_KEY,
];

#[derive(Debug, Args)]
#[command(after_help = "\
Undoes the last deployment that changed a function, both code and settings, after the previous version has answered a test \
call. Run it again to undo the deployment before that. The stack's other resources and the data stay as they are; the next \
`restctl deploy` brings the latest version back.")]
pub(crate) struct Rollback {
    #[command(flatten)]
    wait: WaitArgs,
}

pub(crate) async fn run(args: Rollback, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("rollback");
    let work = async { roll_back(&args, &context?).await };
    report.write_result(unless_interrupted(Failure::interrupted(), work).await)?;
    Ok(Exit::Done)
}

async fn roll_back(args: &Rollback, context: &Context) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let stack = cloudformation::find_deployed(aws, name).await?;
    let (api, ingest) = tokio::try_join!(
        LiveVersion::read(aws, stack.output(stack_output::API_FUNCTION)?),
        LiveVersion::read(aws, stack.output(stack_output::INGEST_FUNCTION)?),
    )?;
    let last = api.live_since().max(ingest.live_since());
    // Functions that went live together go back together; the others stay.
    let previous = |live: &LiveVersion| live.with_previous_version().filter(|_| live.live_since() == last);
    let (api_before, ingest_before) = (previous(&api), previous(&ingest));
    if api_before.is_none() && ingest_before.is_none() {
        return Err(Failure::new(format!("the functions of the stack {name} have no earlier version"))
            .exit(Exit::NotFound)
            .why("only the first deployment has changed them, or later ones were undone already")
            .next("to fix them, deploy a version of restctl that works: restctl deploy"));
    }
    for before in api_before.iter().chain(&ingest_before) {
        check_resources_exist(aws, before).await?;
    }
    let tests = async {
        if let Some(before) = &api_before {
            smoke::test_api(aws, before.function(), before.version()).await?;
        }
        if let Some(before) = &ingest_before {
            smoke::test_ingest(aws, before.function(), before.version()).await?;
        }
        Ok(())
    };
    let undone = "the previous versions were tested; nothing has changed";
    args.wait.deadline().limit(undone, "restctl rollback", tests).await?;
    let functions = [(&api, &api_before), (&ingest, &ingest_before)];
    let replacements: Vec<(&LiveVersion, &LiveVersion)> =
        functions.into_iter().filter_map(|(live, before)| Some((live, before.as_ref()?))).collect();
    LiveVersion::replace_together(aws, &replacements, "restctl rollback").await?;
    for (live, before) in replacements {
        let (function, version) = (before.function(), before.version());
        output::print_message(format!(
            "{function}: version {version} is live again, instead of {}",
            live.version()
        ));
    }
    let version = |live: &LiveVersion, before: &Option<LiveVersion>| {
        before.as_ref().unwrap_or(live).version().to_owned()
    };
    Ok(json!({
        "outcome": "rolled back",
        "api_version": version(&api, &api_before),
        "ingest_version": version(&ingest, &ingest_before),
    }))
}

/// A function's role gives access to the stack's current resources only, so a version that uses others cannot work.
async fn check_resources_exist(aws: &Aws, before: &LiveVersion) -> Result<()> {
    let (function, version) = (before.function(), before.version());
    let (old, current) = tokio::try_join!(
        lambda::read_environment(aws, function, Some(version)),
        lambda::read_environment(aws, function, None),
    )?;
    let is_missing = |name: &&&str| old.contains_key(**name) && old.get(**name) != current.get(**name);
    let missing: Vec<_> = RESOURCE_VARIABLES.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("the function {function} cannot return to version {version}"))
        .why(format!("the stack no longer has the resources of that version: {}", missing.join(", ")))
        .next("restctl deploy with the options of that version, such as --key or --list"))
}
