//! Names as they are in a file.

use restctl_contract::json::{Json, Limits, parse};

use crate::reject::excerpt::{MAX_LISTED, list_names, shorten_name};

/// Returns the name that stands between two quotes, if it is one.
pub(super) fn unescape_name(name: &[u8]) -> Option<String> {
    let text = [b"\"", name, b"\""].concat();
    match parse(&text, Limits { depth: 0, values: 1 }) {
        Ok(Json::String(name)) => Some(name),
        _ => None,
    }
}

/// The first names of the first object of a file, shortened.
#[derive(Debug, Default)]
pub(super) struct TopLevelNames {
    pub(super) names: Vec<String>,
    is_complete: bool,
}

impl TopLevelNames {
    pub(super) fn add(&mut self, name: Option<&str>) {
        if !self.is_complete && self.names.len() < MAX_LISTED {
            self.names.push(shorten_name(name.unwrap_or_default()));
        }
    }

    /// Ends the first object.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    pub(super) fn list(&self) -> String {
        list_names(&self.names.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
