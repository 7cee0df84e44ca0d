use std::path::PathBuf;

use super::*;

fn lambdas_folder(api: &[u8], ingest: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(API), api).unwrap();
    fs::write(folder.path().join(INGEST), ingest).unwrap();
    folder
}

fn host_program() -> Vec<u8> {
    fs::read("/bin/true").unwrap()
}

/// A program whose header names the given architecture.
fn program_for(architecture: Architecture) -> Vec<u8> {
    let mut program = host_program();
    program[18] = if architecture == Architecture::Arm64 { 0xb7 } else { 0x3e };
    program
}

#[test]
fn the_same_binary_gives_the_same_package() {
    let mut other = host_program();
    other.push(0);
    let keys = |api: &[u8]| {
        let packages =
            Packages::find(Some(lambdas_folder(api, &host_program()).path()), Place::Local, None).unwrap();
        (packages.api.key, packages.ingest.key)
    };
    assert_eq!(keys(&host_program()), keys(&host_program()));
    assert_ne!(keys(&other).0, keys(&host_program()).0);
    assert_eq!(keys(&other).1, keys(&host_program()).1);
}

#[test]
fn a_folder_of_cargo_lambda_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    for name in [API, INGEST] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("bootstrap"), host_program()).unwrap();
    }
    assert_eq!(
        Packages::find(Some(folder.path()), Place::Local, None).unwrap().architecture,
        Architecture::HERE
    );
}

#[test]
fn binaries_that_do_not_run_are_refused() {
    let refused =
        |folder: PathBuf| Packages::find(Some(&folder), Place::Local, None).err().unwrap().to_string();
    let missing = refused(tempfile::tempdir().unwrap().path().to_owned());
    assert!(missing.contains("cannot read the Lambda binary") && missing.contains("--lambdas"), "{missing}");
    let script = lambdas_folder(b"#!/bin/sh\n", &host_program());
    assert!(refused(script.path().to_owned()).contains("does not run in the local cloud"));
    let mut other = host_program();
    other[18] = if Architecture::HERE == Architecture::Arm64 { 0x3e } else { 0xb7 };
    let mixed = lambdas_folder(&host_program(), &other);
    let mixed = Packages::find(Some(mixed.path()), Place::Aws, None).err().unwrap().to_string();
    assert!(mixed.contains("different machines") || mixed.contains("does not run on Lambda"), "{mixed}");
}

#[test]
fn the_deployed_architecture_is_kept() {
    let (arm, intel) = (Architecture::Arm64, Architecture::X86_64);
    let zips = [arm, intel].map(|each| zipped::zip_binary(&program_for(each), Compression::Small).unwrap());
    let both = [("arm64", &zips[0][..], &zips[0][..]), ("x86_64", &zips[1], &zips[1])];
    let choose = |bundled, place, deployed| {
        Packages::choose_bundled(bundled, place, deployed).map(|chosen| chosen.architecture)
    };
    assert_eq!(choose(&both, Place::Aws, None).unwrap(), arm);
    assert_eq!(choose(&both, Place::Aws, Some(intel)).unwrap(), intel);
    assert_eq!(choose(&both[1..], Place::Aws, Some(arm)).unwrap(), intel);
    assert_eq!(choose(&both, Place::Local, Some(arm)).unwrap(), Architecture::HERE);
    assert_eq!(choose(&both[..1], Place::Local, None).is_ok(), Architecture::HERE == arm);
}

#[test]
fn bundled_binaries_are_checked_too() {
    let here = Architecture::HERE.name();
    let zip = |binary: &[u8]| zipped::zip_binary(binary, Compression::Small).unwrap();
    let (good, script) = (zip(&host_program()), zip(b"#!/bin/sh\n"));
    for (api, ingest, why) in [
        (&good[..], &script[..], "restctl-ingest in this restctl does not run in the local cloud"),
        (&good[..good.len() / 2], &good[..], "restctl-api in this restctl is damaged"),
    ] {
        let refused =
            Packages::choose_bundled(&[(here, api, ingest)], Place::Local, None).err().unwrap().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}
