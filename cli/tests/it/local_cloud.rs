//! `restctl local`. Each test starts its own local cloud. All of them share the installed emulator.

use std::fs;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::Uri;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cloud::{eventually, interrupt};
use crate::loopback_server::serve_until_exit;

/// A state folder. The local cloud in it is stopped at the end of the test.
struct State(tempfile::TempDir);

impl State {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
        command.args(["local"]).args(arguments).env("XDG_STATE_HOME", self.0.path());
        command
    }

    /// Runs `restctl local ARGUMENTS`, which must succeed. Returns standard error and standard output.
    fn run(&self, arguments: &[&str]) -> (String, String) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", stderr_text(&output));
        (stderr_text(&output), String::from_utf8(output.stdout).unwrap())
    }

    fn cloud_folder(&self) -> PathBuf {
        self.0.path().join("restctl/local")
    }

    fn record(&self) -> Value {
        serde_json::from_slice(&fs::read(self.cloud_folder().join("cloud.json")).unwrap()).unwrap()
    }

    /// Returns the addresses of the emulator, the identity provider and the front.
    fn addresses(&self) -> [String; 3] {
        let record = self.record();
        let host = |url: &Value| {
            url.as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned()
        };
        [host(&record["endpoint_url"]), host(&record["identity_provider"]["issuer"]), host(&record["front"])]
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = self.command(&["down"]).output();
    }
}

fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_listening(address: &String) -> bool {
    TcpStream::connect(address).is_ok()
}

/// Whether a process holds this lock. It holds it as long as it runs.
fn is_locked(lock: &Path) -> bool {
    File::open(lock).unwrap().try_lock_shared().is_err()
}

#[test]
fn up_twice_status_down() {
    let state = State::new();
    let (said, _) = state.run(&["up"]);
    assert!(said.contains("the local cloud is running"), "{said}");
    assert!(said.contains("export RESTCTL_LOCAL=1") && said.contains("restctl setup"), "{said}");
    let addresses = state.addresses();
    assert!(addresses.iter().all(is_listening), "{addresses:?}");

    let record = state.record();
    let (said, _) = state.run(&["up"]);
    assert!(said.contains("already running"), "{said}");
    assert_eq!(state.record(), record);

    let (_, answer) = state.run(&["status"]);
    assert!(addresses.iter().all(|address| answer.contains(address)), "{answer}");
    let secret = record["identity_provider"]["client_secret"].as_str().unwrap();
    assert!(!answer.contains(secret));
    assert!(!fs::read_to_string(state.cloud_folder().join("log")).unwrap().contains(secret));

    let (said, _) = state.run(&["down"]);
    assert!(said.contains("has stopped"), "{said}");
    assert!(!addresses.iter().any(is_listening), "{addresses:?}");
    assert!(!state.cloud_folder().exists());
    let (said, _) = state.run(&["down"]);
    assert!(said.contains("not running"), "{said}");
    let status = state.command(&["status"]).output().unwrap();
    assert_eq!(status.status.code(), Some(5));
    assert!(stderr_text(&status).contains("next: restctl local up"));
}

/// What a shell does with `eval "$(restctl local env)"`, and another tool with the variables.
#[test]
fn env_prints_what_other_tools_need() {
    let state = State::new();
    let stopped = state.command(&["env"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(5));
    state.run(&["up"]);
    let (_, exports) = state.run(&["env"]);
    let shell = Command::new("sh").args(["-c", r#"eval "$1"; env"#, "sh", &exports]).output().unwrap();
    let variables = String::from_utf8(shell.stdout).unwrap();
    let (_, json) = state.run(&["env", "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let record = state.record();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", &record["endpoint_url"]),
        ("AWS_ACCESS_KEY_ID", &record["access_key"]["id"]),
        ("AWS_SECRET_ACCESS_KEY", &record["access_key"]["secret"]),
        ("AWS_REGION", &"us-east-1".into()),
    ] {
        let line = format!("{name}={}", value.as_str().unwrap());
        assert!(variables.lines().any(|variable| variable == line), "{line} is not in:\n{variables}");
        assert_eq!(&json[name], value);
    }
}

/// Its processes stay when the command has ended, and functions run what others have written.
#[test]
fn what_the_user_exported_does_not_stay() {
    let state = State::new();
    let exported = [("AWS_SECRET_ACCESS_KEY", "of-the-user"), ("LD_LIBRARY_PATH", "/of-the-user")];
    let output = state.command(&["up"]).envs(exported).output().unwrap();
    assert!(output.status.success(), "{}", stderr_text(&output));
    let record = state.record();
    for process in ["supervisor", "emulator"] {
        let variables = fs::read(format!("/proc/{}/environ", record[process])).unwrap();
        let variables = String::from_utf8(variables).unwrap();
        assert!(variables.contains("HOME=") && !variables.contains("of-the-user"), "{process}: {variables}");
    }
}

/// What the launcher changes in ministack, called as ministack calls it.
#[test]
fn functions_answer_at_once_and_end_when_they_are_idle() {
    const CHECK: &str = r#"
import os, sys, time
sys.path.insert(0, sys.argv[1])
import patches
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

patches.end_idle_functions()
patches.answer_functions_at_once()

class Worker:
    def __init__(self, in_use, idle_seconds):
        self.in_use, self.last_used = in_use, time.time() - idle_seconds

ended = []
lambda_runtime.kill_workers = ended.extend
idle, recent, busy = Worker(False, 61), Worker(False, 1), Worker(True, 61)
lambda_runtime._workers.update(former=[idle], current=[recent, busy])
lambda_svc.reap_idle_workers()
assert ended == [idle], ended
assert lambda_runtime._workers == {"former": [], "current": [recent, busy]}

worker = lambda_runtime.ProvidedWorker("function", {}, b"")
assert worker._build_handler_class(1, None).disable_nagle_algorithm
"#;
    let state = State::new();
    state.run(&["up"]);
    let emulator = state.record()["emulator"].to_string();
    let arguments = fs::read_to_string(format!("/proc/{emulator}/cmdline")).unwrap();
    let python = arguments.split('\0').next().unwrap();
    let variables = fs::read_to_string(format!("/proc/{emulator}/environ")).unwrap();
    let variables = variables.split('\0').filter_map(|variable| variable.split_once('='));
    let mut command = Command::new(python);
    command.args(["-I", "-c", CHECK]).arg(state.cloud_folder().join("launcher"));
    let output = command.env_clear().envs(variables).output().unwrap();
    assert!(output.status.success(), "{}", stderr_text(&output));
}

#[test]
fn two_at_once_start_one() {
    let state = State::new();
    let both = [(); 2].map(|()| state.command(&["up"]).spawn().unwrap());
    for mut up in both {
        assert!(up.wait().unwrap().success());
    }
    assert!(state.addresses().iter().all(is_listening));
}

#[test]
fn nothing_outlives_a_killed_supervisor() {
    let state = State::new();
    state.run(&["up"]);
    let (record, addresses) = (state.record(), state.addresses());
    let killed = Command::new("kill").args(["-KILL", &record["supervisor"].to_string()]).status().unwrap();
    assert!(killed.success());
    eventually("the emulator ends", || {
        (!is_locked(&state.cloud_folder().join("emulator.lock"))).then_some(())
    });
    eventually("the ports close", || (!addresses.iter().any(is_listening)).then_some(()));
    assert_eq!(state.command(&["status"]).output().unwrap().status.code(), Some(5));

    state.run(&["up"]);
    assert_ne!(state.record()["supervisor"], record["supervisor"]);
    assert!(state.addresses().iter().all(is_listening));
}

/// A Python that pretends to have ministack, and whose emulator never answers. It is called with `-I -c CODE` to search for
/// ministack, and with `-I LAUNCHER LOCK` to run it.
const SILENT_EMULATOR: &str = r#"#!/bin/sh
[ "$2" = -c ] || exec python3 -c '
import fcntl, os, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()
while os.read(0, 1):
    pass
' "$3"
"#;

/// Returns a cache folder with that Python: a start of the cloud lasts until it is interrupted.
fn cache_with_silent_emulator() -> tempfile::TempDir {
    let requirements = include_str!("../../src/local/requirements.txt");
    let version = requirements.lines().find_map(|line| line.strip_prefix("ministack==")).unwrap();
    let version = version.trim_end_matches([' ', '\\']);
    let digest = Sha256::digest(requirements);
    let digest: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let cache = tempfile::tempdir().unwrap();
    let environment = cache.path().join(format!("restctl/ministack-{version}-{digest}"));
    fs::create_dir_all(environment.join("bin")).unwrap();
    fs::write(environment.join("complete"), "").unwrap();
    let python = environment.join("bin/python");
    fs::write(&python, SILENT_EMULATOR).unwrap();
    fs::set_permissions(python, fs::Permissions::from_mode(0o755)).unwrap();
    cache
}

#[test]
fn an_interrupted_start_leaves_nothing() {
    let state = State::new();
    let cache = cache_with_silent_emulator();
    let mut up = state.command(&["up"]).env("XDG_CACHE_HOME", cache.path()).spawn().unwrap();
    let lock = state.cloud_folder().join("emulator.lock");
    eventually("the emulator starts", || (lock.exists() && is_locked(&lock)).then_some(()));
    let emulator = File::open(&lock).unwrap();
    interrupt(&up);
    assert_eq!(up.wait().unwrap().code(), Some(130));
    assert!(!state.cloud_folder().exists());
    assert!(emulator.try_lock_shared().is_ok(), "the emulator still runs");
}

#[test]
fn the_wait_for_another_restctl_ends_in_time() {
    let state = State::new();
    let folder = state.cloud_folder().parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let cache = cache_with_silent_emulator();
    let run = |command: &str| {
        let mut run = state.command(&[command, "--timeout", "1s"]);
        let output = run.env("XDG_CACHE_HOME", cache.path()).output().unwrap();
        (output.status.code(), stderr_text(&output))
    };
    // As while another command starts or stops the cloud.
    let lock = File::open(&folder).unwrap();
    lock.lock().unwrap();
    for (command, undone) in [("up", "was starting"), ("down", "had stopped")] {
        let (exit, said) = run(command);
        assert_eq!(exit, Some(7), "{said}");
        assert!(said.contains(&format!("after 1 s, before the local cloud {undone}")), "{said}");
        assert!(said.contains(&format!("next: restctl local {command}")), "{said}");
    }
    drop(lock);
    // As while another command installs the emulator.
    let lock = File::create(cache.path().join("restctl/ministack.lock")).unwrap();
    lock.lock().unwrap();
    let (exit, said) = run("up");
    assert_eq!(exit, Some(7), "{said}");
    assert!(said.contains("before the local cloud was starting"), "{said}");
}

#[test]
fn a_taken_port_is_named() {
    let state = State::new();
    // Below the range from which the kernel assigns free ports, so that no other test gets this one.
    let ports = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap()..;
    let listener = ports.map(|port| TcpListener::bind(("127.0.0.1", port))).find_map(Result::ok).unwrap();
    let taken = listener.local_addr().unwrap().port();
    for flag in ["--port", "--identity-provider-port", "--https-port"] {
        let output = state.command(&["up", flag, &taken.to_string()]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = stderr_text(&output);
        assert!(said.contains(&format!("cannot use port {taken}")) && said.contains(flag), "{said}");
    }
    drop(listener);
    state.run(&["up", "--port", &taken.to_string()]);
    assert_eq!(state.addresses()[0], format!("127.0.0.1:{taken}"));
}

#[test]
fn without_python_it_says_what_to_install() {
    let state = State::new();
    let (empty_path, empty_cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut up = state.command(&["up"]);
    up.env("PATH", empty_path.path()).env("XDG_CACHE_HOME", empty_cache.path());
    let output = up.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr_text(&output);
    assert!(
        said.contains("python3.10 is on the PATH") && said.contains("next: install Python 3.10"),
        "{said}"
    );
}

#[test]
fn a_failed_installation_shows_why_and_leaves_nothing() {
    let state = State::new();
    let cache = tempfile::tempdir().unwrap();
    let mut up = state.command(&["up"]);
    // Nothing listens at this index.
    up.env("XDG_CACHE_HOME", cache.path())
        .env("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
        .env("PIP_RETRIES", "0");
    let output = up.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr_text(&output);
    assert!(said.contains("No matching distribution found for botocore"), "{said}");
    assert!(said.contains("PIP_INDEX_URL"), "{said}");
    let left: Vec<_> =
        fs::read_dir(cache.path().join("restctl")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["ministack.lock"]);
}

/// Package indexes can be broken into, and users' settings name further ones.
#[test]
fn only_the_known_packages_are_installed() {
    let index = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", index.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    serve_altered_packages(index, asked.clone());
    let (state, home) = (State::new(), tempfile::tempdir().unwrap());
    fs::create_dir_all(home.path().join(".config/pip")).unwrap();
    let settings = format!("[global]\nindex-url = {url}/of-the-user/\nno-index = true\n");
    fs::write(home.path().join(".config/pip/pip.conf"), settings).unwrap();
    let output = state
        .command(&["up"])
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.path().join("cache"))
        .env("PIP_INDEX_URL", format!("{url}/simple/"))
        .env("PIP_EXTRA_INDEX_URL", format!("{url}/of-the-user/"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr_text(&output);
    assert!(said.contains("DO NOT MATCH THE HASHES") && said.contains("botocore"), "{said}");
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty() && !asked.iter().any(|path| path.contains("of-the-user")), "{asked:?}");
}

/// Serves any version of any package that pip asks for, with other content than it has. Notes the paths of the requests.
fn serve_altered_packages(index: TcpListener, asked: Arc<Mutex<Vec<String>>>) {
    let requirements = include_str!("../../src/local/requirements.txt");
    let answer = move |uri: Uri| {
        asked.lock().unwrap().push(uri.path().to_owned());
        let name = uri.path().trim_matches('/').rsplit('/').next().unwrap().to_owned();
        let version = requirements
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=="))?.strip_suffix(" \\"));
        let wheel = version.map(|version| format!("{}-{version}-py3-none-any.whl", name.replace('-', "_")));
        let page = wheel.map(|wheel| format!("<!DOCTYPE html><a href=\"/files/{wheel}\">{wheel}</a>"));
        let page = page.unwrap_or_else(|| "altered".to_owned());
        async move { ([("content-type", "text/html")], page) }
    };
    serve_until_exit(index, Router::new().fallback(answer));
}
