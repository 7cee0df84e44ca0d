//! `restctl cert`: the certificate that the API presents, and its renewal.

use std::process::Stdio;

use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::authority::{Authority, Issued, generate_rsa_key};
use crate::cloud::{Cloud, CommandOutput, eventually, interrupt};
use crate::record_edit::RecordEdit;
use crate::tls_stand_in::serve_in_turn;

fn show_certificate(cloud: &Cloud) -> Value {
    cloud.succeed(&["cert", "show", "--output", "json"]).json()
}

/// Writes the files of this certificate, and returns the arguments of `restctl cert renew` with them.
fn renew_args(cloud: &Cloud, issued: &Issued, chain: &str) -> Vec<String> {
    let cert = cloud.write_file("leaf.pem", &issued.certificate.pem());
    let key = cloud.write_file("leaf-key.pem", &issued.key.serialize_pem());
    let chain = cloud.write_file("chain.pem", chain);
    ["cert", "renew", "--cert", &cert, "--key", &key, "--chain", &chain].map(str::to_owned).to_vec()
}

#[test]
fn a_certificate_is_shown_and_renewed() {
    let cloud = Cloud::start_empty();
    for command in ["show", "renew"] {
        cloud.run(&["cert", command]).failed_with(5, &["has not been set up", "restctl setup"]);
    }
    cloud.succeed(&["setup"]);
    assert_eq!(show_certificate(&cloud)["served"], Value::Null);
    let waiting = cloud.succeed(&["cert", "renew"]);
    assert!(
        waiting.stderr.contains("not served before the next deployment\nnext: restctl deploy"),
        "{}",
        waiting.stderr
    );
    cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);

    a_self_signed_certificate_renews_itself(&cloud);
    a_key_of_another_type_waits_for_a_deployment(&cloud);
    renew_waits_until_the_certificate_is_served(&cloud);
    unsuitable_certificates_are_not_imported(&cloud);
    a_deleted_certificate_is_reported(&cloud);
}

fn a_self_signed_certificate_renews_itself(cloud: &Cloud) {
    let before = show_certificate(cloud);
    assert_eq!(
        before["served"],
        json!({
            "fingerprint": before["fingerprint"], "is_same": true, "is_trusted": true, "why": null,
        })
    );
    assert_eq!((&before["self_signed"], &before["chain"]), (&json!(true), &json!([])));
    assert_eq!((&before["key_algorithm"], &before["days_left"]), (&json!("EC_prime256v1"), &json!(396)));
    assert_eq!(before["acm"]["status"], "ISSUED");

    let renewed = cloud.succeed(&["cert", "renew", "--output", "json"]).json();
    let after = show_certificate(cloud);
    assert_eq!((&renewed["outcome"], &renewed["next"]), (&json!("served"), &Value::Null));
    assert_eq!(renewed["arn"], before["arn"]);
    assert_eq!(renewed["former_fingerprint"], before["fingerprint"]);
    assert_ne!(renewed["fingerprint"], before["fingerprint"]);
    assert_eq!(renewed["addresses"], json!([cloud.record()["front"]]));
    assert!(renewed["served_after_ms"].is_u64(), "{renewed}");
    assert_eq!((&after["arn"], &after["fingerprint"]), (&before["arn"], &renewed["fingerprint"]));
    assert_eq!(after["served"]["fingerprint"], renewed["fingerprint"]);
    cloud.succeed(&["get", "--id", "42"]);
}

fn a_key_of_another_type_waits_for_a_deployment(cloud: &Cloud) {
    let (before, authority) = (show_certificate(cloud), Authority::with_rsa_keys());
    let renew = |issued: &Issued| {
        let args = renew_args(cloud, issued, &authority.chain_pem());
        cloud.succeed(&args.iter().map(String::as_str).chain(["--output", "json"]).collect::<Vec<_>>())
    };
    let superseding = renew(&authority.issue_for_key(generate_rsa_key(), "restctl.localhost", 90));
    let words = "a new ARN because the key type changes from EC_prime256v1 to RSA_2048; restctl deploy";
    assert!(superseding.stderr.contains(words), "{}", superseding.stderr);
    let report = superseding.json();
    assert_eq!((&report["outcome"], &report["next"]), (&json!("imported"), &json!("restctl deploy")));
    assert_ne!(report["arn"], before["arn"]);
    let waiting = show_certificate(cloud);
    assert_eq!(waiting["served"]["fingerprint"], before["fingerprint"]);
    assert_eq!(
        (&waiting["served"]["is_same"], &waiting["served"]["is_trusted"]),
        (&json!(false), &json!(false))
    );

    cloud.succeed(&["deploy"]);
    let deployed = show_certificate(cloud);
    assert_eq!(
        (&deployed["served"]["is_same"], &deployed["key_algorithm"]),
        (&json!(true), &json!("RSA_2048"))
    );
    let subjects: Vec<_> =
        deployed["chain"].as_array().unwrap().iter().map(|each| &each["subject"]).collect();
    assert!(subjects.len() == 2 && subjects[0].as_str().unwrap().contains("intermediate"), "{subjects:?}");

    let again = renew(&authority.issue_for_key(generate_rsa_key(), "restctl.localhost", 90)).json();
    assert_eq!((&again["outcome"], &again["arn"]), (&json!("served"), &deployed["arn"]));
    cloud.succeed(&["get", "--id", "42"]);
}

/// A load balancer serves a renewed certificate only after a while.
fn renew_waits_until_the_certificate_is_served(cloud: &Cloud) {
    let authority = Authority::with_rsa_keys();
    let (former, successor) = (
        authority.issue_certificate("restctl.localhost", 90),
        authority.issue_for_key(generate_rsa_key(), "restctl.localhost", 90),
    );
    let chain =
        |issued: &Issued| vec![issued.certificate.der().clone(), authority.intermediate.der().clone()];
    let args = renew_args(cloud, &successor, &authority.chain_pem());
    let args: Vec<_> = args.iter().map(String::as_str).chain(["--output", "json"]).collect();

    let (old, new) = ((chain(&former), &former.key), (chain(&successor), &successor.key));
    let late = serve_in_turn(&[old.clone(), old.clone(), new]);
    let edit = RecordEdit::new(cloud, "front", &late.address.to_string());
    let report = cloud.succeed(&args).json();
    assert_eq!((&report["outcome"], late.handshakes()), (&json!("served"), 3));
    assert!(report["served_after_ms"].is_u64(), "{report}");
    drop(edit);

    let never = serve_in_turn(&[old]);
    let _edit = RecordEdit::new(cloud, "front", &never.address.to_string());
    let renewing = cloud.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the command waits", || (never.handshakes() > 1).then_some(()));
    interrupt(&renewing);
    let interrupted = CommandOutput::from(renewing.wait_with_output().unwrap());
    interrupted.failed_with(130, &["the certificate is imported", "restctl cert show"]);
    let ended = cloud.run(&[&args[..], &["--timeout", "1s"]].concat());
    ended.failed_with(7, &["stopped waiting after 1 s", "the certificate is imported", "restctl cert show"]);
}

fn unsuitable_certificates_are_not_imported(cloud: &Cloud) {
    let (before, authority) = (show_certificate(cloud), Authority::new());
    cloud
        .run(&["cert", "renew"])
        .failed_with(2, &["only its issuer can renew the certificate", "--cert FILE --key FILE"]);
    let refused = |issued: &Issued, words: &[&str]| {
        let args = renew_args(cloud, issued, &authority.chain_pem());
        cloud.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).failed_with(2, words);
    };
    let for_rsa_key = authority.issue_for_key(generate_rsa_key(), "restctl.localhost", 90);
    refused(&for_rsa_key, &["leaf.pem has an RSA key, but its issuer has an ECDSA key", "openssl req"]);
    let for_another_name = authority.issue_certificate("other.localhost", 90);
    refused(&for_another_name, &["for other.localhost, not for restctl.localhost", "nothing was imported"]);
    refused(&authority.issue_certificate("restctl.localhost", -1), &["expired on"]);
    let mut mixed = authority.issue_certificate("restctl.localhost", 90);
    mixed.key = KeyPair::generate().unwrap();
    refused(&mixed, &["does not match"]);
    assert_eq!(show_certificate(cloud), before);
    let all = cloud.call_json("acm", "CertificateManager.ListCertificates", &json!({}));
    assert_eq!(all["CertificateSummaryList"].as_array().unwrap().len(), 1, "{all}");
}

fn a_deleted_certificate_is_reported(cloud: &Cloud) {
    let arn = json!({ "CertificateArn": show_certificate(cloud)["arn"] });
    cloud.call_json("acm", "CertificateManager.DeleteCertificate", &arn);
    cloud.run(&["cert", "show"]).failed_with(5, &["is not in ACM", "restctl setup --cert"]);
}
