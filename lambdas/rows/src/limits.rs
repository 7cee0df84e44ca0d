//! The limits of records and items.

/// The longest record that is read, in bytes of the file. A longer one is rejected.
///
/// It bounds how much memory a file can claim. The largest item fits in whatever way it is written: its 400 KB have
/// 2.4 MB if each byte is an escape such as `\u0001`.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// "The maximum item size in DynamoDB is 400 KB" (Quotas, Amazon DynamoDB Developer Guide).
pub(crate) const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The longest attribute name (Quotas, ibid.).
pub(crate) const MAX_NAME_BYTES: usize = 65_535;

/// How many levels a document may have (Quotas, ibid.). The innermost value is one of them.
pub(crate) const MAX_DEPTH: usize = 32;
