//! The functions whose logs can be printed.

use clap::ValueEnum;
use restctl_contract::template::output as stack_output;

use crate::aws::cloudformation::Stack;
use crate::failure::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum LoggedFunction {
    Api,
    Ingest,
}

impl LoggedFunction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ingest => "ingest",
        }
    }
}

/// The log group of a function.
pub(super) struct LogGroup {
    pub(super) function: LoggedFunction,
    /// CloudFormation names it, so that a stack may have the name of a deleted one whose logs are kept.
    pub(super) name: String,
}

pub(super) fn find_log_groups(stack: &Stack, functions: &[LoggedFunction]) -> Result<Vec<LogGroup>> {
    let find = |function: &LoggedFunction| {
        let name = stack.output(match function {
            LoggedFunction::Api => stack_output::API_LOGS,
            LoggedFunction::Ingest => stack_output::INGEST_LOGS,
        })?;
        Ok(LogGroup { function: *function, name: name.to_owned() })
    };
    functions.iter().map(find).collect()
}

pub(super) fn function_names(groups: &[LogGroup]) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.function.name()).collect();
    names.join(" and ")
}
