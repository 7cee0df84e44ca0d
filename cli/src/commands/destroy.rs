//! `restctl destroy`: removes the stack with its data, and what `setup` and `deploy` made beside it.

use clap::Args;

use crate::aws::{acm, cloudformation, s3, secretsmanager, ssm, sts};
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::{output, prompt, settings, token};

#[derive(Debug, Args)]
#[command(after_help = "\
Removes the stack, its buckets and tables with all their data, the certificate, the parameters and the secrets, \
so that `restctl setup` works at once again. There is no way back.")]
pub(crate) struct Destroy {
    /// Do not ask for the stack's name
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(args: Destroy, context: &Context) -> Result<()> {
    let (aws, name) = (&context.aws, &context.stack);
    let stack = cloudformation::find(aws, name.as_str()).await?;
    let certificate = settings::certificate(aws, name).await?;
    let artifacts = name.artifact_bucket(&sts::account(aws).await?, &aws.region);
    if !args.yes {
        output::say(&format!("this removes the stack {name} in {} with all its data", aws.region));
        let typed = prompt::text("Type the stack's name to go on", "--yes")?;
        if typed != name.as_str() {
            return Err(Failure::new("nothing was removed")
                .exit(Exit::Usage)
                .why("that is not the stack's name"));
        }
    }
    if let Some(stack) = &stack {
        for bucket in cloudformation::resources(aws, stack, "AWS::S3::Bucket").await? {
            empty(context, &bucket).await?;
        }
        cloudformation::delete(aws, stack).await?;
        output::say(&format!("removed the stack {name}"));
    }
    if s3::bucket_exists(aws, &artifacts).await? {
        empty(context, &artifacts).await?;
        s3::delete_bucket(aws, &artifacts).await?;
        output::say(&format!("removed the bucket {artifacts}"));
    }
    if let Some(certificate) = &certificate {
        acm::delete(aws, &certificate.arn).await?;
        output::say(&format!("removed the certificate {}", certificate.arn));
    }
    ssm::delete(aws, name).await?;
    secretsmanager::delete(aws, &name.client_secret()).await?;
    // Last, for it names the certificate: what was interrupted before can be run again.
    secretsmanager::delete(aws, &name.certificate_secret()).await?;
    token::forget(context)?;
    if let Some(local) = &context.local {
        local.forget(name)?;
    }
    output::say(&format!("nothing of {name} is left in {}", aws.region));
    Ok(())
}

async fn empty(context: &Context, bucket: &str) -> Result<()> {
    let objects = s3::empty(&context.aws, bucket).await?;
    output::say(&format!("emptied the bucket {bucket} ({objects} object versions)"));
    Ok(())
}
