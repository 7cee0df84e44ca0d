//! Each flag of `setup` changes what it names, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use rcgen::KeyPair;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::cloud::{Cloud, CommandOutput};
use crate::issuer::Issuer;

/// Everything that `setup` stores, by its name.
type Stored = BTreeMap<String, Value>;

fn read_stored(cloud: &Cloud) -> Stored {
    let mut stored = Stored::new();
    let mut add_members = |whose: String, value: &Value| {
        let members = value.as_object().unwrap();
        stored.extend(members.iter().map(|(name, value)| (format!("{whose}.{name}"), value.clone())));
    };
    for (place, issuer) in cloud.stored_issuers().as_array().unwrap().iter().enumerate() {
        add_members(format!("issuer {place}"), issuer);
    }
    add_members("client".to_owned(), &cloud.stored_client());
    for name in ["client-secret", "certificate"] {
        let asked = json!({ "SecretId": format!("restctl/restctl/{name}") });
        let answer = cloud.call_json("secretsmanager", "secretsmanager.GetSecretValue", &asked);
        stored.insert(name.to_owned(), answer["SecretString"].clone());
    }
    stored
}

/// Stores again what was stored before.
fn restore(cloud: &Cloud, before: &BTreeMap<String, Value>, issuers: &Value, client: &Value) {
    for (name, value) in [("issuers", issuers), ("client", client)] {
        let parameter = json!({
            "Name": format!("/restctl/restctl/{name}"), "Value": value.to_string(), "Type": "String", "Overwrite": true,
        });
        cloud.call_json("ssm", "AmazonSSM.PutParameter", &parameter);
    }
    for name in ["client-secret", "certificate"] {
        let put = json!({ "SecretId": format!("restctl/restctl/{name}"), "SecretString": before[name] });
        cloud.call_json("secretsmanager", "secretsmanager.PutSecretValue", &put);
    }
}

/// Returns the names of what differs.
fn changed_names(before: &Stored, after: &Stored) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// Command lines, and what each of them changes.
type Cases<'a> = Vec<(Vec<&'a str>, Vec<&'a str>)>;

/// Runs each case from the same state.
fn check_cases(cloud: &Cloud, is_local: bool, cases: &Cases<'_>) {
    let run = |args: &[&str]| -> CommandOutput {
        let args = [&["setup"], args].concat();
        let mut command = if is_local { cloud.command(&args) } else { cloud.command_as_on_aws(&args) };
        command.output().unwrap().into()
    };
    let (issuers, client, before) = (cloud.stored_issuers(), cloud.stored_client(), read_stored(cloud));
    for (args, expected) in cases {
        let ran = run(args);
        assert_eq!(ran.exit, 0, "setup {args:?}:\n{}", ran.stderr);
        let changed = changed_names(&before, &read_stored(cloud));
        assert_eq!(changed, expected.iter().map(|name| (*name).to_owned()).collect(), "setup {args:?}");
        // What is changed is shown, and nothing is shown that is not.
        let is_shown = ran.stderr.contains("change             none");
        let is_changed = changed.iter().any(|name| name != "certificate");
        let chooses_pool = args.contains(&"--idp");
        assert!(is_shown != is_changed || chooses_pool, "setup {args:?}:\n{}", ran.stderr);
        // Without flags, everything stays as it is now.
        let now = read_stored(cloud);
        assert_eq!(run(&[]).exit, 0);
        assert_eq!(changed_names(&now, &read_stored(cloud)), BTreeSet::new(), "setup after {args:?}");
        restore(cloud, &before, &issuers, &client);
    }
}

/// Returns the flags of `setup` itself in its help.
fn setup_flags(cloud: &Cloud) -> BTreeSet<String> {
    let help = cloud.succeed(&["setup", "--help"]).stdout;
    let (own, _) = help.split_once("\nTarget:").unwrap();
    let flag = Regex::new(r"(?m)^ +(--[a-z-]+)").unwrap();
    flag.captures_iter(own).map(|found| found[1].to_owned()).filter(|flag| flag != "--help").collect()
}

#[test]
fn each_flag_of_setup_changes_one_thing() {
    let cloud = Cloud::start_set_up();
    let authority = Authority::new();
    let served = authority.issue_certificate("api.localhost", 90);
    let cert = cloud.write_file("leaf.pem", &served.certificate.pem());
    let key = cloud.write_file("key.pem", &served.key.serialize_pem());
    let chain = cloud.write_file("chain.pem", &authority.chain_pem());
    let provider_ca = cloud.write_file("provider-ca.pem", &authority.root.pem());
    let secret = cloud.write_file("secret", "another\n");
    let client_key = cloud.write_file("client-key.pem", &KeyPair::generate().unwrap().serialize_pem());
    let (other, third) = (Issuer::start(&["client_secret_post"]), Issuer::start(&["client_secret_post"]));

    let issuer_names =
        ["issuer 0.issuer", "issuer 0.jwks_uri", "client.issuer", "client.token_endpoint", "client-secret"];
    let third_issuer = ["--issuer", third.url(), "--client-secret-file", &secret];
    #[rustfmt::skip]
    let cases: Cases<'_> = vec![
        (vec![], vec![]),
        (vec!["--cert", &cert, "--key", &key, "--chain", &chain], vec!["certificate"]),
        (vec!["--self-signed", "b.localhost"], vec!["certificate"]),
        (vec!["--tag", "team=data"], vec!["certificate"]),
        (vec!["--provider", "keycloak"], vec!["issuer 0.provider"]),
        (vec!["--audience", "one", "--audience", "two", "--audience", "one"], vec!["issuer 0.audiences"]),
        (vec!["--scope", "items.read"], vec!["issuer 0.scope"]),
        (vec!["--grant-claim", "roles", "--grant-claim", "/https:~1~1example.com~1roles"], vec!["issuer 0.grant_claims"]),
        (vec!["--algorithms", "RS256,ES256"], vec!["issuer 0.algorithms"]),
        (vec!["--provider-ca", &provider_ca], vec!["issuer 0.authorities"]),
        (vec!["--client-id", "another"], vec!["client.client_id"]),
        (vec!["--client-secret-file", &secret], vec!["client-secret"]),
        (vec!["--client-key-file", &client_key], vec!["client-secret", "client.authentication"]),
        (vec!["--client-key-file", &client_key, "--client-key-id", "k1"], vec!["client-secret", "client.authentication", "client.key_id"]),
        (vec!["--client-authentication", "client_secret_basic"], vec!["client.authentication"]),
        (vec!["--request-scope", "api://items/.default"], vec!["client.request_scope"]),
        (vec!["--request-scope", ""], vec!["client.request_scope"]),
        (vec!["--resource", "urn:items"], vec!["client.resource"]),
        // The next deployment changes the settings.
        (vec!["--idp", "cognito"], vec![]),
    ];
    let with_issuer = |names: &[&'static str]| {
        let mut cases = cases.clone();
        cases.push((third_issuer.to_vec(), [&issuer_names[..], names].concat()));
        cases
    };
    let given: BTreeSet<String> = with_issuer(&[])
        .iter()
        .flat_map(|(args, _)| args.iter().filter(|arg| arg.starts_with("--")).map(|arg| (*arg).to_owned()))
        .collect();
    assert_eq!(given, setup_flags(&cloud), "each flag has its case");

    // With the local cloud's own issuer, whose settings setup knows.
    check_cases(&cloud, true, &with_issuer(&["issuer 0.provider"]));
    // With another issuer: it does not fall back to the local one.
    let first_secret = cloud.write_file("first-secret", "first");
    cloud.succeed(&["setup", "--issuer", other.url(), "--client-secret-file", &first_secret]);
    check_cases(&cloud, true, &with_issuer(&[]));
    check_cases(&cloud, false, &with_issuer(&[]));
    // With a second issuer, which stays as it is.
    cloud.succeed(&["idp", "add", "--issuer", third.url(), "--audience", "three", "--scope", "third"]);
    let mut cases = cases;
    cases.push((third_issuer.to_vec(), vec!["client.issuer", "client.token_endpoint", "client-secret"]));
    check_cases(&cloud, true, &cases);
}

#[test]
fn the_flags_of_a_client_key_change_one_thing() {
    let cloud = Cloud::start_set_up();
    let new_key = |name| cloud.write_file(name, &KeyPair::generate().unwrap().serialize_pem());
    let (first, second) = (new_key("first.pem"), new_key("second.pem"));
    let secret = cloud.write_file("secret", "another\n");
    cloud.succeed(&["setup", "--client-key-file", &first, "--client-key-id", "k1"]);
    check_cases(
        &cloud,
        true,
        &vec![
            (vec![], vec![]),
            (vec!["--client-key-id", "k2"], vec!["client.key_id"]),
            (vec!["--client-key-id", ""], vec!["client.key_id"]),
            (vec!["--client-key-file", &second], vec!["client-secret"]),
            (vec!["--scope", "items.read"], vec!["issuer 0.scope"]),
            // The id of a key means nothing to a secret.
            (
                vec!["--client-secret-file", &secret],
                vec!["client-secret", "client.authentication", "client.key_id"],
            ),
        ],
    );
    let refused = |args: &[&str], words: &[&str]| {
        let before = read_stored(&cloud);
        cloud.run(&[&["setup"], args].concat()).failed_with(2, words);
        assert_eq!(changed_names(&before, &read_stored(&cloud)), BTreeSet::new(), "{args:?}");
    };
    refused(
        &["--client-authentication", "client_secret_post", "--client-key-file", &second],
        &["--client-key-file does not apply to client_secret_post"],
    );
    refused(
        &["--client-authentication", "private_key_jwt", "--client-secret-file", &secret],
        &["--client-secret-file does not apply to private_key_jwt"],
    );
    cloud.succeed(&["setup", "--client-secret-file", &secret]);
    refused(&["--client-key-id", "k1"], &["--client-key-id does not apply to client_secret_post"]);
    refused(
        &["--client-authentication", "private_key_jwt"],
        &["private key is missing", "--client-key-file FILE"],
    );
}
