//! What every command works with, built once: which stack, in which cloud.

use restctl_contract::stack::StackName;

use crate::aws::Aws;
use crate::failure::{Exit, Failure, Result};
use crate::local::LocalCloud;
use crate::target::Target;

pub(crate) struct Context {
    pub(crate) stack: StackName,
    pub(crate) aws: Aws,
    /// `--profile`, or nothing.
    pub(crate) profile: String,
    /// The local cloud, where the command was told to use it.
    pub(crate) local: Option<LocalCloud>,
}

impl Context {
    pub(crate) async fn new(target: &Target) -> Result<Self> {
        if target.local && (target.profile.is_some() || target.region.is_some()) {
            return Err(Failure::new("the local cloud has no profiles and no regions")
                .exit(Exit::Usage)
                .next("leave out --profile and --region; or, for AWS, --local (and unset RESTCTL_LOCAL)"));
        }
        let local = if target.local { Some(LocalCloud::running()?) } else { None };
        let aws = Aws::connect(target, local.as_ref()).await?;
        let profile = target.profile.clone().unwrap_or_default();
        Ok(Self { stack: target.stack.clone(), aws, profile, local })
    }
}
