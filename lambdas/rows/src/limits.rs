//! The limits of records and items.

/// The longest record, line or array element that is read, in bytes of the file. A longer one is rejected.
///
/// It is more than twice the size of a DynamoDB item, and bounds how much memory a file can claim.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// "The maximum item size in DynamoDB is 400 KB" (Quotas, Amazon DynamoDB Developer Guide).
pub(crate) const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The longest attribute name (Quotas, ibid.).
pub(crate) const MAX_NAME_BYTES: usize = 65_535;

/// How deeply lists and maps may nest (Quotas, ibid.).
pub(crate) const MAX_DEPTH: usize = 32;
