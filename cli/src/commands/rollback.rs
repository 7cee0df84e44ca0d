//! `restctl rollback`: back to the version of the functions that was live before, without CloudFormation.

use clap::Args;
use restctl_contract::template::{output as stack_output, variable};
use serde_json::{Value, json};

use crate::aws::{Aws, cloudformation, lambda};
use crate::context::Context;
use crate::deployment::function_version::LiveVersion;
use crate::deployment::smoke;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

/// The variables that name what a function's role lets it use.
const RESOURCES: [&str; 5] = [
    variable::ITEMS_TABLE,
    variable::LEDGER_TABLE,
    variable::LOAD_QUEUE,
    variable::DEAD_LETTER_QUEUE,
    variable::CURSOR_KEY,
];

#[derive(Debug, Args)]
#[command(after_help = "\
Undoes the last deployment that changed a function, code and settings alike, once the version before has \
answered a call. Run again, it undoes the one before that. The stack's other resources, and the data, stay as they \
are; the next `restctl deploy` goes forward again.")]
pub(crate) struct Rollback {}

pub(crate) async fn run(_: Rollback, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("rollback");
    report.conclude(async { roll_back(&context?).await }.await)?;
    Ok(Exit::Done)
}

async fn roll_back(context: &Context) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let stack = cloudformation::find_deployed(aws, name).await?;
    let (api, ingest) = tokio::try_join!(
        LiveVersion::read(aws, stack.output(stack_output::API_FUNCTION)?),
        LiveVersion::read(aws, stack.output(stack_output::INGEST_FUNCTION)?),
    )?;
    let last = api.since().max(ingest.since());
    // Of the functions that went live together, all go back, and the others stay.
    let back = |live: &LiveVersion| live.with_previous_version().filter(|_| live.since() == last);
    let (api_before, ingest_before) = (back(&api), back(&ingest));
    if api_before.is_none() && ingest_before.is_none() {
        return Err(Failure::new(format!("the functions of the stack {name} have no earlier version"))
            .exit(Exit::NotFound)
            .why("no deployment has changed them since the first one, or it was undone already")
            .next("to mend them, deploy a version of restctl that works: restctl deploy"));
    }
    for before in api_before.iter().chain(&ingest_before) {
        check_that_it_finds_its_resources(aws, before).await?;
    }
    if let Some(before) = &api_before {
        smoke::test_api(aws, before.function(), before.version()).await?;
    }
    if let Some(before) = &ingest_before {
        smoke::test_ingest(aws, before.function(), before.version()).await?;
    }
    if let Some(before) = &api_before {
        before.make_live(aws).await?;
    }
    if let Some(before) = &ingest_before
        && let Err(failure) = before.make_live(aws).await
    {
        // Together or not at all.
        if api_before.is_some() {
            api.make_live(aws).await?;
        }
        return Err(failure.next("restctl rollback: neither version has changed"));
    }
    for (live, before) in [(&api, &api_before), (&ingest, &ingest_before)] {
        if let Some(before) = before {
            let (function, version) = (before.function(), before.version());
            output::print_message(&format!(
                "{function}: version {version} is live again, {} was",
                live.version()
            ));
        }
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

/// The role of a function is for the resources that the stack has now: a version with others could do nothing.
async fn check_that_it_finds_its_resources(aws: &Aws, before: &LiveVersion) -> Result<()> {
    let (function, version) = (before.function(), before.version());
    let (then, now) = tokio::try_join!(
        lambda::read_environment(aws, function, Some(version)),
        lambda::read_environment(aws, function, None),
    )?;
    let is_gone = |name: &&&str| then.contains_key(**name) && then.get(**name) != now.get(**name);
    let gone: Vec<_> = RESOURCES.iter().filter(is_gone).copied().collect();
    if gone.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("version {version} of the function {function} cannot be returned to"))
        .why(format!("the stack has no longer what it was deployed with: {}", gone.join(", ")))
        .next("restctl deploy with the options of then, such as --key or --list"))
}
