//! A stack in the local cloud, which commands reach as they reach one on AWS.

use std::cell::Cell;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::network::{AwsNetwork, React, Secrets};
use super::other_servers::Provider;
use crate::cloud::{Cloud, CommandOutput};
use crate::dlq::object_event;
use crate::interposed::{Call, interpose};
use crate::waiting::enable_mapping;

pub(super) struct DeployedStack {
    pub(super) cloud: Cloud,
    /// The load of `bad.csv`.
    pub(super) load: String,
    /// The entry of that load in the ledger.
    entry: Value,
    /// An issuer that the stack does not trust.
    issuer: Provider,
    /// What ACCESS stands for.
    is_open: Cell<bool>,
    /// How many dead letters were sent.
    sent: Cell<u64>,
}

impl DeployedStack {
    pub(super) fn start() -> Self {
        let cloud = Cloud::start_empty();
        cloud.succeed(&["setup", "--self-signed", "api.example.com"]);
        cloud.succeed(&["deploy", "--list", "on"]);
        cloud.run(&["upload", "bad.csv"]).failed_with(3, &[]);
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        let (load, entry) = (loads[0]["load"].as_str().unwrap().to_owned(), loads[0].clone());
        // The emulator takes signatures for its own address only.
        interpose(&cloud, answer_smoke_test);
        Self { cloud, load, entry, issuer: Provider::start(), is_open: Cell::new(true), sent: Cell::new(0) }
    }

    /// Starts a network in which `react` decides which calls reach the stack.
    pub(super) fn start_network(&self, react: React) -> AwsNetwork {
        let record = self.cloud.record();
        let address = |member: &str| -> SocketAddr {
            let url = record[member].as_str().unwrap();
            url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
        };
        AwsNetwork::start(react, Some(address("endpoint_url")), Some(address("front")))
    }

    /// Runs `restctl ARGS` without what an attempt before has remembered, and would not ask for again.
    pub(super) fn run(&self, args: &[&str], network: &AwsNetwork) -> CommandOutput {
        let _ = fs::remove_dir_all(self.cloud.state_folder().join("restctl/tokens"));
        let record = self.cloud.record();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let secrets = Secrets {
            access_key_id: &text(&record["access_key"]["id"]),
            access_key: &text(&record["access_key"]["secret"]),
            client_secret: &text(&record["identity_provider"]["client_secret"]),
        };
        let filled: Vec<String> = args.iter().map(|arg| self.fill_in(arg)).collect();
        let filled: Vec<&str> = filled.iter().map(String::as_str).collect();
        network.run(&filled, self.cloud.state_folder(), &secrets)
    }

    fn fill_in(&self, arg: &str) -> String {
        match arg {
            "LOAD" => self.load.clone(),
            "ISSUER" => self.issuer.url.clone(),
            // The value of `--openapi` with which there is something to deploy.
            "ACCESS" => if self.is_open.get() { "open" } else { "token" }.to_owned(),
            // Small programs in place of the Lambdas, because packing these takes seconds.
            "TINY" => self.tiny_lambdas().into_os_string().into_string().unwrap(),
            other => other.to_owned(),
        }
    }

    fn tiny_lambdas(&self) -> PathBuf {
        let folder = self.cloud.state_folder().join("tiny");
        fs::create_dir_all(&folder).unwrap();
        for name in ["restctl-api", "restctl-ingest"] {
            fs::copy("/bin/true", folder.join(name)).unwrap();
        }
        folder
    }

    /// Chooses the other value of `--openapi`.
    pub(super) fn toggle_access(&self) {
        self.is_open.set(!self.is_open.get());
    }

    pub(super) fn pause_loads(&self) {
        enable_mapping(&self.cloud, &self.cloud.resource_id("LoadMapping"), false);
    }

    pub(super) fn resume_loads(&self) {
        enable_mapping(&self.cloud, &self.cloud.resource_id("LoadMapping"), true);
    }

    pub(super) fn send_dead_letter(&self, queue: &str) {
        self.sent.set(self.sent.get() + 1);
        let message = json!({
            "QueueUrl": queue,
            "MessageGroupId": "items",
            "MessageDeduplicationId": self.sent.get().to_string(),
            "MessageBody": object_event(&self.cloud, &self.entry, true),
        });
        self.cloud.call_json("sqs", "AmazonSQS.SendMessage", &message);
    }
}

/// Answers the invocations of a smoke test as the functions do.
fn answer_smoke_test(call: &Call) -> Option<String> {
    if !call.uri.contains("/invocations") {
        return None;
    }
    let event: Value = serde_json::from_str(&call.body).unwrap();
    if event["Records"] == json!([]) {
        return Some(json!({ "batchItemFailures": [] }).to_string());
    }
    let is_test = event["requestContext"]["elb"]["targetGroupArn"].as_str()?.ends_with("restctl:deploy");
    let status = if event["path"] == "/health" { 200 } else { 401 };
    is_test.then(|| json!({ "statusCode": status }).to_string())
}
