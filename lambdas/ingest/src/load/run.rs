use restctl_contract::load::Position;

use super::begin::Attempt;
use super::context::LoadContext;
use super::count::ComparedWindow;
use super::dialect::{choose_dialect, note_dialect, remember_dialect};
use super::restamp::restamp_newer_loads;
use crate::error::{Error, LoadError};
use crate::message::{Completion, Deadline};
use crate::source::{Object, RowStream, Window};
use crate::table::{ComparedRows, RowOutcome, WrittenRows};

/// Loads the object's rows from where the attempt begins, until the file or the time ends.
pub(super) async fn run_attempt(
    attempt: &mut Attempt<'_>,
    object: &Object,
    deadline: Deadline,
) -> Result<Completion, LoadError> {
    if attempt.is_late && restamp_newer_loads(attempt, deadline).await? == Completion::TimeIsShort {
        return Ok(Completion::TimeIsShort);
    }
    let Attempt { table, progress, record, .. } = &mut *attempt;
    if progress.position == Position::START {
        let (is_empty, read_units) = table.is_empty().await?;
        progress.receipt.read_units += read_units;
        progress.set_table_is_empty(is_empty);
        record.write_blind(progress.blind).await?;
    }
    let completion = load_windows(attempt, object, deadline).await?;
    if completion == Completion::Complete {
        attempt.progress.correct_duplicates(object.duplicate_count());
    }
    Ok(completion)
}

/// Loads window by window. While one is written, the next is read and compared, unless they share a key.
async fn load_windows(
    attempt: &mut Attempt<'_>,
    object: &Object,
    deadline: Deadline,
) -> Result<Completion, LoadError> {
    let LoadContext { s3, key, window_size, .. } = attempt.context;
    let dialect = choose_dialect(attempt.context, object, &attempt.record.entry).await?;
    let position = attempt.progress.position;
    let mut rows = RowStream::resume(s3, object, &dialect, key, position, *window_size, deadline);
    let mut waiting: Option<ComparedWindow> = None;
    let mut windows = 0;
    let result = loop {
        // Each invocation writes at least one window; otherwise a load could go on forever.
        if windows > 1 && deadline.is_short() {
            break Ok(Completion::TimeIsShort);
        }
        let window = match rows.next_window().await {
            Ok(Some(window)) => window,
            Ok(None) => break Ok(Completion::Complete),
            Err(error) => break Err(error),
        };
        if let Some(max_rejects) = object.max_rejects() {
            let uncounted = waiting.iter().map(|waiting| &waiting.window).chain([&window]);
            if let Err(error) = attempt.progress.check_rejects(max_rejects, uncounted) {
                attempt.progress.count_rejects(&window.rejects)?;
                break Err(error);
            }
        }
        note_dialect(attempt, object, &dialect, &rows);
        windows += 1;
        waiting = Some(match waiting {
            Some(waiting) if !waiting.window.shares_a_key_with(&window) => {
                let (written, compared) =
                    tokio::try_join!(write_window(attempt, &waiting), compare_window(attempt, window))?;
                attempt.progress.count_window(waiting, written)?;
                compared
            }
            waiting => {
                write_and_count(attempt, waiting).await?;
                compare_window(attempt, window).await?
            }
        });
        attempt.record.write_if_due(&mut attempt.progress).await?;
    };
    write_and_count(attempt, waiting).await?;
    if matches!(result, Ok(Completion::Complete)) {
        remember_dialect(attempt, object, &dialect, &rows).await?;
    }
    result
}

async fn compare_window(attempt: &Attempt<'_>, window: Window) -> Result<ComparedWindow, Error> {
    let compared = if attempt.progress.must_compare() {
        attempt.table.compare_rows(&window.rows, &attempt.stamp).await?
    } else {
        ComparedRows { outcomes: vec![RowOutcome::New; window.rows.len()], read_units: 0.0 }
    };
    Ok(ComparedWindow { window, compared })
}

async fn write_window(attempt: &Attempt<'_>, compared: &ComparedWindow) -> Result<WrittenRows, Error> {
    let rows = compared.compared.select_rows(&compared.window.rows, RowOutcome::needs_write);
    attempt.table.write_rows(&rows, &attempt.stamp).await
}

async fn write_and_count(attempt: &mut Attempt<'_>, compared: Option<ComparedWindow>) -> Result<(), Error> {
    let Some(compared) = compared else { return Ok(()) };
    let written = write_window(attempt, &compared).await?;
    attempt.progress.count_window(compared, written)
}
