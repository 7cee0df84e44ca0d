//! What commands that use a cached token say after the identity provider has rotated its key.

use std::fs;

use super::advice::{End, assert_no_circle};
use super::outcomes::Outcomes;
use crate::cloud::Cloud;
use crate::snapshots::Snapshots;
use crate::token_endpoint::{Provider, cached_token_file, set_up};

/// Every command that calls the API, or prints or explains the cached token.
const COMMANDS: &[&[&str]] = &[
    &["auth-test"],
    &["doctor"],
    &["export"],
    &["get", "--id", "42"],
    &["get", "--id", "42", "--explain"],
    &["idp", "show"],
    &["status"],
    &["token"],
    &["token", "--fresh"],
    &["token", "explain"],
    &["upload", "items.csv"],
    &["verify", "items.csv"],
];

/// Runs each command with this cached token.
fn run_with_token(cloud: &Cloud, token: &[u8]) -> Vec<End<'static>> {
    let run = |args: &&'static [&'static str]| {
        fs::write(cached_token_file(cloud), token).unwrap();
        (*args, cloud.run(args))
    };
    COMMANDS.iter().map(run).collect()
}

/// Caches a new token, and returns the file's content.
fn cache_token(cloud: &Cloud) -> Vec<u8> {
    cloud.succeed(&["token", "--fresh"]);
    fs::read(cached_token_file(cloud)).unwrap()
}

fn compare_failures(ends: &[End<'_>], name: &str, snapshots: &mut Snapshots) {
    let mut outcomes = Outcomes::default();
    for (args, ran) in ends.iter().filter(|(_, ran)| ran.exit != 0) {
        outcomes.add(format!("restctl {}", args.join(" ")), ran);
    }
    snapshots.compare(name, &outcomes.to_text());
    assert_no_circle(ends);
}

#[test]
fn after_a_key_rotation_commands_work_or_say_what_leads_on() {
    let mut snapshots = Snapshots::in_folder("aws_faults");
    let mut provider = Provider::start("client_secret_post");
    let cloud = Cloud::start_empty();
    set_up(&cloud, &provider, &[]);
    provider.grant_token();
    let old = cache_token(&cloud);
    // The API never gets the old key.
    provider.rotate_key();
    cloud.succeed(&["deploy", "--list", "on"]);
    cloud.succeed(&["upload", "items.csv"]);
    let new = cache_token(&cloud);
    for (args, ran) in run_with_token(&cloud, &old) {
        match args {
            ["token", "explain"] => ran.failed_with(4, &["because of its key", "restctl token --fresh"]),
            _ => assert_eq!(ran.exit, 0, "{args:?}: {}{}", ran.stdout, ran.stderr),
        }
    }
    for (args, ran) in run_with_token(&cloud, &new) {
        assert_eq!(ran.exit, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
    }
    provider.answer(503, "text/plain", "later");
    compare_failures(&run_with_token(&cloud, &old), "keys-no-new-token", &mut snapshots);

    provider.hide_next_key();
    compare_failures(&run_with_token(&cloud, &old), "keys-unpublished", &mut snapshots);
    provider.rotate_key_unseen_by_api();
    compare_failures(&run_with_token(&cloud, &old), "keys-older-at-api", &mut snapshots);
    snapshots.finish();
}
