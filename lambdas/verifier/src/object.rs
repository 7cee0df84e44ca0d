use serde::Deserialize;

use crate::refusal::Refusal;

/// Reads a JSON object in UTF-8 (RFC 7519, section 7.2). Without a look at its first character, an array would be taken
/// for the members in their order; without one at its encoding, members that nobody asks for could hold any bytes.
pub(crate) fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Refusal> {
    let json = str::from_utf8(json).map_err(|_| Refusal::Malformed)?;
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Refusal::Malformed);
    }
    serde_json::from_str(json).map_err(|_| Refusal::Malformed)
}
