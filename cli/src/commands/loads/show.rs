//! `restctl loads show`: prints everything about a load.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::{LedgerEntry, LoadId};

use super::known_load::{self, KnownLoad};
use crate::aws::cloudformation;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::loads::receipt::LoadReport;
use crate::loads::state_text::describe_next_attempt;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of the load, as `restctl loads ls` shows it
    #[arg(value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    load: LoadId,
}

pub(super) async fn run(args: Show, context: &Context) -> Result<()> {
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    match (known_load::find_load(context.aws().await?, &stack, &args.load).await?, output::chosen_format()) {
        (KnownLoad::Begun(entry), Format::Json) => output::print_json(&LoadReport::new(&entry)),
        (queued @ KnownLoad::Queued(_), Format::Json) => output::print_json(&queued),
        (KnownLoad::Begun(entry), Format::Text) => {
            output::print_text(output::align_values(&entry_lines(&entry)))
        }
        (KnownLoad::Queued(queued), Format::Text) => output::print_text(output::align_values(&[
            ("load", queued.load.to_string()),
            ("state", "queued".to_owned()),
            ("object", queued.object),
            ("version", queued.version),
            ("bytes", queued.size.to_string()),
            ("uploaded", queued.uploaded),
        ])),
    }
}

fn entry_lines(entry: &LedgerEntry) -> Vec<(&'static str, String)> {
    let mut lines = vec![("load", entry.load.to_string()), ("state", entry.state.to_string())];
    lines.extend(entry.reason.as_deref().map(|reason| ("reason", reason.to_owned())));
    lines.extend([
        ("object", entry.object.clone()),
        ("version", entry.version.clone()),
        ("bytes", entry.size.to_string()),
        ("uploaded", entry.uploaded.clone()),
        ("began", entry.began.clone()),
        ("updated", entry.updated.clone()),
        ("attempts", entry.attempts.to_string()),
    ]);
    lines.extend(describe_next_attempt(entry).map(|next| ("next attempt", next)));
    lines.extend([
        ("progress", format!("{} rows", entry.progress)),
        ("position", format!("line {}, byte {} of the text", entry.position.line, entry.position.offset)),
        ("reject parts", entry.reject_parts.to_string()),
    ]);
    lines.extend(entry.dialect.as_deref().map(|dialect| ("dialect", dialect.to_owned())));
    lines.extend(LoadReport::new(entry).figures());
    lines
}
