//! Finds out where a JSON file has its rows.

use restctl_contract::json::MemberPath;
use restctl_contract::key::Key;
use restctl_rows::{DETECTION_BYTES, Dialect, Found, RecordsFinder, Unreadable};

use crate::data_file::source::Source;
use crate::data_file::survey::cannot_load_failure;
use crate::failure::{Failure, Result, shell_argument};

/// Finds the array that holds the rows, if they are not at the top of the file.
pub(super) async fn find_records(
    source: &Source,
    dialect: &Dialect,
    key: &Key,
) -> Result<Option<MemberPath>> {
    let cannot_load = |reason: Unreadable| cannot_load_failure(&source.shown, &reason);
    let mut finder = RecordsFinder::new(dialect, key);
    let (mut chunk, mut at) = (vec![0; DETECTION_BYTES], 0);
    loop {
        let length = source.read_at(at, &mut chunk)?;
        at += length as u64;
        if length == 0 || !finder.feed(&chunk[..length]).map_err(cannot_load)? {
            break;
        }
        tokio::task::yield_now().await;
    }
    let failure = Failure::new(format!("{} cannot be loaded", source.shown));
    match finder.finish() {
        Found::Rows => Ok(None),
        Found::Records(path) => Ok(Some(path)),
        Found::Several(paths) => {
            let listed: Vec<String> = paths.iter().map(MemberPath::to_string).collect();
            let next = format!(
                "choose the one that holds the rows: --records {}",
                shell_argument(&listed[0], "PATH")
            );
            Err(failure.why(format!("it has several arrays of objects: {}", listed.join(", "))).next(next))
        }
        Found::None { members } => Err(failure
            .why(format!(
                "its object has neither the key {:?} nor an array of objects; it has {}",
                key.name,
                members.join(", ")
            ))
            .next(format!(
                "name a member {}, or deploy with a key that the file has: restctl deploy --key NAME:S",
                shell_argument(&key.name, "like the key")
            ))),
    }
}
