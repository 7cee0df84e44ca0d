//! The same load in other languages: scripts beside this benchmark, with their packages in `target/bench-peers`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use restctl_testkit::bench::BoxError;
use restctl_testkit::bench::peer::{Node, Python};
use restctl_testkit::dynamodb::TableContent;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::cloud::{BUCKET, Cloud, ITEMS_TABLE, OBJECT};
use crate::measured::Measured;

const NODE: Node<'_> = Node {
    manifest: include_str!("../peers/node/package.json"),
    lock: include_str!("../peers/node/package-lock.json"),
    scripts: &[("load.js", include_str!("../peers/node/load.js"))],
};

const PYTHON: Python<'_> = Python {
    requirements: include_str!("../peers/python/requirements.txt"),
    scripts: &[("load.py", include_str!("../peers/python/load.py"))],
};

const TIMEOUT: Duration = Duration::from_secs(900);

/// A program that loads the object into the table. It writes `ready`, waits for a line, loads, writes `loaded` and the
/// number of rows, and runs until its standard input ends.
pub(crate) struct Peer {
    program: PathBuf,
    script: PathBuf,
}

impl Peer {
    /// Installs what the script needs.
    ///
    /// # Errors
    /// If it cannot run here. The text says why.
    pub(crate) fn install_node() -> Result<Self, String> {
        let folder = peer_folder("node");
        Ok(Self { program: NODE.install(&folder)?, script: folder.join("load.js") })
    }

    /// As [`Self::install_node`].
    pub(crate) fn install_python() -> Result<Self, String> {
        let folder = peer_folder("python");
        Ok(Self { program: PYTHON.install(&folder)?, script: folder.join("load.py") })
    }

    /// Loads the object into an empty table.
    pub(crate) async fn measure_load(&self, rows: u64) -> Result<Measured, BoxError> {
        let cloud = Cloud::start(rows, TableContent::Nothing).await;
        let mut process = Command::new(&self.program)
            .arg(&self.script)
            .args([BUCKET, OBJECT, ITEMS_TABLE])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(cloud.endpoint_variables())
            .envs([
                ("AWS_REGION", "eu-central-1"),
                ("AWS_DEFAULT_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "example"),
                ("AWS_CONFIG_FILE", "/dev/null"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
                // Suppresses a warning in the middle of the report.
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
        expect_line(&mut lines, "ready").await?;
        let load = async {
            input.write_all(b"load\n").await?;
            expect_line(&mut lines, &format!("loaded {rows}")).await
        };
        let measured = Measured::measure(id, &cloud, rows, load).await?;
        drop(input);
        let status = tokio::time::timeout(TIMEOUT, process.wait()).await??;
        if !status.success() {
            return Err(format!("it ended with {status}").into());
        }
        Ok(measured)
    }
}

/// Returns the packages of the peers with their versions.
pub(crate) fn peer_packages() -> Vec<String> {
    [NODE.packages(), PYTHON.packages(&["boto3", "botocore"])].concat()
}

async fn expect_line(lines: &mut Lines<BufReader<ChildStdout>>, expected: &str) -> Result<(), BoxError> {
    match tokio::time::timeout(TIMEOUT, lines.next_line()).await?? {
        Some(line) if line == expected => Ok(()),
        Some(line) => Err(format!("it wrote {line:?} instead of {expected:?}").into()),
        None => Err(format!("it ended before it wrote {expected:?}").into()),
    }
}

fn peer_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-peers").join(name)
}
