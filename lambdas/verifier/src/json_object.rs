//! JSON objects in a token's parts.

use serde::Deserialize;

use crate::refusal::Refusal;

/// Reads a JSON object in UTF-8 (RFC 7519, section 7.2).
///
/// Serde would also read an array, as the members in their order, and would skip invalid UTF-8 in members that no
/// field takes: both are refused here.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Refusal> {
    let json = str::from_utf8(json).map_err(|_| Refusal::Malformed)?;
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Refusal::Malformed);
    }
    serde_json::from_str(json).map_err(|_| Refusal::Malformed)
}
