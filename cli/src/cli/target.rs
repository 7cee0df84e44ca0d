//! The target arguments, which every command takes: which stack, in which cloud.

use clap::Args;
use clap::builder::FalseyValueParser;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::stack::StackName;

use crate::cli::{completion_cache, config_file};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// Name of the stack
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "RESTCTL_STACK",
        hide_env_values = true,
        default_value = TargetArgs::DEFAULT_STACK,
        add = ArgValueCandidates::new(completion_cache::complete_stacks)
    )]
    pub(crate) stack: StackName,

    /// Use the local cloud of `restctl local up`
    #[arg(long, global = true, env = "RESTCTL_LOCAL", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) local: bool,

    /// Profile of the AWS configuration files
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// AWS region, such as eu-west-1
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

impl TargetArgs {
    /// The stack of commands that name none.
    pub(crate) const DEFAULT_STACK: &str = config_file::DEFAULT_STACK;
}
