//! The Lambda Runtime API around a real bootstrap binary.
//!
//! Paths and headers: AWS Lambda, "Using the Lambda runtime API for custom runtimes".

use std::collections::HashMap;
use std::fmt;
use std::path::Path as FilePath;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::server::Server;

/// The timeout of the function, unless an invocation has its own.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer is awaited after the function's timeout.
const GRACE: Duration = Duration::from_secs(5);

/// A running function: its process, which is killed when this is dropped, and the Runtime API that feeds it.
pub struct Runtime {
    process_id: u32,
    invocations: mpsc::UnboundedSender<Invocation>,
    ended: watch::Receiver<Option<String>>,
    waiting: watch::Receiver<bool>,
    output: Arc<Mutex<String>>,
    _server: Server,
    _tasks: JoinSet<()>,
}

/// Why an invocation has no answer, and all that the process had written.
#[derive(Debug)]
pub struct InvokeError {
    pub reason: String,
    pub output: String,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; the process wrote:\n{}", self.reason, self.output)
    }
}

impl std::error::Error for InvokeError {}

struct Invocation {
    event: Value,
    deadline: SystemTime,
    answer: AnswerSender,
}

type AnswerSender = oneshot::Sender<Result<Value, String>>;

#[derive(Clone)]
struct RuntimeApi {
    next: Arc<AsyncMutex<mpsc::UnboundedReceiver<Invocation>>>,
    /// The number of invocations so far, and those without an answer by request id.
    pending: Arc<Mutex<(u64, HashMap<String, AnswerSender>)>>,
    output: Arc<Mutex<String>>,
    /// Whether the function has asked for an event and has not got one.
    waiting: Arc<watch::Sender<bool>>,
}

impl Runtime {
    /// Starts `binary`. Its environment is only what Lambda sets and `variables`, which take precedence.
    pub async fn start(binary: impl AsRef<FilePath>, variables: &[(&str, &str)]) -> Self {
        Self::start_command(Command::new(binary.as_ref()), variables).await
    }

    /// As [`Self::start`], for a program with arguments.
    pub async fn start_command(command: Command, variables: &[(&str, &str)]) -> Self {
        let (invocations, queue) = mpsc::unbounded_channel();
        let output = Arc::new(Mutex::new(String::new()));
        let (wait, waiting) = watch::channel(false);
        let api = RuntimeApi {
            next: Arc::new(AsyncMutex::new(queue)),
            pending: Arc::default(),
            output: Arc::clone(&output),
            waiting: Arc::new(wait),
        };
        let server = Server::start(build_router(api)).await;
        let mut tasks = JoinSet::new();

        let mut process = spawn_process(command, server.url().trim_start_matches("http://"), variables);
        let process_id = process.id().expect("the process has not been awaited yet");
        let stdout = collect_output(process.stdout.take(), Arc::clone(&output));
        let stderr = collect_output(process.stderr.take(), Arc::clone(&output));
        let (end, ended) = watch::channel(None);
        tasks.spawn(async move {
            // Waits for all output first, so that it tells why the process ended.
            let how = match tokio::join!(process.wait(), stdout, stderr).0 {
                Ok(status) => format!("the process ended ({status})"),
                Err(error) => format!("the process was lost: {error}"),
            };
            end.send_replace(Some(how));
        });
        Self { process_id, invocations, ended, waiting, output, _server: server, _tasks: tasks }
    }

    /// Returns the function's answer to `event`.
    ///
    /// # Errors
    /// If the function reports an error, ends, or gives no answer in time.
    pub async fn invoke(&self, event: &Value) -> Result<Value, InvokeError> {
        self.invoke_within(event, TIMEOUT).await
    }

    /// As [`Self::invoke`], with a function timeout of `timeout`.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn invoke_within(&self, event: &Value, timeout: Duration) -> Result<Value, InvokeError> {
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation { event: event.clone(), deadline: SystemTime::now() + timeout, answer };
        // The other end of the queue lives as long as the server, and the server as long as `self`.
        let _ = self.invocations.send(invocation);
        let mut ended = self.ended.clone();
        let outcome = tokio::select! {
            answer = answered => answer.unwrap_or_else(|_| Err("the event was dropped".to_owned())),
            how = ended.wait_for(Option::is_some) => {
                Err(how.ok().and_then(|how| how.clone()).unwrap_or_else(|| "the process is gone".to_owned()))
            }
            () = tokio::time::sleep(timeout + GRACE) => Err(format!("no answer within {:?}", timeout + GRACE)),
        };
        outcome.map_err(|reason| InvokeError { reason, output: self.output() })
    }

    /// Waits at most 30 s until the function asks for an event. Then it has started, and has finished its work for
    /// earlier events.
    ///
    /// # Errors
    /// If it ends first, or does not ask.
    pub async fn wait_until_idle(&self) -> Result<(), InvokeError> {
        let (mut waiting, mut ended) = (self.waiting.clone(), self.ended.clone());
        let reason = tokio::select! {
            Ok(_) = waiting.wait_for(|waiting| *waiting) => return Ok(()),
            Ok(how) = ended.wait_for(Option::is_some) => how.clone().unwrap_or_default(),
            () = tokio::time::sleep(TIMEOUT) => format!("it has not asked for an event within {TIMEOUT:?}"),
        };
        Err(InvokeError { reason, output: self.output() })
    }

    /// Waits at most 30 s until the process has ended, and returns how.
    ///
    /// # Errors
    /// If it is still running.
    pub async fn wait_for_end(&self) -> Result<String, InvokeError> {
        let mut ended = self.ended.clone();
        match tokio::time::timeout(TIMEOUT, ended.wait_for(Option::is_some)).await {
            Ok(Ok(how)) => Ok(how.clone().unwrap_or_default()),
            _ => {
                Err(InvokeError { reason: "the process is still running".to_owned(), output: self.output() })
            }
        }
    }

    /// Returns the id under which the system counts what the process uses.
    pub fn process_id(&self) -> u32 {
        self.process_id
    }

    /// Returns what the process has written to standard output and standard error so far, and its initialization
    /// errors.
    pub fn output(&self) -> String {
        self.output.lock().expect("no thread panics with the lock").clone()
    }
}

fn spawn_process(mut command: Command, api: &str, variables: &[(&str, &str)]) -> Child {
    command
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", api),
            ("AWS_LAMBDA_FUNCTION_NAME", "restctl"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("AWS_SESSION_TOKEN", "example"),
        ])
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.as_std().get_program()))
}

async fn collect_output(stream: Option<impl AsyncRead + Unpin>, output: Arc<Mutex<String>>) {
    let Some(mut stream) = stream else { return };
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        let text = String::from_utf8_lossy(&piece[..length]);
        output.lock().expect("no thread panics with the lock").push_str(&text);
    }
}

fn build_router(api: RuntimeApi) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(invocation_response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(invocation_error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(api)
}

async fn next_invocation(State(api): State<RuntimeApi>) -> Response {
    api.waiting.send_replace(true);
    let Some(invocation) = api.next.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    api.waiting.send_replace(false);
    let deadline = invocation.deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let id = {
        let (count, pending) = &mut *api.pending.lock().expect("no thread panics with the lock");
        *count += 1;
        let id = format!("00000000-0000-4000-8000-{count:012x}");
        pending.insert(id.clone(), invocation.answer);
        id
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:restctl".to_owned(),
        ),
        ("lambda-runtime-trace-id", "Root=1-5c536348-3d683b8b04734faae651f476;Sampled=0".to_owned()),
    ];
    (headers, invocation.event.to_string()).into_response()
}

async fn invocation_response(
    State(api): State<RuntimeApi>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let answer = serde_json::from_slice(&body).map_err(|error| format!("the answer is not JSON: {error}"));
    api.settle_invocation(&id, answer)
}

async fn invocation_error(State(api): State<RuntimeApi>, Path(id): Path<String>, body: String) -> StatusCode {
    api.settle_invocation(&id, Err(format!("the function reported {body}")))
}

async fn init_error(State(api): State<RuntimeApi>, body: String) -> StatusCode {
    let mut output = api.output.lock().expect("no thread panics with the lock");
    output.push_str(&format!("initialization failed: {body}\n"));
    StatusCode::ACCEPTED
}

impl RuntimeApi {
    fn settle_invocation(&self, id: &str, answer: Result<Value, String>) -> StatusCode {
        match self.pending.lock().expect("no thread panics with the lock").1.remove(id) {
            Some(waiting) => {
                // The caller may have given up by now.
                let _ = waiting.send(answer);
                StatusCode::ACCEPTED
            }
            None => StatusCode::NOT_FOUND,
        }
    }
}
