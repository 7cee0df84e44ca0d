//! `restctl rollback`: back to the version of the functions that was live before, without CloudFormation.

use clap::Args;
use restctl_contract::template::output as stack_output;
use serde_json::{Value, json};

use crate::aws::cloudformation;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::live::Live;
use crate::output::Format;
use crate::report::Report;
use crate::{output, smoke};

#[derive(Debug, Args)]
#[command(after_help = "\
Undoes the last deployment that changed a function, code and settings alike, once the version before has \
answered a call. Run again, it undoes the one before that. The stack's other resources, and the data, stay as they \
are; the next `restctl deploy` goes forward again.")]
pub(crate) struct Rollback {
    /// How the result is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Format,
}

pub(crate) async fn run(args: Rollback, context: &Context) -> Result<()> {
    let report = Report::new("rollback", args.output);
    report.conclude(roll_back(context).await)
}

async fn roll_back(context: &Context) -> Result<Value> {
    let (aws, name) = (&context.aws, &context.stack);
    let stack = cloudformation::deployed(aws, name).await?;
    let (api, ingest) = tokio::try_join!(
        Live::read(aws, stack.output(stack_output::API_FUNCTION)?),
        Live::read(aws, stack.output(stack_output::INGEST_FUNCTION)?),
    )?;
    let last = api.since().max(ingest.since());
    // Of the functions that went live together, all go back, and the others stay.
    let back = |live: &Live| live.back().filter(|_| live.since() == last);
    let (api_before, ingest_before) = (back(&api), back(&ingest));
    if api_before.is_none() && ingest_before.is_none() {
        return Err(Failure::new(format!("the functions of the stack {name} have no earlier version"))
            .exit(Exit::NotFound)
            .why("no deployment has changed them since the first one, or it was undone already")
            .next("to mend them, deploy a version of restctl that works: restctl deploy"));
    }
    if let Some(before) = &api_before {
        smoke::api(aws, before.function(), before.version()).await?;
    }
    if let Some(before) = &ingest_before {
        smoke::ingest(aws, before.function(), before.version()).await?;
    }
    for (live, before) in [(&api, &api_before), (&ingest, &ingest_before)] {
        if let Some(before) = before {
            before.shift(aws).await?;
            let (function, version) = (before.function(), before.version());
            output::say(&format!("{function}: version {version} is live again, {} was", live.version()));
        }
    }
    let version = |live: &Live, before: &Option<Live>| before.as_ref().unwrap_or(live).version().to_owned();
    Ok(json!({
        "outcome": "rolled back",
        "api_version": version(&api, &api_before),
        "ingest_version": version(&ingest, &ingest_before),
    }))
}
