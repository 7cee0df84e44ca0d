//! `restctl loads ls`: lists every load.

use clap::Args;
use comfy_table::{CellAlignment, Table};

use super::known_load::{self, KnownLoad};
use crate::aws::cloudformation;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
States: queued (uploaded, not started), loading, loaded, failed (the file cannot be loaded), stopped (a service failed \
too often).")]
pub(crate) struct Ls {}

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

pub(super) async fn run(_: Ls, context: &Context) -> Result<()> {
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    let loads = known_load::list_loads(context.aws().await?, &stack).await?;
    completion_cache::remember_loads(&context.stack, loads.iter().map(KnownLoad::load_id));
    match output::chosen_format() {
        Format::Json => output::print_json(&loads),
        Format::Text if loads.is_empty() => {
            output::print_message("nothing has been uploaded yet");
            Ok(())
        }
        Format::Text => output::print_line(&loads_table(&loads).trim_fmt()),
    }
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
