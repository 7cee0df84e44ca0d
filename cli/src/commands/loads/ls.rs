//! `restctl loads ls`: lists every load.

use clap::Args;
use comfy_table::{CellAlignment, Table};

use super::known_load::{self, KnownLoad};
use crate::aws::cloudformation;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
States: queued (uploaded, not started), loading, loaded, failed (the file cannot be loaded), stopped (a service failed \
too often). Objects that are not data, such as folder markers and temporary files, are ignored and counted.")]
pub(crate) struct Ls {
    /// List the ignored objects instead, and why each is not data
    #[arg(long)]
    ignored: bool,
}

const HEADER: [&str; 11] = [
    "LOAD",
    "STATE",
    "UPLOADED",
    "READ",
    "NEW",
    "CHANGED",
    "UNCHANGED",
    "STALE",
    "REJECTED",
    "DUPLICATES",
    "OBJECT",
];

/// The columns that hold numbers.
const NUMBERS: std::ops::Range<usize> = 3..10;

const IGNORED_HEADER: [&str; 5] = ["LOAD", "UPLOADED", "BYTES", "REASON", "OBJECT"];

pub(super) async fn run(args: Ls, context: &Context) -> Result<()> {
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    let loads = known_load::list_loads(context.aws().await?, &stack).await?;
    completion_cache::remember_loads(&context.stack, loads.iter().map(KnownLoad::load_id));
    let (ignored, loads): (Vec<_>, Vec<_>) = loads.into_iter().partition(KnownLoad::is_ignored);
    if args.ignored {
        return print_loads(&ignored, "no object has been ignored", ignored_table);
    }
    print_loads(&loads, "nothing has been uploaded yet", loads_table)?;
    match ignored.len() {
        0 => {}
        1 => output::print_message("1 object is not data and was ignored: restctl loads ls --ignored"),
        some => output::print_message(format!(
            "{some} objects are not data and were ignored: restctl loads ls --ignored"
        )),
    }
    Ok(())
}

fn print_loads(loads: &[KnownLoad], none: &str, table: impl Fn(&[KnownLoad]) -> Table) -> Result<()> {
    match output::chosen_format() {
        Format::Json => output::print_json(&loads),
        Format::Text if loads.is_empty() => {
            output::print_message(none);
            Ok(())
        }
        Format::Text => output::print_text(Text::from_table(&table(loads))),
    }
}

fn ignored_table(loads: &[KnownLoad]) -> Table {
    let row = |load: &KnownLoad| match load {
        KnownLoad::Queued(_) => None,
        KnownLoad::Begun(entry) => Some(vec![
            entry.load.to_string(),
            entry.uploaded.clone(),
            entry.size.to_string(),
            entry.reason.clone().unwrap_or_default(),
            entry.object.clone(),
        ]),
    };
    output::new_table(&IGNORED_HEADER, loads.iter().filter_map(row).collect())
}

fn loads_table(loads: &[KnownLoad]) -> Table {
    let mut table = output::new_table(&HEADER, loads.iter().map(load_row).collect());
    for column in table.column_iter_mut().skip(NUMBERS.start).take(NUMBERS.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn load_row(load: &KnownLoad) -> Vec<String> {
    match load {
        KnownLoad::Begun(entry) => {
            let receipt = &entry.receipt;
            let counts = [
                receipt.read,
                receipt.new,
                receipt.changed,
                receipt.unchanged,
                receipt.stale,
                receipt.rejected,
                receipt.duplicates,
            ];
            let mut cells = vec![entry.load.to_string(), entry.state.to_string(), entry.uploaded.clone()];
            cells.extend(counts.map(|count| count.to_string()));
            cells.push(entry.object.clone());
            cells
        }
        KnownLoad::Queued(queued) => {
            let mut cells = vec![queued.load.to_string(), "queued".to_owned(), queued.uploaded.clone()];
            cells.extend(NUMBERS.map(|_| "-".to_owned()));
            cells.push(queued.object.clone());
            cells
        }
    }
}
