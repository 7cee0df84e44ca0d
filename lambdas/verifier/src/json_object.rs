//! JSON objects of strangers: the parts of a token, key sets and keys.

use restctl_contract::json::{self, Json, JsonError, Limits};
use serde::Deserialize;

/// How deeply claims and keys may nest, which the issuer writes. None nests them as deeply.
pub(crate) const MAX_DEPTH: usize = 32;

/// No key set of [`crate::MAX_KEY_SET_BYTES`] has more values.
const MAX_VALUES: usize = 65_536;

/// Why a text is not the object that it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectError {
    #[error("{0} at {line}:{column}", line = .0.line, column = .0.column)]
    Json(#[from] JsonError),
    #[error("it is {0}, not an object")]
    NotAnObject(&'static str),
    /// A member that the type needs is missing, is of another type or is repeated.
    #[error("{0}")]
    Members(#[from] serde_json::Error),
}

/// Reads an object of at most `depth` levels, which is checked first, without recursion beyond that.
///
/// Serde alone would also read an array, as the members in their order, and would skip what is wrong in members that no
/// field takes.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(text: &'a [u8], depth: usize) -> Result<T, ObjectError> {
    match json::parse(text, Limits { depth, values: MAX_VALUES })? {
        Json::Object(_) => Ok(serde_json::from_slice(text)?),
        other => Err(ObjectError::NotAnObject(other.type_name())),
    }
}
