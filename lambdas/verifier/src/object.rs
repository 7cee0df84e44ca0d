use serde::Deserialize;

use crate::Refusal;

/// Reads a JSON object. Without a look at its first character, an array would be taken for the members in their order.
pub(crate) fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Refusal> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| Refusal::Malformed)
}
