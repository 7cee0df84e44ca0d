//! The endpoint as other clients see it: at the address that `deploy` prints, trusting only what `cert show --pem` prints.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use reqwest::{Certificate, Client, Method, StatusCode, Version};

use crate::cloud::{Cloud, eventually};

/// Prints the status and the length of the answer. Its arguments are a URL, a file with the trust anchor and a token.
const PYTHON: &str = r#"
import ssl, sys, urllib.request
url, authority, token = sys.argv[1:]
request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
answer = urllib.request.urlopen(request, context=ssl.create_default_context(cafile=authority))
print(answer.status, len(answer.read()))
"#;

/// Does the same without the file, which NODE_EXTRA_CA_CERTS names.
const NODE: &str = r#"
const [url, , token] = process.argv.slice(1);
fetch(url, { headers: { authorization: `Bearer ${token}` } })
    .then(async answer => console.log(answer.status, (await answer.arrayBuffer()).byteLength));
"#;

fn authority_file(cloud: &Cloud, stack: &str) -> String {
    let authority = cloud.succeed(&["cert", "show", "--pem", "--stack", stack]).stdout;
    cloud.write_file(&format!("{stack}.pem"), &authority)
}

fn run_client(program: &str, option: &str, script: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args([option, script]).args(arguments).env("NODE_EXTRA_CA_CERTS", arguments[1]);
    let output = command.env("no_proxy", "localhost,127.0.0.1").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn other_clients_reach_each_stack_at_the_endpoint_that_deploy_prints() {
    let cloud = Cloud::start_set_up();
    let deployed = cloud.succeed(&["deploy"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["setup", "--stack", "other"]);
    let deployed_other = cloud.succeed(&["deploy", "--stack", "other"]);
    let (first, other) = (deployed.stdout.trim(), deployed_other.stdout.trim());
    assert_ne!(first, other);
    let all = cloud.succeed(&["status", "--all", "--output", "json"]).json();
    let listed = all["stacks"].as_array().unwrap().iter().map(|stack| stack["endpoint"].as_str().unwrap());
    assert_eq!(listed.collect::<BTreeSet<_>>(), BTreeSet::from([first, other]));
    for (stack, endpoint, path) in [("restctl", first, "/v1/items/42"), ("other", other, "/v1/openapi.json")]
    {
        assert!(endpoint.starts_with("https://localhost:"), "{endpoint}");
        let (authority, token) = (authority_file(&cloud, stack), cloud.succeed(&["token", "--stack", stack]));
        // A client that connects to an IP address sends no server name.
        for endpoint in [endpoint.to_owned(), endpoint.replace("localhost", "127.0.0.1")] {
            let url = format!("{endpoint}{path}");
            let arguments = [url.as_str(), &authority, token.stdout.trim()];
            let answers = [("python3", "-c", PYTHON), ("node", "-e", NODE)]
                .map(|(program, option, script)| run_client(program, option, script, &arguments));
            assert!(answers[0].starts_with("200 ") && answers[0] == answers[1], "{answers:?}");
        }
    }
    the_printed_commands_work(&cloud, &deployed.stderr);
    the_printed_commands_work(&cloud, &deployed_other.stderr);

    // The next stack gets the port of the first one.
    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    let upload = "restctl --stack other upload FILE";
    cloud.run(&["get", "--id", "none", "--stack", "other"]).failed_with(5, &["there is no item", upload]);
    cloud.succeed(&["setup"]);
    assert_eq!(cloud.succeed(&["deploy"]).stdout, deployed.stdout);
    cloud.succeed(&["destroy", "--yes", "--delete-data", "--stack", "other"]);
    let address: SocketAddr = other.replace("https://localhost", "127.0.0.1").parse().unwrap();
    eventually("its port is closed", || TcpStream::connect(address).is_err().then_some(()));
}

/// Types what `deploy` says about curl.
pub(crate) fn the_printed_commands_work(cloud: &Cloud, printed: &str) {
    let commands: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let commands = commands[commands.len() - 2..].join("\n");
    assert!(commands.contains("curl "), "{printed}");
    let restctl = cloud.command(&[]);
    let folder = Path::new(restctl.get_program()).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-ec", &commands]).current_dir(cloud.state_folder()).env("PATH", path);
    shell.env("XDG_STATE_HOME", cloud.state_folder()).env("RESTCTL_LOCAL", "1").env_remove("RESTCTL_STACK");
    let output = shell.env("no_proxy", "localhost").output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(
        answer.contains("\"openapi\":"),
        "{commands}: {answer}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn http_2_gets_the_same_answers() {
    let cloud = Cloud::shared_read_only();
    let authority = std::fs::read(authority_file(cloud, "restctl")).unwrap();
    let front = cloud.record()["front"].as_str().unwrap().to_owned();
    let token = cloud.succeed(&["token"]).stdout;
    let builder = || {
        let authority = Certificate::from_pem(&authority).unwrap();
        Client::builder().no_proxy().tls_certs_only([authority])
    };
    let clients = [
        (builder().http1_only().build().unwrap(), Version::HTTP_11),
        (builder().build().unwrap(), Version::HTTP_2),
    ];
    let large = "x".repeat(17 * 1024);
    for (method, path, body, header, status) in [
        (Method::GET, "/v1/items/1", "", "", StatusCode::OK),
        (Method::HEAD, "/v1/items/1", "", "", StatusCode::OK),
        (Method::GET, "/v1/items/n%2Fo", "", "", StatusCode::NOT_FOUND),
        (Method::POST, "/v1/items/batch-get", r#"{"ids":["1","5"]}"#, "", StatusCode::OK),
        (Method::GET, "/v1/items/1", "", &large, StatusCode::BAD_REQUEST),
    ] {
        let answers = clients.each_ref().map(|(client, version)| {
            let request = client.request(method.clone(), format!("https://{front}{path}"));
            let request = request.bearer_auth(token.trim()).header("x-large", header);
            let request = request.header("content-type", "application/json").body(body);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let answer = request.send().await.unwrap();
                assert_eq!(answer.version(), *version);
                let (status, mut headers) = (answer.status(), answer.headers().clone());
                for differs in ["date", "x-request-id"] {
                    headers.remove(differs);
                }
                (status, headers, answer.bytes().await.unwrap())
            })
        });
        assert_eq!(answers[0].0, status, "{method} {path}");
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
}
