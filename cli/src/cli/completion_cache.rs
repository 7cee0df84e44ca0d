//! Names of stacks and loads that commands on this machine have seen, for shell completion. Asking AWS at each keystroke
//! would take too long.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use restctl_contract::load::LoadId;
use restctl_contract::stack::StackName;

use crate::cli::config_file::ConfigFile;
use crate::cli::unparsed_words::{find_value, typed_words};
use crate::directories;
use crate::failure::{FailureContext, Result};

/// How many loads of each stack are kept.
const MAX_LOADS: usize = 30;

/// The loads of each stack, the newest first.
type Stacks = BTreeMap<String, Vec<String>>;

/// Saves the name of a stack and the ids of its loads, the newest first. A name that cannot be saved is not completed.
pub(crate) fn remember_loads<'a>(stack: &StackName, loads: impl IntoIterator<Item = &'a LoadId>) {
    let mut stacks = read_stacks().unwrap_or_default();
    let kept = stacks.entry(stack.to_string()).or_default();
    let mut newest: Vec<String> = loads.into_iter().take(MAX_LOADS).map(LoadId::to_string).collect();
    kept.retain(|load| !newest.contains(load));
    newest.append(kept);
    newest.truncate(MAX_LOADS);
    *kept = newest;
    let _ = write_stacks(&stacks);
}

/// Forgets a deleted stack.
pub(crate) fn forget_stack(stack: &StackName) {
    let mut stacks = read_stacks().unwrap_or_default();
    if stacks.remove(stack.as_str()).is_some() {
        let _ = write_stacks(&stacks);
    }
}

pub(crate) fn complete_stacks() -> Vec<CompletionCandidate> {
    let stacks = read_stacks().unwrap_or_default().into_keys();
    stacks.filter(|stack| stack.parse::<StackName>().is_ok()).map(CompletionCandidate::new).collect()
}

/// Completes the loads of the stack that the command line is for.
pub(crate) fn complete_loads() -> Vec<CompletionCandidate> {
    // The shell passes the words after its own `--`.
    let words: Vec<String> = typed_words().into_iter().skip_while(|word| word != "--").skip(1).collect();
    let stack = find_value(&words, "--stack").map(str::to_owned);
    let stack = stack.or_else(|| env::var("RESTCTL_STACK").ok()).unwrap_or_else(ConfigFile::default_stack);
    let loads = read_stacks().unwrap_or_default().remove(&stack).unwrap_or_default();
    loads.into_iter().filter(|load| load.parse::<LoadId>().is_ok()).map(CompletionCandidate::new).collect()
}

/// Reads the saved names. `None` if nothing is saved yet, or if another version saved it.
fn read_stacks() -> Option<Stacks> {
    let file = directories::read_private_file(&cache_file().ok()?).ok()??;
    serde_json::from_slice(&file).ok()
}

fn write_stacks(stacks: &Stacks) -> Result<()> {
    let text = serde_json::to_vec(stacks).context("cannot save the names")?;
    directories::write_private_file(&cache_file()?, &text)
}

fn cache_file() -> Result<PathBuf> {
    Ok(directories::state_folder()?.join("remembered.json"))
}
