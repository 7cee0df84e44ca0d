//! Identity providers that others have written. Their servers come from npm, and run on this machine.

mod server;

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use restctl_testkit::bench::peer::Node;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::cloud::{Cloud, CommandOutput};
use server::Server;

/// The newest version that supports Node.js 20.
const OIDC_PROVIDER: Node<'_> = Node {
    manifest: include_str!("providers/oidc-provider/package.json"),
    lock: include_str!("providers/oidc-provider/package-lock.json"),
    scripts: &[("serve.js", include_str!("providers/oidc-provider/serve.js"))],
};

/// The newest version that supports Node.js 20.
const OAUTH2_MOCK_SERVER: Node<'_> = Node {
    manifest: include_str!("providers/oauth2-mock-server/package.json"),
    lock: include_str!("providers/oauth2-mock-server/package-lock.json"),
    scripts: &[("serve.js", include_str!("providers/oauth2-mock-server/serve.js"))],
};

/// Its OpenAPI library, which is not used here, stays at the newest version that supports Node.js 20.
const AUTH0_SIMULATOR: Node<'_> = Node {
    manifest: include_str!("providers/auth0-simulator/package.json"),
    lock: include_str!("providers/auth0-simulator/package-lock.json"),
    scripts: &[("serve.js", include_str!("providers/auth0-simulator/serve.js"))],
};

/// The secret of all clients that have one. It is in `serve.js` of oidc-provider, too.
const SECRET: &str = "s:e c+r/t%2B&=";

/// The resources of oidc-provider, which are the audiences of its tokens. The last part is the algorithm of the signature.
const RESOURCES: [&str; 4] = [
    "https://items.example.test/RS256",
    "https://items.example.test/PS256",
    "https://items.example.test/ES256",
    "https://items.example.test/EdDSA",
];

/// A local cloud whose API trusts a server.
struct Stage {
    cloud: Cloud,
    server: Server,
}

impl Stage {
    /// Returns the options of `restctl setup` that name the server and a client with a secret.
    fn options<'a>(&'a self, client: &'a str, secret_file: &'a str) -> Vec<&'a str> {
        vec!["--issuer", self.server.issuer(), "--client-id", client, "--client-secret-file", secret_file]
    }

    /// Runs `restctl ARGS`, which must never print the client secret.
    fn run(&self, args: &[&str]) -> CommandOutput {
        let ran = self.cloud.run(args);
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "restctl {args:?}");
        ran
    }

    /// Runs `restctl ARGS`, which must succeed.
    #[track_caller]
    fn succeed(&self, args: &[&str]) -> CommandOutput {
        let ran = self.run(args);
        assert_eq!(ran.exit, 0, "restctl {args:?}:\n{}", ran.stderr);
        ran
    }

    /// Deploys the API, uploads items, and gets one.
    fn deploy(&self) {
        self.succeed(&["deploy"]);
        self.succeed(&["upload", "items.csv"]);
        self.get_item();
    }

    #[track_caller]
    fn get_item(&self) {
        let item = self.succeed(&["get", "--id", "42"]).json();
        assert_eq!(item["name"], "Pocket Towel");
    }

    /// Returns the header and the claims of the token that `get` uses, too.
    #[track_caller]
    fn read_token(&self) -> [Value; 2] {
        let token = self.succeed(&["token"]).stdout;
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        [(); 2].map(|()| serde_json::from_slice(&parts.next().unwrap()).unwrap())
    }

    /// Replaces the running instance of the API. The smoke test of the deployment has had that one fetch the keys for a token of
    /// an unknown key, which it does once a minute at most.
    fn restart_api(&self) {
        let function = self.cloud.resource_id("ApiFunction");
        let path = format!("/2015-03-31/functions/{function}/aliases/live");
        let version = json!({ "FunctionVersion": "$LATEST" }).to_string();
        self.cloud.send_request("lambda", Method::PUT, &path, |request| request.body(version));
        self.get_item();
    }

    /// Has the next command request a token.
    fn forget_token(&self) {
        fs::remove_dir_all(self.cloud.state_folder().join("restctl/local/tokens")).unwrap();
    }
}

#[test]
fn tokens_of_oidc_provider_are_accepted() {
    let cloud = Cloud::start_empty();
    let folder = cloud.state_folder().to_owned();
    let mut server = Server::start("oidc-provider", &OIDC_PROVIDER, |command| {
        command.arg(&folder);
    });
    server.tell("accept client_secret_basic");
    let secret = cloud.write_file("secret", SECRET);
    let mut stage = Stage { cloud, server };
    let audiences = RESOURCES.iter().flat_map(|resource| ["--audience", resource]);
    let setup = [vec!["setup"], stage.options("client:basic", &secret), audiences.collect()].concat();
    stage.succeed(&setup);

    an_opaque_token_is_called_opaque(&stage);
    an_algorithm_is_refused_unless_it_is_allowed(&stage);
    stage.deploy();
    tokens_of_each_algorithm_are_accepted(&stage);
    clients_authenticate_by_other_methods(&mut stage, &folder);
    keys_are_replaced_under_way(&mut stage);
}

/// Without a resource, and for some resources, the provider grants opaque tokens.
fn an_opaque_token_is_called_opaque(stage: &Stage) {
    let opaque = "the identity provider granted an opaque token";
    for command in [&["token"][..], &["token", "explain"]] {
        let advice = "restctl setup --resource https://items.example.test/RS256";
        stage.run(command).failed_with(4, &[opaque, advice]);
    }
    stage.succeed(&["setup", "--resource", "https://items.example.test/opaque"]);
    stage.run(&["token"]).failed_with(4, &[opaque, "oidc-provider: accessTokenFormat jwt"]);
}

fn an_algorithm_is_refused_unless_it_is_allowed(stage: &Stage) {
    stage.succeed(&["setup", "--resource", RESOURCES[3]]);
    let refused = stage.run(&["token", "explain"]);
    refused.failed_with(4, &["because of its algorithm", "restctl idp add --issuer", "--algorithms LIST"]);
    assert!(refused.stdout.contains("EdDSA"), "{}", refused.stdout);
    stage.succeed(&["setup", "--algorithms", "RS256,PS256,ES256,EdDSA"]);
    stage.succeed(&["token", "explain"]);
}

fn tokens_of_each_algorithm_are_accepted(stage: &Stage) {
    for resource in RESOURCES {
        stage.succeed(&["setup", "--resource", resource]);
        stage.get_item();
        let [header, claims] = stage.read_token();
        let algorithm = resource.rsplit('/').next().unwrap();
        assert_eq!([&header["alg"], &header["typ"], &claims["aud"]], [algorithm, "at+jwt", resource]);
        assert_eq!(claims["authenticated_by"], "client_secret_basic");
    }
}

fn clients_authenticate_by_other_methods(stage: &mut Stage, folder: &Path) {
    stage.server.tell("accept client_secret_post private_key_jwt");
    stage.succeed(&["setup", "--resource", RESOURCES[2]]);
    let method = "client_secret_post";
    a_client_authenticates(stage, "client-post", method, ["--client-authentication", method]);

    let key_file = |name: &str| folder.join(name).into_os_string().into_string().unwrap();
    // A PEM names no algorithm, and the provider expects another one than the usual.
    stage.succeed(&["setup", "--client-id", "client-rsa", "--client-key-file", &key_file("client-rsa.pem")]);
    stage.run(&["token"]).failed_with(4, &["invalid_client", "an RSA key as a JWK may name its alg"]);
    for (client, file) in
        [("client-rsa", "client-rsa.json"), ("client-ec", "client-ec.pem"), ("client-ed", "client-ed.json")]
    {
        a_client_authenticates(stage, client, "private_key_jwt", ["--client-key-file", &key_file(file)]);
    }
}

#[track_caller]
fn a_client_authenticates(stage: &Stage, client: &str, method: &str, option: [&str; 2]) {
    stage.succeed(&[&["setup", "--client-id", client][..], &option].concat());
    stage.get_item();
    let [_, claims] = stage.read_token();
    assert_eq!([&claims["client_id"], &claims["authenticated_by"]], [client, method]);
}

fn keys_are_replaced_under_way(stage: &mut Stage) {
    stage.restart_api();
    let [before, _] = stage.read_token();
    stage.server.tell("rotate");
    // The API has no reason yet to fetch the new keys.
    stage.get_item();
    assert_eq!(stage.read_token()[0], before);
    stage.forget_token();
    stage.get_item();
    assert_eq!([&before["kid"], &stage.read_token()[0]["kid"]], ["ec-1", "ec-2"]);
}

#[test]
fn tokens_of_oauth2_mock_server_are_accepted() {
    let cloud = Cloud::start_empty();
    let server = Server::start("oauth2-mock-server", &OAUTH2_MOCK_SERVER, |_| {});
    let secret = cloud.write_file("secret", SECRET);
    let mut stage = Stage { cloud, server };
    let setup = [vec!["setup", "--audience", "items"], stage.options("anyone", &secret)].concat();
    stage.succeed(&setup);
    stage.deploy();

    stage.restart_api();
    let [old, _] = stage.read_token();
    stage.server.tell("rotate");
    // The new key and the old one take turns.
    for is_old in [false, true] {
        stage.forget_token();
        stage.get_item();
        let [header, _] = stage.read_token();
        assert_eq!(header["kid"] == old["kid"], is_old);
    }
}

#[test]
fn tokens_of_auth0_simulator_are_accepted() {
    let cloud = Cloud::start_empty();
    let (authority, other) = (Authority::new(), Authority::new());
    let certificates = cloud.state_folder().join(".simulacrum/certs");
    fs::create_dir_all(&certificates).unwrap();
    let issued = authority.issue_certificate("localhost", 90);
    let chain = format!("{}{}", issued.certificate.pem(), authority.intermediate.pem());
    fs::write(certificates.join("localhost.pem"), chain).unwrap();
    fs::write(certificates.join("localhost-key.pem"), issued.key.serialize_pem()).unwrap();
    let server = Server::start("auth0-simulator", &AUTH0_SIMULATOR, |command| {
        command.env("HOME", cloud.state_folder());
    });
    let secret = cloud.write_file("secret", SECRET);
    let [ca, other_ca] = [("ca.pem", &authority), ("other-ca.pem", &other)]
        .map(|(name, authority)| cloud.write_file(name, &authority.root.pem()));
    let stage = Stage { cloud, server };

    let setup = vec!["setup", "--provider", "auth0", "--audience", "items"];
    let setup = [setup, stage.options("anyone", &secret)].concat();
    stage.run(&setup).failed_with(1, &["invalid peer certificate", "--provider-ca FILE"]);
    let with_ca = |file| [setup.as_slice(), &["--provider-ca", file]].concat();
    stage.run(&with_ca(&other_ca)).failed_with(1, &["invalid peer certificate", "--provider-ca FILE"]);
    stage.succeed(&with_ca(&ca));
    stage.deploy();
    stage.succeed(&["token", "explain"]);
}
