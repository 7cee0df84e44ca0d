//! `--provider-ca`: an issuer whose certificate is from a private authority.

use serde_json::json;

use crate::authority::{Authority, generate_rsa_key};
use crate::cloud::Cloud;
use crate::issuer::{Issuer, IssuerDesign};

#[test]
fn a_private_authority_is_trusted_for_its_issuer_only() {
    let cloud = Cloud::start_set_up();
    let authority = Authority::new();
    let certificate = authority.issue_certificate("localhost", 90);
    let start = || {
        Issuer::start_with(IssuerDesign {
            host: Some("localhost"),
            methods: &["client_secret_post"],
            audience: Some("items"),
            certificate: Some(&certificate),
            ..IssuerDesign::default()
        })
    };
    let (issuer, other) = (start(), start());
    let own = cloud.write_file("own.pem", &authority.intermediate.pem());
    let stranger = cloud.write_file("stranger.pem", &Authority::new().intermediate.pem());
    let secret = cloud.write_file("secret", "another");
    let setup = ["setup", "--issuer", issuer.url(), "--audience", "items", "--client-secret-file", &secret];

    let before = cloud.stored_issuers();
    cloud.run(&setup).failed_with(1, &["does not answer", "UnknownIssuer", "add --provider-ca FILE"]);
    cloud
        .run(&[&setup[..], &["--provider-ca", &stranger]].concat())
        .failed_with(1, &["does not answer", "only the authorities in that file are trusted"]);
    assert_eq!(cloud.stored_issuers(), before);

    cloud.succeed(&[&setup[..], &["--provider-ca", &own]].concat());
    // The token is requested with it, and the function fetches the keys with it.
    cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);
    let text = cloud.succeed(&["idp", "show"]).stdout;
    assert!(text.contains("provider CA") && text.contains("CN=intermediate"), "{text}");
    cloud.succeed(&["doctor"]);

    // The other issuer has the same authority, for which it is not trusted yet.
    let add = ["idp", "add", "--issuer", other.url(), "--audience", "items"];
    cloud.run(&add).failed_with(1, &["UnknownIssuer", "--provider-ca"]);
    let both = format!("{}{}", Authority::new().intermediate.pem(), authority.intermediate.pem());
    let both = cloud.write_file("both.pem", &both);
    cloud.succeed(&[&add[..], &["--provider-ca", &both]].concat());
    assert_eq!(cloud.stored_issuers()[1]["authorities"].as_array().unwrap().len(), 2);

    // An empty value returns to the authorities of the system.
    cloud.run(&["setup", "--provider-ca", ""]).failed_with(1, &["UnknownIssuer", "--provider-ca"]);
    let changed = cloud.succeed(&["setup", "--provider-ca", &both]);
    assert!(
        changed.stderr.contains("change             provider ca of https://localhost"),
        "{}",
        changed.stderr
    );
}

#[test]
fn authorities_that_do_not_fit_are_refused_before_anything_is_written() {
    let cloud = Cloud::start_set_up();
    let before = cloud.stored_issuers();
    let large: String = (0..5)
        .map(|number| {
            let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(rcgen::DnType::CommonName, format!("root {number}"));
            params.self_signed(&generate_rsa_key()).unwrap().pem()
        })
        .collect();
    let large = cloud.write_file("large.pem", &large);
    cloud
        .run(&["setup", "--self-signed", "other.localhost", "--provider-ca", &large])
        .failed_with(2, &["bytes, and at most 3072 fit", "fewer or smaller certificates"]);
    assert_eq!(cloud.stored_issuers(), before);
    let certificate = cloud.succeed(&["cert", "show", "--output", "json"]).json();
    assert_eq!(certificate["name"], json!("restctl.localhost"));
    let text = cloud.write_file("text.pem", "no certificate");
    cloud
        .run(&["setup", "--provider-ca", &text])
        .failed_with(2, &["it has no certificate in PEM", "-----BEGIN CERTIFICATE-----"]);
}
