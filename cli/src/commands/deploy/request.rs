//! What the user asks for, and what the deployment starts from.

use restctl_contract::stack::Certificate;

use super::Deploy;
use super::adoption::{self, Adoption};
use super::repair::{self, StartingPoint};
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::can_compare;
use crate::cli::wait::WaitDeadline;
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings::{self, Settings};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

pub(super) struct DeployRequest<'a> {
    pub(super) args: &'a Deploy,
    pub(super) context: &'a Context,
    pub(super) aws: &'a Aws,
    pub(super) report: &'a NdjsonReport,
    pub(super) deadline: WaitDeadline,
    pub(super) settings: Settings,
    pub(super) certificate: Certificate,
    pub(super) start: StartingPoint,
    /// What a deleted stack left and the new one adopts.
    pub(super) adoption: Option<Adoption>,
}

impl<'a> DeployRequest<'a> {
    /// Reads the settings and the stack, repairs the stack if it cannot be updated, and lets the user choose what to adopt.
    pub(super) async fn read(
        args: &'a Deploy,
        context: &'a Context,
        report: &'a NdjsonReport,
    ) -> Result<Self> {
        let deadline = args.wait.deadline();
        let (aws, name) = (context.aws().await?, &context.stack);
        let certificate = settings::require_certificate(aws, name).await?;
        let settings = Settings::read(aws, name).await?;
        settings.check_complete()?;
        let start = match args.dry_run {
            true => repair::starting_point_for_dry_run(aws, name, deadline).await?,
            false => repair::repair_if_needed(args, context, deadline, report).await?,
        };
        let adoption = match &start.stack {
            None => adoption::choose_adoption(args, context, report).await?,
            Some(_) => None,
        };
        let request = Self { args, context, aws, report, deadline, settings, certificate, start, adoption };
        request.note_needless_choice();
        Ok(request)
    }

    /// An interrupted deployment is continued by the same command.
    fn note_needless_choice(&self) {
        let flag = match self.args {
            Deploy { fresh_data: true, .. } => "--fresh-data",
            Deploy { adopt: Some(_), .. } => "--adopt",
            _ => return,
        };
        if self.start.stack.is_some() {
            let name = &self.context.stack;
            output::print_message(format!(
                "note: the stack {name} exists and keeps its data; {flag} changes nothing"
            ));
        }
    }

    /// Returns the stack if CloudFormation can compare its resources before it is changed.
    pub(super) fn comparable_stack(&self) -> Option<&Stack> {
        self.start.stack.as_ref().filter(|stack| can_compare(stack))
    }

    /// Whether resources of the stack are older than this deployment and could not be compared before it. One that has adopted
    /// data cannot be compared until it has been updated.
    pub(super) fn must_compare_after_update(&self) -> bool {
        self.comparable_stack().is_none() && (self.start.stack.is_some() || self.adoption.is_some())
    }

    pub(super) fn print_no_change(&self) {
        output::print_message(format!("no change: the stack {} is up to date", self.context.stack));
    }
}
