use super::*;

async fn call_dynamo(dynamo: &Dynamo, operation: &str, request: Value) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .post(dynamo.url())
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn item_with_id(id: usize) -> Value {
    json!({ "id": { "S": id.to_string() } })
}

fn write_request(ids: impl Iterator<Item = usize>) -> Value {
    let puts: Vec<Value> = ids.map(|id| json!({ "PutRequest": { "Item": item_with_id(id) } })).collect();
    json!({ "RequestItems": { "items": puts } })
}

fn get_request(ids: impl Iterator<Item = usize>) -> Value {
    json!({ "RequestItems": { "items": { "Keys": ids.map(item_with_id).collect::<Vec<_>>() } } })
}

async fn with_items() -> Dynamo {
    let dynamo = Dynamo::start().await;
    dynamo.create_table("items", "id");
    dynamo
}

#[tokio::test]
async fn batches_have_the_limits_of_the_service() {
    let dynamo = with_items().await;
    assert_eq!(call_dynamo(&dynamo, "BatchWriteItem", write_request(0..26)).await.0, 400);
    assert_eq!(call_dynamo(&dynamo, "BatchWriteItem", write_request([1, 1].into_iter())).await.0, 400);
    assert_eq!(dynamo.items("items").len(), 0);
    assert_eq!(call_dynamo(&dynamo, "BatchWriteItem", write_request(0..25)).await.0, 200);
    assert_eq!(dynamo.items("items").len(), 25);
    assert_eq!(call_dynamo(&dynamo, "BatchGetItem", get_request(0..101)).await.0, 400);
    assert_eq!(call_dynamo(&dynamo, "BatchGetItem", get_request([1, 1].into_iter())).await.0, 400);
    let (_, found) = call_dynamo(&dynamo, "BatchGetItem", get_request(20..30)).await;
    assert_eq!(found["Responses"]["items"].as_array().unwrap().len(), 5);
    assert_eq!(dynamo.count_calls("BatchGetItem"), 3);
}

#[tokio::test]
async fn what_is_left_unprocessed_is_handed_back() {
    let dynamo = with_items().await;
    dynamo.leave_unprocessed(2, 1);
    let (_, answer) = call_dynamo(&dynamo, "BatchWriteItem", write_request(0..5)).await;
    assert_eq!(answer["UnprocessedItems"], write_request(3..5)["RequestItems"]);
    assert_eq!(dynamo.items("items").len(), 3);
    dynamo.leave_unprocessed(1, 1);
    let (_, answer) = call_dynamo(&dynamo, "BatchGetItem", get_request(0..3)).await;
    assert_eq!(answer["UnprocessedKeys"], get_request(2..3)["RequestItems"]);
    let (_, answer) = call_dynamo(&dynamo, "BatchGetItem", get_request(0..3)).await;
    assert_eq!(answer["UnprocessedKeys"], json!({}));
}

#[tokio::test]
async fn a_scan_goes_page_by_page() {
    let dynamo = with_items().await;
    let scan = json!({ "TableName": "items", "Limit": 2, "ReturnConsumedCapacity": "TOTAL" });
    let (_, empty) = call_dynamo(&dynamo, "Scan", scan.clone()).await;
    let units = json!({ "CapacityUnits": 1.0 });
    assert_eq!(empty, json!({ "Items": [], "Count": 0, "ScannedCount": 0, "ConsumedCapacity": units }));
    (0..3).for_each(|id| dynamo.put_item("items", item_with_id(id)));
    let (_, first) = call_dynamo(&dynamo, "Scan", scan.clone()).await;
    assert_eq!((&first["Count"], &first["LastEvaluatedKey"]), (&json!(2), &item_with_id(1)));
    let mut next = scan;
    next["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
    let (_, second) = call_dynamo(&dynamo, "Scan", next).await;
    assert_eq!((&second["Items"], &second["LastEvaluatedKey"]), (&json!([item_with_id(2)]), &Value::Null));
}

#[tokio::test]
async fn refusals_name_their_kind() {
    let dynamo = with_items().await;
    dynamo.throttle("PutItem", 1);
    let put = json!({ "TableName": "items", "Item": item_with_id(7) });
    let (_, answer) = call_dynamo(&dynamo, "PutItem", put.clone()).await;
    let kind = answer["__type"].as_str().unwrap();
    assert!(kind.ends_with("#ProvisionedThroughputExceededException"), "{kind}");
    assert_eq!(call_dynamo(&dynamo, "PutItem", put.clone()).await.0, 200);
    dynamo.refuse_key(&json!({ "S": "7" }));
    assert_eq!(call_dynamo(&dynamo, "PutItem", put).await.0, 400);
    assert_eq!(call_dynamo(&dynamo, "BatchWriteItem", write_request(7..9)).await.0, 400);
    let (_, answer) =
        call_dynamo(&dynamo, "GetItem", json!({ "TableName": "items", "Key": item_with_id(7) })).await;
    assert_eq!(answer, json!({ "Item": item_with_id(7) }));
    let (_, answer) =
        call_dynamo(&dynamo, "GetItem", json!({ "TableName": "none", "Key": item_with_id(7) })).await;
    assert!(answer["__type"].as_str().unwrap().ends_with("#ResourceNotFoundException"));
}
