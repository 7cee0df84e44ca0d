//! `restctl upload` with all its options.

use std::fs;
use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, eventually, interrupt};
use crate::interposed::{Gate, interpose};

fn count_loads(cloud: &Cloud) -> usize {
    cloud.succeed(&["loads", "ls", "--output", "json"]).json().as_array().unwrap().len()
}

#[test]
fn refused_files_are_not_sent() {
    let cloud = Cloud::shared_read_only();
    let before = count_loads(cloud);
    let forecast = cloud.succeed(&["upload", "--dry-run", "--output", "json", "bad.csv"]).json();
    assert_eq!((&forecast["rows"], &forecast["rejected"]), (&json!(8), &json!(5)));
    assert_eq!(forecast["columns"][0], json!({ "name": "id", "type": "string" }));
    assert_eq!(forecast["rejects"][0]["line"], 3);
    let whole = cloud.succeed(&["upload", "--dry-run", "items.csv"]);
    assert_eq!((whole.receipt_count("rows"), whole.receipt_count("duplicates")), (3000, 15));
    for words in ["write units per second", "price", "number"] {
        assert!(whole.stdout.contains(words), "{}", whole.stdout);
    }

    let too_many = ["5 of 13 rows would be rejected, more than 38%", "line 3", "--max-rejects"];
    cloud.run(&["upload", "--max-rejects", "38%", "bad.csv"]).failed_with(1, &too_many);
    cloud.run(&["upload", "--dry-run", "--max-rejects", "0", "bad.csv"]).failed_with(1, &["more than 0%"]);

    for (args, words) in [
        (&["-"][..], ["standard input has no name", "--name"]),
        (&["--name", "x.csv", "items.csv", "bad.csv"], ["--name is for one file", "one by one"]),
        (&["--name", "restctl-rejects/x.csv", "items.csv"], ["an object cannot be called", "--name"]),
        (&["--delimiter", ";", "items.ndjson"], ["is not CSV", "--delimiter"]),
        (&["--types", "id:number", "items.csv"], ["cannot be chosen", "it is the key"]),
        (&["--types", "price:number,price:string", "items.csv"], ["two types", "price"]),
        (&["--types", "price:int", "items.csv"], ["--types", "int"]),
        (&["items.csv", "nowhere.csv"], ["nowhere.csv does not exist", "correct the path"]),
        (&["."], [". is a folder", "name the files in it, such as ./*.csv"]),
        (&["/dev/null"], ["/dev/null is a pipe or a device", "--name items.csv"]),
        (&["items.csv/x"], ["cannot read items.csv/x", "correct the path"]),
        (&["\u{1b}[31m.csv"], ["\\u{1b}[31m.csv does not exist", "correct the path"]),
    ] {
        let refused = cloud.run(&[&["upload"], args].concat());
        refused.failed_with(2, &words);
        assert!(!refused.stderr.contains('\u{1b}'), "{:?}", refused.stderr);
    }
    cloud.run(&["upload", "--types", "prise:number", "items.csv"]).failed_with(1, &["prise"]);
    assert_eq!(count_loads(cloud), before, "something was sent");
}

#[test]
fn what_to_do_fits_the_file() {
    let cloud = Cloud::shared_read_only();
    for (name, text, words) in [
        ("empty.csv", "", ["the file is empty", "write it again with a header"]),
        ("archive.csv", "a.csv\0\0\0\0id\n1\n", ["the content is no text", "decompress or unpack it"]),
        ("other-key.csv", "code\n1\n", ["no column is named \"id\"", "restctl deploy --key NAME:S"]),
        ("other-key.json", "[{\"code\":1}]", ["the row has \"code\"", "restctl deploy --key NAME:S"]),
        ("wrapped.ndjson", "{\"items\":[{\"id\":1}]}", ["the row has \"items\"", "--records PATH"]),
        ("two.json", "{\"a\":[{\"id\":1}],\"b\":[{}]}", ["several arrays", "--records /a"]),
        ("text.json", "hello", ["is not JSON", "restctl upload --help"]),
    ] {
        let file = cloud.write_file(name, text);
        for command in [&["upload", "--dry-run"][..], &["upload"], &["verify"]] {
            let refused = cloud.run(&[command, &[&file]].concat());
            refused.failed_with(1, &words);
            assert!(!refused.stderr.contains("doctor"), "{}", refused.stderr);
        }
    }
}

#[test]
fn files_without_rows_and_with_many_columns_load() {
    let cloud = Cloud::start_deployed(&[]);
    for (name, text) in [("header.csv", "id,n\n"), ("empty.json", "[]")] {
        let file = cloud.write_file(name, text);
        let loaded = cloud.succeed(&["upload", &file]);
        assert!(loaded.stderr.contains("it has no rows, so nothing is loaded"), "{}", loaded.stderr);
        assert_eq!(loaded.receipt_count("read"), 0);
        let verified = cloud.succeed(&["verify", &file]);
        assert!(verified.stderr.contains("the table and the API are equal"), "{}", verified.stderr);
    }
    let wide = |columns: usize| {
        let header: String = (1..=columns).map(|column| format!(",c{column}")).collect();
        cloud.write_file("wide.csv", &format!("id{header}\n1{}\n", ",x,1".repeat(columns / 2)))
    };
    let file = wide(3000);
    let forecast = cloud.succeed(&["upload", "--dry-run", "--output", "json", &file]).json();
    assert_eq!((&forecast["rows"], &forecast["columns"][3000]["type"]), (&json!(1), &json!("number")));
    assert_eq!(cloud.succeed(&["upload", &file]).receipt_count("new"), 1);
    assert_eq!(cloud.succeed(&["get", "--id", "1"]).json()["c3000"], 1);
    let file = wide(10_000);
    for command in [&["upload", "--dry-run"][..], &["upload"]] {
        cloud.run(&[command, &[&file]].concat()).failed_with(1, &["has too many columns", "NDJSON"]);
    }
}

#[test]
fn spreadsheets_parquet_and_archives_are_converted_and_load() {
    let cloud = Cloud::start_deployed(&[]);
    for (file, object, note) in [
        ("converted/types.xlsx", "types.xlsx.ndjson.zst", "sheet \"Prices\" of an Excel workbook"),
        ("converted/few-gzip.parquet", "few-gzip.parquet.ndjson.zst", "Parquet, 3 rows in 1 row group"),
        ("converted/one.zip", "data.csv.zst", "\"2026/data.csv\" of a zip archive"),
    ] {
        let loaded = cloud.succeed(&["upload", file]);
        assert!(loaded.stderr.contains(note), "{}", loaded.stderr);
        assert!(loaded.stderr.contains(&format!("uploaded {object}")), "{}", loaded.stderr);
        assert_eq!(loaded.receipt_count("rejected"), 0, "{file}");
        let again = cloud.succeed(&["upload", file]);
        assert!(again.stderr.contains("is already in the bucket, byte for byte"), "{}", again.stderr);
    }
    let item = cloud.succeed(&["get", "--id", "2"]).json();
    assert_eq!(item, json!({ "id": "2", "name": "東京, 🗼" }));
    let item = cloud.succeed(&["get", "--id", "a"]).json();
    assert_eq!(item, json!({ "id": "a", "list": [1, null, 3], "ts_us": "2026-01-15T09:30:00.123456Z" }));
    cloud.succeed(&["upload", "--name", "again", "converted/types.xlsx"]);
    let item = cloud.succeed(&["get", "--id", "1"]).json();
    assert_eq!((&item["moment"], &item["whole"]), (&json!("2026-01-15T09:30:00"), &json!(42)));
    let verified = cloud.run(&["verify", "--output", "json", "--sheet", "Prices", "converted/types.xlsx"]);
    assert_eq!(verified.json()["table"]["different"], 0, "{}", verified.stdout);
}

#[test]
fn texts_in_other_encodings_are_surveyed() {
    let cloud = Cloud::shared_read_only();
    for args in [
        &["--encoding", "latin1", "converted/windows-1252.csv"][..],
        &["converted/utf-16-le.csv"],
        &["--sheet", "2", "converted/types.xlsx"],
    ] {
        let forecast = cloud.succeed(&[&["upload", "--dry-run", "--output", "json"], args].concat()).json();
        assert_eq!(forecast["rejected"], 0, "{args:?}");
        assert_ne!(forecast["rows"], 0, "{args:?}");
    }
    for (args, words) in [
        (&["--encoding", "ebcdic", "items.csv"][..], ["no such encoding", "windows-1252"]),
        (&["--sheet", "9", "converted/types.xlsx"], ["has no sheet \"9\"", "\"Prices\", \"../x\""]),
        (&["--sheet", "1", "items.csv"], ["--sheet does not apply", "leave it out"]),
    ] {
        cloud.run(&[&["upload", "--dry-run"], args].concat()).failed_with(2, &words);
    }
}

#[test]
fn files_of_every_format_load_in_order() {
    let cloud = Cloud::start_deployed(&[]);
    let first = cloud.write_file("first.csv", "id;price;zip\n1;1.50;010\n2;2;020\n1;3;030\n");
    let options = ["--delimiter", ";", "--types", "price:number", "--types", "zip:string"];
    let loaded = cloud.succeed(&[&["upload", &first], &options[..]].concat());
    assert_eq!(
        (loaded.receipt_count("read"), loaded.receipt_count("new"), loaded.receipt_count("duplicates")),
        (3, 2, 1)
    );
    let item = cloud.succeed(&["get", "--id", "1"]).json();
    assert_eq!(item, json!({ "id": "1", "price": 3, "zip": "030" }));
    assert_eq!(cloud.succeed(&["get", "--id", "2"]).json()["zip"], "020");

    let second = cloud.write_file("second.csv", "id,zip\n1,of the second\n");
    let third = cloud.write_file("third.ndjson", "{\"id\":\"1\",\"zip\":\"of the third\"}\n");
    let both = cloud.succeed(&["upload", &second, &third, "--output", "json"]);
    let receipts: Vec<Value> = both.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let objects: Vec<_> = receipts.iter().map(|receipt| receipt["object"].clone()).collect();
    assert_eq!(objects, ["second.csv", "third.ndjson"]);
    assert!(receipts.iter().all(|receipt| receipt["state"] == "loaded" && receipt["read"] == 1));
    assert_eq!(cloud.succeed(&["get", "--id", "1"]).json()["zip"], "of the third");

    for (file, rows) in [("items.ndjson.gz", 6), ("items-bom.csv.zst", 24)] {
        assert_eq!(cloud.succeed(&["upload", file]).receipt_count("read"), rows, "{file}");
    }
    let piped = cloud.run_with_input(&["upload", "-", "--name", "piped.csv"], "id,n\npiped,1\n");
    assert_eq!((piped.exit, piped.receipt_count("new")), (0, 1), "{}", piped.stderr);
    assert_eq!(cloud.succeed(&["get", "--id", "piped"]).json(), json!({ "id": "piped", "n": 1 }));
    // As a shell passes `<(command)`.
    let substituted = ["upload", "/dev/stdin", "--name", "substituted.csv"];
    let substituted = cloud.run_with_input(&substituted, "id,n\npiped,2\n");
    assert_eq!((substituted.exit, substituted.receipt_count("changed")), (0, 1), "{}", substituted.stderr);
    cloud.run_with_input(&["upload", "/dev/stdin"], "id\n1\n").failed_with(2, &["is a pipe", "--name"]);

    // One file is loaded in part, the other completely.
    let two = cloud.run(&["upload", "bad.csv", &second]);
    two.failed_with(3, &["5 of 13 rows", "1 of 2 files", "restctl loads rejects ID"]);
}

#[test]
fn files_that_other_programs_wrote_load_with_nothing_but_their_name() {
    let cloud = Cloud::start_deployed(&[]);
    let item = |id: &str| cloud.succeed(&["get", "--id", id]).json();
    let stray = cloud.write_file("stray.csv", "id,c\n1,\"x\n2,y\n3,\"z\"\n4,w\n");
    let loaded = cloud.run(&["upload", &stray]);
    loaded.failed_with(3, &["1 of 4 rows were rejected", "2,,\"has text after a closing quote"]);
    assert_eq!((item("2")["c"].clone(), item("4")["c"].clone()), (json!("y"), json!("w")));
    cloud.run(&["upload", "--max-rejects", "0", &stray]).failed_with(1, &["was not sent", "line 2"]);
    let verified = cloud.run(&["verify", "--output", "json", &stray]).json();
    assert_eq!((&verified["rejected"], &verified["equal"]), (&json!(1), &json!(3)), "by the same rules");

    let swallowed = cloud.write_file("swallowed.csv", "id,c\n5,\"x\n6,y\n7,z\"\n14,w\n");
    for options in [&["upload"][..], &["upload", "--dry-run"]] {
        let refused = cloud.run(&[options, &[&swallowed]].concat());
        refused
            .failed_with(1, &["was not sent", "line 2", "2 lines that look like rows", "--multiline-cells"]);
    }
    cloud.succeed(&["upload", "--multiline-cells", &swallowed]);
    assert_eq!(item("5")["c"], "x\n6,y\n7,z");

    let excel = cloud.write_file("excel.csv", "sep=;\n;id; price ;\n0;8;3.50;\n1;9;4.25;\n");
    let loaded = cloud.succeed(&["upload", &excel]);
    let said = ["CSV with the delimiter ';'", "column 1, which has no name, is left out", "3.50 becomes 3.5"];
    assert!(said.iter().all(|words| loaded.stderr.contains(words)), "{}", loaded.stderr);
    assert_eq!(item("8"), json!({ "id": "8", "price": 3.5 }));

    let dump = cloud.write_file("dump.csv", "id,c,d\n10,\"a \\\"b\\\"\",\\N\n");
    cloud.run(&["upload", &dump]).failed_with(1, &["no row that can be loaded", "--escape"]);
    cloud.succeed(&["upload", "--escape", "\\", &dump]);
    assert_eq!(item("10"), json!({ "id": "10", "c": "a \"b\"" }));

    let wrapped = cloud.write_file("wrapped.json", "{\"meta\":{\"n\":1},\"data\":{\"rows\":[{\"id\":11}]}}");
    assert!(cloud.succeed(&["upload", &wrapped]).stderr.contains("the rows of /data/rows"));
    assert_eq!(item("11"), json!({ "id": "11" }));
    let two = cloud.write_file("two.json", "{\"a\":[{\"id\":12}],\"b\":[{\"id\":13}]}");
    cloud.run(&["upload", &two]).failed_with(1, &["several arrays", "/a, /b", "--records /a"]);
    cloud.succeed(&["upload", "--records", "b", &two]);
    assert_eq!(cloud.run(&["get", "--id", "12"]).exit, 5);

    let header = cloud.write_file("header.csv", "id,n\n");
    assert_eq!(cloud.succeed(&["upload", &header]).receipt_count("read"), 0);
}

#[test]
fn types_that_differ_from_the_table_are_said_and_may_be_kept() {
    let cloud = Cloud::start_deployed(&[]);
    let january = cloud.write_file("jan.csv", "id,zip\n1,01234\n");
    let february = cloud.write_file("feb.csv", "id,zip\n2,90210\n");
    cloud.succeed(&["upload", &january]);
    let forecast = cloud.succeed(&["upload", "--dry-run", &february]);
    let said = ["zip is a number here, and a string in 1 of the 1 items", "--types-from table"];
    assert!(said.iter().all(|words| forecast.stderr.contains(words)), "{}", forecast.stderr);
    let loaded = cloud.succeed(&["upload", "--types-from", "table", &february]);
    assert!(!loaded.stderr.contains("zip is a number"), "{}", loaded.stderr);
    assert_eq!(cloud.succeed(&["get", "--id", "2"]).json()["zip"], "90210");
    let wrong = ["upload", "--types-from", "table", "--types", "zap:string", &february];
    cloud.run(&wrong).failed_with(1, &["zap"]);
    let verified = cloud.run(&["verify", "--types-from", "table", "--output", "json", &february]);
    assert_eq!(verified.json()["table"]["different"], 0, "{}", verified.stdout);
}

#[test]
fn an_unchanged_file_is_not_sent_again() {
    let cloud = Cloud::start_deployed(&[]);
    let sent = cloud.succeed(&["upload", "--no-wait", "items-bom.csv"]);
    let id = sent.stdout.trim();
    assert_eq!(id.len(), 16, "{}", sent.stdout);
    let shown = || cloud.succeed(&["loads", "show", id, "--output", "json"]).json();
    eventually("the load is loaded", || (shown()["state"] == "loaded").then_some(()));
    assert_eq!((&shown()["read"], &shown()["object"]), (&json!(24), &json!("items-bom.csv")));

    let forecast = cloud.succeed(&["upload", "--dry-run", "items-bom.csv"]);
    assert!(forecast.stderr.contains(&format!("byte for byte: load {id}")), "{}", forecast.stderr);
    let again = cloud.succeed(&["upload", "items-bom.csv"]);
    assert!(
        again.stderr.contains("byte for byte") && again.stderr.contains("nothing has been loaded since"),
        "{}",
        again.stderr
    );
    assert!(again.stdout.contains(id), "{}", again.stdout);
    assert_eq!(again.receipt_count("new"), 24);
    assert_eq!(count_loads(&cloud), 1);
    cloud.mark_stopped(id);
    let stopped = cloud.run(&["upload", "items-bom.csv"]);
    stopped.failed_with(1, &["byte for byte", "stopped", "the table was away", &format!("loads retry {id}")]);
    // With other options, it is another load.
    cloud.succeed(&["upload", "--max-rejects", "5%", "items-bom.csv"]);
    cloud.succeed(&["upload", "--name", "other.csv", "items-bom.csv"]);
    assert_eq!(count_loads(&cloud), 3);
}

#[test]
fn a_file_whose_rows_were_replaced_is_loaded_again_by_force() {
    let cloud = Cloud::start_deployed(&[]);
    let first = cloud.write_file("first.csv", "id,name\n1,first\n2,first\n");
    let other = cloud.write_file("other.csv", "id,name\n2,other\n3,other\n");
    let load = |file: &str| cloud.succeed(&["upload", "--output", "json", file]).json();
    let earlier = load(&first)["load"].clone();
    let later = load(&other)["load"].as_str().unwrap().to_owned();

    let again = cloud.succeed(&["upload", &first]);
    let said =
        [&format!("{later} of other.csv"), "2 rows", "may have replaced its rows", "--force", "ended at"];
    assert!(said.iter().all(|words| again.stderr.contains(*words)), "{}", again.stderr);
    assert_eq!((again.receipt_count("later loads"), again.receipt_count("new")), (1, 2));
    let known = load(&first);
    assert_eq!(
        (&known["load"], &known["already_loaded"]["later_loads"][0]["written"]),
        (&earlier, &json!(2))
    );
    assert_eq!(cloud.succeed(&["get", "--id", "2"]).json()["name"], "other");

    let forced = cloud.succeed(&["upload", "--force", &first]);
    assert_eq!((forced.receipt_count("changed"), forced.receipt_count("unchanged")), (1, 1));
    assert!(forced.stdout.contains("object") && forced.stdout.contains("first.csv"), "{}", forced.stdout);
    assert_eq!(cloud.succeed(&["get", "--id", "2"]).json()["name"], "first");
    let newest = load(&first);
    assert_ne!(newest["load"], earlier);
    assert_eq!(newest["already_loaded"]["later_loads"], json!([]));
    assert_eq!(count_loads(&cloud), 3);

    let both = cloud.succeed(&["upload", "--no-wait", &first, &other]).stdout;
    let lines: Vec<&str> = both.lines().collect();
    assert!(lines.len() == 2 && lines[1] == format!("{later}  other.csv"), "{both}");
    let both = cloud.succeed(&["upload", "--no-wait", "--output", "json", &first, &other]).stdout;
    let objects: Vec<Value> =
        both.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["object"].clone()).collect();
    assert_eq!(objects, ["first.csv", "other.csv"]);
    // The load of the same bytes has stopped, and the file is sent again nevertheless.
    cloud.mark_stopped(newest["load"].as_str().unwrap());
    assert_eq!(cloud.succeed(&["upload", "--force", &first]).receipt_count("unchanged"), 2);
}

/// Its objects have the version `null`, which the next upload overwrites.
#[test]
fn a_bucket_whose_versioning_is_suspended_is_refused() {
    let cloud = Cloud::start_deployed(&[]);
    let path = format!("/{}?versioning", cloud.resource_id("DataBucket"));
    cloud.send_request("s3", Method::PUT, &path, |request| {
        request.body("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")
    });
    for _ in 0..2 {
        cloud.run(&["upload", "items-bom.csv"]).failed_with(1, &["keeps no versions"]);
    }
}

/// Returns the parts that S3 has of the only unfinished upload.
fn uploaded_parts(cloud: &Cloud, bucket: &str, key: &str) -> Vec<String> {
    let texts = |xml: &str, tag: &str| -> Vec<String> {
        let opened = format!("<{tag}>");
        xml.split(&opened).skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    };
    let uploads = texts(&cloud.get_s3(&format!("/{bucket}?uploads")), "UploadId");
    let Some(upload) = uploads.first() else { return Vec::new() };
    texts(&cloud.get_s3(&format!("/{bucket}/{key}?uploadId={upload}")), "LastModified")
}

#[test]
fn an_interrupted_upload_resumes() {
    let cloud = Cloud::start_deployed(&[]);
    let bucket = cloud.resource_id("DataBucket");
    let rows = (0..2000).map(|id| format!("{id},{}\n", "x".repeat(30_000)));
    let wide = cloud.write_file("wide.csv", &format!("id,text\n{}", rows.collect::<String>()));
    // The last part arrives only after the interruption, however fast this machine is.
    let is_interrupted = Gate::default();
    let gate = is_interrupted.clone();
    interpose(&cloud, move |call| {
        if call.uri.contains("partNumber=8") {
            gate.wait_until_open();
        }
        None
    });
    let mut sending = cloud.command(&["upload", &wide]).stderr(Stdio::piped()).spawn().unwrap();
    let there = eventually("a part is there", || {
        Some(uploaded_parts(&cloud, &bucket, "wide.csv")).filter(|parts| !parts.is_empty())
    });
    interrupt(&sending);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut sending.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(sending.wait().unwrap().code(), Some(130), "{said}");
    is_interrupted.open();
    assert!(said.contains("the parts sent so far are kept"), "{said}");
    let next = said.lines().find_map(|line| line.trim().strip_prefix("next: ")).unwrap();
    assert!(next.ends_with(&format!(" upload {wide}")), "{next}");
    let kept = uploaded_parts(&cloud, &bucket, "wide.csv");
    assert!(kept.len() >= there.len(), "{kept:?} {there:?}");
    let records = cloud.state_folder().join("restctl/uploads");
    assert_eq!(fs::read_dir(&records).unwrap().count(), 1);

    let resumed = cloud.succeed(&["upload", &wide]);
    let resuming =
        resumed.stderr.lines().find_map(|line| line.strip_prefix("resuming an interrupted upload: "));
    let words =
        resuming.unwrap_or_else(|| panic!("{}", resumed.stderr)).split_whitespace().collect::<Vec<_>>();
    // A part that was on its way may have arrived since.
    let found: usize = words[0].parse().unwrap();
    assert!(found >= kept.len() && words[2] == "8", "{words:?} {kept:?}");
    assert_eq!(resumed.receipt_count("read"), 2000);
    assert_eq!(fs::read_dir(&records).unwrap().count(), 0);
}
