//! How much of a token is read.

/// The largest token that is parsed, in bytes: what fits the header with it. Application Load Balancers pass on a header of
/// at most 16 KB ("Quotas for your Application Load Balancers"). A token of Entra ID that lists 200 groups has 12 KB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024 - "authorization: Bearer \r\n".len();
