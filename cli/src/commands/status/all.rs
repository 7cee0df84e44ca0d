//! `restctl status --all`: the stacks of the account and region, and what no stack uses.

use std::collections::BTreeSet;

use futures_util::future;
use indicatif::HumanBytes;
use restctl_contract::stack::StackName;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::endpoint::Location;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, secretsmanager, ssm, sts};
use crate::context::Context;
use crate::deployment::retained_data::{RETAINED, RetainedData, note_unlisted, unless_denied};
use crate::failure::{Failure, Result};
use crate::identity::settings;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

const STACK_HEADER: [&str; 4] = ["STACK", "STATUS", "CHANGED", "ENDPOINT"];
const UNUSED_HEADER: [&str; 6] = ["STACK", "UNUSED", "NAME", "NUMBER", "SIZE", "CREATED"];

#[derive(Serialize)]
struct Overview {
    region: String,
    stacks: Vec<StackSummary>,
    /// Data of deleted stacks, and settings without a stack.
    unused: Vec<Value>,
    /// What the credentials may not list.
    unlisted: Vec<&'static str>,
    #[serde(skip)]
    unused_rows: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct StackSummary {
    name: String,
    status: String,
    /// When its last update began, or else its creation, RFC 3339.
    changed: Option<String>,
    /// Null if it is not deployed.
    endpoint: Option<String>,
}

pub(super) async fn run(context: &Context) -> Result<()> {
    let overview = Overview::read(context).await?;
    match output::chosen_format() {
        Format::Json => output::print_json(&overview),
        Format::Text => overview.print(),
    }
}

impl Overview {
    async fn read(context: &Context) -> Result<Self> {
        let aws = context.aws().await?;
        let own = cloudformation::list_own(aws).await?;
        let stacks = future::join_all(own.iter().map(|stack| StackSummary::read(context, stack))).await;
        let (unused, unlisted, unused_rows) = (Vec::new(), Vec::new(), Vec::new());
        let mut overview = Self { region: aws.region.clone(), stacks, unused, unlisted, unused_rows };
        let mut unlisted = overview.add_retained_data(aws, &own).await?;
        overview.add_settings(aws, &mut unlisted).await?;
        for (what, denied) in unlisted {
            output::print_message(note_unlisted(what, &denied));
            overview.unlisted.push(what);
        }
        Ok(overview)
    }

    /// Adds what deleted stacks left, and returns what the credentials may not list.
    async fn add_retained_data(&mut self, aws: &Aws, own: &[Stack]) -> Result<Vec<(&'static str, Failure)>> {
        let mut in_use = Vec::new();
        for stack in own {
            in_use.extend(list_retained_names(aws, stack).await?);
        }
        let mut data = RetainedData::find(aws, None, &in_use).await?;
        data.count_objects(aws, &sts::read_account(aws).await?).await?;
        data.resources.sort_by(|one, other| one.stack.cmp(&other.stack));
        for resource in data.resources {
            self.unused.push(resource.to_json());
            self.unused_rows.push(vec![
                resource.stack.clone(),
                resource.kind_name().to_owned(),
                resource.name.clone(),
                resource.describe_number().unwrap_or_default(),
                resource.bytes.map(|bytes| HumanBytes(bytes).to_string()).unwrap_or_default(),
                resource.created.unwrap_or_default(),
            ]);
        }
        Ok(data.unlisted)
    }

    /// Adds the settings, the secrets and the certificates of stacks that do not exist.
    async fn add_settings(&mut self, aws: &Aws, unlisted: &mut Vec<(&'static str, Failure)>) -> Result<()> {
        let parameters = unless_denied("parameters", ssm::list_settings(aws).await, unlisted)?;
        let secrets = unless_denied("secrets", secretsmanager::list_secrets(aws).await, unlisted)?;
        let names = parameters
            .iter()
            .map(|name| name.trim_start_matches('/'))
            .chain(secrets.iter().map(String::as_str));
        let stacks: BTreeSet<StackName> =
            names.filter_map(|name| name.split('/').nth(1)?.parse().ok()).collect();
        for stack in stacks {
            if self.stacks.iter().any(|existing| existing.name == stack.as_str()) {
                continue;
            }
            let certificate = settings::read_certificate(aws, &stack).await?;
            let arns = certificate.map(|it| [vec![it.arn], it.supersedes].concat()).unwrap_or_default();
            arns.into_iter().for_each(|arn| self.add_setting(&stack, "certificate", arn, None));
            let folder = format!("/restctl/{stack}/");
            match parameters.iter().filter(|name| name.starts_with(&folder)).count() {
                0 => {}
                number => self.add_setting(&stack, "parameters", folder.clone(), Some(number)),
            }
            for secret in secrets.iter().filter(|name| name.starts_with(&folder[1..])) {
                self.add_setting(&stack, "secret", secret.clone(), None);
            }
        }
        Ok(())
    }

    fn add_setting(&mut self, stack: &StackName, kind: &str, name: String, number: Option<usize>) {
        let text = number.map(|number| number.to_string()).unwrap_or_default();
        self.unused_rows.push(vec![
            stack.to_string(),
            kind.to_owned(),
            name.clone(),
            text,
            String::new(),
            String::new(),
        ]);
        let mut json = json!({ "stack": stack.as_str(), "kind": kind, "name": name });
        if let Some(number) = number {
            json["number"] = json!(number);
        }
        self.unused.push(json);
    }

    fn print(self) -> Result<()> {
        let stacks: BTreeSet<String> = self.stacks.iter().map(|stack| stack.name.clone()).collect();
        if self.stacks.is_empty() {
            output::print_message(format!("there is no stack of restctl in {}", self.region));
        } else {
            let rows = self.stacks.into_iter().map(|stack| {
                vec![
                    stack.name,
                    stack.status,
                    stack.changed.unwrap_or_default(),
                    stack.endpoint.unwrap_or_default(),
                ]
            });
            output::print_text(Text::from_table(&output::new_table(&STACK_HEADER, rows.collect())))?;
        }
        if self.unused_rows.is_empty() {
            return Ok(());
        }
        let owners = self.unused_rows.iter().filter_map(|row| row.first().cloned());
        let (existing, deleted): (BTreeSet<_>, BTreeSet<_>) =
            owners.partition(|owner| stacks.contains(owner));
        output::print_text(Text::from_table(&output::new_table(&UNUSED_HEADER, self.unused_rows)))?;
        if !deleted.is_empty() {
            output::print_message("to adopt the data: restctl --stack STACK deploy --adopt");
            output::print_message(
                "to remove all that a stack left: restctl --stack STACK destroy --delete-data",
            );
        }
        for stack in existing {
            output::print_message(format!(
                "the stack {stack} exists, and destroy --delete-data would remove its own data, too: to remove only what is \
                 listed here, use the AWS CLI"
            ));
        }
        Ok(())
    }
}

impl StackSummary {
    async fn read(context: &Context, stack: &Stack) -> Self {
        Self {
            name: stack.name().to_owned(),
            status: stack.status.as_str().to_owned(),
            changed: stack.changed.clone(),
            endpoint: find_endpoint(context, stack).await,
        }
    }
}

/// Returns the base URL of the API. `None` if the stack or its certificate is incomplete, or may not be read.
async fn find_endpoint(context: &Context, stack: &Stack) -> Option<String> {
    let name = stack.name().parse().ok()?;
    let certificate = settings::read_certificate(context.aws().await.ok()?, &name).await.ok()??;
    Location::from_stack(context, stack, &certificate).ok().map(|location| location.base_url())
}

/// Returns the names of the stack's resources that outlive it. A stack whose deployment was not completed has no outputs.
async fn list_retained_names(aws: &Aws, stack: &Stack) -> Result<Vec<String>> {
    let outputs: Result<Vec<_>> = RETAINED.iter().map(|name| stack.output(name).map(str::to_owned)).collect();
    match outputs {
        Ok(names) => Ok(names),
        Err(_) => {
            let resources = cloudformation::list_resources(aws, stack).await?;
            Ok(resources.into_iter().map(|resource| resource.id).collect())
        }
    }
}
