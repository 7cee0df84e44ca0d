//! `restctl verify`: what is equal, and what another tool has changed, in the table and in the API.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::interposed::interpose;

const FIRST: &str = "id,price,name,sku\n\
    1,1.50,Mug,007\n\
    2,12345678901234567890123456789012345678,,1\n\
    3,0.10,\"Thé, \"\"vert\"\"\nen vrac\",2\n\
    1,2.50,Mug again,008\n\
    ,9,nobody,3\n\
    4,-0.0,\"\",4\n";

fn receipt_counts<const N: usize>(ran: &CommandOutput, names: [&str; N]) -> [u64; N] {
    names.map(|name| ran.receipt_count(name))
}

/// Changes the table without restctl.
fn change_table(cloud: &Cloud, operation: &str, mut body: Value) {
    body["TableName"] = cloud.resource_id("ItemsTable").into();
    cloud.call_json("dynamodb", &format!("DynamoDB_20120810.{operation}"), &body);
}

fn finding_for_key<'a>(report: &'a Value, key: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["key"] == key).unwrap_or_else(|| panic!("{key}: {report}"))
}

#[test]
fn differences_in_the_table_name_the_load_that_wrote_them() {
    let cloud = Cloud::start_set_up();
    let first = cloud.write_file("first.csv", FIRST);
    let verify = ["verify", &first, "--types", "price:number"];
    let json = [&verify[..], &["--output", "json"]].concat();
    cloud.run(&verify).failed_with(5, &["restctl deploy"]);
    cloud.succeed(&["deploy"]);
    files_that_cannot_be_verified_are_refused(&cloud);
    cloud.run(&["upload", &first, "--types", "price:number"]).failed_with(3, &["1 of 6 rows"]);

    let equal = cloud.succeed(&verify);
    assert_eq!(receipt_counts(&equal, ["rows", "rejected", "superseded", "keys"]), [6, 1, 1, 4]);
    assert_eq!(receipt_counts(&equal, ["compared", "equal", "items looked at", "API calls"]), [4, 4, 4, 1]);
    for words in ["1 rows cannot be loaded", "line 7, column id: the key is empty", "are equal"] {
        assert!(equal.stderr.contains(words), "{}", equal.stderr);
    }
    // With other types, the numbers of the file are strings.
    cloud.run(&["verify", &first]).failed_with(3, &["are not equal", "restctl upload FILE"]);

    change_table(&cloud, "DeleteItem", json!({ "Key": { "id": { "S": "3" } } }));
    let update = json!({
        "Key": { "id": { "S": "1" } },
        "UpdateExpression": "SET price = :price REMOVE sku",
        "ExpressionAttributeValues": { ":price": { "N": "2.51" } },
    });
    change_table(&cloud, "UpdateItem", update);
    change_table(&cloud, "PutItem", json!({ "Item": { "id": { "S": "by hand" }, "n": { "NS": ["1"] } } }));
    let newer = cloud.write_file("newer.csv", "id,price\n4,5\n5,6\n");
    cloud.succeed(&["upload", &newer]);
    let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
    let ran = cloud.run(&json);
    ran.failed_with(3, &["are not equal", "restctl loads show"]);
    assert_differences(&ran.json(), &loads);

    let shown = cloud.run(&verify);
    assert_eq!(receipt_counts(&shown, ["equal", "missing in table", "missing in API"]), [1, 1, 1]);
    assert_eq!(
        receipt_counts(&shown, ["different in table", "different in API", "extra in table"]),
        [2, 2, 2]
    );
    for words in ["price: 2.5 in the file, 2.51 in table and API", "3 (line 4): missing in", "by hand: extra"]
    {
        assert!(shown.stdout.contains(words), "{}", shown.stdout);
    }
    samples_are_drawn(&cloud, &verify);

    set_loading(&cloud, loads[0]["load"].as_str().unwrap());
    cloud.run(&verify).failed_with(3, &["the table is being loaded (1 loads"]);
    assert_eq!(cloud.run(&json).json()["under_way"]["loads"], json!([loads[0]["load"]]));
}

/// Asserts that the report has each difference. `loads` are those of newer.csv and first.csv.
fn assert_differences(report: &Value, loads: &Value) {
    let writer = |load: &Value| json!({ "load": load["load"], "object": load["object"], "uploaded": load["uploaded"] });
    let different = finding_for_key(report, "1");
    let attributes = json!([
        { "name": "price", "file": 2.5, "found": 2.51, "is_cut": false },
        { "name": "sku", "file": "008", "is_cut": false },
    ]);
    for side in ["table", "api"] {
        assert_eq!(different[side]["verdict"], "different");
        assert_eq!(different[side]["attributes"], attributes);
    }
    assert_eq!((&different["line"], &different["load"]), (&json!(6), &writer(&loads[1])));
    assert_eq!(loads[1]["object"], "first.csv");

    let overwritten = finding_for_key(report, "4");
    assert_eq!((&overwritten["load"], &loads[0]["object"]), (&writer(&loads[0]), &json!("newer.csv")));
    let missing = finding_for_key(report, "3");
    assert_eq!(
        (&missing["table"]["verdict"], &missing["api"]["verdict"]),
        (&json!("missing"), &json!("missing"))
    );
    assert_eq!(finding_for_key(report, "5")["load"], writer(&loads[0]));
    let by_hand = finding_for_key(report, "by hand");
    assert_eq!(
        (&by_hand["table"]["verdict"], &by_hand["api"], &by_hand["load"]),
        (&json!("extra"), &json!(null), &json!(null))
    );
    assert_eq!(report["findings"].as_array().unwrap().len(), 5);
    assert_eq!(report["rejects"][0]["line"], 7);
    assert!(report["table"]["read_units"].as_f64().unwrap() > 0.0);
}

fn samples_are_drawn(cloud: &Cloud, verify: &[&str]) {
    let sample = |keys: &str| cloud.run(&[verify, &["--sample", keys]].concat());
    let two = sample("2");
    assert_eq!(receipt_counts(&two, ["keys", "compared"]), [4, 2]);
    assert!(two.stdout.contains("a sample") && two.receipt_count("items looked at") >= 2, "{}", two.stdout);
    // A sample that is larger than the file finds everything.
    let all = sample("1000");
    assert_eq!(
        receipt_counts(&all, ["compared", "equal", "items looked at", "extra in table"]),
        [4, 1, 5, 2]
    );
    sample("0").failed_with(2, &["--sample"]);
}

fn set_loading(cloud: &Cloud, load: &str) {
    let update = json!({
        "TableName": cloud.resource_id("LedgerTable"),
        "Key": { "load": { "S": load } },
        "UpdateExpression": "SET #state = :loading",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":loading": { "S": "loading" } },
    });
    cloud.call_json("dynamodb", "DynamoDB_20120810.UpdateItem", &update);
}

#[test]
fn answers_of_the_api_are_compared() {
    let cloud = Cloud::start_deployed(&["--key", "id:N"]);
    // More than fits into one answer, and an item that fits into none.
    let mut lines: Vec<String> =
        (0..3).map(|id| json!({ "id": id, "text": "x".repeat(300_000) }).to_string()).collect();
    lines.push(json!({ "id": 3, "text": "\u{1}".repeat(150_000) }).to_string());
    lines.push(r#"{"id":4.0e1,"price":1.50,"none":null,"deep":{"b":[1.0,{"c":""}],"a":true}}"#.to_owned());
    let large = cloud.write_file("large.ndjson", &lines.join("\n"));
    cloud.succeed(&["upload", &large]);
    let ran = cloud.run(&["verify", &large]);
    ran.failed_with(3, &["the table is right, but the API is not"]);
    assert_eq!(
        receipt_counts(&ran, ["equal", "missing in table", "missing in API", "different in API"]),
        [4, 0, 1, 0]
    );
    assert!(
        ran.receipt_count("API calls") > 3 && ran.stdout.contains("3 (line 4): missing in the API"),
        "{}",
        ran.stdout
    );

    let small = cloud.write_file("small.csv", "id,name\n1,one\n2,two\n3,three\n40,\n");
    cloud.succeed(&["upload", &small]);
    change_table(&cloud, "DeleteItem", json!({ "Key": { "id": { "N": "0" } } }));
    unprocessed_keys_are_asked_for_again(&cloud, &small);

    // The load balancer answers in place of the API.
    let answer = json!({
        "items": [{ "id": 1, "name": "One" }, { "id": 3.0, "name": "three", "restctl:load": "a stamp" }, { "id": 40 }],
        "missing": ["2"],
    });
    let form = [
        ("Action", "CreateRule"),
        ("ListenerArn", &cloud.resource_id("HttpsListener")),
        ("Priority", "1"),
        ("Conditions.member.1.Field", "path-pattern"),
        ("Conditions.member.1.Values.member.1", "/v1/items/batch-get"),
        ("Actions.member.1.Type", "fixed-response"),
        ("Actions.member.1.FixedResponseConfig.StatusCode", "200"),
        ("Actions.member.1.FixedResponseConfig.ContentType", "application/json"),
        ("Actions.member.1.FixedResponseConfig.MessageBody", &answer.to_string()),
    ];
    cloud.call_query("elasticloadbalancing", &form);
    let wrong = cloud.run(&["verify", &small, "--output", "json"]);
    wrong.failed_with(3, &["restctl deploy"]);
    let report = wrong.json();
    assert_eq!((&report["equal"], &report["table"]["different"]), (&json!(1), &json!(0)));
    assert_eq!((&report["api"]["missing"], &report["api"]["different"]), (&json!(1), &json!(2)));
    // The API's reads are eventually consistent, so it is asked again.
    assert_eq!(report["api"]["calls"], 2);
    assert_eq!(finding_for_key(&report, "1")["table"]["verdict"], "equal");
    assert_eq!(finding_for_key(&report, "1")["api"]["attributes"][0]["found"], "One");
    assert_eq!(finding_for_key(&report, "2")["api"]["verdict"], "missing");
    assert_eq!(finding_for_key(&report, "3")["api"]["attributes"][0]["name"], "restctl:load");
}

fn unprocessed_keys_are_asked_for_again(cloud: &Cloud, small: &str) {
    let has_refused = AtomicBool::new(false);
    interpose(cloud, move |call| {
        if !call.target.ends_with("BatchGetItem") || has_refused.swap(true, Ordering::Relaxed) {
            return None;
        }
        let request: Value = serde_json::from_str(&call.body).unwrap();
        let tables = request["RequestItems"].as_object().unwrap();
        assert!(tables.values().all(|table| table["ConsistentRead"] == true), "{request}");
        let units = json!([{ "TableName": "items", "CapacityUnits": 1000.5 }]);
        Some(json!({ "Responses": {}, "UnprocessedKeys": tables, "ConsumedCapacity": units }).to_string())
    });
    let equal = cloud.succeed(&["verify", small, "--output", "json"]).json();
    assert_eq!((&equal["equal"], &equal["findings"]), (&json!(4), &json!([])));
    assert!(equal["table"]["read_units"].as_f64().unwrap() > 1000.0, "{equal}");
}

/// The table of the stack is empty.
fn files_that_cannot_be_verified_are_refused(cloud: &Cloud) {
    for (args, exit, words) in [
        (&["nowhere.csv"][..], 2, "nowhere.csv does not exist"),
        (&["-"], 2, "--name items.csv"),
        (&["--types", "id:string", "items.csv"], 2, "it is the key"),
        (&["--delimiter", ";", "items.ndjson"], 2, "is not CSV"),
        (&["not-utf8.csv"], 3, "not UTF-8"),
        (&["no-key.csv"], 1, "no column is named"),
        (&["empty.csv"], 1, "the file is empty"),
    ] {
        cloud.run(&[&["verify"], args].concat()).failed_with(exit, &[words]);
    }
    let rejects = cloud.write_file("rejects.ndjson", "{}\n[]\n");
    cloud.run(&["verify", &rejects]).failed_with(1, &["no row that can be loaded", "line 1"]);
    let missing = cloud.run(&["verify", "items.ndjson.gz"]);
    missing.failed_with(3, &["restctl upload FILE"]);
    assert_eq!(
        receipt_counts(&missing, ["missing in table", "missing in API", "items looked at"]),
        [6, 6, 0]
    );
    // Most of a sample's segments would be empty.
    let sample = cloud.run(&["verify", "items.csv", "--sample", "10", "--output", "json"]).json();
    assert_eq!((&sample["table"]["missing"], &sample["keys"]), (&json!(10), &json!(2985)));
    assert!(sample["table"]["calls"].as_u64().unwrap() < 20, "{}", sample["table"]);
}
