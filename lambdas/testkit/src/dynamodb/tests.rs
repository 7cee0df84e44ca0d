use super::*;

async fn call(dynamo: &Dynamo, operation: &str, request: Value) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .post(dynamo.url())
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn item(id: usize) -> Value {
    json!({ "id": { "S": id.to_string() } })
}

fn writes(ids: impl Iterator<Item = usize>) -> Value {
    let puts: Vec<Value> = ids.map(|id| json!({ "PutRequest": { "Item": item(id) } })).collect();
    json!({ "RequestItems": { "items": puts } })
}

fn gets(ids: impl Iterator<Item = usize>) -> Value {
    json!({ "RequestItems": { "items": { "Keys": ids.map(item).collect::<Vec<_>>() } } })
}

async fn with_items() -> Dynamo {
    let dynamo = Dynamo::start().await;
    dynamo.create_table("items", "id");
    dynamo
}

#[tokio::test]
async fn batches_have_the_limits_of_the_service() {
    let dynamo = with_items().await;
    assert_eq!(call(&dynamo, "BatchWriteItem", writes(0..26)).await.0, 400);
    assert_eq!(call(&dynamo, "BatchWriteItem", writes([1, 1].into_iter())).await.0, 400);
    assert_eq!(dynamo.items("items").len(), 0);
    assert_eq!(call(&dynamo, "BatchWriteItem", writes(0..25)).await.0, 200);
    assert_eq!(dynamo.items("items").len(), 25);
    assert_eq!(call(&dynamo, "BatchGetItem", gets(0..101)).await.0, 400);
    assert_eq!(call(&dynamo, "BatchGetItem", gets([1, 1].into_iter())).await.0, 400);
    let (_, found) = call(&dynamo, "BatchGetItem", gets(20..30)).await;
    assert_eq!(found["Responses"]["items"].as_array().unwrap().len(), 5);
    assert_eq!(dynamo.calls("BatchGetItem"), 3);
}

#[tokio::test]
async fn what_is_left_unprocessed_is_handed_back() {
    let dynamo = with_items().await;
    dynamo.leave_unprocessed(2, 1);
    let (_, answer) = call(&dynamo, "BatchWriteItem", writes(0..5)).await;
    assert_eq!(answer["UnprocessedItems"], writes(3..5)["RequestItems"]);
    assert_eq!(dynamo.items("items").len(), 3);
    dynamo.leave_unprocessed(1, 1);
    let (_, answer) = call(&dynamo, "BatchGetItem", gets(0..3)).await;
    assert_eq!(answer["UnprocessedKeys"], gets(2..3)["RequestItems"]);
    let (_, answer) = call(&dynamo, "BatchGetItem", gets(0..3)).await;
    assert_eq!(answer["UnprocessedKeys"], json!({}));
}

#[tokio::test]
async fn a_scan_goes_page_by_page() {
    let dynamo = with_items().await;
    let scan = json!({ "TableName": "items", "Limit": 2, "ReturnConsumedCapacity": "TOTAL" });
    let (_, empty) = call(&dynamo, "Scan", scan.clone()).await;
    let units = json!({ "CapacityUnits": 1.0 });
    assert_eq!(empty, json!({ "Items": [], "Count": 0, "ScannedCount": 0, "ConsumedCapacity": units }));
    (0..3).for_each(|id| dynamo.put("items", item(id)));
    let (_, first) = call(&dynamo, "Scan", scan.clone()).await;
    assert_eq!((&first["Count"], &first["LastEvaluatedKey"]), (&json!(2), &item(1)));
    let mut next = scan;
    next["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
    let (_, second) = call(&dynamo, "Scan", next).await;
    assert_eq!((&second["Items"], &second["LastEvaluatedKey"]), (&json!([item(2)]), &Value::Null));
}

#[tokio::test]
async fn refusals_name_their_kind() {
    let dynamo = with_items().await;
    dynamo.throttle("PutItem", 1);
    let put = json!({ "TableName": "items", "Item": item(7) });
    let (_, answer) = call(&dynamo, "PutItem", put.clone()).await;
    let kind = answer["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ProvisionedThroughputExceededException"), "{kind}");
    assert_eq!(call(&dynamo, "PutItem", put.clone()).await.0, 200);
    dynamo.refuse_key(&json!({ "S": "7" }));
    assert_eq!(call(&dynamo, "PutItem", put).await.0, 400);
    assert_eq!(call(&dynamo, "BatchWriteItem", writes(7..9)).await.0, 400);
    let (_, answer) = call(&dynamo, "GetItem", json!({ "TableName": "items", "Key": item(7) })).await;
    assert_eq!(answer, json!({ "Item": item(7) }));
    let (_, answer) = call(&dynamo, "GetItem", json!({ "TableName": "none", "Key": item(7) })).await;
    assert!(answer["__type"].as_str().unwrap().ends_with("#ResourceNotFoundException"));
}
