//! A certificate over the life of a stack: renewed under its ARN, superseded under another one, gone in the end.

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use serde_json::json;

use crate::cloud::{Cloud, Ran};

/// The certificates in ACM, by their ARNs.
fn in_acm(cloud: &Cloud) -> Vec<String> {
    let answer = cloud.call("acm", "CertificateManager.ListCertificates", &json!({}));
    let certificates = answer["CertificateSummaryList"].as_array().unwrap().iter();
    certificates.map(|certificate| certificate["CertificateArn"].as_str().unwrap().to_owned()).collect()
}

/// The certificate that the load balancer's listener names.
fn in_front(cloud: &Cloud) -> String {
    let load_balancer = cloud.resource("LoadBalancer");
    let form = [("Action", "DescribeListeners"), ("LoadBalancerArn", &load_balancer)];
    let answer = cloud.answer("elasticloadbalancing", &form);
    let (_, rest) = answer.split_once("<CertificateArn>").unwrap_or_else(|| panic!("{answer}"));
    rest.split_once('<').unwrap().0.to_owned()
}

/// Sets up a new certificate with an RSA key of 2,048 bits.
fn set_up_rsa(cloud: &Cloud) -> Ran {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(["restctl.localhost".to_owned()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let put = |name: &str, text: String| {
        let file = cloud.state().join(name);
        std::fs::write(&file, text).unwrap();
        file.into_os_string().into_string().unwrap()
    };
    let cert = put("rsa.pem", params.self_signed(&key).unwrap().pem());
    let key = put("rsa-key.pem", key.serialize_pem());
    cloud.succeed(&["setup", "--cert", &cert, "--key", &key])
}

#[test]
fn a_key_of_another_kind_comes_in_front_under_another_arn() {
    let cloud = Cloud::deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let before = in_acm(&cloud);
    let [old] = before.as_slice() else { panic!("{before:?}") };
    assert_eq!(in_front(&cloud), *old);

    let renewed = cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    assert!(renewed.said.contains(old) && !renewed.said.contains("a new ARN"), "{}", renewed.said);
    assert_eq!(in_acm(&cloud), before, "the same kind of key keeps the ARN");
    cloud.succeed(&["get", "--id", "42"]);

    let superseding = set_up_rsa(&cloud);
    let why = "a new ARN because the key type changes from EC_prime256v1 to RSA_2048; restctl deploy";
    assert!(superseding.said.contains(why), "{}", superseding.said);
    let both = in_acm(&cloud);
    assert_eq!(both.len(), 2, "{both:?}");
    let new = both.iter().find(|arn| *arn != old).unwrap();
    assert!(superseding.said.contains(new), "{}", superseding.said);
    assert_eq!(in_front(&cloud), *old, "it comes in front by a deployment");
    let waiting = cloud.run(&["get", "--id", "42"]);
    waiting.failed_with(1, &["still serves the previous certificate: restctl deploy"]);

    // Renewed before it was deployed: it supersedes the same one.
    assert!(set_up_rsa(&cloud).said.contains(new));
    assert_eq!(in_acm(&cloud).len(), 2);

    let seen = cloud.run(&["deploy", "--dry-run"]);
    seen.failed_with(6, &["the stack restctl"]);
    assert!(seen.data.contains("HttpsListener"), "{}", seen.data);
    assert_eq!(in_acm(&cloud).len(), 2, "a dry run changes nothing");
    let deployed = cloud.succeed(&["deploy"]);
    assert!(!deployed.said.contains("no change"), "{}", deployed.said);
    assert!(deployed.said.contains(&format!("deleted {old} from ACM")), "{}", deployed.said);
    assert_eq!(in_front(&cloud), *new);
    assert_eq!(in_acm(&cloud), [new.as_str()]);
    cloud.succeed(&["get", "--id", "42"]);

    let again = cloud.succeed(&["deploy"]);
    assert!(again.said.contains("no change") && !again.said.contains("deleted"), "{}", again.said);
    assert!(set_up_rsa(&cloud).said.contains(new));
    assert_eq!(in_acm(&cloud), [new.as_str()], "the same kind of key keeps the ARN");
    cloud.succeed(&["get", "--id", "42"]);
}

#[test]
fn what_was_superseded_and_never_deployed_goes_with_the_stack() {
    let cloud = Cloud::deployed(&[]);
    set_up_rsa(&cloud);
    cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    let all = in_acm(&cloud);
    assert_eq!(all.len(), 3, "{all:?}");

    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    for arn in &all {
        assert!(destroyed.said.contains(&format!("remove  the certificate {arn}\n")), "{}", destroyed.said);
    }
    assert_eq!(in_acm(&cloud), Vec::<String>::new());
}

#[test]
fn a_certificate_that_somebody_deleted_is_imported_and_deployed_anew() {
    let cloud = Cloud::deployed(&[]);
    let gone = in_acm(&cloud).remove(0);
    cloud.call("acm", "CertificateManager.DeleteCertificate", &json!({ "CertificateArn": gone }));
    cloud.succeed(&["setup", "--self-signed", "restctl.localhost"]);
    let new = in_acm(&cloud);
    assert!(new.len() == 1 && new[0] != gone, "{new:?}");
    let deployed = cloud.succeed(&["deploy"]);
    assert!(!deployed.said.contains("no change"), "{}", deployed.said);
    assert_eq!(in_front(&cloud), new[0]);
    assert_eq!(in_acm(&cloud), new);
}
