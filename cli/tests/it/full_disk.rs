//! What commands say if a disk is full. `/dev/full` is one for standard output. For files, a limit on their size stands in.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cloud::{Cloud, CommandOutput};

/// Commands that write to standard output, in each of its ways.
const PRINTING: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["auth-test"],
    &["cert", "show"],
    &["cert", "show", "--pem"],
    &["completions", "bash"],
    &["config", "show"],
    &["doctor"],
    &["export"],
    &["export", "--format", "csv"],
    &["get", "--id", "1"],
    &["get", "--id", "1", "2", "--format", "ndjson"],
    &["idp", "show"],
    &["loads", "ls"],
    &["loads", "rejects", "LOAD"],
    &["loads", "show", "LOAD"],
    &["local", "env"],
    &["local", "status"],
    &["logs", "--since", "1h"],
    &["man"],
    &["status"],
    &["token"],
    &["upload", "--dry-run", "items.csv"],
    &["verify", "bad.csv"],
];

/// Commands that write to a file, and what their failure says. FOLDER is empty before and afterwards.
const WRITING: &[(&[&str], &[&str])] = &[
    (&["export", "FOLDER/items.ndjson"], &["cannot write ", "/items.ndjson", "on a disk with more space"]),
    (&["export", "--format", "csv"], &["cannot keep the items in a temporary file", "TMPDIR"]),
    (&["get", "--id", "1", "2", "--format", "csv"], &["cannot keep the items in a temporary file", "TMPDIR"]),
    (
        &["loads", "rejects", "LOAD", "--output", "json"],
        &["cannot keep the rejected rows in a temp", "TMPDIR"],
    ),
    (&["man", "--dir", "FOLDER"], &["cannot write ", ".1", "choose another folder"]),
    (&["upload", "--name", "new.csv", "-"], &["cannot keep standard input in a temporary file", "TMPDIR"]),
    (&["upload", "converted/types.xlsx"], &["cannot keep the converted file in a temporary file", "TMPDIR"]),
    (&["upload", "LARGE"], &["cannot write ", "/restctl/uploads/", "XDG_STATE_HOME"]),
    (&["verify", "bad.csv"], &["cannot keep", "TMPDIR"]),
];

/// Commands that keep something for later commands.
const CACHING: &[&[&str]] = &[&["get", "--id", "1"], &["token"]];

/// Returns the command with no room for anything in a file. A pipe has no limit.
fn without_room(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", r#"ulimit -f 0; exec "$0" "$@""#])
        .arg(command.get_program())
        .args(command.get_args());
    limited.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// A stack with a load, and the files that the commands read and write.
struct Stage {
    cloud: Cloud,
    load: String,
    /// More than a part, so that its upload could be resumed.
    large: String,
    folder: tempfile::TempDir,
}

impl Stage {
    fn set() -> Self {
        let cloud = Cloud::start_deployed(&["--list", "on"]);
        cloud.run(&["upload", "bad.csv"]).failed_with(3, &[]);
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        let load = loads[0]["load"].as_str().unwrap().to_owned();
        let rows = (0..20_000).map(|id| format!("{id},{}\n", "x".repeat(1000)));
        let large = cloud.write_file("large.csv", &format!("id,text\n{}", rows.collect::<String>()));
        Self { cloud, load, large, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let folder = self.folder.path().to_str().unwrap();
        let fill_in = |arg: &&str| {
            arg.replace("LOAD", &self.load).replace("LARGE", &self.large).replace("FOLDER", folder)
        };
        let filled: Vec<String> = args.iter().map(fill_in).collect();
        self.cloud.command(&filled.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn run_without_room(&self, args: &[&str]) -> CommandOutput {
        let input = File::open(self.cloud.write_file("input.csv", "id\n1\n")).unwrap();
        without_room(&self.command(args)).stdin(Stdio::from(input)).output().unwrap().into()
    }

    /// Removes the cached token and endpoint.
    fn clear_cache(&self) {
        let _ = fs::remove_dir_all(self.state("local/tokens"));
    }

    fn state(&self, folder: &str) -> PathBuf {
        self.cloud.state_folder().join("restctl").join(folder)
    }
}

fn count_files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn what_cannot_be_written_is_said() {
    let stage = Stage::set();
    for args in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = CommandOutput::from(stage.command(args).stdout(full).output().unwrap());
        ran.failed_with(
            1,
            &["error: cannot write to standard output\n  why:  No space left", "another program"],
        );
    }
    for args in CACHING {
        stage.clear_cache();
        stage.run_without_room(args).failed_with(1, &["cannot write ", "/local/tokens/", "XDG_STATE_HOME"]);
        assert_eq!(count_files(&stage.state("local/tokens")), 0, "{args:?}");
    }
    stage.cloud.succeed(&["get", "--id", "1"]);
    for (args, words) in WRITING {
        let ran = stage.run_without_room(args);
        ran.failed_with(1, &[&["File too large"], *words].concat());
        assert_eq!(count_files(stage.folder.path()), 0, "{args:?}");
    }
    assert_eq!(count_files(&stage.state("uploads")), 0);
    let bucket = stage.cloud.resource_id("DataBucket");
    let uploads = stage.cloud.get_s3(&format!("/{bucket}?uploads"));
    assert!(!uploads.contains("<UploadId>"), "nothing refers to its parts: {uploads}");
}
