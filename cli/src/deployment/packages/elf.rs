//! Reads from a binary's ELF headers what it was built for, and checks that it starts where it will run.

use std::fmt;
use std::path::Path;

use object::LittleEndian;
use object::elf::{EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use super::{Architecture, Place};
use crate::failure::{Exit, Failure, Result};

/// The glibc of `provided.al2023`, which is that of Amazon Linux 2023 ("Amazon Linux 2023 Release Notes").
const LAMBDA_GLIBC: Glibc = Glibc(2, 34);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Glibc(u32, u32);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binary {
    pub(super) architecture: Architecture,
    /// The program interpreter. `None` for a static binary.
    loader: Option<String>,
    /// The newest glibc whose symbols the binary needs.
    glibc: Option<Glibc>,
}

impl Binary {
    /// Parses `bytes`. The error says why they are not a program.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let not_elf = |_| "it is not an ELF binary".to_owned();
        let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(not_elf)?;
        let broken = |error: object::read::Error| format!("its ELF headers are broken: {error}");
        let endian = header.endian().map_err(|_| "it is not little-endian".to_owned())?;
        let kind = header.e_type(endian);
        if kind != ET_EXEC && kind != ET_DYN {
            return Err("it is an object file, not a program".to_owned());
        }
        let architecture = match header.e_machine(endian) {
            EM_AARCH64 => Architecture::Arm64,
            EM_X86_64 => Architecture::X86_64,
            other => return Err(format!("it is for another machine (e_machine {})", other.0)),
        };
        let mut loader = None;
        for program in header.program_headers(endian, bytes).map_err(broken)? {
            if let Some(path) = program.interpreter(endian, bytes).map_err(broken)? {
                loader = Some(String::from_utf8_lossy(path).into_owned());
            }
        }
        let sections = header.sections(endian, bytes).map_err(broken)?;
        let mut glibc = None;
        if let Some((needs, link)) = sections.gnu_verneed(endian, bytes).map_err(broken)? {
            let strings = sections.strings(endian, bytes, link).map_err(broken)?;
            for need in needs {
                let (_, versions) = need.map_err(broken)?;
                for version in versions {
                    let name = version.map_err(broken)?.name(endian, strings).map_err(broken)?;
                    glibc = glibc.max(Glibc::parse(name));
                }
            }
        }
        Ok(Self { architecture, loader, glibc })
    }

    /// Returns why the binary does not start in that place. `None` if it does.
    fn find_incompatibility(&self, place: Place) -> Option<String> {
        if place == Place::Local {
            let here = Architecture::HERE;
            return (self.architecture != here).then(|| {
                format!(
                    "it is for {}, but the local cloud runs it on this machine, {here}",
                    self.architecture
                )
            });
        }
        match (&self.loader, self.glibc) {
            (Some(loader), _) if loader.contains("ld-musl") => {
                Some(format!("it needs {loader}, which provided.al2023 does not have"))
            }
            (Some(_), Some(glibc)) if glibc > LAMBDA_GLIBC => {
                Some(format!("it needs glibc {glibc}, but provided.al2023 has {LAMBDA_GLIBC}"))
            }
            _ => None,
        }
    }
}

impl Glibc {
    /// Parses `GLIBC_2.34` or `GLIBC_2.2.5`, whose last number does not matter here.
    fn parse(name: &[u8]) -> Option<Self> {
        let mut numbers = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?.split('.');
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Returns the architecture of the binary that was read from `file`. Fails if it does not start in that place.
pub(super) fn check_binary(file: &Path, bytes: &[u8], place: Place) -> Result<Architecture> {
    let refuse = |why: String| {
        let failure =
            Failure::new(format!("{} does not run {place}", file.display())).exit(Exit::Usage).why(why);
        failure.next(match place {
            Place::Local => "cargo build, and name its folder with --lambdas",
            Place::Aws => "cargo lambda build --release --arm64 (https://www.cargo-lambda.info), which builds for Lambda's glibc;\nor cargo build for aarch64-unknown-linux-musl or x86_64-unknown-linux-musl, which is static",
        })
    };
    let binary = Binary::parse(bytes).map_err(refuse)?;
    match binary.find_incompatibility(place) {
        Some(why) => Err(refuse(why)),
        None => Ok(binary.architecture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of this machine, small enough to be damaged at every position.
    fn host_program() -> Vec<u8> {
        std::fs::read("/bin/true").unwrap()
    }

    fn new_binary(architecture: Architecture, loader: Option<&str>, glibc: Option<Glibc>) -> Binary {
        Binary { architecture, loader: loader.map(str::to_owned), glibc }
    }

    #[test]
    fn headers_are_parsed() {
        let read = Binary::parse(&host_program()).unwrap();
        assert_eq!(read.architecture, Architecture::HERE);
        assert!(read.loader.is_some_and(|loader| loader.contains("ld-")));
        // The newest version counts, at any position.
        assert!(read.glibc >= Some(Glibc(2, 2)), "{:?}", read.glibc);
        assert_eq!(Glibc::parse(b"GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert!(Glibc(2, 34) > Glibc(2, 4) && Glibc::parse(b"GLIBC_PRIVATE").is_none());
    }

    #[test]
    fn binaries_that_lambda_cannot_start_are_incompatible() {
        let (arm, intel) = (Architecture::Arm64, Architecture::X86_64);
        let gnu = Some("/lib64/ld-linux-x86-64.so.2");
        for fits in [
            new_binary(intel, None, None),
            new_binary(arm, None, None),
            new_binary(intel, gnu, Some(Glibc(2, 34))),
            new_binary(intel, gnu, Some(Glibc(2, 9))),
        ] {
            assert_eq!(fits.find_incompatibility(Place::Aws), None);
        }
        let too_new = new_binary(intel, gnu, Some(Glibc(2, 39))).find_incompatibility(Place::Aws);
        assert_eq!(too_new.as_deref(), Some("it needs glibc 2.39, but provided.al2023 has 2.34"));
        let musl = new_binary(arm, Some("/lib/ld-musl-aarch64.so.1"), None)
            .find_incompatibility(Place::Aws)
            .unwrap();
        assert!(musl.contains("ld-musl"), "{musl}");
        let here = new_binary(Architecture::HERE, gnu, Some(Glibc(2, 99)));
        assert_eq!(here.find_incompatibility(Place::Local), None, "this machine has what it was built with");
        let other = if Architecture::HERE == arm { intel } else { arm };
        assert!(
            new_binary(other, None, None)
                .find_incompatibility(Place::Local)
                .unwrap()
                .contains("on this machine")
        );
    }

    #[test]
    fn other_files_are_not_programs() {
        let mut other_machine = host_program();
        other_machine[18..20].copy_from_slice(&[0x28, 0]);
        let mut object = host_program();
        object[16] = 1;
        for (bytes, why) in [
            (Vec::new(), "not an ELF binary"),
            (b"#!/bin/sh\n".to_vec(), "not an ELF binary"),
            (b"MZ\x90\0".to_vec(), "not an ELF binary"),
            (other_machine, "another machine"),
            (object, "object file"),
        ] {
            let said = Binary::parse(&bytes).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn damaged_bytes_are_parsed_without_a_panic() {
        let whole = host_program();
        for length in (0..whole.len()).step_by(7) {
            let _ = Binary::parse(&whole[..length]);
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut mangled = whole.clone();
            for _ in 0..random.usize(1..8) {
                // Damage to headers matters most: the file and its segments have theirs at the start, sections at the end.
                let place = if random.bool() { random.usize(..1024) } else { random.usize(..whole.len()) };
                mangled[place] = random.u8(..);
            }
            let _ = Binary::parse(&mangled);
        }
    }
}
