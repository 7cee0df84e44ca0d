//! `setup --tag`: what restctl creates outside the stack has the tags from its creation on, as policies of accounts demand.

use serde_json::{Value, json};

use crate::authority::{generate_rsa_key, server_params};
use crate::cloud::Cloud;

/// Returns the tags of the certificates, of the parameters and of the secrets, by their names.
fn read_tags(cloud: &Cloud) -> Vec<(String, Value)> {
    let listed = cloud.call_json("acm", "CertificateManager.ListCertificates", &json!({}));
    let certificates = listed["CertificateSummaryList"].as_array().unwrap().iter();
    let mut tags: Vec<(String, Value)> = certificates
        .map(|certificate| {
            let arn = &certificate["CertificateArn"];
            let asked = json!({ "CertificateArn": arn });
            let answer = cloud.call_json("acm", "CertificateManager.ListTagsForCertificate", &asked);
            (arn.as_str().unwrap().to_owned(), answer["Tags"].clone())
        })
        .collect();
    for name in ["/restctl/restctl/issuers", "/restctl/restctl/client"] {
        let asked = json!({ "ResourceType": "Parameter", "ResourceId": name });
        let answer = cloud.call_json("ssm", "AmazonSSM.ListTagsForResource", &asked);
        tags.push((name.to_owned(), answer["TagList"].clone()));
    }
    for name in ["restctl/restctl/certificate", "restctl/restctl/client-secret"] {
        let answer =
            cloud.call_json("secretsmanager", "secretsmanager.DescribeSecret", &json!({ "SecretId": name }));
        tags.push((name.to_owned(), answer["Tags"].clone()));
    }
    tags
}

#[test]
fn what_setup_creates_has_its_tags() {
    let cloud = Cloud::start_empty();
    cloud.succeed(&["setup", "--tag", "team=data", "--tag", "cost-center=42"]);
    let expected = json!([{ "Key": "cost-center", "Value": "42" }, { "Key": "team", "Value": "data" }]);
    let tags = read_tags(&cloud);
    assert_eq!(tags.len(), 5, "{tags:?}");
    assert!(tags.iter().all(|(_, tags)| *tags == expected), "{tags:?}");

    // What exists keeps its tags, and a certificate under a new ARN gets all of them.
    cloud.succeed(&["setup", "--tag", "team=api"]);
    assert_eq!(read_tags(&cloud), tags);
    let key = generate_rsa_key();
    let certificate = server_params("restctl.localhost", 90).self_signed(&key).unwrap();
    let cert = cloud.write_file("rsa.pem", &certificate.pem());
    let key = cloud.write_file("rsa-key.pem", &key.serialize_pem());
    cloud.succeed(&["cert", "renew", "--cert", &cert, "--key", &key]);
    let after = read_tags(&cloud);
    let new: Vec<_> = after.iter().filter(|now| !tags.contains(now)).collect();
    let [(_, new)] = new.as_slice() else { panic!("{new:?}") };
    assert_eq!(*new, json!([{ "Key": "cost-center", "Value": "42" }, { "Key": "team", "Value": "api" }]));
}

#[test]
fn a_reserved_tag_is_refused() {
    let cloud = Cloud::new();
    cloud.run(&["setup", "--tag", "aws:team=data"]).failed_with(2, &["keys that start with aws:"]);
}
