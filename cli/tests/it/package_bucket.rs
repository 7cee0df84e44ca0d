//! The bucket for packages: whose it is, that it stays private, and that only the right packages are used from it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::deploy::{append_byte, deploy_folder, lambdas_with_api};
use crate::interposed::{FORBIDDEN, interpose};

const ARTIFACTS: &str = "restctl-restctl-000000000000-us-east-1";

fn read_configuration(cloud: &Cloud, name: &str) -> String {
    cloud.get_s3(&format!("/{ARTIFACTS}?{name}"))
}

/// Returns the keys of the packages in the bucket.
fn list_packages(cloud: &Cloud) -> Vec<String> {
    let listing = cloud.get_s3(&format!("/{ARTIFACTS}"));
    let keys = listing.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
    keys.collect()
}

#[test]
fn the_bucket_for_packages_is_restored() {
    let cloud = Cloud::start_deployed(&[]);
    let names = ["publicAccessBlock", "ownershipControls", "policy", "versioning", "lifecycle"];
    let made = names.map(|name| read_configuration(&cloud, name));
    let [block, ownership, policy, versioning, lifecycle] = &made;
    assert_eq!(block.matches(">true<").count(), 4, "{block}");
    assert!(ownership.contains("BucketOwnerEnforced"), "{ownership}");
    assert!(policy.contains("aws:SecureTransport") && policy.contains("s3:TlsVersion"), "{policy}");
    assert!(versioning.contains("Enabled"), "{versioning}");
    assert!(lifecycle.contains("unfinished-uploads") && lifecycle.contains("old-versions"), "{lifecycle}");

    let path = |name: &str| format!("/{ARTIFACTS}?{name}");
    cloud.send_request("s3", Method::DELETE, &path("publicAccessBlock"), |request| request);
    let open = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{ARTIFACTS}/*") },
    ]});
    let open = open.to_string();
    cloud.send_request("s3", Method::PUT, &path("policy"), |request| request.body(open));
    let restored = cloud.succeed(&["deploy", "--list", "on"]).stderr;
    for control in ["the public access block", "the bucket policy"] {
        let note = format!("note: corrected {control} of the bucket {ARTIFACTS}");
        assert!(restored.contains(&note), "{restored}");
    }
    assert_eq!(restored.matches("note: corrected").count(), 2, "{restored}");
    assert_eq!(names.map(|name| read_configuration(&cloud, name)), made);
    let unchanged = cloud.succeed(&["deploy", "--list", "off"]).stderr;
    assert!(!unchanged.contains("note: corrected"), "{unchanged}");
}

/// Someone else put other code under the names of the packages, before restctl uploaded them.
#[test]
fn a_foreign_package_is_not_used() {
    let cloud = Cloud::start_deployed(&[]);
    let packages = list_packages(&cloud);
    assert_eq!(packages.len(), 2, "{packages:?}");
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    cloud.make_bucket(ARTIFACTS);
    for package in &packages {
        cloud.put_object(ARTIFACTS, package, "foreign");
    }
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    assert_eq!(list_packages(&cloud), packages);
    let listing = cloud.get_s3(&format!("/{ARTIFACTS}"));
    assert!(!listing.contains("<Size>7</Size>"), "{listing}");
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);
}

#[test]
fn packages_that_a_deployment_replaced_are_deleted() {
    let cloud = Cloud::start_set_up();
    let (first, second) = (lambdas_with_api(|binary| binary), lambdas_with_api(append_byte));
    assert_eq!(deploy_folder(&cloud, &first, &[]).exit, 0);
    let before = list_packages(&cloud);
    assert_eq!(deploy_folder(&cloud, &second, &[]).exit, 0);
    let after = list_packages(&cloud);
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!(after.iter().filter(|package| before.contains(package)).count(), 1, "{before:?} {after:?}");
    // The version that was live before does not need its package.
    cloud.succeed(&["rollback"]);
    assert_eq!(deploy_folder(&cloud, &first, &[]).exit, 0);
    assert_eq!(list_packages(&cloud), before);
}

/// Everyone can make the bucket first.
#[test]
fn a_bucket_of_another_account_is_left_alone() {
    let cloud = Cloud::start_deployed(&[]);
    // The local cloud does not check owners.
    interpose(&cloud, |call| {
        let is_it = call.uri.starts_with(&format!("/{ARTIFACTS}"));
        is_it.then(|| FORBIDDEN.to_owned())
    });
    cloud.run(&["deploy", "--list", "on"]).failed_with(2, &["it belongs to another account", "--stack NAME"]);
    let destroyed = cloud.succeed(&["destroy", "--yes", "--output", "json"]);
    assert!(destroyed.stderr.contains("it is left alone"), "{}", destroyed.stderr);
    let result: Value = serde_json::from_str(destroyed.stdout.lines().last().unwrap()).unwrap();
    assert!(!result["removed"].to_string().contains(ARTIFACTS), "{result}");
}
