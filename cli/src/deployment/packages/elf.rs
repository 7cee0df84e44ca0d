//! What a binary was built for, read from its ELF headers, and whether it starts where it is to run.

use std::fmt;
use std::path::Path;

use object::LittleEndian;
use object::elf::{EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use super::{Architecture, Place};
use crate::failure::{Exit, Failure, Result};

/// The glibc of `provided.al2023`, as Amazon Linux 2023 has it ("Amazon Linux 2023 Release Notes").
const LAMBDA_GLIBC: Glibc = Glibc(2, 34);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Glibc(u32, u32);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binary {
    pub(super) architecture: Architecture,
    /// The program that loads it; none where it is static.
    loader: Option<String>,
    /// The newest glibc whose symbols it wants.
    glibc: Option<Glibc>,
}

impl Binary {
    /// Reads `bytes`, or says what they are instead.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let not_elf = |_| "it is no ELF binary".to_owned();
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

    /// Why it does not start in that place, if so.
    fn misfit(&self, place: Place) -> Option<String> {
        if place == Place::Local {
            let here = Architecture::HERE;
            return (self.architecture != here).then(|| {
                format!(
                    "it is for {}, and the local cloud runs it on this machine, {here}",
                    self.architecture
                )
            });
        }
        match (&self.loader, self.glibc) {
            (Some(loader), _) if loader.contains("ld-musl") => {
                Some(format!("it wants {loader}, which provided.al2023 does not have"))
            }
            (Some(_), Some(glibc)) if glibc > LAMBDA_GLIBC => {
                Some(format!("it wants glibc {glibc}, and provided.al2023 has {LAMBDA_GLIBC}"))
            }
            _ => None,
        }
    }
}

impl Glibc {
    /// `GLIBC_2.34`, or `GLIBC_2.2.5`, whose last number is of no account here.
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

/// For what machine the binary is that `file` held; an error where it does not start in that place.
pub(super) fn check(file: &Path, bytes: &[u8], place: Place) -> Result<Architecture> {
    let refuse = |why: String| {
        let failure =
            Failure::new(format!("{} does not run {place}", file.display())).exit(Exit::Usage).why(why);
        failure.next(match place {
            Place::Local => "cargo build, and name its folder with --lambdas",
            Place::Aws => "cargo lambda build --release --arm64 (https://www.cargo-lambda.info), which builds for Lambda's glibc;\nor cargo build for aarch64-unknown-linux-musl or x86_64-unknown-linux-musl, which is static",
        })
    };
    let binary = Binary::read(bytes).map_err(refuse)?;
    match binary.misfit(place) {
        Some(why) => Err(refuse(why)),
        None => Ok(binary.architecture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of this machine, small enough to be mangled in every place.
    fn program() -> Vec<u8> {
        std::fs::read("/bin/true").unwrap()
    }

    fn binary(architecture: Architecture, loader: Option<&str>, glibc: Option<Glibc>) -> Binary {
        Binary { architecture, loader: loader.map(str::to_owned), glibc }
    }

    #[test]
    fn headers_are_read() {
        let read = Binary::read(&program()).unwrap();
        assert_eq!(read.architecture, Architecture::HERE);
        assert!(read.loader.is_some_and(|loader| loader.contains("ld-")));
        // The newest wins, wherever it stands.
        assert!(read.glibc >= Some(Glibc(2, 2)), "{:?}", read.glibc);
        assert_eq!(Glibc::parse(b"GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert!(Glibc(2, 34) > Glibc(2, 4) && Glibc::parse(b"GLIBC_PRIVATE").is_none());
    }

    #[test]
    fn what_lambda_cannot_start_is_a_misfit() {
        let (arm, intel) = (Architecture::Arm64, Architecture::X86_64);
        let gnu = Some("/lib64/ld-linux-x86-64.so.2");
        for fits in [
            binary(intel, None, None),
            binary(arm, None, None),
            binary(intel, gnu, Some(Glibc(2, 34))),
            binary(intel, gnu, Some(Glibc(2, 9))),
        ] {
            assert_eq!(fits.misfit(Place::Aws), None);
        }
        let too_new = binary(intel, gnu, Some(Glibc(2, 39))).misfit(Place::Aws);
        assert_eq!(too_new.as_deref(), Some("it wants glibc 2.39, and provided.al2023 has 2.34"));
        let musl = binary(arm, Some("/lib/ld-musl-aarch64.so.1"), None).misfit(Place::Aws).unwrap();
        assert!(musl.contains("ld-musl"), "{musl}");
        let here = binary(Architecture::HERE, gnu, Some(Glibc(2, 99)));
        assert_eq!(here.misfit(Place::Local), None, "this machine has what it was built with");
        let other = if Architecture::HERE == arm { intel } else { arm };
        assert!(binary(other, None, None).misfit(Place::Local).unwrap().contains("on this machine"));
    }

    #[test]
    fn what_is_no_program_is_told_apart() {
        let mut other_machine = program();
        other_machine[18..20].copy_from_slice(&[0x28, 0]);
        let mut object = program();
        object[16] = 1;
        for (bytes, why) in [
            (Vec::new(), "no ELF binary"),
            (b"#!/bin/sh\n".to_vec(), "no ELF binary"),
            (b"MZ\x90\0".to_vec(), "no ELF binary"),
            (other_machine, "another machine"),
            (object, "object file"),
        ] {
            let said = Binary::read(&bytes).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn mangled_bytes_are_read_without_a_panic() {
        let whole = program();
        for length in (0..whole.len()).step_by(7) {
            let _ = Binary::read(&whole[..length]);
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut mangled = whole.clone();
            for _ in 0..random.usize(1..8) {
                // The headers are where it hurts: those of the file and its segments in front, those of sections behind.
                let place = if random.bool() { random.usize(..1024) } else { random.usize(..whole.len()) };
                mangled[place] = random.u8(..);
            }
            let _ = Binary::read(&mangled);
        }
    }
}
