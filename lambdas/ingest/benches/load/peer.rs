//! The same load as others write it: scripts beside this benchmark, their packages under `target/bench-peers`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::BoxError;
use crate::cloud::{BUCKET, Cloud, ITEMS_TABLE, OBJECT};
use crate::dynamodb::{Dynamodb, Found};
use crate::measured::Measured;

const NODE_MANIFEST: &str = include_str!("../peers/node/package.json");
const NODE_LOCK: &str = include_str!("../peers/node/package-lock.json");
const NODE_SCRIPT: &str = include_str!("../peers/node/load.js");
const PYTHON_REQUIREMENTS: &str = include_str!("../peers/python/requirements.txt");
const PYTHON_SCRIPT: &str = include_str!("../peers/python/load.py");

const TIMEOUT: Duration = Duration::from_secs(900);

/// A program that loads the object into the table. It says `ready`, waits for a line, loads, says `loaded` and how
/// many rows, and stays until its standard input ends.
pub(crate) struct Peer {
    program: PathBuf,
    script: PathBuf,
}

impl Peer {
    /// Installs what the script needs.
    ///
    /// # Errors
    /// Why it cannot be run here.
    pub(crate) fn node() -> Result<Self, String> {
        let directory = directory("node")?;
        let script = write(&directory.join("load.js"), NODE_SCRIPT)?;
        install(&directory, &[NODE_MANIFEST, NODE_LOCK].concat(), || {
            write(&directory.join("package.json"), NODE_MANIFEST)?;
            write(&directory.join("package-lock.json"), NODE_LOCK)?;
            let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"];
            run(Blocking::new("npm").args(arguments).current_dir(&directory))
        })?;
        Ok(Self { program: "node".into(), script })
    }

    /// As [`Self::node`].
    pub(crate) fn python() -> Result<Self, String> {
        let directory = directory("python")?;
        let script = write(&directory.join("load.py"), PYTHON_SCRIPT)?;
        let environment = directory.join("venv");
        let program = environment.join("bin/python");
        install(&directory, PYTHON_REQUIREMENTS, || {
            let requirements = write(&directory.join("requirements.txt"), PYTHON_REQUIREMENTS)?;
            run(Blocking::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
            let arguments = ["-m", "pip", "install", "--quiet", "--require-hashes", "--retries=1", "-r"];
            run(Blocking::new(&program).args(arguments).arg(&requirements))
        })?;
        Ok(Self { program, script })
    }

    /// Into an empty table.
    pub(crate) async fn load(&self, rows: u64) -> Result<Measured, BoxError> {
        let cloud = Cloud::start(rows, Dynamodb::new(Found::Nothing)).await?;
        let mut process = Command::new(&self.program)
            .arg(&self.script)
            .args([BUCKET, OBJECT, ITEMS_TABLE])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([
                ("AWS_ENDPOINT_URL", cloud.url.as_str()),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_DEFAULT_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "example"),
                ("AWS_CONFIG_FILE", "/dev/null"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
                // It would stand in the middle of the table.
                ("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let id = process.id().ok_or("it ended at once")?;
        let mut input = process.stdin.take().ok_or("its input is not piped")?;
        let output = process.stdout.take().ok_or("its output is not piped")?;
        let mut lines = BufReader::new(output).lines();
        expect(&mut lines, "ready").await?;
        let load = async {
            input.write_all(b"load\n").await?;
            expect(&mut lines, &format!("loaded {rows}")).await
        };
        let measured = Measured::of(id, &cloud, rows, load).await?;
        drop(input);
        let status = tokio::time::timeout(TIMEOUT, process.wait()).await??;
        if !status.success() {
            return Err(format!("it ended with {status}").into());
        }
        Ok(measured)
    }
}

/// The packages that the peers ask for, with their versions.
pub(crate) fn packages() -> Vec<String> {
    let manifest: serde_json::Value = serde_json::from_str(NODE_MANIFEST).unwrap_or_default();
    let node = manifest["dependencies"].as_object().into_iter().flatten();
    let node = node.map(|(name, version)| format!("{name}@{}", version.as_str().unwrap_or_default()));
    let python = PYTHON_REQUIREMENTS.lines().filter_map(|line| line.split_whitespace().next());
    node.chain(python.filter(|word| word.starts_with("boto")).map(str::to_owned)).collect()
}

async fn expect(lines: &mut Lines<BufReader<ChildStdout>>, expected: &str) -> Result<(), BoxError> {
    match tokio::time::timeout(TIMEOUT, lines.next_line()).await?? {
        Some(line) if line == expected => Ok(()),
        Some(line) => Err(format!("it said {line:?} instead of {expected:?}").into()),
        None => Err(format!("it ended before it said {expected:?}").into()),
    }
}

fn directory(name: &str) -> Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-peers").join(name);
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(directory)
}

fn write(path: &Path, text: &str) -> Result<PathBuf, String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path.to_owned())
}

/// Unless that has been done for this very list of packages.
fn install(
    directory: &Path,
    packages: &str,
    install: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let installed = directory.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == packages) {
        return Ok(());
    }
    install()?;
    write(&installed, packages)?;
    Ok(())
}

fn run(command: &mut Blocking) -> Result<(), String> {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let output = command.output().map_err(|error| format!("{words}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{words}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}
