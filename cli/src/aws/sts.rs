//! AWS Security Token Service: whose account this is.

use super::Aws;
use super::call::Called;
use crate::failure::{Failure, Result};

/// The account's 12 digits.
pub(crate) async fn account(aws: &Aws) -> Result<String> {
    let identity = aws.sts.get_caller_identity().send().await.called("ask whose account this is")?;
    identity.account.ok_or_else(|| Failure::new("AWS names no account for these credentials"))
}
