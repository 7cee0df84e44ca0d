//! The lines that say what a command is about to change.

use crate::identity::changes::Change;
use crate::terminal::output;

/// Prints what is about to be written.
pub(in crate::commands) fn print_changes(changes: &[Change]) {
    if changes.is_empty() {
        output::print_message("change             none");
    }
    for change in changes {
        output::print_message(format!("change             {}", change.describe()));
    }
}
