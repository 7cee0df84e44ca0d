//! `restctl get`: formats, many ids, the origin of an item, and the session cache.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use restctl_contract::load::LoadId;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::impostor::Impostor;
use crate::interposed::interpose;

/// Starts a deployed cloud with the items of the demo.
fn deploy_and_load() -> Cloud {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud
}

fn item_ids(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn items_come_in_the_requested_format_and_order() {
    let cloud = deploy_and_load();
    each_format_is_written(&cloud);
    many_ids_keep_their_order(&cloud);
    large_items_keep_their_order(&cloud);
    an_item_is_explained(&cloud);
    every_id_is_reached(&cloud);
    a_byte_order_mark_is_part_of_an_id(&cloud);

    cloud.run(&["get"]).failed_with(2, &["there are no ids"]);
    cloud.run(&["get", "--ids-file", "nowhere"]).failed_with(2, &["cannot read nowhere"]);
    cloud.run(&["get", "--id", "1", "2", "--explain"]).failed_with(2, &["--explain is for one id"]);
    cloud.run(&["get", "--id", "1", "--explain", "--format", "csv"]).failed_with(2, &["cannot be used with"]);
    let too_long = format!("1\n{}\n", "x".repeat(5_000));
    let refused = cloud.run_with_input(&["get", "--ids-file", "-"], &too_long);
    refused.failed_with(2, &["line 2 of standard input is not an id"]);
    assert_eq!(refused.stdout, "");
}

fn each_format_is_written(cloud: &Cloud) {
    let get = |args: &[&str]| cloud.run(&[&["get", "--id", "42", "nobody", "7"], args].concat());
    let csv = get(&["--format", "csv"]);
    csv.failed_with(3, &["1 of 3 ids was not found", "\"nobody\""]);
    assert_eq!(
        csv.stdout,
        "id,description,discontinued,name,origin,price,quantity,sku,updated\n\
         42,\"Cotton, 30 by 50 cm, dries fast\",false,Pocket Towel,Türkiye,12.5,42,00042,2026-01-05\n\
         7,\"Known as the \"\"Apron\"\", stone washed, two pockets\",false,Small Linen Apron,Lithuania,40.25,7,007,2025-07-03\n"
    );
    let chosen = get(&["--format", "csv", "--fields", "price,id,colour,price"]);
    chosen.failed_with(3, &["no item has colour\n"]);
    assert_eq!(chosen.stdout, "price,id,colour\n12.5,42,\n40.25,7,\n");
    let ndjson = get(&["--format", "ndjson", "--fields", "sku,id"]);
    assert_eq!(
        (ndjson.exit, ndjson.stdout.as_str()),
        (3, "{\"sku\":\"00042\",\"id\":\"42\"}\n{\"sku\":\"007\",\"id\":\"7\"}\n")
    );
    let table = get(&["--format", "table", "--fields", "id,description"]);
    assert_eq!(
        table.stdout,
        "id  description\n42  Cotton, 30 by 50 cm, dries fast\n7   Known as the \"Apron\", stone washed, two…\n"
    );
    let document = get(&["--output", "json", "--fields", "id"]);
    document.failed_with(3, &["\"exit\":3"]);
    assert_eq!(document.json(), json!({ "items": [{ "id": "42" }, { "id": "7" }], "missing": ["nobody"] }));

    let one = |args: &[&str]| cloud.succeed(&[&["get", "--id", "42", "--fields", "id,price"], args].concat());
    assert_eq!(one(&[]).stdout, "{\n  \"id\": \"42\",\n  \"price\": 12.5\n}\n");
    assert_eq!(one(&["--format", "ndjson"]).stdout, "{\"id\":\"42\",\"price\":12.5}\n");
    assert_eq!(one(&["--format", "csv"]).stdout, "id,price\n42,12.5\n");
    assert_eq!(one(&["--format", "table"]).stdout, "id  price\n42  12.5\n");
    let none = cloud.run(&["get", "--id", "x", "--format", "csv"]);
    none.failed_with(5, &["there is no item \"x\""]);
    assert_eq!(none.stdout, "");
}

fn many_ids_keep_their_order(cloud: &Cloud) {
    let all: Vec<String> = (1..=2_500).rev().map(|id| id.to_string()).collect();
    let text = cloud.run_with_input(&["get", "--format", "ndjson", "--fields", "id"], &all.join("\r\n"));
    assert_eq!(text.exit, 0, "{}", text.stderr);
    let lines: Vec<String> = all.iter().map(|id| format!("{{\"id\":\"{id}\"}}")).collect();
    assert!(text.stdout.lines().eq(lines.iter()), "in the order of the ids");

    let strange: Vec<String> = (0..15).map(|id| format!("no-{id}")).collect();
    let some = cloud.run_with_input(&["get"], &format!("{}\n1\n", strange.join("\n")));
    some.failed_with(3, &["15 of 16 ids were not found", "see \"missing\""]);
    assert_eq!((item_ids(&some.json()["items"]), &some.json()["missing"]), (vec!["1"], &json!(strange)));
    let none = cloud.run_with_input(&["get", "--format", "csv"], &strange.join("\n"));
    none.failed_with(5, &["15 of 15 ids were not found", "\"no-0\"", "\"no-9\" and 5 more"]);
    assert!(!none.stderr.contains("no-10"), "{}", none.stderr);
}

/// Byte for byte, from the command line and from a file.
fn every_id_is_reached(cloud: &Cloud) {
    let longest = "\"".repeat(2_048);
    let ids = [
        "\u{feff}marked",
        ".",
        "..",
        "...",
        "../x",
        " edge ",
        "\ttab\t",
        "\u{1}\u{1b}[31m\u{7f}",
        "a\rb",
        "a/b?c#d%2F+&",
        "é e\u{301} 😀",
        "\u{85}\u{a0}\u{202e}\u{2028}",
        "--id",
        "-",
        "\"quoted\"",
        "batch-get",
        "$serde_json::private::Number",
        &longest,
    ];
    let row =
        |id: &&str| json!({ "id": id, "$serde_json::private::Number": { "a": "1" } }).to_string() + "\n";
    let rows: String = ids.iter().map(row).collect();
    cloud.succeed(&["upload", &cloud.write_file("unusual.ndjson", &rows)]);
    for id in ids {
        let found = cloud.succeed(&["get", &format!("--id={id}"), "--fields", "id"]);
        assert_eq!(found.stdout, format!("{{\n  \"id\": {}\n}}\n", json!(id)), "{id:?}");
    }
    for end in ["\n", "\r\n"] {
        let file = cloud.write_file("ids.txt", &ids.join(end));
        let found = cloud.succeed(&["get", "--ids-file", &file, "--format", "ndjson", "--fields", "id"]);
        assert_eq!(found.stdout, ids.map(|id| json!({ "id": id }).to_string() + "\n").concat());
    }
    let missing = cloud.run(&["get", "--id", "edge"]);
    missing.failed_with(5, &["there is no item \"edge\""]);
    let too_long = cloud.run(&["get", "--id", "..", &"x".repeat(2_049), "--fields", "id"]);
    too_long.failed_with(3, &["1 of 2 ids is not valid", "(--id) is longer than 2048 bytes"]);
    assert_eq!(too_long.json()["items"], json!([{ "id": ".." }]));
    let explained = cloud.succeed(&["get", "--id", "..", "--explain"]);
    assert!(explained.stderr.contains("unusual.ndjson"), "{}", explained.stderr);
}

fn a_byte_order_mark_is_part_of_an_id(cloud: &Cloud) {
    let file = cloud.write_file("bom.txt", "\u{feff}42\r\n7\r\n");
    let found = cloud.run(&["get", "--ids-file", &file, "--fields", "id"]);
    found
        .failed_with(3, &["1 of 2 ids was not found", "line 1 starts with a byte order mark", "sed -i '1s/"]);
    assert_eq!(found.json(), json!({ "items": [{ "id": "7" }], "missing": ["\u{feff}42"] }));
}

#[test]
fn ids_of_the_wrong_type_do_not_hide_the_others() {
    let cloud = Cloud::start_deployed(&["--key", "id:N"]);
    let rows = cloud.write_file("numbers.csv", "id,name\n5,five\n0.5,half\n-1,minus\n");
    cloud.succeed(&["upload", &rows]);
    for id in ["5", "5.", "+5", "05", "+.5e1"] {
        assert_eq!(cloud.succeed(&["get", &format!("--id={id}")]).json()["id"], 5, "{id}");
    }
    assert_eq!(cloud.succeed(&["get", "--id", ".5"]).json()["name"], "half");
    assert_eq!(cloud.succeed(&["get", "--id", "-1"]).json()["name"], "minus");
    cloud.run(&["get", "--id", "x"]).failed_with(1, &["400", "is not a number", "correct the id"]);
    cloud.run(&["get", "--id", ".."]).failed_with(1, &["the id \"..\" is not a number", "correct the id"]);
    cloud.run(&["get", "--ids-file", "."]).failed_with(2, &["cannot read .", "--ids-file FILE"]);

    let ids = cloud.write_file("ids.txt", "5\n\nfive\n 5\n.5\n8\n");
    let found = cloud.run(&["get", "--ids-file", &ids, "--id", "x", "--fields", "name"]);
    found.failed_with(
        3,
        &[
            "1 of 6 ids was not found, and 3 are not valid",
            "\"x\" (--id) is not a number; \"five\" (line 3) is not a number; \" 5\" (line 4) is not a number",
        ],
    );
    let bad = |id: &str| json!({ "id": id, "detail": "is not a number" });
    assert_eq!(
        found.json(),
        json!({
            "items": [{ "name": "five" }, { "name": "half" }],
            "missing": ["8"],
            "invalid": [bad("x"), bad("five"), bad(" 5")],
        })
    );
    let many: String = (0..30).map(|id| format!("x{id}\n")).collect();
    let none = cloud.run_with_input(&["get", "--format", "csv"], &many);
    none.failed_with(5, &["30 of 30 ids are not valid", "\"x9\" (line 10) is not a number and 20 more"]);
    assert_eq!(none.stdout, "id\n");
}

/// An answer has no room for all of its items. The others arrive nevertheless, in the requested order.
fn large_items_keep_their_order(cloud: &Cloud) {
    let wide: Vec<String> = (0..100).map(|id| format!("wide-{id}")).collect();
    let rows: String = wide.iter().map(|id| format!("{id},{}\n", "x".repeat(20_000))).collect();
    cloud.succeed(&["upload", &cloud.write_file("wide.csv", &format!("id,text\n{rows}"))]);
    let missing: Vec<String> = (0..1_940).map(|id| format!("no-{id}")).collect();
    // The second call leaves some for later while the third is in progress.
    let asked = [&missing[..1_000], &wide[..60], &missing[1_000..], &wide[60..]].concat().join("\n");
    let found = cloud.run_with_input(&["get", "--fields", "id"], &asked);
    assert_eq!(found.exit, 3, "{}", found.stderr);
    assert_eq!(item_ids(&found.json()["items"]), wide);
    assert_eq!(found.json()["missing"], json!(missing));
}

fn an_item_is_explained(cloud: &Cloud) {
    let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
    let load = loads.as_array().unwrap().iter().find(|load| load["object"] == "items.csv").unwrap();
    let text = cloud.succeed(&["get", "--id", "42", "--explain"]);
    assert_eq!(text.json()["name"], "Pocket Towel");
    for words in ["first byte", "TLS 1.3", "200", "items.csv", load["load"].as_str().unwrap()] {
        assert!(text.stderr.contains(words), "{words:?} is not in:\n{}", text.stderr);
    }

    let both = cloud.succeed(&["get", "--id", "42", "--explain", "--output", "json"]).json();
    let explanation = &both["explanation"];
    assert_eq!(both["item"]["name"], "Pocket Towel");
    for member in ["load", "object", "uploaded"] {
        assert_eq!(explanation[member], load[member], "{member}");
    }
    assert_eq!((&explanation["status"], &explanation["tls_version"]), (&json!(200), &json!("TLS 1.3")));
    assert_eq!(explanation["certificate_fingerprint"], read_session(cloud).1["location"]["fingerprint"]);
    assert!(explanation["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{explanation}");
    let time = |name: &str| explanation[name].as_f64().unwrap();
    let steps = ["resolve_ms", "connect_ms", "tls_ms", "first_byte_ms"].map(time);
    assert!(steps.iter().sum::<f64>() <= time("total_ms") && time("first_byte_ms") > 0.0, "{explanation}");

    let by_hand =
        json!({ "TableName": cloud.resource_id("ItemsTable"), "Item": { "id": { "S": "by-hand" } } });
    cloud.call_json("dynamodb", "DynamoDB_20120810.PutItem", &by_hand);
    let by_hand = cloud.succeed(&["get", "--id", "by-hand", "--explain"]);
    assert!(by_hand.stderr.contains("another tool wrote the item"), "{}", by_hand.stderr);
    let nobody = cloud.run(&["get", "--id", "nobody", "--explain", "--output", "json"]);
    nobody.failed_with(5, &["there is no item"]);
    assert_eq!(
        (
            &nobody.json()["item"],
            &nobody.json()["explanation"]["status"],
            &nobody.json()["explanation"]["load"]
        ),
        (&Value::Null, &json!(404), &Value::Null)
    );
    assert!(load["load"].as_str().unwrap().parse::<LoadId>().is_ok());
}

/// Returns the path and the content of the session cache.
fn read_session(cloud: &Cloud) -> (PathBuf, Value) {
    let folder = cloud.state_folder().join("restctl/local/tokens");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    (file.clone(), serde_json::from_slice(&fs::read(file).unwrap()).unwrap())
}

fn write_location(cloud: &Cloud, location: &Value) {
    let (file, mut session) = read_session(cloud);
    session["location"] = location.clone();
    fs::write(file, session.to_string()).unwrap();
}

#[test]
fn cached_answers_save_calls() {
    let cloud = deploy_and_load();
    let token = cloud.succeed(&["token", "--output", "json"]).json();
    assert!(token["expires_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{token}");
    assert_eq!(token["access_token"], cloud.succeed(&["token"]).stdout.trim());
    cloud.succeed(&["get", "--id", "42"]);
    let (_, remembered) = read_session(&cloud);
    assert_eq!(remembered["token"]["access_token"], token["access_token"]);
    a_stale_location_is_replaced(&cloud, &remembered["location"]);
    a_changed_profile_invalidates_the_cache(&cloud);

    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    interpose(&cloud, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Some(json!({ "__type": "AccessDeniedException", "message": "not for you" }).to_string())
    });
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json()["id"], "42");
    assert_eq!(cloud.succeed(&["get", "--id", "42", "7", "--format", "csv"]).stdout.lines().count(), 3);
    cloud.succeed(&["token"]);
    let file = cloud.state_folder().join("all.csv");
    let exported = cloud.succeed(&["export", file.to_str().unwrap(), "--output", "json"]);
    assert_eq!(exported.json(), json!({ "items": 2985, "file": file }));
    assert_eq!(calls.load(Ordering::Relaxed), 0, "AWS was asked");

    // A command that has to ask AWS shows why that fails.
    let mut nowhere = remembered["location"].clone();
    nowhere["port"] = json!(1);
    write_location(&cloud, &nowhere);
    let refused = cloud.run(&["get", "--id", "42"]);
    refused.failed_with(refused.exit.max(1), &["error: cannot "]);
    assert!(calls.load(Ordering::Relaxed) > 0);
}

/// After a deployment from another machine, the API may be elsewhere, have another certificate, or another server may answer
/// at its former address.
fn a_stale_location_is_replaced(cloud: &Cloud, good: &Value) {
    let replaces = |stale: &Value| {
        write_location(cloud, stale);
        assert_eq!(cloud.succeed(&["get", "--id", "42"]).json()["id"], "42", "from {stale}");
        let location = read_session(cloud).1["location"].take();
        assert_eq!((&location["port"], &location["host"]), (&good["port"], &good["host"]));
        location
    };
    let with = |member: &str, value: Value| {
        let mut stale = good.clone();
        stale[member] = value;
        stale
    };
    replaces(&with("port", json!(1)));
    replaces(&with("host", json!("gone.invalid")));
    replaces(&with("anchor", json!("of another time")));
    let served = cloud.state_folder().join("restctl/local/front/restctl/certificate.pem");
    let impostor = Impostor::start_with(&fs::read(served).unwrap());
    replaces(&with("port", json!(impostor.port)));
    assert_eq!(impostor.request_count(), 1, "it has the certificate, and was asked once");

    // Each of many concurrent calls finds the API.
    write_location(cloud, &with("port", json!(1)));
    let all: Vec<String> = (1..=2_500).map(|id| id.to_string()).collect();
    let found = cloud.run_with_input(&["get", "--format", "ndjson"], &all.join("\n"));
    assert_eq!((found.exit, found.stdout.lines().count()), (0, 2_500), "{}", found.stderr);

    cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    let folder = cloud.state_folder().join("restctl/local/tokens");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "setup forgets what was remembered");
    cloud.succeed(&["token"]);
    let renewed = replaces(good);
    assert_ne!(renewed["fingerprint"], good["fingerprint"]);
}

/// With the standard credential chain, as on AWS, against the endpoint of the local cloud.
fn a_changed_profile_invalidates_the_cache(cloud: &Cloud) {
    let profile = cloud.state_folder().join("aws-config");
    fs::write(&profile, "[default]\nregion = us-east-1\n").unwrap();
    let token = || {
        let mut command = cloud.command_as_on_aws(&["token"]);
        command.env("AWS_CONFIG_FILE", &profile);
        for variable in ["AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"] {
            command.env_remove(variable);
        }
        let ran = CommandOutput::from(command.output().unwrap());
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        ran.stdout.trim().to_owned()
    };
    token();
    let folder = fs::read_dir(cloud.state_folder().join("restctl/tokens")).unwrap();
    let file = folder.map(|file| file.unwrap().path()).next().unwrap();
    let mut session: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    session["token"]["access_token"] = json!("kept");
    fs::write(&file, session.to_string()).unwrap();
    assert_eq!(token(), "kept");
    fs::write(&profile, "[default]\nregion = us-east-1\n# and more\n").unwrap();
    assert_ne!(token(), "kept");
}
