//! What others on the machine, and web pages that its user visits, can do with a local cloud: nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use reqwest::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use reqwest::{Client, Method, Request, Url};
use rustix::process::geteuid;
use serde_json::Value;

use crate::cloud::{Cloud, PATIENCE, RECORD};
use crate::signing::sign_request;

/// The user and the group `nobody`.
const NOBODY: u32 = 65_534;

const LIST_SECRETS: &str = r#"{"MaxResults":10}"#;

/// Returns a request that reads the names of the secrets, at this URL of the emulator.
fn list_secrets(url: Url) -> Request {
    let mut request = Request::new(Method::POST, url);
    let target = HeaderValue::from_static("secretsmanager.ListSecrets");
    request.headers_mut().insert("x-amz-target", target);
    *request.body_mut() = Some(LIST_SECRETS.into());
    request
}

fn signed_list_secrets(url: Url, record: &Value) -> Request {
    let mut request = list_secrets(url);
    sign_request(&mut request, "secretsmanager", record);
    request
}

/// Sends the request. `rebound.example` is this machine, as its owner could make it.
fn send(request: Request, emulator: SocketAddr) -> (u16, HeaderMap, String) {
    try_send(request, emulator).unwrap()
}

fn try_send(request: Request, emulator: SocketAddr) -> reqwest::Result<(u16, HeaderMap, String)> {
    // An open Runtime API would keep the attacker waiting for the next request.
    let client = Client::builder().no_proxy().timeout(PATIENCE).resolve("rebound.example", emulator);
    let client = client.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = client.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok((status, headers, answer.text().await?))
    })
}

#[track_caller]
fn assert_refused(request: Request, emulator: SocketAddr, code: &str) {
    let (status, headers, text) = send(request, emulator);
    assert_eq!(status, 403, "{text}");
    assert!(text.contains(code) && text.contains("restctl local env"), "{text}");
    assert!(!text.contains("client-secret"), "{text}");
    let for_pages = headers.keys().find(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(for_pages, None, "a web page may read the answer");
}

fn endpoint_of(record: &Value) -> (Url, SocketAddr) {
    let url: Url = record["endpoint_url"].as_str().unwrap().parse().unwrap();
    let address = ([127, 0, 0, 1], url.port().unwrap()).into();
    (url, address)
}

#[test]
fn only_a_signature_with_the_clouds_key_is_answered() {
    let record = Cloud::shared_read_only().record();
    let (url, emulator) = endpoint_of(&record);
    let (status, _, names) = send(signed_list_secrets(url.clone(), &record), emulator);
    assert!(status == 200 && names.contains("restctl/restctl/client-secret"), "{names}");

    assert_refused(list_secrets(url.clone()), emulator, "MissingAuthorizationParameter");
    for path in ["_ministack/health", "_ministack/reset", "_alb/any/v1/items/42", "2015-03-31/functions"] {
        let request = Request::new(Method::POST, url.join(path).unwrap());
        assert_refused(request, emulator, "MissingAuthorizationParameter");
    }

    // The id of the key is no secret: each signature contains it.
    let mut other_secret = record.clone();
    other_secret["access_key"]["secret"] = "0".repeat(64).into();
    assert_refused(signed_list_secrets(url.clone(), &other_secret), emulator, "SignatureDoesNotMatch");
    let mut other_key = record.clone();
    other_key["access_key"]["id"] = "000000000000".into();
    assert_refused(signed_list_secrets(url.clone(), &other_key), emulator, "InvalidClientTokenId");

    let mut other_body = signed_list_secrets(url.clone(), &record);
    *other_body.body_mut() = Some(r#"{"MaxResults":11}"#.into());
    assert_refused(other_body, emulator, "SignatureDoesNotMatch");
    let mut old = signed_list_secrets(url, &record);
    old.headers_mut().insert("x-amz-date", HeaderValue::from_static("20260101T000000Z"));
    assert_refused(old, emulator, "RequestTimeTooSkewed");
}

#[test]
fn web_pages_and_rebound_names_are_refused() {
    let record = Cloud::shared_read_only().record();
    let (url, emulator) = endpoint_of(&record);
    let mut preflight = Request::new(Method::OPTIONS, url.clone());
    preflight.headers_mut().insert(ORIGIN, HeaderValue::from_static("https://attacker.example"));
    preflight.headers_mut().insert("access-control-request-method", HeaderValue::from_static("POST"));
    assert_refused(preflight, emulator, "a web page cannot call the local cloud");

    let mut from_page = signed_list_secrets(url.clone(), &record);
    from_page.headers_mut().insert(ORIGIN, HeaderValue::from_static("null"));
    assert_refused(from_page, emulator, "a web page cannot call the local cloud");

    let mut rebound = url.clone();
    rebound.set_host(Some("rebound.example")).unwrap();
    assert_refused(
        signed_list_secrets(rebound, &record),
        emulator,
        "the endpoint of the local cloud is http://127.0.0.1:",
    );
    // What the front signs, it does not sign with this header.
    let mut listener = signed_list_secrets(url, &record);
    listener.headers_mut().insert(HOST, HeaderValue::from_static("127.0.0.1:443"));
    assert_refused(listener, emulator, "the endpoint of the local cloud is http://127.0.0.1:");
}

/// What ministack would take for the credentials of a caller, and for a call of one of its services.
const CLAIMS: [(&str, &str, &str); 5] = [
    ("X-Amz-Credential=x/20260101/eu-west-1/iam/aws4_request", "", ""),
    ("AWSAccessKeyId=222222222222", "", ""),
    ("", "AWS4-HMAC-SHA256 Credential=222222222222/20260101/us-east-1/iam/aws4_request", ""),
    (
        "",
        "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/dynamodb/aws4_request",
        "DynamoDB_20120810.ListTables",
    ),
    ("", "", "DynamoDB_20120810.ListTables"),
];

/// Sends a call of a service to the front, which signs what it passes on, and returns the status and the body of the answer.
fn call_through_front(record: &Value, (query, authorization, target): (&str, &str, &str)) -> (u16, String) {
    let url = format!("https://{}/?{query}", record["front"].as_str().unwrap());
    let mut request = Request::new(Method::POST, url.parse().unwrap());
    let headers = [("authorization", authorization), ("x-amz-target", target)];
    for (name, value) in headers.into_iter().filter(|(_, value)| !value.is_empty()) {
        request.headers_mut().insert(name, HeaderValue::from_static(value.to_owned().leak()));
    }
    *request.body_mut() =
        Some(if target.is_empty() { "Action=ListUsers&Version=2010-05-08" } else { "{}" }.into());
    // An attacker does not care for the certificate.
    let client = Client::builder().no_proxy().timeout(PATIENCE).tls_danger_accept_invalid_certs(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = client.build().unwrap().execute(request).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

#[test]
fn the_front_leads_to_the_load_balancer_and_nowhere_else() {
    let cloud = Cloud::start_deployed(&[]);
    let record = cloud.record();
    for claims in CLAIMS {
        // The API's own answer.
        let (status, text) = call_through_front(&record, claims);
        assert!(matches!(status, 401 | 404) && text.contains("\"status\""), "{claims:?}: {status} {text}");
    }
    // The front still knows the load balancer.
    let listed = cloud.call_query(
        "elasticloadbalancing",
        &[("Action", "DescribeLoadBalancers"), ("Version", "2015-12-01")],
    );
    let (_, rest) = listed.split_once("<LoadBalancerArn>").unwrap();
    let arn = rest.split('<').next().unwrap();
    let form =
        [("Action", "ModifyLoadBalancerAttributes"), ("Version", "2015-12-01"), ("LoadBalancerArn", arn)];
    let off =
        [("Attributes.member.1.Key", "deletion_protection.enabled"), ("Attributes.member.1.Value", "false")];
    cloud.call_query("elasticloadbalancing", &[&form[..], &off].concat());
    let form = [("Action", "DeleteLoadBalancer"), ("Version", "2015-12-01"), ("LoadBalancerArn", arn)];
    cloud.call_query("elasticloadbalancing", &form);
    for claims in CLAIMS {
        let (status, text) = call_through_front(&record, claims);
        assert_eq!(status, 503, "{claims:?}: {text}");
    }
}

#[test]
fn a_websocket_is_refused() {
    let record = Cloud::shared_read_only().record();
    let (_, emulator) = endpoint_of(&record);
    let mut stream = TcpStream::connect(emulator).unwrap();
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {emulator}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
}

/// S3's clients sign the digest of a body, and not the body.
#[test]
fn a_body_with_another_digest_is_not_stored() {
    let cloud = Cloud::start_empty();
    cloud.make_bucket("bucket");
    let record = cloud.record();
    let (url, emulator) = endpoint_of(&record);
    let put = |body: &'static str| {
        let mut request = Request::new(Method::PUT, url.join("/bucket/object").unwrap());
        // The SHA-256 of "one".
        let digest =
            HeaderValue::from_static("7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
        request.headers_mut().insert("x-amz-content-sha256", digest);
        *request.body_mut() = Some(body.into());
        sign_request(&mut request, "s3", &record);
        try_send(request, emulator)
    };
    let refused = put("two").map(|(status, ..)| status);
    assert!(!refused.as_ref().is_ok_and(|status| *status < 500), "{refused:?}");
    assert!(!cloud.get_s3("/bucket").contains("<Key>object</Key>"));
    assert_eq!(put("one").unwrap().0, 200);
    assert_eq!(cloud.get_s3("/bucket/object"), "one");
}

/// Anyone who asks the Runtime API of a function for its next invocation gets a client's request with its token.
#[test]
fn the_runtime_apis_of_functions_answer_only_the_functions() {
    let cloud = Cloud::shared_read_only();
    let record = cloud.record();
    cloud.succeed(&["get", "--id", "1"]);
    let (_, emulator) = endpoint_of(&record);
    let ports = listening_ports(record["emulator"].as_u64().unwrap());
    assert!(ports.contains(&emulator.port()) && ports.len() > 1, "{ports:?}");
    for port in ports.into_iter().filter(|port| *port != emulator.port()) {
        for path in ["2018-06-01/runtime/invocation/next", "guessed/2018-06-01/runtime/invocation/next"] {
            let url = format!("http://127.0.0.1:{port}/{path}").parse().unwrap();
            assert_eq!(send(Request::new(Method::GET, url), emulator).0, 404, "port {port}, {path}");
        }
    }
    cloud.succeed(&["get", "--id", "1"]);
}

/// Returns the TCP ports at which a process listens.
pub(crate) fn listening_ports(process: u64) -> Vec<u16> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).unwrap().filter_map(|file| {
        let target = fs::read_link(file.unwrap().path()).ok()?;
        let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned();
        Some(inode)
    });
    let open: Vec<String> = open.collect();
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let sockets = sockets.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Columns: number, local address, remote address, state (0A is LISTEN), ..., inode.
    let listening = sockets.filter(|socket| socket[3] == "0A" && open.iter().any(|inode| inode == socket[9]));
    listening.map(|socket| u16::from_str_radix(socket[1].split_once(':').unwrap().1, 16).unwrap()).collect()
}

/// As root, this test acts as another user. Otherwise it can only look at owners and modes, and call as itself.
#[test]
fn another_user_gets_neither_the_key_nor_an_answer() {
    let cloud = Cloud::shared_read_only();
    let record = cloud.record();
    let emulator = PathBuf::from(format!("/proc/{}/environ", record["emulator"]));
    let folder = cloud.state_folder().join("restctl");
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    for file in [cloud.state_folder().join(RECORD), emulator] {
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(metadata.uid(), geteuid().as_raw());
        assert_eq!(metadata.mode() & 0o077, 0, "{}", file.display());
        let read = run_as_another_user("cat", &[file.to_str().unwrap()]);
        assert!(!geteuid().is_root() || !read.status.success(), "{}", file.display());
    }
    // Arguments are everyone's to read.
    let secret = record["access_key"]["secret"].as_str().unwrap();
    for process in ["supervisor", "emulator"] {
        let arguments = fs::read_to_string(format!("/proc/{}/cmdline", record[process])).unwrap();
        assert!(!arguments.contains(secret), "{arguments}");
    }

    let port = endpoint_of(&record).1.port();
    let call = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}; \
         printf 'GET /2015-03-31/functions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n' >&3; \
         cat <&3"
    );
    let answer = run_as_another_user("bash", &["-c", &call]);
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("FunctionName"), "{answer}");
}

fn run_as_another_user(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/");
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output().unwrap()
}
