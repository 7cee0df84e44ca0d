//! Programs that restctl is compared with. Each has its packages in its own folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// `package.json`, `package-lock.json` and the scripts beside them.
pub struct Node<'a> {
    pub manifest: &'a str,
    pub lock: &'a str,
    /// Names and contents.
    pub scripts: &'a [(&'a str, &'a str)],
}

/// `requirements.txt`, with hashes, and the scripts beside it.
pub struct Python<'a> {
    pub requirements: &'a str,
    /// Names and contents.
    pub scripts: &'a [(&'a str, &'a str)],
}

impl Node<'_> {
    /// Installs everything in `folder`, and returns the program that runs the scripts.
    ///
    /// # Errors
    /// If the scripts cannot run here. The text says why.
    pub fn install(&self, folder: &Path) -> Result<PathBuf, String> {
        write_all(folder, self.scripts)?;
        install_once(folder, &[self.manifest, self.lock].concat(), || {
            write_all(folder, &[("package.json", self.manifest), ("package-lock.json", self.lock)])?;
            let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"];
            run_command(Command::new("npm").args(arguments).current_dir(folder)).map(drop)
        })?;
        // `node` may be a script that looks for the program.
        run_command(Command::new("node").args(["-p", "process.execPath"])).map(|path| path.trim().into())
    }

    /// Returns the required packages as `name@version`.
    pub fn packages(&self) -> Vec<String> {
        let manifest: Value = serde_json::from_str(self.manifest).unwrap_or_default();
        let lists = ["dependencies", "devDependencies"].map(|list| manifest[list].as_object().cloned());
        let packages = lists.into_iter().flatten().flatten();
        packages.map(|(name, version)| format!("{name}@{}", version.as_str().unwrap_or_default())).collect()
    }
}

impl Python<'_> {
    /// As [`Node::install`], with the packages in the virtual environment `folder/venv`.
    ///
    /// # Errors
    /// As [`Node::install`].
    pub fn install(&self, folder: &Path) -> Result<PathBuf, String> {
        let environment = folder.join("venv");
        let program = environment.join("bin/python");
        write_all(folder, self.scripts)?;
        install_once(folder, self.requirements, || {
            write_all(folder, &[("requirements.txt", self.requirements)])?;
            run_command(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
            let arguments = ["-m", "pip", "install", "--quiet", "--require-hashes", "--retries=1", "-r"];
            run_command(Command::new(&program).args(arguments).arg(folder.join("requirements.txt"))).map(drop)
        })?;
        Ok(program)
    }

    /// Returns the required versions of the packages `names` as `name==version`.
    pub fn packages(&self, names: &[&str]) -> Vec<String> {
        let lines = self.requirements.lines().filter_map(|line| line.split_whitespace().next());
        let wanted = |word: &&str| names.iter().any(|name| word.split("==").next() == Some(name));
        lines.filter(wanted).map(str::to_owned).collect()
    }
}

/// Runs `command`, and returns what it prints.
///
/// # Errors
/// If it cannot run or fails. The text has what it wrote to standard error.
pub fn run_command(command: &mut Command) -> Result<String, String> {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let output = command.output().map_err(|error| format!("{words}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{words}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}

fn write_all(folder: &Path, files: &[(&str, &str)]) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    files.iter().try_for_each(|(name, text)| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    })
}

/// Calls `install` unless this list of packages has been installed.
fn install_once(
    folder: &Path,
    packages: &str,
    install: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    if fs::read_to_string(folder.join("installed")).is_ok_and(|text| text == packages) {
        return Ok(());
    }
    install()?;
    write_all(folder, &[("installed", packages)])
}
