//! The context of a command: the stack, and the cloud that it is in.

use restctl_contract::stack::StackName;
use tokio::sync::OnceCell;

use crate::aws::{Aws, Cloud};
use crate::cli::target::TargetArgs;
use crate::failure::{Exit, Failure, Result};
use crate::local::{FRONT_NAMES, LocalCloud, REGION};

pub(crate) struct Context {
    pub(crate) stack: StackName,
    pub(crate) target: TargetArgs,
    /// The local cloud, if the command was told to use it.
    pub(crate) local: Option<LocalCloud>,
    /// Built on first use: an API call from a warm cache does not need it.
    aws: OnceCell<Aws>,
}

impl Context {
    pub(crate) fn new(target: &TargetArgs) -> Result<Self> {
        if target.local && (target.profile.is_some() || target.region.is_some()) {
            return Err(Failure::new("the local cloud has no profiles and no regions")
                .exit(Exit::Usage)
                .next("leave out --profile and --region; or, for AWS, leave out --local and unset RESTCTL_LOCAL"));
        }
        let local = if target.local { Some(LocalCloud::find_running()?) } else { None };
        Ok(Self { stack: target.stack.clone(), target: target.clone(), local, aws: OnceCell::new() })
    }

    /// Returns the names that a generated certificate is for besides the one that clients of a deployment to AWS use.
    pub(crate) fn local_names(&self) -> &'static [&'static str] {
        if self.local.is_some() { FRONT_NAMES } else { &[] }
    }

    /// Returns the clients of AWS, or of the local cloud.
    pub(crate) async fn aws(&self) -> Result<&Aws> {
        let TargetArgs { profile, region, .. } = &self.target;
        let cloud = match &self.local {
            Some(LocalCloud { endpoint_url, access_key, .. }) => Cloud::Emulator {
                url: endpoint_url,
                region: REGION,
                credentials: access_key.to_credentials(),
            },
            None => Cloud::Aws { profile: profile.as_deref(), region: region.as_deref() },
        };
        self.aws.get_or_try_init(|| Aws::for_cloud(cloud)).await
    }
}
