//! Ctrl-C ends each command with one line and exit code 130, at any time.

use std::io::{PipeReader, PipeWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use rustix::io::ioctl_fionread;
use serde_json::Value;

use crate::cloud::{Cloud, CommandOutput, eventually, fixtures_folder, interrupt};
use crate::pages::leaf_commands;

/// The commands that call AWS first. `upload` and `verify` read the file before.
const CALLERS: [&str; 28] = [
    "auth-test",
    "cert renew",
    "cert show",
    "config show",
    "deploy",
    "destroy --yes",
    "dlq drop --all --yes",
    "dlq ls",
    "dlq redrive --load 0123456789abcdef",
    "doctor",
    "export",
    "get --id 1",
    "idp add --issuer https://127.0.0.1:9/ --audience a",
    "idp remove https://127.0.0.1:9/",
    "idp rotate-secret --client-secret-file items.csv",
    "idp show",
    "loads ls",
    "loads rejects 0123456789abcdef",
    "loads retry 0123456789abcdef",
    "loads show 0123456789abcdef",
    "logs --follow",
    "rollback",
    "setup --self-signed api.example.com",
    "status",
    "token",
    "token explain",
    "upload items.csv",
    "verify items.csv",
];

/// The commands that do not call AWS.
const OTHERS: [&str; 7] =
    ["completions", "demo", "local down", "local env", "local status", "local up", "man"];

/// Runs `restctl LINE` as on AWS, whose endpoint is this.
fn spawn_as_on_aws(line: &str, endpoint: &str, stdin: Stdio) -> Child {
    let state = std::env::temp_dir().join("restctl-no-state");
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(line.split(' ')).current_dir(fixtures_folder()).env("XDG_STATE_HOME", state);
    for variable in ["RESTCTL_LOCAL", "RESTCTL_STACK", "RESTCTL_CLIENT_SECRET", "AWS_PROFILE"] {
        command.env_remove(variable);
    }
    command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// An endpoint that accepts connections and never answers.
struct SilentEndpoint {
    listener: TcpListener,
    connections: Mutex<Vec<TcpStream>>,
}

impl SilentEndpoint {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener, connections: Mutex::default() }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    fn wait_for_connection(&self) {
        let connection = eventually("the command connects", || self.listener.accept().ok());
        self.connections.lock().unwrap().push(connection.0);
    }
}

/// Interrupts the command and asserts that it ends with one line.
#[track_caller]
fn assert_ends_with_one_line(running: Child, line: &str) {
    interrupt(&running);
    let ended = CommandOutput::from(running.wait_with_output().unwrap());
    // What to type next belongs to the message.
    let said: Vec<&str> = ended.stderr.lines().filter(|line| !line.starts_with("  next: ")).collect();
    assert_eq!((ended.exit, said.len()), (130, 1), "{line}: {}", ended.stderr);
    if line.contains("--output json") {
        let failure: Value = serde_json::from_str(said[0]).unwrap();
        assert!(failure["what"].as_str().unwrap().starts_with("interrupted"), "{line}: {failure}");
        assert_eq!((&failure["outcome"], &failure["exit"]), (&"failed".into(), &130.into()), "{line}");
    } else {
        assert!(said[0].starts_with("error: interrupted"), "{line}: {}", ended.stderr);
    }
}

#[test]
fn each_command_is_interrupted_while_it_waits_for_aws() {
    let mut named: Vec<&str> = CALLERS.iter().chain(&OTHERS).copied().collect();
    named.sort_unstable();
    for command in leaf_commands() {
        assert!(named.iter().any(|line| line.starts_with(&command)), "{command} is not interrupted");
    }
    for line in CALLERS {
        for format in ["text", "json"] {
            let line = format!("{line} --output {format}");
            let endpoint = SilentEndpoint::open();
            let running = spawn_as_on_aws(&line, &endpoint.url(), Stdio::null());
            endpoint.wait_for_connection();
            assert_ends_with_one_line(running, &line);
        }
    }
}

#[test]
fn an_operation_that_is_interrupted_writes_its_result() {
    for line in ["deploy --output json", "rollback --output json", "destroy --yes --output json"] {
        let endpoint = SilentEndpoint::open();
        let running = spawn_as_on_aws(line, &endpoint.url(), Stdio::null());
        endpoint.wait_for_connection();
        interrupt(&running);
        let ended = CommandOutput::from(running.wait_with_output().unwrap());
        let result = ended.json();
        assert_eq!((&result["type"], &result["exit"]), (&"result".into(), &130.into()), "{line}");
    }
}

#[test]
fn a_command_that_reads_standard_input_is_interrupted() {
    let cloud = Cloud::start_deployed(&[]);
    for line in [
        "get",
        "token explain -",
        "idp rotate-secret --client-secret-file -",
        "upload - --name a.csv",
        "verify - --name a.csv",
    ] {
        let mut command = cloud.command(&line.split(' ').collect::<Vec<_>>());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        let mut input = running.stdin.take().unwrap();
        input.write_all(b"id").unwrap();
        eventually(line, || (ioctl_fionread(&input).unwrap() == 0).then_some(()));
        assert_ends_with_one_line(running, line);
    }
}

/// Returns a pipe that is full.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[0; 64 * 1024]).unwrap();
    (reader, writer)
}

/// Waits until a command that waits for nothing else waits for the reader of what it writes.
fn wait_until_writing(running: &Child) {
    let stat = format!("/proc/{}/stat", running.id());
    eventually("it writes", || std::fs::read_to_string(&stat).unwrap().contains(") S ").then_some(()));
}

#[test]
fn a_command_whose_reader_is_slow_is_interrupted() {
    let (_reader, writer) = full_pipe();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.args(["completions", "bash"]).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let running = command.spawn().unwrap();
    wait_until_writing(&running);
    assert_ends_with_one_line(running, "completions bash");
}

#[test]
fn a_command_that_cannot_say_that_it_ends_is_ended_by_the_next_interrupt() {
    let (_reader, writer) = full_pipe();
    let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
    command.arg("nothing").stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
    let mut running = command.spawn().unwrap();
    wait_until_writing(&running);
    let ended = eventually("it ends", || {
        interrupt(&running);
        running.try_wait().unwrap()
    });
    assert_eq!(ended.code(), Some(130));
}
