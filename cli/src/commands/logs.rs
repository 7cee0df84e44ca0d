//! `restctl logs`: prints the logs of the functions.

mod filter;
mod follow;
mod function;
mod json;
mod line;
mod merged_logs;
mod printer;
mod seen_events;
mod since;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::LoadId;
use restctl_contract::template::output as stack_output;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::filter::{LogFilter, RequestId};
use self::function::{LogGroup, LoggedFunction, find_log_groups, function_names};
use self::merged_logs::MergedLogs;
use self::printer::LogPrinter;
use self::since::Since;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::dynamodb;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output;
use crate::timestamp;

const DEFAULT_SINCE: &str = "10m";

/// For a search for lines of unknown age; to search the whole log would take long.
const SEARCH_SINCE: &str = "1d";

#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal each event is a line of text, with times in UTC. In a pipe and with --output json, it is the log's own \
JSON. `--color always` prints text in a pipe, too.

Lambda writes several lines for each invocation and each start. They are left out unless they report a problem, such \
as a timeout; --all shows them.

The logs are kept for 30 days, or as `deploy --log-retention` says. A line takes some seconds to appear.

Examples:
  restctl logs --follow                          what both functions write, until Ctrl-C
  restctl logs api --since 2h | jq 'select(.status >= 500)'
  restctl logs --load 0123456789abcdef           about a load, since it began
  restctl logs api --all                         cold starts, durations and memory, too
  restctl logs --request 8cde3ec6-f095-4c0e-b3d9-a52806a5ec4f
                                                 about a request, by the x-request-id of its answer

Exit code 5 if there is no log, or if it has nothing about the load or the request.")]
pub(crate) struct Logs {
    /// The function whose log to print [default: both, ordered by time]
    #[arg(value_enum)]
    function: Option<LoggedFunction>,

    /// Also print the lines in which Lambda says that an invocation began and went well, with its duration and memory
    #[arg(long)]
    all: bool,

    /// Keep printing new lines until Ctrl-C
    #[arg(long)]
    follow: bool,

    /// How far back: 30s, 10m, 2h, 3d, or an RFC 3339 time [default: 10m; for a load, since it began; for a request, 1d]
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,

    /// Only lines about this load
    #[arg(long, value_name = "ID", conflicts_with = "request", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    load: Option<LoadId>,

    /// Only lines about this request: the x-request-id of an answer, or the id of an invocation
    #[arg(long, value_name = "ID")]
    request: Option<RequestId>,
}

pub(crate) async fn run(args: Logs, context: &Context) -> Result<()> {
    let functions = match (args.function, &args.load) {
        (Some(LoggedFunction::Api), Some(_)) => {
            return Err(Failure::new("the log of api has nothing about loads")
                .exit(Exit::Usage)
                .next("restctl logs ingest --load ID"));
        }
        (Some(function), _) => vec![function],
        (None, Some(_)) => vec![LoggedFunction::Ingest],
        (None, None) => vec![LoggedFunction::Api, LoggedFunction::Ingest],
    };
    let filter = LogFilter::new(args.load, args.request);
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    let groups = find_log_groups(&stack, &functions)?;
    let since = resolve_since(context, &stack, args.since, &filter).await?;
    if args.follow {
        return follow::run(context, &groups, &filter, since, args.all).await;
    }
    let mut merged = MergedLogs::open(context, &groups, &filter, |_| since).await?;
    let mut printer = LogPrinter::new(args.all);
    let mut last = None;
    while let Some((function, event)) = merged.next().await? {
        printer.print_event(function, &event)?;
        last = Some(event);
    }
    let Some(last) = last else { return report_no_lines(&groups, &filter, since) };
    if printer.has_printed_none {
        output::print_message("no lines; --all shows the platform's");
    }
    // Lambda's own lines, such as that of a timeout, have the invocation's id and not the load's.
    if let (LogFilter::Load(_), Some(request)) = (&filter, filter::find_invocation(&last.message)) {
        output::print_message(format!(
            "next: restctl logs --request {request}, for all of its last invocation"
        ));
    }
    Ok(())
}

/// Returns where to start, in milliseconds since the Unix epoch.
async fn resolve_since(
    context: &Context,
    stack: &Stack,
    given: Option<Since>,
    filter: &LogFilter,
) -> Result<i64> {
    let default = match (given, filter) {
        (Some(since), _) => return Ok(since.unix_milliseconds()),
        (None, LogFilter::Load(load)) => match load_start(context, stack, load).await? {
            Some(start) => return Ok(start),
            None => SEARCH_SINCE,
        },
        (None, LogFilter::Request(_)) => SEARCH_SINCE,
        (None, LogFilter::Everything) => DEFAULT_SINCE,
    };
    let since: Since = default.parse().map_err(Failure::new)?;
    Ok(since.unix_milliseconds())
}

/// Returns when the ingest function began the load, in milliseconds since the Unix epoch, or `None` if the ledger does not
/// say.
async fn load_start(context: &Context, stack: &Stack, load: &LoadId) -> Result<Option<i64>> {
    let aws = context.aws().await?;
    let entry = dynamodb::read_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, load).await?;
    let began = entry.and_then(|entry| OffsetDateTime::parse(&entry.began, &Rfc3339).ok());
    // Lambda's own line comes before those of the function.
    Ok(began.map(|began| Since::At(began).unix_milliseconds() - 5_000))
}

fn report_no_lines(groups: &[LogGroup], filter: &LogFilter, since: i64) -> Result<()> {
    let since = timestamp::from_milliseconds(since).unwrap_or_default();
    let what = format!("the log of {} has nothing{filter} since {since}", function_names(groups));
    match filter {
        LogFilter::Everything => {
            output::print_message(&what);
            output::print_message(
                "next: look further back, as with --since 1d; or wait for new lines with --follow",
            );
            Ok(())
        }
        LogFilter::Load(load) => Err(Failure::new(what)
            .exit(Exit::NotFound)
            .next(format!("restctl loads show {load}; a line takes some seconds to appear"))),
        LogFilter::Request(_) => Err(Failure::new(what)
            .exit(Exit::NotFound)
            .next("the same command with --since 30d; a line takes some seconds to appear")),
    }
}
