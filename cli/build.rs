//! Bundles both Lambdas with the command if `RESTCTL_LAMBDAS` names a folder of them: `ARCHITECTURE/restctl-api` and
//! `ARCHITECTURE/restctl-ingest`, for arm64, x86_64, or both. `.ci/release` sets it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/deployment/packages/zipped.rs"]
mod zipped;

use zipped::Compression;

const ARCHITECTURES: [&str; 2] = ["arm64", "x86_64"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=RESTCTL_LAMBDAS");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut bundled = String::new();
    if let Some(folder) = env::var_os("RESTCTL_LAMBDAS") {
        let folder = Path::new(&folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        for architecture in ARCHITECTURES.into_iter().filter(|name| folder.join(name).is_dir()) {
            let zip = |name: &str| -> Result<PathBuf, Box<dyn Error>> {
                let zip = out.join(format!("{architecture}-{name}.zip"));
                let binary = fs::read(folder.join(architecture).join(name))?;
                fs::write(&zip, zipped::zip_binary(&binary, Compression::Small)?)?;
                Ok(zip)
            };
            let (api, ingest) = (zip("restctl-api")?, zip("restctl-ingest")?);
            bundled += &format!("({architecture:?}, include_bytes!({api:?}), include_bytes!({ingest:?})),\n");
        }
        if bundled.is_empty() {
            return Err(format!(
                "RESTCTL_LAMBDAS: {} has neither an arm64 nor an x86_64 folder",
                folder.display()
            )
            .into());
        }
    }
    fs::write(out.join("bundled.rs"), format!("&[\n{bundled}]\n"))?;
    Ok(())
}
