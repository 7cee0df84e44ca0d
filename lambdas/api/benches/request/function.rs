//! The measured functions: restctl's, and equivalents for Node.js and Python. Their sources are beside this benchmark,
//! and their packages are installed in `target/bench-peers`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Blocking;

use restctl_testkit::bench::peer::{Node, Python, run_command};
use restctl_testkit::runtime::Runtime;
use tokio::process::Command;

use crate::cloud::Cloud;
use crate::package::Package;

const NODE: Node<'_> = Node {
    manifest: include_str!("../peers/node/package.json"),
    lock: include_str!("../peers/node/package-lock.json"),
    scripts: &[
        ("handler.mjs", include_str!("../peers/node/handler.mjs")),
        ("bootstrap.mjs", include_str!("../peers/node/bootstrap.mjs")),
    ],
};

const PYTHON: Python<'_> = Python {
    requirements: include_str!("../peers/python/requirements.txt"),
    scripts: &[
        ("handler.py", include_str!("../peers/python/handler.py")),
        ("bootstrap.py", include_str!("../peers/python/bootstrap.py")),
    ],
};

/// Bundles ES modules, so that unused code can be dropped. Some packages still call `require`.
const ESBUILD: [&str; 8] = [
    "handler.mjs",
    "--bundle",
    "--minify",
    "--platform=node",
    "--format=esm",
    "--main-fields=module,main",
    "--outfile=dist/handler.mjs",
    "--banner:js=import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
];

pub(crate) struct Function {
    program: PathBuf,
    script: Option<PathBuf>,
    pub(crate) package: Package,
}

impl Function {
    /// Measures the package of the function that Cargo has built.
    ///
    /// # Errors
    /// Says why the function cannot run here.
    pub(crate) fn prepare_restctl() -> Result<Self, String> {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_restctl-api"));
        Ok(Self { package: Package::measure_files(&[&program])?, program, script: None })
    }

    /// Installs the packages, bundles the handler with them and measures the bundle.
    ///
    /// # Errors
    /// As [`Self::prepare_restctl`].
    pub(crate) fn install_node() -> Result<Self, String> {
        let folder = peer_folder("node");
        let program = NODE.install(&folder)?;
        run_command(
            Blocking::new(folder.join("node_modules/.bin/esbuild")).args(ESBUILD).current_dir(&folder),
        )?;
        let package = Package::measure_files(&[&folder.join("dist/handler.mjs")])?;
        Ok(Self { program, script: Some(folder.join("bootstrap.mjs")), package })
    }

    /// Installs the packages and measures them with the handler.
    ///
    /// # Errors
    /// As [`Self::prepare_restctl`].
    pub(crate) fn install_python() -> Result<Self, String> {
        let folder = peer_folder("python");
        let program = PYTHON.install(&folder)?;
        let packages =
            run_command(Blocking::new(&program).args(["-c", "import jwt; print(jwt.__path__[0])"]))?;
        let packages = Path::new(packages.trim()).with_file_name("");
        let mut files = vec![folder.join("handler.py")];
        for entry in fs::read_dir(&packages).map_err(|error| format!("{}: {error}", packages.display()))? {
            let path = entry.map_err(|error| error.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // The virtual environment's own packages.
            if !["pip", "setuptools", "pkg_resources", "_distutils", "distutils"]
                .iter()
                .any(|own| name.starts_with(own))
            {
                files.push(path);
            }
        }
        let package = Package::measure_files(&files)?;
        Ok(Self { program, script: Some(folder.join("bootstrap.py")), package })
    }

    /// Spawns a new process.
    pub(crate) async fn start(&self, cloud: &Cloud) -> Runtime {
        let mut command = Command::new(&self.program);
        command.args(&self.script);
        let variables = cloud.function_variables();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
        Runtime::start_command(command, &variables).await
    }
}

/// Returns the peers' packages with their versions.
pub(crate) fn peer_packages() -> Vec<String> {
    [NODE.packages(), PYTHON.packages(&["boto3", "botocore", "pyjwt", "cryptography"])].concat()
}

fn peer_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-peers").join("api").join(name)
}
