//! The origin of the deployed Lambdas, and the binaries that are refused before the upload.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::cloud::Cloud;
use crate::lambdas::lambdas_folder;
use crate::preflight::User;

/// A cargo with cargo-lambda, which copies binaries that exist already instead of building them.
const CARGO: &str = r#"#!/bin/sh
set -eu
echo "$@" >>"$CALLS"
[ "$1" = lambda ] || exit 1
[ "$2" = --version ] && exit 0
while [ "$1" != --lambda-dir ]; do shift; done
for name in restctl-api restctl-ingest; do
    mkdir -p "$2/$name"
    cp "$BUILT/$name" "$2/$name/bootstrap"
done
"#;

#[test]
fn cargo_lambda_builds_for_aws_if_it_is_installed() {
    let cloud = Cloud::start_set_up();
    let allowed = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let user = User::new(&cloud, &allowed);
    let folder = tempfile::tempdir().unwrap();
    let (cargo, calls) = (folder.path().join("cargo"), folder.path().join("calls"));
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let planned = user.run_with(&["deploy", "--dry-run"], |command| {
        command.env("CARGO", &cargo).env("CALLS", &calls).env("BUILT", lambdas_folder());
    });
    assert_eq!(planned.exit, 6, "{}", planned.stderr);
    assert!(
        planned.stderr.contains("building the Lambdas with cargo-lambda for x86_64")
            || planned.stderr.contains("building the Lambdas with cargo-lambda for arm64"),
        "{}",
        planned.stderr
    );
    let calls = fs::read_to_string(calls).unwrap();
    let calls: Vec<_> = calls.lines().collect();
    assert_eq!(calls[0], "lambda --version");
    assert!(calls[1].starts_with("lambda build --profile lambda --") && calls.len() == 2, "{calls:?}");
}

#[test]
fn a_binary_that_would_not_start_is_not_uploaded() {
    let cloud = Cloud::start_set_up();
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().to_str().unwrap();
    let refused = |words: &[&str]| cloud.run(&["deploy", "--lambdas", named]).failed_with(2, words);
    fs::copy(lambdas_folder().join("restctl-ingest"), folder.path().join("restctl-ingest")).unwrap();
    cloud
        .run(&["deploy", "--lambdas", named])
        .failed_with(1, &["cannot read the Lambda binary", "next: name a folder"]);

    let whole = fs::read(lambdas_folder().join("restctl-api")).unwrap();
    let mut other_machine = whole.clone();
    other_machine[18] = if cfg!(target_arch = "aarch64") { 0x3e } else { 0xb7 };
    for (bytes, why) in [
        (b"#!/bin/sh\nexit 0\n".to_vec(), "it is not an ELF binary"),
        (Vec::new(), "it is not an ELF binary"),
        (whole[..4096].to_vec(), "its ELF headers are broken"),
        (other_machine, "the local cloud runs it on this machine"),
    ] {
        fs::write(folder.path().join("restctl-api"), bytes).unwrap();
        refused(&["restctl-api does not run in the local cloud", why, "next: cargo build"]);
    }
    assert!(!cloud.get_s3("/").contains("<Bucket>"), "nothing was made");
}
