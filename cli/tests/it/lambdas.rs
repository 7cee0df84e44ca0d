//! The binaries of both Lambdas, as `cargo test --workspace` has built them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const BUILD_THEM: &str = "cargo test --workspace builds it for this test";

/// A cargo that only prints the paths of binaries that exist already. It knows no other subcommand than `build`.
const CARGO: &str = r#"#!/bin/sh
[ "$1" = build ] || exit 1
echo "{\"executable\":\"$(dirname "$0")/restctl-api\"}"
"#;

/// Returns the folder with both binaries, and with a `cargo` that prints their paths.
///
/// The binaries have no symbols, because packing them takes most of the time of a deployment.
pub(crate) fn lambdas_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lambdas");
        fs::create_dir_all(&folder).unwrap();
        for name in ["restctl-api", "restctl-ingest"] {
            let built = Path::new(env!("CARGO_BIN_EXE_restctl")).with_file_name(name);
            assert_is_current(&built);
            if modified_time(&folder.join(name)) < modified_time(&built) {
                replace_atomically(&folder, name, |file| {
                    let stripped = Command::new("strip").arg("-o").arg(file).arg(&built).status();
                    if !stripped.is_ok_and(|status| status.success()) {
                        fs::copy(&built, file).unwrap();
                    }
                });
            }
        }
        replace_atomically(&folder, "cargo", |file| {
            fs::write(file, CARGO).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        });
        folder
    })
}

/// Fails if the binary is missing, or if one of its own sources has changed since it was built.
fn assert_is_current(binary: &Path) {
    assert!(binary.is_file(), "{} is missing: {BUILD_THEM}", binary.display());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for source in listed_sources(binary).unwrap_or_default() {
        let is_older = modified_time(binary) < modified_time(&workspace.join(&source));
        assert!(!is_older, "{} is older than {source}: {BUILD_THEM}", binary.display());
    }
}

/// Returns the sources of a binary, as rustc has listed them. The list is beside the file in `deps` that cargo has linked to
/// the binary. `None` if cargo copied the binary instead, because then it is unknown which file that is.
fn listed_sources(binary: &Path) -> Option<Vec<String>> {
    let inode = fs::metadata(binary).ok()?.ino();
    let same = |file: &PathBuf| fs::metadata(file).is_ok_and(|metadata| metadata.ino() == inode);
    let mut built =
        fs::read_dir(binary.with_file_name("deps")).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let list = fs::read_to_string(built.find(same)?.with_extension("d")).ok()?;
    let (_, sources) = list.lines().next()?.split_once(": ")?;
    Some(sources.split_whitespace().map(str::to_owned).collect())
}

/// Returns when the file was modified. `None`, which is before every time, if there is no such file.
fn modified_time(file: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

/// Makes a file atomically, because other processes may make it at the same time.
fn replace_atomically(folder: &Path, name: &str, make: impl FnOnce(&Path)) {
    let unfinished = folder.join(format!("{name}-{}", std::process::id()));
    make(&unfinished);
    fs::rename(unfinished, folder.join(name)).unwrap();
}
