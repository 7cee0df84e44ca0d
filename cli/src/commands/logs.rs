//! `restctl logs`

mod follow;
mod json;
mod line;
mod merged;
mod printer;
mod seen;
mod since;
mod wanted;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::LoadId;
use restctl_contract::stack::StackName;
use restctl_contract::template::output as stack_output;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::merged::Merged;
use self::printer::Printer;
use self::since::Since;
use self::wanted::{RequestId, Wanted};
use crate::aws::{cloudformation, dynamodb};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output;
use crate::timestamp;

const DEFAULT_SINCE: &str = "10m";

/// Where nothing tells how old what is searched for is. All 30 days would take long.
const SINCE_OF_A_SEARCH: &str = "1d";

#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal a line each, times in UTC; behind a pipe, and with --output json, the log's own JSON, a line each. \
`--color always` prints the former behind a pipe, too.

The logs are kept for 30 days. A line takes some seconds to get there.

Examples:
  restctl logs --follow                          what both functions write, until Ctrl-C
  restctl logs api --since 2h | jq 'select(.status >= 500)'
  restctl logs --load 0123456789abcdef           of a load, since it began
  restctl logs --request 8cde3ec6-f095-4c0e-b3d9-a52806a5ec4f
                                                 of a request, by the x-request-id of its answer

Exit code 5 where there is no log, or nothing in it of the load or the request.")]
pub(crate) struct Logs {
    /// The function whose log is printed; without one, both by time
    #[arg(value_enum)]
    function: Option<Function>,

    /// Go on printing what is written, until Ctrl-C
    #[arg(long)]
    follow: bool,

    /// How far back: 30s, 10m, 2h, 3d, or a time as in RFC 3339 [default: 10m; of a load, since it began; of a request, 1d]
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,

    /// Only what is about this load
    #[arg(long, value_name = "ID", conflicts_with = "request", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    load: Option<LoadId>,

    /// Only what is about this request: the x-request-id of an answer, or the id of an invocation
    #[arg(long, value_name = "ID")]
    request: Option<RequestId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
enum Function {
    Api,
    Ingest,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ingest => "ingest",
        }
    }

    fn log_group(self, stack: &StackName) -> String {
        stack.log_group(self.name())
    }
}

pub(crate) async fn run(args: Logs, context: &Context) -> Result<()> {
    let functions = match (args.function, &args.load) {
        (Some(Function::Api), Some(_)) => {
            return Err(Failure::new("a load leaves nothing in the log of api")
                .exit(Exit::Usage)
                .next("restctl logs ingest --load ID"));
        }
        (Some(function), _) => vec![function],
        (None, Some(_)) => vec![Function::Ingest],
        (None, None) => vec![Function::Api, Function::Ingest],
    };
    let wanted = Wanted::of(args.load, args.request);
    let since = since(context, args.since, &wanted).await?;
    if args.follow {
        return follow::run(context, &functions, &wanted, since).await;
    }
    let mut merged = Merged::since(context, &functions, &wanted, |_| since).await?;
    let mut printer = Printer::new();
    let mut last = None;
    while let Some((function, event)) = merged.next().await? {
        printer.print(function, &event)?;
        last = Some(event);
    }
    let Some(last) = last else { return nothing(&functions, &wanted, since) };
    // Lambda's own lines, such as the one of a timeout, bear the invocation and not the load.
    if let (Wanted::Load(_), Some(request)) = (&wanted, wanted::invocation(&last.message)) {
        output::print_message(&format!(
            "next: restctl logs --request {request}, for all of its last invocation"
        ));
    }
    Ok(())
}

/// In milliseconds since the Unix epoch.
async fn since(context: &Context, given: Option<Since>, wanted: &Wanted) -> Result<i64> {
    let default = match (given, wanted) {
        (Some(since), _) => return Ok(since.milliseconds()),
        (None, Wanted::Load(load)) => match began(context, load).await? {
            Some(began) => return Ok(began),
            None => SINCE_OF_A_SEARCH,
        },
        (None, Wanted::Request(_)) => SINCE_OF_A_SEARCH,
        (None, Wanted::Everything) => DEFAULT_SINCE,
    };
    let since: Since = default.parse().map_err(Failure::new)?;
    Ok(since.milliseconds())
}

/// When the ingest function first heard of the load; none where it has not, or where it could not say so.
async fn began(context: &Context, load: &LoadId) -> Result<Option<i64>> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let entry = dynamodb::read_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, load).await?;
    let began = entry.and_then(|entry| OffsetDateTime::parse(&entry.began, &Rfc3339).ok());
    // Lambda's own line comes before those of the function.
    Ok(began.map(|began| Since::At(began).milliseconds() - 5_000))
}

fn nothing(functions: &[Function], wanted: &Wanted, since: i64) -> Result<()> {
    let since = timestamp::from_milliseconds(since).unwrap_or_default();
    let what = format!("the log of {} has nothing{wanted} since {since}", names(functions));
    match wanted {
        Wanted::Everything => {
            output::print_message(&format!(
                "{what}\nnext: look further back, as with --since 1d; or wait for what comes with --follow"
            ));
            Ok(())
        }
        Wanted::Load(load) => Err(Failure::new(what)
            .exit(Exit::NotFound)
            .next(format!("restctl loads show {load}; a line takes some seconds to get there"))),
        Wanted::Request(_) => Err(Failure::new(what)
            .exit(Exit::NotFound)
            .next("the same with --since 30d; a line takes some seconds to get there")),
    }
}

fn names(functions: &[Function]) -> String {
    let names: Vec<&str> = functions.iter().map(|function| function.name()).collect();
    names.join(" and ")
}
