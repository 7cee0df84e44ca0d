//! Names that were seen here before, for the shell to complete: it asks at each press of a key, and AWS would take
//! too long to tell.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use restctl_contract::load::LoadId;
use restctl_contract::stack::StackName;

use crate::directories;
use crate::failure::{FailureContext, Result};

/// Of each stack, the newest.
const LOADS: usize = 30;

/// The loads of each stack, the newest first.
type Stacks = BTreeMap<String, Vec<String>>;

/// Keeps the name of a stack and those of its loads, the newest first. What cannot be kept is not completed.
pub(crate) fn keep<'a>(stack: &StackName, loads: impl IntoIterator<Item = &'a LoadId>) {
    let mut stacks = read().unwrap_or_default();
    let kept = stacks.entry(stack.to_string()).or_default();
    let mut newest: Vec<String> = loads.into_iter().take(LOADS).map(LoadId::to_string).collect();
    kept.retain(|load| !newest.contains(load));
    newest.append(kept);
    newest.truncate(LOADS);
    *kept = newest;
    let _ = write(&stacks);
}

/// Of a stack that is no more.
pub(crate) fn forget(stack: &StackName) {
    let mut stacks = read().unwrap_or_default();
    if stacks.remove(stack.as_str()).is_some() {
        let _ = write(&stacks);
    }
}

pub(crate) fn stacks() -> Vec<CompletionCandidate> {
    read().unwrap_or_default().into_keys().map(CompletionCandidate::new).collect()
}

pub(crate) fn loads() -> Vec<CompletionCandidate> {
    read().unwrap_or_default().into_values().flatten().map(CompletionCandidate::new).collect()
}

/// None where nothing was kept yet, or by another version.
fn read() -> Option<Stacks> {
    serde_json::from_slice(&fs::read(file().ok()?).ok()?).ok()
}

fn write(stacks: &Stacks) -> Result<()> {
    let text = serde_json::to_vec(stacks).context("the names cannot be written")?;
    directories::write_private_file(&file()?, &text)
}

fn file() -> Result<PathBuf> {
    Ok(directories::state_folder()?.join("remembered.json"))
}
