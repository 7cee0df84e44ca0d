//! A certificate over the life of a stack: renewed under its ARN, superseded under a new one, and finally removed.

use serde_json::json;

use crate::authority::{generate_rsa_key, server_params};
use crate::cloud::{Cloud, CommandOutput};

/// Returns the ARNs of the certificates in ACM.
fn in_acm(cloud: &Cloud) -> Vec<String> {
    let answer = cloud.call_json("acm", "CertificateManager.ListCertificates", &json!({}));
    let certificates = answer["CertificateSummaryList"].as_array().unwrap().iter();
    certificates.map(|certificate| certificate["CertificateArn"].as_str().unwrap().to_owned()).collect()
}

/// Returns the ARN of the certificate that the load balancer's listener serves.
fn in_front(cloud: &Cloud) -> String {
    let load_balancer = cloud.resource_id("LoadBalancer");
    let form = [("Action", "DescribeListeners"), ("LoadBalancerArn", &load_balancer)];
    let answer = cloud.call_query("elasticloadbalancing", &form);
    let (_, rest) = answer.split_once("<CertificateArn>").unwrap_or_else(|| panic!("{answer}"));
    rest.split_once('<').unwrap().0.to_owned()
}

/// Sets up a new certificate with an RSA key.
fn set_up_rsa(cloud: &Cloud) -> CommandOutput {
    let key = generate_rsa_key();
    let certificate = server_params("restctl.localhost", 90).self_signed(&key).unwrap();
    let cert = cloud.write_file("rsa.pem", &certificate.pem());
    let key = cloud.write_file("rsa-key.pem", &key.serialize_pem());
    cloud.succeed(&["setup", "--cert", &cert, "--key", &key])
}

#[test]
fn a_key_of_another_type_gets_a_new_arn() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let before = in_acm(&cloud);
    let [old] = before.as_slice() else { panic!("{before:?}") };
    assert_eq!(in_front(&cloud), *old);

    let renewed = cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    assert!(renewed.stderr.contains(old) && !renewed.stderr.contains("a new ARN"), "{}", renewed.stderr);
    assert_eq!(in_acm(&cloud), before, "the same type of key keeps the ARN");
    cloud.succeed(&["get", "--id", "42"]);

    let superseding = set_up_rsa(&cloud);
    let why = "a new ARN because the key type changes from EC_prime256v1 to RSA_2048; restctl deploy";
    assert!(superseding.stderr.contains(why), "{}", superseding.stderr);
    let both = in_acm(&cloud);
    assert_eq!(both.len(), 2, "{both:?}");
    let new = both.iter().find(|arn| *arn != old).unwrap();
    assert!(superseding.stderr.contains(new), "{}", superseding.stderr);
    assert_eq!(in_front(&cloud), *old, "a deployment puts it in front");
    let waiting = cloud.run(&["get", "--id", "42"]);
    waiting.failed_with(1, &["still serves the previous certificate: restctl deploy"]);

    // A certificate that is renewed before its deployment supersedes the same one.
    assert!(set_up_rsa(&cloud).stderr.contains(new));
    assert_eq!(in_acm(&cloud).len(), 2);

    let seen = cloud.run(&["deploy", "--dry-run"]);
    seen.failed_with(6, &["the stack restctl"]);
    assert!(seen.stdout.contains("HttpsListener"), "{}", seen.stdout);
    assert_eq!(in_acm(&cloud).len(), 2, "a dry run changes nothing");
    let deployed = cloud.succeed(&["deploy"]);
    assert!(!deployed.stderr.contains("no change"), "{}", deployed.stderr);
    assert!(deployed.stderr.contains(&format!("deleted {old} from ACM")), "{}", deployed.stderr);
    assert_eq!(in_front(&cloud), *new);
    assert_eq!(in_acm(&cloud), [new.as_str()]);
    cloud.succeed(&["get", "--id", "42"]);

    let again = cloud.succeed(&["deploy"]);
    assert!(again.stderr.contains("no change") && !again.stderr.contains("deleted"), "{}", again.stderr);
    assert!(set_up_rsa(&cloud).stderr.contains(new));
    assert_eq!(in_acm(&cloud), [new.as_str()], "the same type of key keeps the ARN");
    cloud.succeed(&["get", "--id", "42"]);
}

#[test]
fn destroy_removes_superseded_certificates() {
    let cloud = Cloud::start_deployed(&[]);
    set_up_rsa(&cloud);
    cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    let all = in_acm(&cloud);
    assert_eq!(all.len(), 3, "{all:?}");

    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    for arn in &all {
        assert!(
            destroyed.stderr.contains(&format!("remove  the certificate {arn}\n")),
            "{}",
            destroyed.stderr
        );
    }
    assert_eq!(in_acm(&cloud), Vec::<String>::new());
}

#[test]
fn a_deleted_certificate_is_imported_and_deployed_again() {
    let cloud = Cloud::start_deployed(&[]);
    let gone = in_acm(&cloud).remove(0);
    cloud.call_json("acm", "CertificateManager.DeleteCertificate", &json!({ "CertificateArn": gone }));
    cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    let new = in_acm(&cloud);
    assert!(new.len() == 1 && new[0] != gone, "{new:?}");
    let deployed = cloud.succeed(&["deploy"]);
    assert!(!deployed.stderr.contains("no change"), "{}", deployed.stderr);
    assert_eq!(in_front(&cloud), new[0]);
    assert_eq!(in_acm(&cloud), new);
}
