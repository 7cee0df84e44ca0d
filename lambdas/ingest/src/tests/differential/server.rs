//! DynamoDBs that others have written, at ports of 127.0.0.1. Each ends when this is dropped, or the test's process ends.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aws_credential_types::Credentials;
use restctl_aws::{Endpoints, Environment, Service};
use restctl_testkit::bench::peer::{Node, Python};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::dynamodb::{Backoff, Dynamodb};

const DYNALITE: Node<'_> = Node {
    manifest: include_str!("dynalite/package.json"),
    lock: include_str!("dynalite/package-lock.json"),
    scripts: &[("serve.js", include_str!("dynalite/serve.js"))],
};

/// The version that the local cloud runs.
pub(super) const MINISTACK: Python<'_> = Python {
    requirements: include_str!("../../../../../cli/src/local/requirements.txt"),
    scripts: &[
        ("__main__.py", include_str!("../../../../../cli/src/local/emulator/launcher/__main__.py")),
        ("guard.py", include_str!("../../../../../cli/src/local/emulator/launcher/guard.py")),
        ("patches.py", include_str!("../../../../../cli/src/local/emulator/launcher/patches.py")),
    ],
};

/// The access key of both servers. ministack's guard checks the signatures.
const ACCESS_KEY: (&str, &str) = ("id", "secret");

/// How long the machine may take to start a server.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct ForeignDynamodb {
    pub(super) name: &'static str,
    pub(super) client: Dynamodb,
    /// Killed when this is dropped. A server ends by itself when its standard input closes.
    _process: Child,
}

pub(super) async fn start_dynalite() -> ForeignDynamodb {
    let folder = install_folder("dynalite");
    let node = DYNALITE.install(&folder).unwrap();
    let port = find_free_port();
    let mut command = Command::new(node);
    command.arg(folder.join("serve.js")).arg(port.to_string()).current_dir(&folder);
    ForeignDynamodb::start("dynalite", command, port).await
}

pub(super) async fn start_ministack() -> ForeignDynamodb {
    let folder = install_folder("ministack");
    let python = MINISTACK.install(&folder).unwrap();
    let port = find_free_port();
    let mut command = Command::new(python);
    command
        .arg("-I")
        .args([folder.clone(), folder.join(format!("{}.lock", std::process::id()))])
        .current_dir(&folder)
        .process_group(0)
        .envs([("BIND_HOST", "127.0.0.1"), ("GATEWAY_PORT", &port.to_string())])
        .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY.0), ("AWS_SECRET_ACCESS_KEY", ACCESS_KEY.1)])
        .envs([("HOME", &folder), ("STATE_DIR", &folder.join("state")), ("S3_DATA_DIR", &folder.join("s3"))])
        // Without these, ministack looks for containers to remove and opens further ports.
        .envs([("DOCKER_HOST", "unix:///nonexistent"), ("IOT_MTLS_ENABLED", "0"), ("SFTP_ENABLED", "0")]);
    ForeignDynamodb::start("ministack", command, port).await
}

impl ForeignDynamodb {
    /// Starts the server and creates the tables `S` and `N`, called like the types of their keys.
    async fn start(name: &'static str, mut command: Command, port: u16) -> Self {
        let log = install_folder(name).join(format!("{}.log", std::process::id()));
        let output = File::create(&log).unwrap();
        command.stdin(Stdio::piped()).stdout(output.try_clone().unwrap()).stderr(output).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let ready = tokio::time::timeout(PATIENCE, wait_for_port(&mut process, port)).await;
        assert!(
            matches!(ready, Ok(true)),
            "{name} does not start: {}",
            std::fs::read_to_string(&log).unwrap()
        );
        std::fs::remove_file(&log).unwrap();
        let server = Self { name, client: new_client(port), _process: process };
        for kind in ["S", "N"] {
            let table = json!({
                "TableName": table_name(kind),
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
                "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": kind }],
            });
            server.client.call_with_retries("CreateTable", table.to_string().into_bytes()).await.unwrap();
        }
        server
    }
}

/// Returns the name of the table whose key has this type.
pub(super) fn table_name(kind: &str) -> String {
    format!("items-{kind}")
}

fn new_client(port: u16) -> Dynamodb {
    let environment = Environment {
        region: "eu-central-1".to_owned(),
        credentials: Credentials::new(ACCESS_KEY.0, ACCESS_KEY.1, None, None, "tests"),
        endpoints: Endpoints::Shared(format!("http://127.0.0.1:{port}")),
    };
    let https = restctl_aws::https_client().unwrap();
    Dynamodb::new(Service::dynamodb(https, &environment, PATIENCE).unwrap(), Backoff::default())
}

/// Returns whether the process listens at the port before it ends.
async fn wait_for_port(process: &mut Child, port: u16) -> bool {
    while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

fn find_free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Returns a folder below that of the builds, `target/foreign-dynamodbs/NAME`.
fn install_folder(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // The test is in `target/PROFILE/deps`.
    test.ancestors().nth(3).unwrap().join("foreign-dynamodbs").join(name)
}
