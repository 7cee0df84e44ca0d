//! What every command works with: which stack, in which cloud.

use restctl_contract::stack::StackName;
use tokio::sync::OnceCell;

use crate::aws::Aws;
use crate::cli::target::TargetArgs;
use crate::failure::{Exit, Failure, Result};
use crate::local::LocalCloud;

pub(crate) struct Context {
    pub(crate) stack: StackName,
    pub(crate) target: TargetArgs,
    /// The local cloud, where the command was told to use it.
    pub(crate) local: Option<LocalCloud>,
    /// Built when it is first asked for: a call of the API from a warm cache needs nothing of it.
    aws: OnceCell<Aws>,
}

impl Context {
    pub(crate) fn new(target: &TargetArgs) -> Result<Self> {
        if target.local && (target.profile.is_some() || target.region.is_some()) {
            return Err(Failure::new("the local cloud has no profiles and no regions")
                .exit(Exit::Usage)
                .next("leave out --profile and --region; or, for AWS, --local (and unset RESTCTL_LOCAL)"));
        }
        let local = if target.local { Some(LocalCloud::running()?) } else { None };
        Ok(Self { stack: target.stack.clone(), target: target.clone(), local, aws: OnceCell::new() })
    }

    /// The clients of AWS, or of the local cloud.
    pub(crate) async fn aws(&self) -> Result<&Aws> {
        self.aws.get_or_try_init(|| Aws::connect(&self.target, self.local.as_ref())).await
    }
}
