use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::role::{STACK_NAME_TAG, TEMPLATE_NAME_TAG};
use super::*;
use crate::aws::test_server;

const DENIED: &str = r#"{"__type":"AccessDeniedException","message":"not you"}"#;

/// Tables by their names, with the value of the stack's tag, and the key.
const TABLES: [(&str, &str, &str); 6] = [
    ("orders-ItemsTable-1", "orders", "id"),
    ("orders-LedgerTable-1", "orders", "load"),
    ("orders-LedgerTable-2", "orders", "id"),
    ("orders-restored", "orders", "id"),
    ("orders-restored-ledger", "orders", "load"),
    ("orders-eu-ItemsTable-1", "orders-eu", "id"),
];

fn table_tags(table: &str) -> Value {
    let tags = TABLES.iter().filter(|(name, ..)| *name == table);
    tags.map(|(_, stack, _)| json!({ "Key": STACK_TAG, "Value": stack })).collect()
}

/// Answers as DynamoDB does, with one table a page.
fn answer_dynamodb(operation: &str, asked: &Value) -> Value {
    match operation {
        "ListTables" => {
            let start = asked["ExclusiveStartTableName"].as_str();
            let next =
                start.map_or(0, |start| 1 + TABLES.iter().position(|(name, ..)| *name == start).unwrap());
            let name = TABLES[next].0;
            match next + 1 < TABLES.len() {
                true => json!({ "TableNames": [name], "LastEvaluatedTableName": name }),
                false => json!({ "TableNames": [name, "orders-ItemsTable-of-another-tool"] }),
            }
        }
        "DescribeTable" => {
            let name = asked["TableName"].as_str().unwrap();
            let key = TABLES.iter().find(|(table, ..)| *table == name).map_or("id", |(.., key)| *key);
            json!({ "Table": {
                "TableArn": format!("arn:aws:dynamodb:us-east-1:123456789012:table/{name}"),
                "ItemCount": 7, "TableSizeBytes": 70, "CreationDateTime": 1_700_000_000,
                "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
            } })
        }
        "ListTagsOfResource" => {
            json!({ "Tags": table_tags(asked["ResourceArn"].as_str().unwrap().rsplit('/').next().unwrap()) })
        }
        other => panic!("{other}"),
    }
}

/// `None` if the credentials may not read them.
type Tags = Option<&'static [(&'static str, &'static str)]>;

/// Buckets by their names.
const BUCKETS: [(&str, Tags); 8] = [
    // As on the local cloud.
    ("orders-databucket-1", Some(&[])),
    ("orders-databucket-of-another-tool", Some(&[])),
    ("orders-eu-databucket-1", Some(&[(STACK_TAG, "orders-eu")])),
    (
        "sales-databucket-1",
        Some(&[(STACK_TAG, "sales"), (STACK_NAME_TAG, "sales"), (TEMPLATE_NAME_TAG, DATA_BUCKET)]),
    ),
    ("sales-databucket-2", Some(&[(STACK_TAG, "sales")])),
    (
        "sales-databucket-3",
        Some(&[(STACK_TAG, "sales"), (STACK_NAME_TAG, "crm"), (TEMPLATE_NAME_TAG, DATA_BUCKET)]),
    ),
    ("sales-databucket-4", None),
    ("sales-figures", None),
];

fn answer_s3(uri: &str) -> (StatusCode, String) {
    if !uri.contains("tagging") {
        let names = BUCKETS.iter().map(|(name, _)| format!("<Bucket><Name>{name}</Name></Bucket>"));
        let buckets: String = names.collect();
        return (
            StatusCode::OK,
            format!("<ListAllMyBucketsResult><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"),
        );
    }
    let name = uri.split(['/', '?', '.']).find(|part| part.contains('-')).unwrap();
    let error = |status, code| (status, format!("<Error><Code>{code}</Code></Error>"));
    match BUCKETS.iter().find(|(bucket, _)| *bucket == name).and_then(|(_, tags)| *tags) {
        None => error(StatusCode::FORBIDDEN, "AccessDenied"),
        Some([]) => error(StatusCode::NOT_FOUND, "NoSuchTagSet"),
        Some(tags) => {
            let tags =
                tags.iter().map(|(key, value)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"));
            let tags: String = tags.collect();
            (StatusCode::OK, format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"))
        }
    }
}

async fn answer(request: Request) -> (StatusCode, String) {
    let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
    let Some(target) = target else { return answer_s3(&request.uri().to_string()) };
    let operation = target.rsplit('.').next().unwrap().to_owned();
    if target.starts_with("Logs") {
        return (StatusCode::BAD_REQUEST, DENIED.to_owned());
    }
    let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
    (StatusCode::OK, answer_dynamodb(&operation, &serde_json::from_slice(&body).unwrap()).to_string())
}

async fn find(stack: Option<&str>, in_use: &[&str]) -> RetainedData {
    find_in(test_server::connect(answer).await, stack, in_use).await
}

async fn find_in(aws: Aws, stack: Option<&str>, in_use: &[&str]) -> RetainedData {
    let stack: Option<StackName> = stack.map(|stack| stack.parse().unwrap());
    let in_use: Vec<_> = in_use.iter().map(|name| (*name).to_owned()).collect();
    RetainedData::find(&aws, stack.as_ref(), &in_use).await.unwrap()
}

fn roles(data: &RetainedData) -> Vec<(&str, Option<&str>, bool)> {
    let roles = data.resources.iter();
    roles.map(|it| (it.name.as_str(), it.template_name, it.is_certain)).collect()
}

#[tokio::test]
async fn data_is_found_by_its_tag_on_every_page() {
    let data = find(Some("orders"), &[]).await;
    assert_eq!(
        roles(&data),
        [
            ("orders-ItemsTable-1", Some("ItemsTable"), true),
            ("orders-LedgerTable-1", Some("LedgerTable"), true),
            // Its key is not that of a ledger.
            ("orders-LedgerTable-2", None, true),
            // Their keys say what they are.
            ("orders-restored", Some("ItemsTable"), false),
            ("orders-restored-ledger", Some("LedgerTable"), false),
            ("orders-databucket-1", Some("DataBucket"), true),
        ]
    );
    let unlisted: Vec<_> = data.unlisted.iter().map(|(what, _)| *what).collect();
    assert_eq!(unlisted, ["logs"]);
}

#[tokio::test]
async fn data_of_all_stacks_is_found_unless_it_is_in_use() {
    let data = find(None, &["orders-ItemsTable-1", "orders-databucket-1"]).await;
    let stacks: Vec<_> = data.resources.iter().map(|it| (it.stack.as_str(), it.name.as_str())).collect();
    assert_eq!(
        stacks,
        [
            ("orders", "orders-LedgerTable-1"),
            ("orders", "orders-LedgerTable-2"),
            ("orders-eu", "orders-eu-ItemsTable-1"),
            ("orders-eu", "orders-eu-databucket-1"),
            ("sales", "sales-databucket-1"),
            ("sales", "sales-databucket-2"),
            ("sales", "sales-databucket-3"),
        ]
    );
}

#[tokio::test]
async fn in_aws_a_bucket_needs_the_tags_of_cloudformation() {
    let aws = Aws { endpoint_url: None, ..test_server::connect(answer).await };
    let data = find_in(aws, Some("sales"), &[]).await;
    assert_eq!(
        roles(&data),
        [
            ("sales-databucket-1", Some("DataBucket"), true),
            ("sales-databucket-2", Some("DataBucket"), false),
            ("sales-databucket-3", Some("DataBucket"), false),
        ]
    );
    // Whether the fourth is the stack's is unknown. The figures are not.
    let unlisted: Vec<_> = data.unlisted.iter().map(|(_, denied)| denied.to_single_line()).collect();
    assert!(unlisted[0].contains("cannot read the tags of the bucket sales-databucket-4"), "{unlisted:?}");
    assert_eq!(data.unlisted.iter().map(|(what, _)| *what).collect::<Vec<_>>(), ["buckets", "logs"]);
}
