//! The local cloud of a test: its own while it runs, or the one that all read-only tests share.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::lambdas::lambdas_folder;
use crate::signing::sign_request;
use crate::state_folder::StateFolder;

/// The path of the record that `local up` writes, below the state folder.
pub(crate) const RECORD: &str = "restctl/local/cloud.json";

/// How long a test waits for something that must happen. It is long because the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Cloud {
    /// `None` after this is dropped.
    state: Option<StateFolder>,
}

/// The exit code of one command, and what it printed.
pub(crate) struct CommandOutput {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cloud {
    /// Returns a cloud that is not running yet, for tests that start and stop it.
    pub(crate) fn new() -> Self {
        Self { state: Some(StateFolder::new()) }
    }

    /// Starts a cloud that contains nothing.
    pub(crate) fn start_empty() -> Self {
        Self { state: Some(StateFolder::with_empty_cloud()) }
    }

    /// Starts a cloud and runs `restctl setup`.
    pub(crate) fn start_set_up() -> Self {
        let cloud = Self::start_empty();
        cloud.succeed(&["setup"]);
        cloud
    }

    /// Starts a cloud and runs `restctl setup` and `restctl deploy OPTIONS`.
    pub(crate) fn start_deployed(options: &[&str]) -> Self {
        let cloud = Self::start_set_up();
        cloud.succeed(&[&["deploy"], options].concat());
        cloud
    }

    /// Returns the cloud that all read-only tests share. Its stack lists items, and `bad.csv` has been loaded.
    pub(crate) fn shared_read_only() -> &'static Self {
        static CLOUD: OnceLock<Cloud> = OnceLock::new();
        CLOUD.get_or_init(|| {
            let cloud = Self::start_deployed(&["--list", "on"]);
            cloud.run(&["upload", "bad.csv"]).failed_with(3, &["5 of 13 rows"]);
            cloud
        })
    }

    /// Returns the command `restctl ARGS` against this cloud, in the folder of the fixtures, without a terminal.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
        command
            .args(args)
            .current_dir(fixtures_folder())
            .env("XDG_STATE_HOME", self.state_folder())
            .env("RESTCTL_LOCAL", "1")
            .env("CARGO", lambdas_folder().join("cargo"))
            // For the record of requests (`.ci/record_requests.py`).
            .env("AWS_SDK_UA_APP_ID", subcommand(args).join("."))
            .env_remove("RESTCTL_STACK")
            .env_remove("RESTCTL_CLIENT_SECRET")
            .stdin(Stdio::null());
        command
    }

    /// Returns the command `restctl ARGS` against this cloud as if it were AWS: with its endpoint, a region and credentials.
    pub(crate) fn command_as_on_aws(&self, args: &[&str]) -> Command {
        let (mut command, record) = (self.command(args), self.record());
        command
            .env_remove("RESTCTL_LOCAL")
            .env("AWS_ENDPOINT_URL", record["endpoint_url"].as_str().unwrap())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", record["access_key"]["id"].as_str().unwrap())
            .env("AWS_SECRET_ACCESS_KEY", record["access_key"]["secret"].as_str().unwrap());
        command
    }

    /// Runs `restctl ARGS`, which must never print the client secret.
    pub(crate) fn run(&self, args: &[&str]) -> CommandOutput {
        let ran = CommandOutput::from(self.command(args).output().unwrap());
        if let Ok(record) = std::fs::read(self.state_folder().join(RECORD)) {
            let record: Value = serde_json::from_slice(&record).unwrap();
            let secret = record["identity_provider"]["client_secret"].as_str().unwrap();
            assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "restctl {args:?}");
        }
        ran
    }

    /// Runs `restctl ARGS`, which must succeed.
    pub(crate) fn succeed(&self, args: &[&str]) -> CommandOutput {
        let ran = self.run(args);
        assert_eq!(ran.exit, 0, "restctl {args:?}:\n{}", ran.stderr);
        ran
    }

    /// Runs `restctl ARGS` with this standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> CommandOutput {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().unwrap();
        let (mut stdin, input) = (running.stdin.take().unwrap(), input.to_owned());
        // A command that fails early does not read all of it.
        let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let ran = CommandOutput::from(running.wait_with_output().unwrap());
        writing.join().unwrap();
        ran
    }

    /// Writes a file into the state folder, and returns its path as an argument.
    pub(crate) fn write_file(&self, name: &str, text: &str) -> String {
        let file = self.state_folder().join(name);
        std::fs::write(&file, text).unwrap();
        file.into_os_string().into_string().unwrap()
    }

    /// Returns the record of `restctl local up`.
    pub(crate) fn record(&self) -> Value {
        let record = std::fs::read(self.state_folder().join(RECORD)).unwrap();
        serde_json::from_slice(&record).unwrap()
    }

    /// Calls an operation of AWS's JSON protocols without restctl, and returns the answer.
    pub(crate) fn call_json(&self, service: &str, operation: &str, body: &Value) -> Value {
        let answer = self.post(service, |request| {
            let request = request.header("x-amz-target", operation);
            request.header("content-type", "application/x-amz-json-1.1").body(body.to_string())
        });
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    /// Calls an action of AWS's query protocol without restctl, and returns the answer as XML.
    pub(crate) fn call_query(&self, service: &str, form: &[(&str, &str)]) -> String {
        self.post(service, |request| request.form(form))
    }

    /// Returns the trusted issuers of the stack from Systems Manager.
    pub(crate) fn stored_issuers(&self) -> Value {
        serde_json::from_str(&self.stored_setting("issuers")).unwrap()
    }

    /// Returns the client of the stack from Systems Manager.
    pub(crate) fn stored_client(&self) -> Value {
        serde_json::from_str(&self.stored_setting("client")).unwrap()
    }

    /// Changes the trusted issuers in Systems Manager as another tool would.
    pub(crate) fn edit_issuers(&self, edit: impl FnOnce(&mut Value)) {
        let mut issuers = self.stored_issuers();
        edit(&mut issuers);
        let name = "/restctl/restctl/issuers";
        let parameter =
            json!({ "Name": name, "Value": issuers.to_string(), "Type": "String", "Overwrite": true });
        self.call_json("ssm", "AmazonSSM.PutParameter", &parameter);
    }

    /// Returns a setting of the stack from Systems Manager.
    pub(crate) fn stored_setting(&self, name: &str) -> String {
        let asked = json!({ "Name": format!("/restctl/restctl/{name}") });
        let answer = self.call_json("ssm", "AmazonSSM.GetParameter", &asked);
        answer["Parameter"]["Value"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Returns the client secret from Secrets Manager.
    pub(crate) fn stored_client_secret(&self) -> String {
        let asked = json!({ "SecretId": "restctl/restctl/client-secret" });
        let answer = self.call_json("secretsmanager", "secretsmanager.GetSecretValue", &asked);
        answer["SecretString"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Marks a load as stopped in the ledger.
    pub(crate) fn mark_stopped(&self, load: &str) {
        let update = json!({
            "TableName": self.resource_id("LedgerTable"),
            "Key": { "load": { "S": load } },
            "UpdateExpression": "SET #state = :stopped, reason = :reason",
            "ExpressionAttributeNames": { "#state": "state" },
            "ExpressionAttributeValues": {
                ":stopped": { "S": "stopped" },
                ":reason": { "S": "the table was away" },
            },
        });
        self.call_json("dynamodb", "DynamoDB_20120810.UpdateItem", &update);
    }

    /// Puts an object as another tool would.
    pub(crate) fn put_object(&self, bucket: &str, key: &str, bytes: &str) {
        self.send_request("s3", Method::PUT, &format!("/{bucket}/{key}"), |request| {
            request.body(bytes.to_owned())
        });
    }

    pub(crate) fn make_bucket(&self, bucket: &str) {
        self.send_request("s3", Method::PUT, &format!("/{bucket}"), |request| request);
    }

    /// Returns S3's answer to GET, as XML.
    pub(crate) fn get_s3(&self, path: &str) -> String {
        self.get_from("s3", path)
    }

    pub(crate) fn get_from(&self, service: &str, path: &str) -> String {
        self.send_request(service, Method::GET, path, |request| request)
    }

    /// Returns the physical id of the resource whose logical id in the template is `resource`.
    pub(crate) fn resource_id(&self, resource: &str) -> String {
        let form =
            [("Action", "DescribeStackResource"), ("StackName", "restctl"), ("LogicalResourceId", resource)];
        let answer = self.post("cloudformation", |request| request.form(&form));
        let (_, rest) = answer.split_once("<PhysicalResourceId>").unwrap_or_else(|| panic!("{answer}"));
        rest.split_once('<').unwrap().0.to_owned()
    }

    fn post(
        &self,
        service: &str,
        fill: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> String {
        self.send_request(service, Method::POST, "/", fill)
    }

    pub(crate) fn send_request(
        &self,
        service: &str,
        method: Method,
        path: &str,
        fill: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> String {
        send_signed(&self.record(), service, method, path, fill)
    }

    pub(crate) fn state_folder(&self) -> &Path {
        self.state.as_ref().unwrap().path()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.state.take().into_iter().for_each(StateFolder::give_back);
    }
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl CommandOutput {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Returns the number after `name` in a receipt.
    #[track_caller]
    pub(crate) fn receipt_count(&self, name: &str) -> u64 {
        let values = self.stdout.lines().filter_map(|line| line.strip_prefix(name));
        let value = values.map(str::trim).find_map(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no {name:?} in:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Asserts that the command failed with this exit code and that standard error contains each of `words`.
    #[track_caller]
    pub(crate) fn failed_with(&self, exit: i32, words: &[&str]) {
        assert_eq!(self.exit, exit, "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in:\n{}", self.stderr);
        }
    }
}

/// Returns the words before the first option or file: at most two, such as `loads` and `retry`.
fn subcommand<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let is_word = |arg: &&&str| {
        !arg.starts_with('-') && arg.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    args.iter().take(2).take_while(is_word).copied().collect()
}

/// Sends SIGINT to a process, as Ctrl-C does.
pub(crate) fn interrupt(process: &Child) {
    let sent = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Repeats `look` until it returns a value, and returns that value.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signed request to the emulator of this record. It must succeed. Returns the body of the answer.
pub(crate) fn send_signed(
    record: &Value,
    service: &str,
    method: Method,
    path: &str,
    fill: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> String {
    let endpoint = record["endpoint_url"].as_str().unwrap().trim_end_matches('/');
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = fill(client.request(method, format!("{endpoint}{path}"))).build().unwrap();
    sign_request(&mut request, service, record);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = client.execute(request).await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status}: {text}");
        text
    })
}

pub(crate) fn fixtures_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}
