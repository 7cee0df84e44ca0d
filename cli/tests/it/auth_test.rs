//! `restctl auth-test` with several issuers.

use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};

/// A stack that trusts the local cloud's issuer and another one.
struct TwoIssuers {
    cloud: Cloud,
    other: IdentityProvider,
    /// It serves the other issuer's keys.
    _runtime: tokio::runtime::Runtime,
}

impl TwoIssuers {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let other = runtime.block_on(IdentityProvider::start());
        let cloud = Cloud::start_set_up();
        let mut issuers: Value = serde_json::from_str(&cloud.stored_setting("issuers")).unwrap();
        issuers.as_array_mut().unwrap().push(json!(other.trusted_issuer()));
        let setting = json!({
            "Name": "/restctl/restctl/issuers", "Value": issuers.to_string(), "Type": "String", "Overwrite": true,
        });
        cloud.call_json("ssm", "AmazonSSM.PutParameter", &setting);
        cloud.succeed(&["deploy"]);
        Self { cloud, other, _runtime: runtime }
    }

    fn test(&self, args: &[&str]) -> CommandOutput {
        self.cloud.run(&[&["auth-test"], args].concat())
    }
}

/// Returns the names of the requests with tokens of this issuer.
fn names_of<'a>(requests: &'a Value, issuer: &str) -> Vec<&'a str> {
    let requests = requests.as_array().unwrap().iter();
    requests.filter(|request| request["issuer"] == issuer).map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn every_trusted_issuer_is_tested() {
    let issuers = TwoIssuers::start();
    let other = issuers.other.issuer();
    let own = issuers.cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();

    let tested = issuers.test(&["--output", "json"]);
    assert_eq!(tested.exit, 0, "{}\n{}", tested.stdout, tested.stderr);
    let not_shown = format!("not shown: that the API accepts tokens of {other} (give one with --token-file)");
    assert!(tested.stderr.contains(&not_shown), "{}", tested.stderr);
    let requests = tested.json();
    assert!(requests.as_array().unwrap().iter().all(|request| request["ok"] == true), "{requests:#}");
    let [own_names, other_names] = [&own, &other].map(|issuer| names_of(&requests, issuer));
    assert!(own_names.len() > 170 && other_names.len() > 140, "{} {}", own_names.len(), other_names.len());
    assert!(own_names.contains(&"a good token") && !other_names.contains(&"a good token"));
    assert!(own_names.contains(&"no token") && !other_names.contains(&"no token"));
    for (names, another) in [(&own_names, &other), (&other_names, &own)] {
        assert!(names.contains(&format!("issuer and key of {another}, foreign key").as_str()));
    }

    let token = issuers.other.token();
    let file = issuers.cloud.write_file("token", &format!("{token}\n"));
    let tested = issuers.test(&["--token-file", &file]);
    assert_eq!(tested.exit, 0, "{}\n{}", tested.stdout, tested.stderr);
    assert!(!tested.stderr.contains("not shown"), "{}", tested.stderr);
    let (_, others) = tested.stdout.split_once(&format!("tokens of {other}")).unwrap();
    assert!(others.lines().any(|line| line.starts_with("ok  a good token")), "{others}");
    assert!(!tested.stdout.contains(&token) && !tested.stderr.contains(&token));

    a_token_that_is_not_good_is_reported(&issuers);
}

fn a_token_that_is_not_good_is_reported(issuers: &TwoIssuers) {
    let expired = issuers.other.token_with_claim("exp", json!(1));
    let refused = issuers.cloud.run_with_input(&["auth-test", "--token-file", "-"], &expired);
    refused.failed_with(1, &["1 of ", "a good token", "restctl token explain - < FILE"]);
    let own = issuers.cloud.succeed(&["token"]).stdout;
    let own = issuers.cloud.run_with_input(&["auth-test", "--token-file", "-"], &own);
    own.failed_with(2, &["of the issuer that grants restctl its tokens"]);
    issuers
        .test(&["--token-file", "/does/not/exist"])
        .failed_with(2, &["cannot read the token", "correct the path"]);
}
