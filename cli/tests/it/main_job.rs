//! The main job, command by command, against a local cloud: the real template, the real Lambda binaries, a real
//! TLS handshake.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::authority::Authority;
use crate::cloud::{Cloud, CommandOutput, interrupt};
use crate::endpoint::the_printed_commands_work;
use crate::interposed::{Gate, interpose};

/// Returns the counts of the receipt that do not depend on the table's former content, and `new`.
fn receipt_counts(upload: &CommandOutput) -> Vec<String> {
    ["read", "new", "duplicates", "rejected"]
        .map(|name| format!("{name} {}", upload.receipt_count(name)))
        .into()
}

#[test]
fn from_a_file_to_an_api_and_back_to_nothing() {
    let cloud = Cloud::start_empty();
    let setup = cloud.succeed(&["setup"]);
    let arn =
        setup.stderr.split_whitespace().find(|word| word.starts_with("arn:aws:acm:")).unwrap().to_owned();

    let deployed = cloud.succeed(&["deploy"]);
    assert!(deployed.stdout.starts_with("https://localhost:"), "{}", deployed.stdout);
    let again = cloud.succeed(&["deploy"]);
    assert!(again.stderr.contains("no change"), "{}", again.stderr);
    assert_eq!(again.stdout, deployed.stdout);

    let uploaded = cloud.succeed(&["upload", "items.csv"]);
    assert_eq!(receipt_counts(&uploaded), ["read 3000", "new 2985", "duplicates 15", "rejected 0"]);

    let token = cloud.succeed(&["token"]).stdout;
    assert_eq!(token.trim().split('.').count(), 3);
    a_token_is_cached_until_it_expires(&cloud, token.trim());

    let item = cloud.succeed(&["get", "--id", "42"]).json();
    let expected = json!({
        "id": "42", "name": "Pocket Towel", "description": "Cotton, 30 by 50 cm, dries fast", "price": 12.5,
        "quantity": 42, "discontinued": false, "sku": "00042", "origin": "Türkiye", "updated": "2026-01-05",
    });
    assert_eq!(item, expected);

    let several = cloud.succeed(&["get", "--id", "7", "--id", "42", "--id", "7"]).json();
    let ids: Vec<_> = several["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, ["7", "42"]);
    let some = cloud.run(&["get", "--id", "42", "--id", "nobody"]);
    some.failed_with(3, &["ids was not found"]);
    assert_eq!(some.json()["missing"], json!(["nobody"]));

    // More ids than fit into one call.
    let all_ids: Vec<String> = (1..=2985).map(|id| id.to_string()).collect();
    let ids_file = cloud.write_file("ids", &all_ids.join("\n"));
    let all = cloud.succeed(&["get", "--ids-file", &ids_file]).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2985);

    an_impostor_is_refused(&cloud);

    // A new certificate under the same ARN is served at once.
    let renewed = cloud.succeed(&["setup", "--self-signed", "api.example.com"]);
    assert!(renewed.stderr.contains(&arn), "{}", renewed.stderr);
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json(), expected);
    assert_eq!(cloud.succeed(&["deploy"]).stdout, deployed.stdout);

    a_private_authority_is_accepted(&cloud);
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json(), expected);
    let renamed = cloud.succeed(&["deploy"]);
    assert!(renamed.stdout.starts_with("https://orders.example.com:"), "{}", renamed.stdout);
    the_printed_commands_work(&cloud, &renamed.stderr);

    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    assert!(destroyed.stderr.contains("nothing of the stack restctl remains"), "{}", destroyed.stderr);
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    cloud.run(&["get", "--id", "42"]).failed_with(5, &["restctl setup"]);
    cloud.succeed(&["setup"]);
}

/// An impostor presents another certificate for the same name at the same address.
fn an_impostor_is_refused(cloud: &Cloud) {
    let file = cloud.state_folder().join("restctl/local/front/restctl/certificate.pem");
    let genuine = std::fs::read(&file).unwrap();
    let impostor = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = format!("{}{}", impostor.cert.pem(), impostor.signing_key.serialize_pem());
    std::fs::write(&file, pem).unwrap();
    cloud.run(&["get", "--id", "42"]).failed_with(1, &["invalid peer certificate", "restctl setup"]);
    std::fs::write(&file, genuine).unwrap();
    cloud.succeed(&["get", "--id", "42"]);
}

fn a_token_is_cached_until_it_expires(cloud: &Cloud, token: &str) {
    let files: Vec<_> =
        std::fs::read_dir(cloud.state_folder().join("restctl/local/tokens")).unwrap().collect();
    let [Ok(file)] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(file.path()).unwrap().contains(token));

    let keep = |token: &str, expires_in: u64| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let kept = json!({ "token": { "access_token": token, "expires_at": now + expires_in } });
        std::fs::write(file.path(), kept.to_string()).unwrap();
    };
    keep("kept", 600);
    assert_eq!(cloud.succeed(&["token"]).stdout, "kept\n");
    // The API refuses the cached token, so `get` requests a new one.
    cloud.succeed(&["get", "--id", "42"]);
    keep("of-former-settings", 600);
    cloud.succeed(&["setup"]);
    assert_eq!(cloud.succeed(&["token"]).stdout.trim().split('.').count(), 3);
    keep("about-to-expire", 30);
    assert_eq!(cloud.succeed(&["token"]).stdout.trim().split('.').count(), 3);
}

/// Sets up a certificate of a private authority, which has an intermediate certificate.
fn a_private_authority_is_accepted(cloud: &Cloud) {
    let authority = Authority::new();
    let issued = authority.issue_certificate("orders.example.com", 90);
    let cert = cloud.write_file("cert.pem", &issued.certificate.pem());
    let key = cloud.write_file("key.pem", &issued.key.serialize_pem());
    let reversed = format!("{}{}", authority.root.pem(), authority.intermediate.pem());
    let upside_down = cloud.write_file("upside-down.pem", &reversed);
    let refused = cloud.run(&["setup", "--cert", &cert, "--key", &key, "--chain", &upside_down]);
    refused.failed_with(2, &["certificate 1", "did not issue"]);
    let chain = cloud.write_file("chain.pem", &authority.chain_pem());
    let setup = cloud.succeed(&["setup", "--cert", &cert, "--key", &key, "--chain", &chain]);
    assert!(setup.stderr.contains("orders.example.com"), "{}", setup.stderr);
}

#[test]
fn files_of_every_format_load_and_bad_rows_are_named() {
    let cloud = Cloud::start_deployed(&[]);

    let bom = cloud.succeed(&["upload", "items-bom.csv"]);
    assert_eq!(receipt_counts(&bom), ["read 24", "new 24", "duplicates 0", "rejected 0"]);
    for file in ["items.ndjson", "items.json"] {
        let loaded = cloud.succeed(&["upload", file]);
        assert_eq!(loaded.receipt_count("read"), 6, "{file}");
    }
    let wide = cloud.succeed(&["upload", &wide_file(&cloud)]);
    assert_eq!(
        (wide.receipt_count("read"), wide.receipt_count("new") + wide.receipt_count("changed")),
        (600, 600)
    );
    let ids: Vec<String> = (0..100).map(|id| format!("--id={id}")).collect();
    let get: Vec<&str> = std::iter::once("get").chain(ids.iter().map(String::as_str)).collect();
    let items = cloud.succeed(&get).json()["items"].take();
    assert_eq!(items.as_array().unwrap().len(), 100, "2 MB come in several answers");

    let bad = cloud.run(&["upload", "bad.csv"]);
    bad.failed_with(3, &["5 of 13 rows were rejected", "line,column,reason,row"]);
    assert_eq!(["read", "changed", "rejected"].map(|count| bad.receipt_count(count)), [13, 8, 5]);
    let not_utf8 = cloud.run(&["upload", "not-utf8.csv"]);
    not_utf8.failed_with(3, &["1 of 3 rows were rejected", "3,,is not UTF-8", "--encoding windows-1252"]);
    let transcoded = cloud.succeed(&["upload", "--encoding", "windows-1252", "not-utf8.csv"]);
    assert_eq!((transcoded.receipt_count("read"), transcoded.receipt_count("rejected")), (3, 0));
    assert_eq!(cloud.succeed(&["get", "--id", "2"]).json()["name"], "Café crème");

    for (file, words) in [
        ("no-key.csv", ["no column is named \"id\"", "next:"]),
        ("empty.csv", ["the file is empty", "next:"]),
        ("README.md", ["does not tell the format", ".csv"]),
        ("nowhere.csv", ["nowhere.csv does not exist", "error:"]),
    ] {
        let refused = cloud.run(&["upload", file]);
        assert_ne!(refused.exit, 0, "{file}");
        refused.failed_with(refused.exit, &words);
        assert!(!refused.stderr.contains("uploaded"), "{file} was sent");
    }

    cloud.run(&["get", "--id", "no such id"]).failed_with(5, &["there is no item \"no such id\"", "next:"]);
    cloud.run(&["get", "--id", "x", "--id", "y"]).failed_with(5, &["2 of 2 ids were not found"]);
    cloud.run(&["get", "--id", ""]).failed_with(2, &["an id is empty"]);
}

#[test]
fn a_load_is_queued_if_the_bucket_sends_no_event() {
    let cloud = Cloud::start_deployed(&[]);
    let rules = cloud.call_json("events", "AWSEvents.ListRules", &json!({}));
    let name = rules["Rules"][0]["Name"].clone();
    cloud.call_json("events", "AWSEvents.DisableRule", &json!({ "Name": name }));

    // An upload that waits for its load reads the ledger, which does not answer before the newer file is uploaded.
    let (newer_is_sent, ledger_is_read) = (Gate::default(), Gate::default());
    let (may_answer, read) = (newer_is_sent.clone(), ledger_is_read.clone());
    interpose(&cloud, move |call| {
        if call.target.ends_with(".GetItem") {
            read.open();
            may_answer.wait_until_open();
        }
        None
    });
    interrupt_a_wait(&cloud, &ledger_is_read);
    // Of two uploads under one name, only the newer one is queued: the older one must not overwrite it.
    let older = upload_until_sent(&cloud, &cloud.write_file("items.csv", "id,name\n1,older\n"));
    let newer = upload_until_sent(&cloud, "items.csv");
    newer_is_sent.open();
    let newer = CommandOutput::from(newer.wait_with_output().unwrap());
    assert_eq!(newer.exit, 0, "{}", newer.stderr);
    assert_eq!(receipt_counts(&newer)[..2], ["read 3000", "new 2985"]);
    CommandOutput::from(older.wait_with_output().unwrap())
        .failed_with(1, &["was uploaded again before it was loaded"]);
    assert_ne!(cloud.succeed(&["get", "--id", "1"]).json()["name"], "older");
}

/// Ctrl-C ends the wait for a load whose file was uploaded in parts.
fn interrupt_a_wait(cloud: &Cloud, has_begun: &Gate) {
    let upload = upload_until_sent(cloud, &wide_file(cloud));
    has_begun.wait_until_open();
    interrupt(&upload);
    let interrupted = CommandOutput::from(upload.wait_with_output().unwrap());
    interrupted.failed_with(130, &["stopped waiting for the load"]);
}

/// Runs `restctl upload FILE` until it has sent the file and waits for its load.
fn upload_until_sent(cloud: &Cloud, file: &str) -> Child {
    let mut command = cloud.command(&["upload", file]);
    let mut upload = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(upload.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("uploaded ") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it had sent {file}");
    }
    assert!(said.buffer().is_empty());
    upload.stderr = Some(said.into_inner());
    upload
}

/// Writes a file of 600 rows that is larger than one part of an upload, and returns its path.
fn wide_file(cloud: &Cloud) -> String {
    let rows = (0..600).map(|id| format!("{id},{}\n", "x".repeat(20_000)));
    cloud.write_file("wide.csv", &format!("id,text\n{}", rows.collect::<String>()))
}
