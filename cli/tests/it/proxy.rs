//! A network in which only a proxy reaches AWS, the identity provider and the endpoint.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::authority::{Authority, Issued};
use crate::cloud::{Cloud, CommandOutput};
use crate::interposed::interpose;
use crate::issuer::{Issuer, IssuerDesign, tls_acceptor};

const USER: &str = "user";
const PASSWORD: &str = "p:ss#word";
/// The password as a URL contains it.
const ENCODED_PASSWORD: &str = "p%3Ass%23word";

const FORBIDDEN: &str =
    "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<h1>No.</h1>\r\n";
const UNAUTHENTICATED: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
    proxy-authenticate: Negotiate\r\nproxy-authenticate: Basic realm=\"proxy\"\r\ncontent-length: 0\r\n\r\n";

/// Stands for a server that the proxy cannot reach at the moment.
const OFFLINE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const BAD_GATEWAY: &str = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";

/// Returns the server that stands for `HOST:PORT`. The proxy refuses others.
type Routes = Arc<dyn Fn(&str) -> Option<SocketAddr> + Send + Sync>;

pub(crate) struct Proxy {
    address: SocketAddr,
    /// What it was asked to connect to.
    targets: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy that demands the user and the password. It ends with this process.
    pub(crate) fn start(routes: impl Fn(&str) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        let (routes, targets): (Routes, Arc<Mutex<Vec<String>>>) = (Arc::new(routes), Arc::default());
        let asked = Arc::clone(&targets);
        let address = serve_connections(move |stream| {
            let (routes, asked) = (Arc::clone(&routes), Arc::clone(&asked));
            async move { open_tunnel(stream, routes, asked).await }
        });
        Self { address, targets }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{USER}:{ENCODED_PASSWORD}@{}", self.address)
    }

    fn take_targets(&self) -> Vec<String> {
        std::mem::take(&mut *self.targets.lock().unwrap())
    }
}

async fn open_tunnel(mut stream: TcpStream, routes: Routes, targets: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let authorization = format!("basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let is_known = head.lines().any(|line| {
        line.split_once(": ").is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("proxy-authorization") && value.eq_ignore_ascii_case(&authorization)
        })
    });
    let target = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
    targets.lock().unwrap().push(target.to_owned());
    let answer = match routes(target) {
        _ if !is_known => UNAUTHENTICATED,
        None => FORBIDDEN,
        Some(OFFLINE) => BAD_GATEWAY,
        Some(server) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(server).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// Starts a server that decrypts what is sent to AWS, and passes it on to the emulator.
pub(crate) fn decrypt_for(emulator: SocketAddr, certificate: &Issued) -> SocketAddr {
    let acceptor = tls_acceptor(certificate);
    serve_connections(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut emulator = TcpStream::connect(emulator).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut emulator).await;
        }
    })
}

/// Starts a server on the loopback address, which ends with this process.
pub(crate) fn serve_connections<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream));
            }
        });
    });
    address
}

/// Returns `restctl ARGS` as on AWS, with this proxy, and without what this machine says about its own network.
fn command_behind(proxy: &str, cloud: &Cloud, args: &[&str]) -> Command {
    let mut command = cloud.command_as_on_aws(args);
    for variable in ["https_proxy", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"]
    {
        command.env_remove(variable);
    }
    command.env("HTTPS_PROXY", proxy).env("RESTCTL_CLIENT_SECRET", "another");
    command
}

/// Runs a command, which must not print the password.
fn run(command: &mut Command) -> CommandOutput {
    let ran = CommandOutput::from(command.output().unwrap());
    for secret in [PASSWORD, ENCODED_PASSWORD] {
        assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{}", ran.stderr);
    }
    ran
}

/// Returns a cloud with a stack whose name is not one of this machine.
fn start_deployed() -> Cloud {
    let cloud = Cloud::start_empty();
    cloud.succeed(&["setup", "--self-signed", "api.example.com"]);
    cloud.succeed(&["deploy"]);
    cloud
}

#[test]
fn aws_the_provider_and_the_endpoint_are_reached_through_the_proxy() {
    let cloud = start_deployed();
    cloud.succeed(&["upload", "items.csv"]);

    let authority = Authority::new();
    let login = authority.issue_certificate("login.example.com", 90);
    let issuer = Issuer::start_with(IssuerDesign {
        host: Some("login.example.com"),
        methods: &["client_secret_post"],
        audience: Some("items"),
        certificate: Some(&login),
        ..IssuerDesign::default()
    });
    // The emulator takes signatures for its own address only.
    interpose(&cloud, |_| None);
    let record = cloud.record();
    let address = |text: &str| text.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let emulator = address(record["endpoint_url"].as_str().unwrap());
    let aws = decrypt_for(emulator, &authority.issue_certificate("*.us-east-1.amazonaws.com", 90));
    let front = address(record["front"].as_str().unwrap());
    let login_target = issuer.url().trim_start_matches("https://").trim_end_matches('/').to_owned();
    let login_address =
        SocketAddr::from((Ipv4Addr::LOCALHOST, login_target.rsplit_once(':').unwrap().1.parse().unwrap()));
    let expected_login = login_target.clone();
    let proxy = Proxy::start(move |target| match target {
        _ if target.contains(".elb.") => Some(front),
        _ if target.ends_with(".us-east-1.amazonaws.com:443") => Some(aws),
        _ => (target == expected_login).then_some(login_address),
    });
    let bundle = cloud.write_file("bundle.pem", &authority.intermediate.pem());
    let succeed = |args: &[&str]| {
        // AWS's names lead to the proxy, not to the emulator.
        let mut command = command_behind(&proxy.url(), &cloud, args);
        let ran = run(command.env_remove("AWS_ENDPOINT_URL").env("SSL_CERT_FILE", &bundle));
        assert_eq!(ran.exit, 0, "restctl {args:?}:\n{}", ran.stderr);
        ran
    };

    let item = succeed(&["get", "--id", "42"]);
    assert!(item.stdout.contains("Pocket Towel"), "{}", item.stdout);
    let targets = proxy.take_targets();
    for host in ["cloudformation.us-east-1.amazonaws.com:443", "ssm.us-east-1.amazonaws.com:443", ".elb."] {
        assert!(targets.iter().any(|target| target.contains(host)), "{host}: {targets:?}");
    }
    let through = format!("through http://{}", proxy.address);
    let explained = succeed(&["get", "--id", "42", "--explain"]);
    assert!(explained.stderr.contains(&through), "{}", explained.stderr);
    let shown = succeed(&["cert", "show", "--output", "json"]).json();
    assert_eq!(shown["served"]["is_trusted"], true, "{shown}");

    succeed(&["setup", "--issuer", issuer.url(), "--audience", "items", "--client-id", "client"]);
    proxy.take_targets();
    assert!(succeed(&["token"]).stdout.starts_with("eyJ"));
    assert!(proxy.take_targets().contains(&login_target));
}

#[test]
fn a_request_that_the_proxy_refuses_says_why() {
    let cloud = start_deployed();
    let proxy = Proxy::start(|_| None);
    let address = proxy.address.to_string();
    let aws =
        |proxy: &str| run(command_behind(proxy, &cloud, &["loads", "ls"]).env_remove("AWS_ENDPOINT_URL"));
    let refuses = format!("the proxy http://{address} refuses to connect to ");
    let unauthenticated = [
        &refuses,
        "cloudformation.us-east-1.amazonaws.com:443",
        "407 Proxy Authentication Required, and accepts Negotiate, Basic",
        "export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
    ];
    aws(&format!("http://{address}")).failed_with(1, &unauthenticated);
    aws(&format!("http://{USER}:{ENCODED_PASSWORD}x@{address}")).failed_with(1, &unauthenticated);
    proxy.take_targets();
    aws(&proxy.url())
        .failed_with(1, &[&refuses, "403 Forbidden", "allow cloudformation.us-east-1.amazonaws.com"]);
    // The client's attempt, and the one that reads the answer. A refusal is not retried.
    assert_eq!(proxy.take_targets().len(), 2);
    let offline = Proxy::start(|_| Some(OFFLINE));
    aws(&offline.url()).failed_with(1, &["refuses to connect to", "502 Bad Gateway"]);
    // Three attempts, and for each the one that reads the answer.
    assert_eq!(offline.take_targets().len(), 6);
    // A profile signs in through the same client.
    let token = cloud.write_file("token", "web identity token");
    let mut web = command_behind(&proxy.url(), &cloud, &["loads", "ls"]);
    web.env_remove("AWS_ENDPOINT_URL").env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    web.env("AWS_WEB_IDENTITY_TOKEN_FILE", token).env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web");
    run(&mut web).failed_with(1, &["cannot describe", &refuses, "sts.us-east-1.amazonaws.com:443"]);
    aws("http://127.0.0.1:1")
        .failed_with(1, &["the proxy http://127.0.0.1:1 does not answer", "HTTPS_PROXY"]);
    let socks = format!("socks5://{USER}:{ENCODED_PASSWORD}@127.0.0.1:1");
    aws(&socks).failed_with(2, &["HTTPS_PROXY is not the address of a proxy", "http://HOST:PORT"]);

    // AWS is on this machine here, and is reached without the proxy, unlike the endpoint and the provider.
    run(&mut command_behind(&proxy.url(), &cloud, &["get", "--id", "42"]))
        .failed_with(1, &[&refuses, ".elb.", "403 Forbidden"]);
    for host in ["login.example.com", "[2001:db8::1]"] {
        let issuer = format!("https://{host}/");
        let setup = ["setup", "--issuer", &issuer, "--audience", "a", "--client-id", "id"];
        run(&mut command_behind(&proxy.url(), &cloud, &setup))
            .failed_with(1, &[&refuses, &format!("{host}:443"), "403 Forbidden"]);
    }
    proxy.take_targets();
    let mut excepted = command_behind(&proxy.url(), &cloud, &["loads", "ls"]);
    excepted.env("AWS_ENDPOINT_URL", "https://aws.invalid").env("NO_PROXY", "localhost,.invalid");
    run(&mut excepted).failed_with(1, &["cannot describe", "the name aws.invalid does not resolve"]);
    run(cloud.command(&["loads", "ls"]).env("HTTPS_PROXY", proxy.url())).failed_with(0, &[]);
    run(cloud.command(&["get", "--id", "42"]).env("HTTPS_PROXY", socks)).failed_with(5, &[]);
    assert_eq!(proxy.take_targets(), Vec::<String>::new());
}

#[test]
fn an_authority_in_the_bundle_of_the_aws_cli_is_trusted_for_aws() {
    let cloud = Cloud::start_set_up();
    interpose(&cloud, |_| None);
    let (authority, record) = (Authority::new(), cloud.record());
    let emulator =
        record["endpoint_url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/');
    let certificate = authority.issue_certificate("*.us-east-1.amazonaws.com", 90);
    let aws = decrypt_for(emulator.parse().unwrap(), &certificate);
    let proxy = Proxy::start(move |_| Some(aws));
    let list = |bundle: Option<&str>| {
        let mut command = command_behind(&proxy.url(), &cloud, &["loads", "ls"]);
        run(command.env_remove("AWS_ENDPOINT_URL").envs(bundle.map(|bundle| ("AWS_CA_BUNDLE", bundle))))
    };
    list(None).failed_with(1, &["UnknownIssuer", "export SSL_CERT_FILE="]);
    let another = cloud.write_file("another.pem", &Authority::new().chain_pem());
    list(Some(&another)).failed_with(
        1,
        &["invalid peer certificate", "add its authority to the file that AWS_CA_BUNDLE names"],
    );
    let bundle = cloud.write_file("bundle.pem", &authority.chain_pem());
    list(Some(&bundle)).failed_with(5, &["there is no stack restctl"]);
    let text = cloud.write_file("text.pem", "no certificate");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = cloud.write_file("broken.pem", broken);
    for file in [text.as_str(), &broken, "/nowhere.pem"] {
        list(Some(file)).failed_with(1, &["cannot read the certificates of AWS_CA_BUNDLE", file, "unset it"]);
    }
}
