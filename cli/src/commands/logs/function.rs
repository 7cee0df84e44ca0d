//! The functions whose logs can be printed.

use clap::ValueEnum;
use restctl_contract::stack::StackName;

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

    pub(super) fn log_group(self, stack: &StackName) -> String {
        stack.log_group(self.name())
    }
}

pub(super) fn function_names(functions: &[LoggedFunction]) -> String {
    let names: Vec<&str> = functions.iter().map(|function| function.name()).collect();
    names.join(" and ")
}
