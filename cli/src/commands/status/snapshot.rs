//! The state of a stack at one moment. Each part is read on its own, so that a part that is unavailable hides no other.

use std::time::SystemTime;

use restctl_contract::load::{LedgerEntry, LoadState};
use restctl_contract::template::output as stack_output;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::traffic::Traffic;
use crate::api::endpoint::Location;
use crate::api::handshake::Handshake;
use crate::aws::cloudformation::drift::can_compare;
use crate::aws::cloudformation::{self, Stack, StackComparison};
use crate::aws::cloudwatch::{self, Periods, Series};
use crate::aws::sqs::{self, QueueDepth};
use crate::aws::{Aws, dynamodb};
use crate::context::Context;
use crate::deployment::drift::ResourceDrift;
use crate::deployment::drift::additions::find_additions;
use crate::deployment::drift::functions::{ComparedFunction, compare_functions_quickly};
use crate::deployment::drift::load_path::compare_mapping;
use crate::deployment::drift::resources::ComparedResources;
use crate::deployment::function_version::{LiveBy, LiveVersion};
use crate::failure::{Failure, FailureContext, Result};
use crate::identity::policy::{self, TokenPolicy};
use crate::identity::settings::{self, Settings};

/// Loads that are shown, the newest ones.
const MAX_LOADS: usize = 5;

#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    pub(super) stack: StackState,
    pub(super) endpoint: Part<EndpointState>,
    pub(super) functions: Part<LiveFunctions>,
    pub(super) drift: Part<DriftState>,
    pub(super) table: Part<TableState>,
    pub(super) queue: Part<QueueState>,
    /// The newest upload first.
    pub(super) loads: Part<Vec<LedgerEntry>>,
    /// How many objects are not data.
    pub(super) ignored: usize,
    pub(super) provider: Part<ProviderState>,
    pub(super) traffic: Part<Traffic>,
}

/// What is known about a part, or why nothing is.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<T> {
    Known(T),
    Unknown { problem: String },
}

impl<T> From<Result<T>> for Part<T> {
    fn from(read: Result<T>) -> Self {
        match read {
            Ok(known) => Part::Known(known),
            Err(failure) => Part::Unknown { problem: failure.to_single_line() },
        }
    }
}

impl<T> Part<T> {
    pub(super) fn as_known(&self) -> Option<&T> {
        match self {
            Part::Known(known) => Some(known),
            Part::Unknown { .. } => None,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct StackState {
    pub(super) name: String,
    pub(super) region: String,
    /// CloudFormation's status.
    pub(super) status: String,
}

#[derive(Debug, Serialize)]
pub(super) struct EndpointState {
    pub(super) url: String,
    pub(super) certificate: CertificateState,
}

#[derive(Debug, Serialize)]
pub(super) struct CertificateState {
    pub(super) name: String,
    pub(super) arn: String,
    /// When the certificate that was imported last expires, RFC 3339.
    pub(super) not_after: String,
    /// Whole days from now until then; negative after the expiry.
    pub(super) days_left: i64,
    /// SHA-256, lower-case hexadecimal; null if the endpoint presents no certificate.
    pub(super) served_fingerprint: Option<String>,
    /// Whether the endpoint serves the certificate that was imported last.
    pub(super) is_served: bool,
    /// Why a client refuses the connection; null if it does not.
    pub(super) problem: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct LiveFunctions {
    pub(super) api: LiveFunction,
    pub(super) ingest: LiveFunction,
}

/// The live version of a function.
#[derive(Debug, Serialize)]
pub(super) struct LiveFunction {
    pub(super) name: String,
    pub(super) version: String,
    /// RFC 3339; null if CloudFormation set the version.
    pub(super) since: Option<String>,
    /// Whether `restctl rollback` made it live.
    pub(super) rolled_back: bool,
}

/// What was changed without restctl.
#[derive(Debug, Serialize)]
pub(super) struct DriftState {
    /// Of the functions and the event source mapping, as far as a quick look shows it.
    pub(super) found: Vec<ResourceDrift>,
    /// CloudFormation's last comparison of the whole stack, which another tool has requested.
    pub(super) last_comparison: Option<StackComparison>,
}

#[derive(Debug, Serialize)]
pub(super) struct TableState {
    pub(super) name: String,
    /// DynamoDB's count, which it updates every six hours.
    pub(super) items: u64,
    pub(super) bytes: u64,
    /// Requests that DynamoDB throttled in the last hour.
    pub(super) throttled: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct QueueState {
    pub(super) waiting: u64,
    pub(super) in_flight: u64,
    pub(super) dead_letters: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct ProviderState {
    pub(super) kind: &'static str,
    pub(super) issuer: String,
    /// The keys that verify tokens, with their algorithms.
    pub(super) keys: String,
    /// The issuers that the API trusts besides.
    pub(super) also_trusted: Vec<String>,
}

impl Snapshot {
    /// Reads all parts at once.
    ///
    /// # Errors
    /// If there is no stack. Any other failure is part of the snapshot.
    pub(super) async fn take(context: &Context) -> Result<Self> {
        let (aws, name) = (context.aws().await?, &context.stack);
        let mut stack = cloudformation::find_deployed(aws, name).await?;
        let last_comparison = stack.last_comparison.take();
        let (endpoint, functions, others, table, queue, loads, provider, traffic) = tokio::join!(
            read_endpoint(context, &stack),
            compare_functions_quickly(aws, &stack),
            find_other_drift(aws, &stack),
            read_table(aws, &stack),
            read_queue(aws, &stack),
            read_last_loads(aws, &stack),
            read_provider(context, &stack),
            Traffic::read(context, &stack),
        );
        let status = stack.status.as_str().to_owned();
        let found = find_drift(&functions, others);
        Ok(Self {
            stack: StackState { name: name.to_string(), region: aws.region.clone(), status },
            endpoint: endpoint.into(),
            functions: functions.and_then(|functions| LiveFunctions::try_from(&functions)).into(),
            drift: found.map(|found| DriftState { found, last_comparison }).into(),
            table: table.into(),
            queue: queue.into(),
            ignored: loads.as_ref().map_or(0, |loads| loads.ignored),
            loads: loads.map(|loads| loads.newest).into(),
            provider: provider.into(),
            traffic: traffic.into(),
        })
    }
}

async fn read_endpoint(context: &Context, stack: &Stack) -> Result<EndpointState> {
    let certificate = settings::require_certificate(context.aws().await?, &context.stack).await?;
    let location = Location::from_stack(context, stack, &certificate)?;
    let (served_fingerprint, problem) = match Handshake::perform(&location).await {
        Ok(handshake) => {
            let served = handshake.certificate_fingerprint();
            (served, handshake.connection.err().map(|error| error.to_string()))
        }
        Err(failure) => (None, Some(failure.to_single_line())),
    };
    let not_after = OffsetDateTime::parse(&certificate.not_after, &Rfc3339);
    let not_after = not_after.context("cannot read the certificate's expiry")?;
    Ok(EndpointState {
        url: location.base_url(),
        certificate: CertificateState {
            is_served: served_fingerprint.as_ref() == Some(&certificate.fingerprint),
            days_left: (not_after - OffsetDateTime::from(SystemTime::now())).whole_days(),
            name: certificate.name,
            arn: certificate.arn,
            not_after: certificate.not_after,
            served_fingerprint,
            problem,
        },
    })
}

/// Compares the event source mapping, and finds what was added beside the stack. While a deployment runs, the list of resources may
/// lack what it has just made.
async fn find_other_drift(aws: &Aws, stack: &Stack) -> Result<ComparedResources> {
    let resources = cloudformation::list_resources(aws, stack).await?;
    let additions = async {
        match can_compare(stack) {
            true => find_additions(aws, stack, &resources).await,
            false => ComparedResources::default(),
        }
    };
    let (mapping, mut found) = tokio::join!(compare_mapping(aws, &resources), additions);
    found.drifts.extend(mapping?);
    Ok(found)
}

/// Fails if nothing was found, but something could not be looked for.
fn find_drift(
    functions: &Result<[ComparedFunction; 2]>,
    others: Result<ComparedResources>,
) -> Result<Vec<ResourceDrift>> {
    let (functions, others) = (functions.as_ref().map_err(Failure::clone)?, others?);
    let found: Vec<_> = functions.iter().flat_map(ComparedFunction::drifts).chain(others.drifts).collect();
    match others.failures.into_iter().next() {
        Some(failure) if found.is_empty() => Err(failure),
        _ => Ok(found),
    }
}

impl TryFrom<&[ComparedFunction; 2]> for LiveFunctions {
    type Error = Failure;

    fn try_from([api, ingest]: &[ComparedFunction; 2]) -> Result<Self> {
        let live = |compared: &ComparedFunction| {
            let missing = || Failure::new(format!("the function {} has no live version", compared.function));
            compared.live.as_ref().map(|live| LiveFunction::from(&live.version)).ok_or_else(missing)
        };
        Ok(Self { api: live(api)?, ingest: live(ingest)? })
    }
}

impl From<&LiveVersion> for LiveFunction {
    fn from(live: &LiveVersion) -> Self {
        let since = i64::try_from(live.live_since()).ok().filter(|since| *since > 0);
        let since = since.and_then(|since| OffsetDateTime::from_unix_timestamp(since).ok());
        Self {
            name: live.function().to_owned(),
            version: live.version().to_owned(),
            since: since.and_then(|since| since.format(&Rfc3339).ok()),
            rolled_back: live.by() == LiveBy::Rollback,
        }
    }
}

async fn read_table(aws: &Aws, stack: &Stack) -> Result<TableState> {
    let name = stack.output(stack_output::ITEMS_TABLE)?;
    let throttled = ["ReadThrottleEvents", "WriteThrottleEvents"]
        .map(|metric| Series::sum("AWS/DynamoDB", metric, ("TableName", name)));
    let throttled = cloudwatch::read_metrics(aws, throttled, Periods::last_hour());
    let (size, throttled) = tokio::try_join!(dynamodb::table_size(aws, name), throttled)?;
    let (items, bytes) = size.unwrap_or_default();
    let throttled = throttled.iter().flatten().flatten().sum::<f64>() as u64;
    Ok(TableState { name: name.to_owned(), items, bytes, throttled })
}

async fn read_queue(aws: &Aws, stack: &Stack) -> Result<QueueState> {
    let (QueueDepth { waiting, in_flight }, dead) = tokio::try_join!(
        sqs::read_depth(aws, stack.output(stack_output::LOAD_QUEUE)?),
        sqs::read_depth(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?),
    )?;
    Ok(QueueState { waiting, in_flight, dead_letters: dead.total_messages() as u64 })
}

struct LastLoads {
    /// The newest upload first.
    newest: Vec<LedgerEntry>,
    ignored: usize,
}

async fn read_last_loads(aws: &Aws, stack: &Stack) -> Result<LastLoads> {
    let entries = dynamodb::read_ledger_entries(aws, stack.output(stack_output::LEDGER_TABLE)?).await?;
    let entries = entries.into_values().collect::<Result<Vec<_>>>()?;
    let (ignored, mut newest): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.state == LoadState::Ignored);
    newest.sort_by(|one, other| other.uploaded.cmp(&one.uploaded));
    newest.truncate(MAX_LOADS);
    Ok(LastLoads { newest, ignored: ignored.len() })
}

async fn read_provider(context: &Context, stack: &Stack) -> Result<ProviderState> {
    let settings = Settings::read(context.aws().await?, &context.stack).await?;
    let policy = TokenPolicy::from_settings(&settings, Some(stack))?;
    let issuer = policy.client_issuer()?;
    let keys = policy::fetch_keys(issuer).await?.summary();
    let others = policy.issuers.iter().filter(|other| !policy.is_client_issuer(other));
    Ok(ProviderState {
        kind: issuer.provider.name(),
        issuer: issuer.issuer.clone(),
        keys,
        also_trusted: others.map(|other| other.issuer.clone()).collect(),
    })
}
