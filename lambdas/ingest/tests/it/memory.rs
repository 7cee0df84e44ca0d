//! The peak memory of a load, as Linux counts it for the function's process.

use std::time::Duration;

use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadState};
use restctl_contract::template::variable;
use restctl_testkit::bench::process::read_usage;
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::runtime::Runtime;
use restctl_testkit::s3::Bucket;
use restctl_testkit::sqs::Sqs;
use serde_json::{Value, json};

/// Much longer than a load takes on any machine.
const TIMEOUT: Duration = Duration::from_secs(600);

const MIB: u64 = 1024 * 1024;

const EVENT: &str = include_str!("../../../../fixtures/events/object-created.json");

/// Loads `file`, whose name is `name`, and returns the function's peak memory in MiB.
async fn measure_peak(dynamodb: &Dynamo, name: &str, file: &[u8]) -> u64 {
    let (bucket, sqs) = (Bucket::start().await, Sqs::start().await);
    dynamodb.create_table("ledger", LEDGER_KEY);
    bucket.put(name, "v1", file);
    let (queue, dead_letters) = (format!("{}/loads.fifo", sqs.url()), format!("{}/dead.fifo", sqs.url()));
    let variables = [
        ("AWS_ENDPOINT_URL", dynamodb.url()),
        ("AWS_ENDPOINT_URL_S3", bucket.url()),
        ("AWS_ENDPOINT_URL_SQS", sqs.url()),
        (variable::ITEMS_TABLE, "items"),
        (variable::LEDGER_TABLE, "ledger"),
        (variable::LOAD_QUEUE, &queue),
        (variable::DEAD_LETTER_QUEUE, &dead_letters),
        (variable::KEY_NAME, "id"),
        (variable::KEY_TYPE, "S"),
    ];
    let runtime = Runtime::start(env!("CARGO_BIN_EXE_restctl-ingest"), &variables).await;
    let answer =
        runtime.invoke_within(&event_for(name), TIMEOUT).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answer["batchItemFailures"], json!([]), "{}", runtime.output());
    let mut entries = dynamodb.items("ledger").into_iter().filter_map(|item| {
        let item: serde_dynamo::Item = serde_json::from_value(item).ok()?;
        serde_dynamo::from_item::<_, LedgerEntry>(item).ok()
    });
    let entry = entries.next_back().expect("the ledger has the load");
    assert_eq!((entry.state, &entry.reason), (LoadState::Loaded, &None));
    read_usage(runtime.process_id()).unwrap().peak_bytes / MIB
}

fn event_for(name: &str) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).unwrap();
    let message = &mut event["Records"][0];
    let mut created: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
    let object = &mut created["detail"]["object"];
    object["key"] = name.into();
    object["version-id"] = "v1".into();
    created["detail"]["bucket"]["name"] = "data".into();
    message["body"] = created.to_string().into();
    event
}

/// Small rows, whose items in the table are as large as items may be.
async fn measure_peak_of_comparing(dynamodb: &Dynamo, rows: usize, attribute: &str) -> u64 {
    dynamodb.create_large_table("items", attribute);
    let lines = (0..rows).map(|id| format!("{id}\n")).collect::<String>();
    measure_peak(dynamodb, "items.csv", format!("id\n{lines}").as_bytes()).await
}

#[tokio::test]
async fn comparing_with_large_items_takes_bounded_memory() {
    let text = format!(r#""text":{{"S":"{}"}}"#, "x".repeat(399_900));
    let dynamodb = Dynamo::start().await;
    let peak = measure_peak_of_comparing(&dynamodb, 1_000, &text).await;
    assert_eq!(dynamodb.count_calls("BatchGetItem"), 10, "each call has as many keys as it may have");
    assert!(peak < 100, "{peak} MiB");
}

/// An empty text in a list takes one byte of an item, and ten of DynamoDB's JSON.
#[tokio::test]
async fn comparing_with_items_whose_json_is_ten_times_as_large_takes_bounded_memory() {
    let list = format!(r#""list":{{"L":[{}]}}"#, vec![r#"{"S":""}"#; 399_900].join(","));
    let peak = measure_peak_of_comparing(&Dynamo::start().await, 300, &list).await;
    assert!(peak < 300, "{peak} MiB");
}

/// The file has rows of the same kind.
#[tokio::test]
async fn rows_of_many_small_values_take_bounded_memory() {
    let list = format!(r#""list":{{"L":[{}]}}"#, vec![r#"{"S":""}"#; 399_900].join(","));
    let dynamodb = Dynamo::start().await;
    dynamodb.create_large_table("items", &list);
    let row = format!(r#""l":[{}]}}"#, vec![r#""""#; 399_900].join(","));
    let rows = (0..40).map(|id| format!("{{\"id\":\"{id}\",{row}\n")).collect::<String>();
    let peak = measure_peak(&dynamodb, "items.ndjson", rows.as_bytes()).await;
    assert!(peak < 200, "{peak} MiB");
}
