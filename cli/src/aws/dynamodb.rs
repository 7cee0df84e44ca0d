//! Amazon DynamoDB: the ledger, and the throughput, size and deletion of tables.

pub(crate) mod attribute_types;
mod deletion;
pub(crate) mod items;
mod tagged_table;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
pub(crate) use deletion::{delete_table, is_being_deleted, set_deletion_protection};
use restctl_contract::key::WRITTEN_BY;
use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadId, LoadState, is_ledger_entry};
use restctl_contract::timestamp::now;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value, to_item};
pub(crate) use tagged_table::{TaggedTable, find_tables_by_tag};

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Failure, FailureContext, Result};

/// Returns the ledger's entry for `load`, or `None` until the ingest function has begun it.
pub(crate) async fn read_ledger_entry(aws: &Aws, ledger: &str, load: &LoadId) -> Result<Option<LedgerEntry>> {
    let request = aws
        .dynamodb
        .get_item()
        .table_name(ledger)
        .key(LEDGER_KEY, AttributeValue::S(load.to_string()))
        .consistent_read(true);
    let answer = request.send().await.aws_context("read the ledger")?;
    answer.item.map(parse_entry).transpose()
}

/// Returns every entry of the ledger by its load's id, or the failure to read that entry.
pub(crate) async fn read_ledger_entries(
    aws: &Aws,
    ledger: &str,
) -> Result<HashMap<String, Result<LedgerEntry>>> {
    let request = aws.dynamodb.scan().table_name(ledger).consistent_read(true);
    let mut pages = request.into_paginator().send();
    let mut entries = HashMap::new();
    while let Some(page) = pages.next().await {
        let items = page.aws_context("read the ledger")?.items.unwrap_or_default().into_iter();
        let loads = items.map(|item| (ledger_key(&item), item)).filter(|(key, _)| is_ledger_entry(key));
        entries.extend(loads.map(|(load, item)| (load, parse_entry(item))));
    }
    Ok(entries)
}

/// Replaces the entry `read` with `entry`, unless it has changed since it was read.
async fn replace_ledger_entry(
    aws: &Aws,
    ledger: &str,
    read: &LedgerEntry,
    entry: &LedgerEntry,
) -> Result<()> {
    let cannot = "cannot write the ledger's entry";
    let request = aws
        .dynamodb
        .put_item()
        .table_name(ledger)
        .set_item(Some(to_item(entry).context(cannot)?))
        .condition_expression("#state = :state AND #updated = :updated")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#updated", "updated")
        .expression_attribute_values(":state", to_attribute_value(read.state).context(cannot)?)
        .expression_attribute_values(":updated", AttributeValue::S(read.updated.clone()));
    let answer = request.send().await;
    if let Err(error) = &answer
        && error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception())
    {
        return Err(Failure::new(format!(
            "the load {} has made progress in the meantime and was not changed",
            read.load
        ))
        .next(format!("restctl loads show {}", read.load)));
    }
    answer.aws_context("write the ledger")?;
    Ok(())
}

/// Returns the stamp of the load that wrote the item `id`. `None` if no load wrote it, or if there is no such item.
pub(crate) async fn read_stamp(
    aws: &Aws,
    table: &str,
    key: &str,
    id: AttributeValue,
) -> Result<Option<String>> {
    let request = aws.dynamodb.get_item().table_name(table).key(key, id).consistent_read(true);
    let request = request.projection_expression("#stamp").expression_attribute_names("#stamp", WRITTEN_BY);
    let answer = request.send().await.aws_context(&format!("read the table {table}"))?;
    Ok(answer.item.and_then(|mut item| match item.remove(WRITTEN_BY) {
        Some(AttributeValue::S(stamp)) => Some(stamp),
        _ => None,
    }))
}

/// Reopens the entry of a load that failed or stopped, so that the function runs it again. The entry of a running load
/// stays as it is.
pub(crate) async fn reopen_ledger_entry(aws: &Aws, ledger: &str, read: &LedgerEntry) -> Result<()> {
    if matches!(read.state, LoadState::Failed | LoadState::Stopped) {
        let again = read.clone().reopened_at(now());
        replace_ledger_entry(aws, ledger, read, &again).await?;
    }
    Ok(())
}

/// Returns how many write units a second the table accepts immediately ("Understanding DynamoDB warm throughput", Amazon
/// DynamoDB Developer Guide). `None` if the service does not say.
pub(crate) async fn warm_write_units(aws: &Aws, table: &str) -> Result<Option<u64>> {
    let answer = aws.dynamodb.describe_table().table_name(table).send().await;
    let table = answer.aws_context(&format!("describe the table {table}"))?.table;
    let units = table.and_then(|table| table.warm_throughput).and_then(|warm| warm.write_units_per_second);
    Ok(units.and_then(|units| u64::try_from(units).ok()).filter(|units| *units > 0))
}

fn ledger_key(item: &HashMap<String, AttributeValue>) -> String {
    item.get(LEDGER_KEY).and_then(|id| id.as_s().ok()).cloned().unwrap_or_default()
}

fn parse_entry(item: HashMap<String, AttributeValue>) -> Result<LedgerEntry> {
    let what = format!("cannot read the ledger's entry {}", ledger_key(&item));
    from_item(item).context(what)
}

/// Returns the approximate number of the table's items, and their size in bytes. `None` if there is no such table.
pub(crate) async fn table_size(aws: &Aws, table: &str) -> Result<Option<(u64, u64)>> {
    let answer = aws.dynamodb.describe_table().table_name(table).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let table = answer.aws_context(&format!("describe the table {table}"))?.table;
    let number =
        |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    Ok(table.map(|table| (number(table.item_count), number(table.table_size_bytes))))
}
