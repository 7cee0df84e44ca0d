//! The two Lambda packages. They come from a folder that the user names, from this binary, or from a build in the checkout.

mod elf;
mod source;
mod zipped;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(crate) use source::find_checkout;
use zipped::Compression;

use crate::digest::sha256_hex;
use crate::failure::{Exit, Failure, FailureContext, Result};

pub(crate) const API: &str = "restctl-api";
pub(crate) const INGEST: &str = "restctl-ingest";

/// The zips in this binary: the architecture, the API and the ingest function. `cli/build.rs` writes them.
const BUNDLED: &[(&str, &[u8], &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Where the functions will run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this machine.
    Local,
    Aws,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Place::Local { "in the local cloud" } else { "on Lambda" })
    }
}

/// A processor architecture, by the names that Lambda uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    Arm64,
    X86_64,
}

impl Architecture {
    /// The architecture of this machine.
    const HERE: Self = if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X86_64 };

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = [Self::Arm64, Self::X86_64].into_iter().find(|known| known.name() == name);
        known.ok_or_else(|| format!("{name:?} is not an architecture of Lambda"))
    }
}

/// A zip that Lambda accepts.
pub(crate) struct Package {
    pub(crate) zip: Vec<u8>,
    /// `{name}-{SHA-256 of the zip}.zip`
    pub(crate) key: String,
}

impl Package {
    fn new(name: &str, zip: Vec<u8>) -> Self {
        Self { key: format!("{name}-{}.zip", sha256_hex(&zip)), zip }
    }
}

pub(crate) struct Packages {
    pub(crate) api: Package,
    pub(crate) ingest: Package,
    pub(crate) architecture: Architecture,
}

impl Packages {
    /// Returns the packages of `folder` if it is set, otherwise the bundled ones, otherwise a build of the checkout.
    /// `deployed` is the architecture of the stack, which stays the same if it is available.
    pub(crate) fn find(folder: Option<&Path>, place: Place, deployed: Option<Architecture>) -> Result<Self> {
        if let Some(folder) = folder {
            return Self::read_folder(folder, place);
        }
        if !BUNDLED.is_empty() {
            return Self::choose_bundled(BUNDLED, place, deployed);
        }
        let checkout = find_checkout().ok_or_else(|| {
            Failure::new("no Lambda binaries to deploy were found")
                .why("this restctl was built without them, and it does not run in a checkout in which it could build them")
                .next(format!("name a folder that holds {API} and {INGEST} with --lambdas, or use a restctl that .ci/release built"))
        })?;
        Self::read_folder(&source::build_lambdas(&checkout, place, deployed)?, place)
    }

    fn choose_bundled(
        bundled: &[(&str, &[u8], &[u8])],
        place: Place,
        deployed: Option<Architecture>,
    ) -> Result<Self> {
        let bundled_for =
            |architecture: Architecture| bundled.iter().find(|(name, ..)| *name == architecture.name());
        let wanted: &[Architecture] = match place {
            Place::Local => &[Architecture::HERE],
            // arm64 costs less for the same work.
            Place::Aws => &[Architecture::Arm64, Architecture::X86_64],
        };
        let deployed = deployed.filter(|deployed| wanted.contains(deployed));
        let mut choices = deployed.into_iter().chain(wanted.iter().copied());
        let chosen = choices.find_map(|architecture| Some((architecture, bundled_for(architecture)?)));
        let Some((architecture, (_, api, ingest))) = chosen else {
            return Err(Failure::new(format!("this restctl has no Lambdas for {}", Architecture::HERE))
                .why("the local cloud runs them on this machine")
                .next("name a folder of Lambda binaries for this machine with --lambdas"));
        };
        let package = |name: &str, zip: &[u8]| {
            let bundled = PathBuf::from(format!("{name} in this restctl"));
            let binary = zipped::unzip_binary(zip).context(format!("{} is damaged", bundled.display()))?;
            elf::check_binary(&bundled, &binary, place)?;
            Ok::<_, Failure>(Package::new(name, zip.to_vec()))
        };
        Ok(Self { api: package(API, api)?, ingest: package(INGEST, ingest)?, architecture })
    }

    fn read_folder(folder: &Path, place: Place) -> Result<Self> {
        let (api, api_architecture) = pack_binary(folder, API, place)?;
        let (ingest, architecture) = pack_binary(folder, INGEST, place)?;
        if api_architecture != architecture {
            return Err(Failure::new("the two Lambda binaries were built for different machines")
                .exit(Exit::Usage)
                .why(format!("{API} for {api_architecture}, {INGEST} for {architecture}"))
                .next("build both for arm64 or both for x86_64"));
        }
        Ok(Self { api, ingest, architecture })
    }
}

/// Packs `folder/name`, or `folder/name/bootstrap`, which is where cargo-lambda puts the binary.
fn pack_binary(folder: &Path, name: &str, place: Place) -> Result<(Package, Architecture)> {
    let bootstrap = folder.join(name).join("bootstrap");
    let file = if bootstrap.is_file() { bootstrap } else { folder.join(name) };
    let binary = fs::read(&file).context(format!("cannot read the Lambda binary {}", file.display()));
    let binary = binary.map_err(|failure| {
        failure.next(format!("name a folder that holds {API} and {INGEST}, built for Linux, with --lambdas"))
    })?;
    let architecture = elf::check_binary(&file, &binary, place)?;
    let compression = match place {
        Place::Local => Compression::Fast,
        Place::Aws => Compression::Small,
    };
    let zip = zipped::zip_binary(&binary, compression).context(format!("cannot pack {}", file.display()))?;
    Ok((Package::new(name, zip), architecture))
}

#[cfg(test)]
mod tests;
