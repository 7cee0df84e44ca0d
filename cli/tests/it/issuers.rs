//! The trusted issuers: what `setup`, `idp add` and `idp remove` change, and that nothing else does.

mod migration;
mod private_authority;
mod setup_flags;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::cloud::{Cloud, CommandOutput, RECORD, eventually, interrupt};
use crate::interposed::interpose;
use crate::issuer::{Issuer, IssuerDesign};
use crate::terminal::Terminal;

#[test]
fn redirects_are_followed_to_the_configuration_and_the_keys() {
    let cloud = Cloud::start_set_up();
    let redirecting = |redirects| Issuer::start_with(IssuerDesign { redirects, ..IssuerDesign::default() });
    let issuer = redirecting(3);
    let (configuration, keys) =
        (format!("{}moved/0/configuration", issuer.url()), format!("{}moved/0/keys", issuer.url()));
    let added = cloud.succeed(&["idp", "add", "--issuer", issuer.url(), "--audience", "items"]);
    let lines = [
        format!("read from {configuration}, to which the issuer redirects"),
        format!("{keys}, to which {}keys redirects; the API follows no redirects", issuer.url()),
    ];
    for line in lines {
        assert!(added.stderr.contains(&line), "{line:?} is not in:\n{}", added.stderr);
    }
    assert_eq!(cloud.stored_issuers()[1]["jwks_uri"], keys);

    let far = redirecting(4);
    let before = cloud.stored_issuers();
    cloud
        .run(&["idp", "add", "--issuer", far.url(), "--audience", "items"])
        .failed_with(1, &["redirects more than 3 times"]);
    assert_eq!(cloud.stored_issuers(), before);

    // Commands that read the keys as the API does follow none. Their advice reads the address again.
    let moved = format!("{}keys", issuer.url());
    cloud.edit_issuers(|issuers| issuers[1]["jwks_uri"] = json!(moved));
    let shown = cloud.succeed(&["idp", "show", "--output", "json"]).json();
    let why = shown["issuers"][1]["keys_error"].as_str().unwrap();
    assert!(why.contains("answered 307"), "{why}");
    let again = cloud.succeed(&["idp", "add", "--issuer", issuer.url()]);
    let change = format!("change             jwks uri of {}: {moved} -> {keys}", issuer.url());
    assert!(again.stderr.contains(&change), "{}", again.stderr);
    assert_eq!(cloud.stored_issuers()[1]["audiences"], json!(["items"]));
}

#[test]
fn plain_http_is_accepted_within_this_machine() {
    let cloud = Cloud::start_set_up();
    let issuer = Issuer::start_with(IssuerDesign {
        host: Some("localhost"),
        methods: &["client_secret_post"],
        audience: Some("items"),
        ..IssuerDesign::default()
    });
    let former = cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();
    let secret = cloud.write_file("secret", "another");
    let setup = ["setup", "--issuer", issuer.url(), "--audience", "items", "--client-secret-file", &secret];
    let replaced = cloud.succeed(&setup);
    let note =
        format!("restctl idp add --issuer {former} --provider auth0 --audience https://restctl.local/api");
    assert!(replaced.stderr.contains(&note), "{}", replaced.stderr);
    cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    // The function fetched its keys, too.
    cloud.succeed(&["get", "--id", "42"]);
    let text = cloud.succeed(&["doctor"]).stdout;
    assert!(text.contains(&format!("{}, as the provider spells it", issuer.url())), "{text}");

    for address in ["http://localhost.example.com/", "http://10.0.0.1/", "http://[::2]/"] {
        cloud
            .run(&["idp", "add", "--issuer", address, "--audience", "items"])
            .failed_with(2, &["HTTPS only", "--issuer https://"]);
    }
}

#[test]
fn an_issuer_of_all_tenants_is_refused() {
    let cloud = Cloud::start_set_up();
    let common = "https://login.microsoftonline.com/common/v2.0";
    let next = "--issuer https://login.microsoftonline.com/TENANT/v2.0";
    cloud
        .run(&["setup", "--issuer", common])
        .failed_with(2, &["all organizations", "Directory (tenant) ID", next]);
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let issuer = Issuer::start_with(IssuerDesign { name: Some(template), ..IssuerDesign::default() });
    cloud.run(&["setup", "--issuer", issuer.url()]).failed_with(2, &["all organizations", next]);
}

#[test]
fn an_issuer_without_a_usable_key_is_refused() {
    let cloud = Cloud::start_set_up();
    let issuer = Issuer::start(&[]);
    let add = ["idp", "add", "--issuer", issuer.url(), "--audience", "items", "--algorithms"];
    let before = cloud.stored_issuers();
    cloud.run(&[&add[..], &["RS256"]].concat()).failed_with(
        1,
        &["could verify no token with the keys at", "key: ", "the same command with --algorithms ES256"],
    );
    assert_eq!(cloud.stored_issuers(), before);
    cloud.succeed(&[&add[..], &["ES256,ES256"]].concat());
    assert_eq!(cloud.stored_issuers()[1]["algorithms"], json!(["ES256"]));
}

#[test]
fn an_interrupted_setup_changes_nothing() {
    let cloud = Cloud::start_set_up();
    // It accepts connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    silent.set_nonblocking(true).unwrap();
    let before = (cloud.stored_issuers(), cloud.stored_client(), cloud.stored_client_secret());
    let mut setup = cloud.command(&["setup", "--issuer", &url, "--self-signed", "other.localhost"]);
    let setup = setup.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let connection = eventually("a request for the configuration", || silent.accept().ok());
    interrupt(&setup);
    let ended = CommandOutput::from(setup.wait_with_output().unwrap());
    drop(connection);
    ended.failed_with(130, &["interrupted before everything was set up", "restctl setup, again"]);
    assert_eq!((cloud.stored_issuers(), cloud.stored_client(), cloud.stored_client_secret()), before);
    let certificate = cloud.succeed(&["cert", "show", "--output", "json"]).json();
    assert_eq!(certificate["name"], "restctl.localhost");
}

/// The client is written last. Without it, no command takes the stack for one that awaits a user pool of its own.
#[test]
fn a_setup_that_lacks_its_client_is_completed() {
    let cloud = Cloud::start_set_up();
    let before = (cloud.stored_issuers(), cloud.stored_client(), cloud.stored_client_secret());
    let name = "/restctl/restctl/client";
    cloud.call_json("ssm", "AmazonSSM.DeleteParameter", &json!({ "Name": name }));
    for args in [&["deploy"][..], &["token"], &["idp", "add", "--issuer", "http://127.0.0.1:1/"]] {
        cloud
            .run(args)
            .failed_with(5, &["has not been set up", &format!("{name} is missing"), "restctl setup"]);
    }
    // An interrupted change of the issuer leaves this instead.
    let null = json!({ "Name": name, "Value": "null", "Type": "String", "Overwrite": true });
    cloud.call_json("ssm", "AmazonSSM.PutParameter", &null);
    cloud.run(&["token"]).failed_with(5, &["has not been set up", "restctl setup"]);
    let mut steps = Terminal::open(&cloud, &[]);
    steps.wait_for_text("Run restctl setup now?");
    steps.type_keys("\x03");
    steps.wait_for_end();
    cloud.succeed(&["setup"]);
    assert_eq!((cloud.stored_issuers(), cloud.stored_client(), cloud.stored_client_secret()), before);

    // What cannot be read is deleted before it can be set up again.
    let unreadable = json!({ "Name": name, "Value": "made by hand", "Type": "String", "Overwrite": true });
    cloud.call_json("ssm", "AmazonSSM.PutParameter", &unreadable);
    let next = format!("aws ssm delete-parameter --name {name}");
    cloud.run(&["setup"]).failed_with(1, &[&format!("the parameter {name} is unreadable"), &next]);
}

/// The secret of one provider's client is of no use to another, which must not see it.
#[test]
fn a_stored_secret_is_sent_to_its_own_issuer_only() {
    let cloud = Cloud::start_set_up();
    let issuer = Issuer::start(&["client_secret_post"]);
    let own = cloud.stored_client_secret();
    let setup = ["setup", "--issuer", issuer.url(), "--client-id", "new"];
    let before = (cloud.stored_issuers(), cloud.stored_client());
    cloud.run(&setup).failed_with(2, &["no terminal", "--client-secret-file"]);
    assert_eq!((cloud.stored_issuers(), cloud.stored_client()), before);

    // Interrupted before or after the secret is written, no command has a client to which it could belong.
    let secret = cloud.write_file("secret", "another");
    let with_secret = [&setup[..], &["--client-secret-file", &secret]].concat();
    let record = cloud.record();
    for is_written in [false, true] {
        let clients = AtomicUsize::new(0);
        interpose(&cloud, move |call| {
            let writes_client = call.target == "AmazonSSM.PutParameter" && call.body.contains("/client\"");
            let is_last = writes_client && clients.fetch_add(1, Ordering::Relaxed) == 1;
            let is_it = if is_written { is_last } else { call.target == "secretsmanager.PutSecretValue" };
            is_it.then(|| json!({ "__type": "AccessDeniedException", "message": "not you" }).to_string())
        });
        cloud.run(&with_secret).failed_with(4, &["not you"]);
        std::fs::write(cloud.state_folder().join(RECORD), record.to_string()).unwrap();
        assert_eq!(cloud.stored_setting("client"), "null");
        assert_eq!(cloud.stored_client_secret(), if is_written { "another" } else { own.as_str() });
        cloud.run(&["token"]).failed_with(5, &["restctl setup"]);
        cloud.run(&setup).failed_with(2, &["no terminal", "--client-secret-file"]);
        cloud.succeed(&["setup", "--issuer", record["identity_provider"]["issuer"].as_str().unwrap()]);
        assert_eq!(cloud.stored_client_secret(), own);
    }
    cloud.succeed(&with_secret);
    // Another client of the same issuer may have the same secret.
    let other = cloud.succeed(&["setup", "--client-id", "newer"]);
    assert!(
        other.stderr.contains("the client secret of the former client at this issuer stays"),
        "{}",
        other.stderr
    );
    assert_eq!(cloud.stored_client_secret(), "another");
}

#[test]
fn the_kind_of_a_provider_is_asked_for() {
    let cloud = Cloud::start_set_up();
    let issuer = Issuer::start(&["client_secret_post"]);
    let mut asked = Terminal::open(&cloud, &["setup", "--issuer", issuer.url()]);
    asked.wait_for_text("Kind of identity provider");
    asked.type_keys("\r");
    asked.wait_for_text("Client secret");
    asked.type_keys("another\r");
    let (exit, screen) = asked.wait_for_end();
    assert_eq!(exit, Some(0), "{screen}");
    assert_eq!(cloud.stored_issuers()[0]["provider"], "keycloak");
    // It is known from now on.
    let again = Terminal::open(&cloud, &["setup"]);
    let (exit, screen) = again.wait_for_end();
    assert!(exit == Some(0) && !screen.contains("Kind of identity provider"), "{screen}");

    let other = Issuer::start(&[]);
    let mut declined =
        Terminal::open(&cloud, &["idp", "add", "--issuer", other.url(), "--audience", "items"]);
    declined.wait_for_text("Kind of identity provider");
    declined.type_keys("\x03");
    let (exit, screen) = declined.wait_for_end();
    assert!(exit == Some(130) && screen.contains("nothing was changed"), "{screen}");
    let added = cloud.succeed(&["idp", "add", "--issuer", other.url(), "--audience", "items"]);
    let line = "openid, because the issuer's host shows no other; to choose: --provider KIND";
    assert!(added.stderr.contains(line), "{}", added.stderr);
    assert_eq!(cloud.stored_issuers()[1]["provider"], "openid");
}

#[test]
fn a_token_of_a_second_issuer_is_explained_by_its_own_rules() {
    let cloud = Cloud::start_set_up();
    let issuer = Issuer::start_with(IssuerDesign { audience: Some("other"), ..IssuerDesign::default() });
    cloud.succeed(&["idp", "add", "--issuer", issuer.url(), "--audience", "items"]);
    let own = cloud.run(&["token", "explain"]);
    let local = cloud.record()["identity_provider"]["issuer"].as_str().unwrap().to_owned();
    let line = format!("checked with the keys and the settings of {local}");
    assert!(own.exit == 0 && own.stderr.contains(&line), "{}", own.stderr);
    let token = issuer.grant();
    let explained = cloud.run_with_input(&["token", "explain", "-"], &token);
    explained.failed_with(4, &["because of its audience", issuer.url(), "restctl idp add --issuer"]);
}
