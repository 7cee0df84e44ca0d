//! `restctl export`, and the upload of what it writes.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};

fn path_in_state(cloud: &Cloud, name: &str) -> String {
    cloud.state_folder().join(name).into_os_string().into_string().unwrap()
}

/// Returns the lines in sorted order.
fn sorted_lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// Replaces the cached token with one that the API refuses.
fn spoil_cached_token(cloud: &Cloud) {
    let cached =
        fs::read_dir(cloud.state_folder().join("restctl/local/tokens")).unwrap().next().unwrap().unwrap();
    let mut kept: Value = serde_json::from_slice(&fs::read(cached.path()).unwrap()).unwrap();
    kept["token"]["access_token"] = json!("expired");
    fs::write(cached.path(), kept.to_string()).unwrap();
}

#[test]
fn an_export_can_be_uploaded() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    cloud.succeed(&["upload", "items.csv"]);
    let csv = path_in_state(&cloud, "all.csv");
    let exported = cloud.succeed(&["export", &csv]);
    assert!(exported.stderr.contains(&format!("2985 items in {csv}")), "{}", exported.stderr);
    assert_eq!(exported.stdout, "");
    let header = "id,description,discontinued,name,origin,price,quantity,sku,updated\n";
    assert!(fs::read_to_string(&csv).unwrap().starts_with(header));
    cloud.run(&["export", &csv]).failed_with(2, &["all.csv exists", "--force"]);
    spoil_cached_token(&cloud);
    cloud.succeed(&["export", "--force", &csv]);
    assert_eq!(read_and_unchanged(&cloud.succeed(&["upload", &csv])), (2985, 2985));

    // A value of each kind that CSV cannot represent.
    let hard = [
        r#"{"id":"hard","big":12345678901234567890.123456789012345678,"empty":"","list":[1,{"b":null}],"text":"42"}"#,
        r#"{"id":"\"é\\\n,","flag":true,"none":null,"object":{"a":{"b":[]}},"small":-0.00012}"#,
    ];
    fs::write(path_in_state(&cloud, "hard.ndjson"), hard.join("\n")).unwrap();
    cloud.succeed(&["upload", &path_in_state(&cloud, "hard.ndjson")]);
    let ndjson = path_in_state(&cloud, "all.ndjson");
    cloud.succeed(&["export", &ndjson]);
    let printed = cloud.succeed(&["export"]);
    assert!(printed.stderr.contains("2987 items exported"), "{}", printed.stderr);
    let text = fs::read_to_string(&ndjson).unwrap();
    assert_eq!(sorted_lines(&text), sorted_lines(&printed.stdout));
    assert_eq!(sorted_lines(&text), sorted_lines(&cloud.succeed(&["export", "-"]).stdout));
    let found: Vec<&str> =
        text.lines().filter(|line| line.contains("hard") || line.contains("object")).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for line in found {
        let item: Value = serde_json::from_str(line).unwrap();
        assert!(hard.iter().any(|hard| serde_json::from_str::<Value>(hard).unwrap() == item), "{line}");
    }
    assert_eq!(read_and_unchanged(&cloud.succeed(&["upload", &ndjson])), (2987, 2987));
    let as_csv = cloud.succeed(&["export", "--format", "csv"]).stdout;
    assert!(as_csv.contains(r#""[1,{""b"":null}]""#), "{}", &as_csv[..500]);
}

fn read_and_unchanged(upload: &CommandOutput) -> (u64, u64) {
    (upload.receipt_count("read"), upload.receipt_count("unchanged"))
}

#[test]
fn an_export_that_ends_early_leaves_no_file() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    cloud.run(&["export", "items.xlsx"]).failed_with(2, &["does not show the format", "--format"]);
    for (args, words) in [
        (
            &["no/such folder/items.csv"][..],
            ["the folder no/such folder does not exist", "mkdir -p 'no/such folder'"],
        ),
        (&["items.csv/items.csv"], ["cannot write items.csv/items.csv", "another folder"]),
        (&["."], [". is a folder", "./items.ndjson"]),
        (
            &["--force", "--format", "csv", "/dev/null"],
            ["is a pipe or a device", "restctl export - > /dev/null"],
        ),
    ] {
        cloud.run(&[&["export"], args].concat()).failed_with(2, &words);
    }
    let file = path_in_state(&cloud, "all.csv");
    let before = fs::read_dir(cloud.state_folder()).unwrap().count();
    let empty = cloud.succeed(&["export", &file]);
    assert!(empty.stderr.contains("0 items in"), "{}", empty.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "id\n");
    fs::remove_file(&file).unwrap();
    cloud.succeed(&["deploy", "--list", "off"]);
    cloud.run(&["export", &file]).failed_with(5, &["has no list of items"]);
    assert_eq!(fs::read_dir(cloud.state_folder()).unwrap().count(), before);
}
