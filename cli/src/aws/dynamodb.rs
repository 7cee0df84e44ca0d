//! Amazon DynamoDB: the ledger, and what the items table can take.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadId};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value, to_item};

use super::Aws;
use super::call::Called;
use crate::failure::{During, Failure, Result};

/// What every entry of the ledger has, and what it keeps beside the entries has not.
const OBJECT: &str = "object";

/// The ledger's entry for `load`, once the ingest function has begun it.
pub(crate) async fn ledger_entry(aws: &Aws, ledger: &str, load: &LoadId) -> Result<Option<LedgerEntry>> {
    let request = aws
        .dynamodb
        .get_item()
        .table_name(ledger)
        .key(LEDGER_KEY, AttributeValue::S(load.to_string()))
        .consistent_read(true);
    let answer = request.send().await.called("read the ledger")?;
    answer.item.map(entry).transpose()
}

/// Every entry of the ledger by its load's id, in no order; in place of one that cannot be read, the reason.
pub(crate) async fn ledger_entries(aws: &Aws, ledger: &str) -> Result<HashMap<String, Result<LedgerEntry>>> {
    let request = aws.dynamodb.scan().table_name(ledger).consistent_read(true);
    let mut pages = request.into_paginator().send();
    let mut entries = HashMap::new();
    while let Some(page) = pages.next().await {
        let items = page.called("read the ledger")?.items.unwrap_or_default().into_iter();
        entries.extend(items.filter(|item| item.contains_key(OBJECT)).map(|item| (id(&item), entry(item))));
    }
    Ok(entries)
}

/// Replaces the entry `read` by `entry`, unless somebody else changed it meanwhile.
pub(crate) async fn change_ledger_entry(
    aws: &Aws,
    ledger: &str,
    read: &LedgerEntry,
    entry: &LedgerEntry,
) -> Result<()> {
    let cannot = "the ledger's entry cannot be written";
    let request = aws
        .dynamodb
        .put_item()
        .table_name(ledger)
        .set_item(Some(to_item(entry).during(cannot)?))
        .condition_expression("#state = :state AND #updated = :updated")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#updated", "updated")
        .expression_attribute_values(":state", to_attribute_value(read.state).during(cannot)?)
        .expression_attribute_values(":updated", AttributeValue::S(read.updated.clone()));
    let answer = request.send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception())
    {
        return Err(Failure::new(format!("the load {} went on meanwhile, and is left alone", read.load))
            .next(format!("restctl loads show {}", read.load)));
    }
    answer.called("write the ledger")?;
    Ok(())
}

/// How many write units a second the table takes at once ("Understanding DynamoDB warm throughput", Amazon DynamoDB
/// Developer Guide); none where it does not say.
pub(crate) async fn warm_write_units(aws: &Aws, table: &str) -> Result<Option<u64>> {
    let answer = aws.dynamodb.describe_table().table_name(table).send().await;
    let table = answer.called(&format!("describe the table {table}"))?.table;
    let units = table.and_then(|table| table.warm_throughput).and_then(|warm| warm.write_units_per_second);
    Ok(units.and_then(|units| u64::try_from(units).ok()).filter(|units| *units > 0))
}

fn id(item: &HashMap<String, AttributeValue>) -> String {
    item.get(LEDGER_KEY).and_then(|id| id.as_s().ok()).cloned().unwrap_or_default()
}

fn entry(item: HashMap<String, AttributeValue>) -> Result<LedgerEntry> {
    let what = format!("the ledger's entry {} cannot be read", id(&item));
    from_item(item).during(what)
}
