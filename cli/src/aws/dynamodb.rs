//! Amazon DynamoDB: the ledger.

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadId};

use super::Aws;
use super::call::Called;
use crate::failure::{During, Result};

/// The ledger's entry for `load`, once the ingest function has begun it.
pub(crate) async fn ledger_entry(aws: &Aws, ledger: &str, load: &LoadId) -> Result<Option<LedgerEntry>> {
    let request = aws
        .dynamodb
        .get_item()
        .table_name(ledger)
        .key(LEDGER_KEY, AttributeValue::S(load.to_string()))
        .consistent_read(true);
    let answer = request.send().await.called("read the ledger")?;
    let entry = answer.item.map(serde_dynamo::from_item).transpose();
    entry.during(format!("the ledger's entry {load} cannot be read"))
}
