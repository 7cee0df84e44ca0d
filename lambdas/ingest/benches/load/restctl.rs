//! The ingest function, fed by the Runtime API.

use std::time::Duration;

use restctl_contract::load::{LoadState, Receipt};
use restctl_contract::template::variable;
use restctl_testkit::bench::{BoxError, row};
use restctl_testkit::dynamodb::TableContent;
use restctl_testkit::runtime::Runtime;
use serde_json::{Value, json};

use crate::cloud::{BUCKET, Cloud, ITEMS_TABLE, LEDGER_TABLE, OBJECT, VERSION};
use crate::measured::Measured;

/// The longest timeout of a function.
const TIMEOUT: Duration = Duration::from_secs(900);

const EVENT: &str = include_str!("../../../../fixtures/events/object-created.json");

pub(crate) async fn measure_load(content: TableContent, rows: u64) -> Result<Measured, BoxError> {
    let cloud = Cloud::start(rows, content).await;
    let (queue, dead_letters) = (cloud.queue_url("loads.fifo"), cloud.queue_url("dead.fifo"));
    let variables = [
        (variable::ITEMS_TABLE, ITEMS_TABLE),
        (variable::LEDGER_TABLE, LEDGER_TABLE),
        (variable::LOAD_QUEUE, &queue),
        (variable::DEAD_LETTER_QUEUE, &dead_letters),
        (variable::KEY_NAME, "id"),
        (variable::KEY_TYPE, "S"),
    ];
    let variables = [&cloud.endpoint_variables()[..], &variables].concat();
    let runtime = Runtime::start(env!("CARGO_BIN_EXE_restctl-ingest"), &variables).await;
    // The answer means that the function has started, which is not part of the load.
    runtime.invoke(&json!({ "Records": [] })).await?;
    let load = async {
        let answer = runtime.invoke_within(&event_for(rows)?, TIMEOUT).await?;
        match answer["batchItemFailures"].as_array().map(Vec::len) {
            None | Some(0) => check_receipt(&cloud, rows),
            Some(_) => {
                Err(format!("the load was not finished; the function wrote:\n{}", runtime.output()).into())
            }
        }
    };
    Measured::measure(runtime.process_id(), &cloud, rows, load).await
}

/// Returns the sample event for the file with this many rows.
fn event_for(rows: u64) -> Result<Value, BoxError> {
    let mut event: Value = serde_json::from_str(EVENT)?;
    let message = &mut event["Records"][0];
    let mut created: Value = serde_json::from_str(message["body"].as_str().ok_or("the sample has no body")?)?;
    created["detail"]["bucket"]["name"] = BUCKET.into();
    let object = &mut created["detail"]["object"];
    object["key"] = OBJECT.into();
    object["version-id"] = VERSION.into();
    object["size"] = row::file_size(rows).into();
    message["body"] = created.to_string().into();
    Ok(event)
}

/// Checks that the receipt is right for the content of the table.
fn check_receipt(cloud: &Cloud, rows: u64) -> Result<(), BoxError> {
    let entry = cloud.last_load().ok_or("the ledger has no load")?;
    let written = cloud.content.expected_puts(rows).items;
    let receipt = Receipt { read: rows, ..entry.receipt };
    let expected = match cloud.content {
        TableContent::Nothing => Receipt { new: written, changed: 0, unchanged: 0, ..receipt },
        _ => Receipt { new: 0, changed: written, unchanged: rows - written, ..receipt },
    };
    if entry.state == LoadState::Loaded && entry.receipt == expected && expected.rejected == 0 {
        return Ok(());
    }
    let (state, reason, receipt) = (entry.state, entry.reason, entry.receipt);
    Err(format!("the load is {state:?} ({reason:?}) with {receipt:?} instead of {expected:?}").into())
}
