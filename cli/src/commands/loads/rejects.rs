//! `restctl loads rejects`

use clap::Args;
use restctl_contract::load::{LoadId, rejects_key};
use restctl_contract::template::output as stack_output;

use super::known::{self, Known};
use crate::aws::{cloudformation, s3};
use crate::context::Context;
use crate::failure::{During, Result};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "\
Columns: line, column, reason, row.

Example:
  restctl loads rejects 0123456789abcdef > rejects.csv")]
pub(crate) struct Rejects {
    /// Id of the load, as `restctl loads ls` shows it
    #[arg(value_name = "ID")]
    load: LoadId,
}

pub(super) async fn run(args: Rejects, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::deployed(aws, &context.stack).await?;
    let parts = match known::one(aws, &stack, &args.load).await? {
        Known::Begun(entry) => entry.reject_parts,
        Known::Queued(_) => 0,
    };
    if parts == 0 {
        output::say(&format!("the load {} has no rejects", args.load));
    }
    let bucket = stack.output(stack_output::DATA_BUCKET)?;
    for part in 0..parts {
        let key = rejects_key(&args.load, part);
        let mut body = s3::get(aws, bucket, &key).await?;
        while let Some(bytes) = body.next().await {
            output::bytes(&bytes.during(format!("s3://{bucket}/{key} broke off"))?)?;
        }
    }
    Ok(())
}
