use axum::extract::Request;
use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;

const DENIED: &str = r#"{"__type":"AccessDeniedException","message":"not you"}"#;

/// Tables by their names, with the values of the stack's tag and of CloudFormation's own, and the key.
const TABLES: [(&str, Option<&str>, &str, &str); 5] = [
    ("orders-ItemsTable-1", Some("orders"), "", "id"),
    ("orders-LedgerTable-1", Some("orders"), "", "load"),
    ("orders-LedgerTable-2", Some("orders"), "", "id"),
    ("orders-restored", Some("orders"), "ItemsTable", "id"),
    ("orders-eu-ItemsTable-1", Some("orders-eu"), "", "id"),
];

fn table_tags(table: &str) -> Value {
    let Some((_, stack, resource, _)) = TABLES.iter().find(|(name, ..)| *name == table) else {
        return json!([]);
    };
    let tags = [(STACK_TAG, *stack), (TEMPLATE_NAME_TAG, Some(*resource).filter(|name| !name.is_empty()))];
    let tags = tags.into_iter().filter_map(|(key, value)| Some(json!({ "Key": key, "Value": value? })));
    tags.collect()
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

fn answer_s3(uri: &str) -> (StatusCode, String) {
    if !uri.contains("tagging") {
        let names = ["orders-databucket-1", "orders-databucket-of-another-tool", "orders-eu-databucket-1"];
        let buckets: String = names
            .iter()
            .filter(|name| !uri.contains("prefix=") || name.starts_with("orders-"))
            .map(|name| format!("<Bucket><Name>{name}</Name></Bucket>"))
            .collect();
        return (
            StatusCode::OK,
            format!("<ListAllMyBucketsResult><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"),
        );
    }
    // As on the local cloud, this stack's bucket has no tag.
    let stack = if uri.contains("orders-eu-") {
        "orders-eu"
    } else {
        return (StatusCode::NOT_FOUND, "<Error><Code>NoSuchTagSet</Code></Error>".to_owned());
    };
    let tag = format!("<Tag><Key>{STACK_TAG}</Key><Value>{stack}</Value></Tag>");
    (StatusCode::OK, format!("<Tagging><TagSet>{tag}</TagSet></Tagging>"))
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
    let aws = test_server::connect(answer).await;
    let stack: Option<StackName> = stack.map(|stack| stack.parse().unwrap());
    let in_use: Vec<_> = in_use.iter().map(|name| (*name).to_owned()).collect();
    RetainedData::find(&aws, stack.as_ref(), &in_use).await.unwrap()
}

fn names(data: &RetainedData) -> Vec<(&str, Option<&str>)> {
    data.resources.iter().map(|resource| (resource.name.as_str(), resource.template_name)).collect()
}

#[tokio::test]
async fn data_is_found_by_its_tag_on_every_page() {
    let data = find(Some("orders"), &[]).await;
    assert_eq!(
        names(&data),
        [
            ("orders-ItemsTable-1", Some("ItemsTable")),
            ("orders-LedgerTable-1", Some("LedgerTable")),
            // Its key is not that of a ledger.
            ("orders-LedgerTable-2", None),
            ("orders-restored", Some("ItemsTable")),
            ("orders-databucket-1", Some("DataBucket")),
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
        ]
    );
}
