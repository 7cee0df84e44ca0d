//! A network in which AWS answers as a test chooses. restctl reaches it by AWS's own names, through a proxy.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::call::AwsCall;
use crate::authority::Authority;
use crate::cloud::{CommandOutput, fixtures_folder};
use crate::lambdas::lambdas_folder;
use crate::proxy::{Proxy, decrypt_for, serve_connections};

/// What happens to a call.
pub(super) enum Reaction {
    /// It is answered with these bytes, and the connection is closed.
    Answer(Vec<u8>),
    /// It is passed on.
    PassOn,
    /// Nothing.
    None,
}

/// What a command signs in with.
pub(super) struct Secrets<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) access_key: &'a str,
    pub(super) client_secret: &'a str,
}

pub(super) type React = Arc<dyn Fn(&AwsCall) -> Reaction + Send + Sync>;

pub(super) struct AwsNetwork {
    proxy: Proxy,
    folder: tempfile::TempDir,
}

impl AwsNetwork {
    /// Starts the network. `upstream` gets the calls that `react` passes on, and `endpoint` is the API's load balancer.
    pub(super) fn start(react: React, upstream: Option<SocketAddr>, endpoint: Option<SocketAddr>) -> Self {
        let authority = Authority::new();
        let server = serve_connections(move |stream| {
            let react = Arc::clone(&react);
            async move { answer_calls(stream, &react, upstream).await }
        });
        let serve = |name: &str| decrypt_for(server, &authority.issue_certificate(name, 90));
        let regional = serve("*.us-east-1.amazonaws.com");
        let (buckets, accounts) =
            (serve("*.s3.us-east-1.amazonaws.com"), serve("*.ddb.us-east-1.amazonaws.com"));
        let global = serve("iam.amazonaws.com");
        let proxy = Proxy::start(move |target| match target {
            "iam.amazonaws.com:443" => Some(global),
            _ if target.contains(".elb.") => endpoint,
            _ if target.ends_with(".s3.us-east-1.amazonaws.com:443") => Some(buckets),
            _ if target.ends_with(".ddb.us-east-1.amazonaws.com:443") => Some(accounts),
            _ => target.ends_with(".us-east-1.amazonaws.com:443").then_some(regional),
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bundle.pem"), authority.chain_pem()).unwrap();
        Self { proxy, folder }
    }

    /// Runs `restctl ARGS` with this state folder. Each call is made once.
    pub(super) fn run(&self, args: &[&str], state: &Path, secrets: &Secrets<'_>) -> CommandOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
        command
            .args(args)
            .current_dir(fixtures_folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", state)
            .env("CARGO", lambdas_folder().join("cargo"))
            .env("HTTPS_PROXY", self.proxy.url())
            .env("SSL_CERT_FILE", self.folder.path().join("bundle.pem"))
            .env("RESTCTL_CLIENT_SECRET", secrets.client_secret)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", secrets.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", secrets.access_key)
            .env("AWS_MAX_ATTEMPTS", "1")
            .stdin(Stdio::null());
        command.output().unwrap().into()
    }
}

/// Answers the calls of a connection, until one of them ends it.
async fn answer_calls(mut stream: TcpStream, react: &React, upstream: Option<SocketAddr>) {
    while let Some(call) = read_call(&mut stream).await {
        match react(&call) {
            // The client may be gone.
            Reaction::Answer(bytes) => return drop(stream.write_all(&bytes).await),
            Reaction::PassOn => {
                let answer = pass_on(&call, upstream.unwrap()).await;
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
            // Until the client is gone.
            Reaction::None => return drop(stream.read_u8().await),
        }
    }
}

/// Returns the answer of `upstream`, after which the connection of the client can go on.
async fn pass_on(call: &AwsCall, upstream: SocketAddr) -> Vec<u8> {
    let mut upstream = TcpStream::connect(upstream).await.unwrap();
    upstream.write_all(&call.to_single_request()).await.unwrap();
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let (head, body) = answer.split_at(end);
    let head = std::str::from_utf8(head).unwrap();
    let kept = head.split("\r\n").filter(|line| !line.eq_ignore_ascii_case("connection: close"));
    [kept.collect::<Vec<_>>().join("\r\n").as_bytes(), body].concat()
}

/// Reads a request. `None` if the client is gone.
pub(super) async fn read_call(stream: &mut TcpStream) -> Option<AwsCall> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut call = AwsCall::parse_head(&String::from_utf8(head).unwrap());
    if call.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let length = call.header("content-length").map_or(0, |length| length.parse().unwrap());
    call.body = vec![0; length];
    stream.read_exact(&mut call.body).await.ok()?;
    Some(call)
}
