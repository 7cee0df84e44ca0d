use std::path::PathBuf;

use super::*;

const BOTH: &[(&str, &[u8], &[u8])] =
    &[("arm64", b"api of arm", b"ingest of arm"), ("x86_64", b"api", b"ingest")];
const INTEL: &[(&str, &[u8], &[u8])] = &[("x86_64", b"api", b"ingest")];

fn folder(api: &[u8], ingest: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(API), api).unwrap();
    fs::write(folder.path().join(INGEST), ingest).unwrap();
    folder
}

fn program() -> Vec<u8> {
    fs::read("/bin/true").unwrap()
}

#[test]
fn the_same_binary_gives_the_same_package() {
    let mut other = program();
    other.push(0);
    let keys = |api: &[u8]| {
        let packages = Packages::find(Some(folder(api, &program()).path()), Place::Local, None).unwrap();
        (packages.api.key, packages.ingest.key)
    };
    assert_eq!(keys(&program()), keys(&program()));
    assert_ne!(keys(&other).0, keys(&program()).0);
    assert_eq!(keys(&other).1, keys(&program()).1);
}

#[test]
fn a_folder_of_cargo_lambda_is_one_too() {
    let folder = tempfile::tempdir().unwrap();
    for name in [API, INGEST] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("bootstrap"), program()).unwrap();
    }
    assert_eq!(
        Packages::find(Some(folder.path()), Place::Local, None).unwrap().architecture,
        Architecture::HERE
    );
}

#[test]
fn what_does_not_run_is_refused() {
    let refused =
        |folder: PathBuf| Packages::find(Some(&folder), Place::Local, None).err().unwrap().to_string();
    let missing = refused(tempfile::tempdir().unwrap().path().to_owned());
    assert!(missing.contains("cannot be read") && missing.contains("--lambdas"), "{missing}");
    let script = folder(b"#!/bin/sh\n", &program());
    assert!(refused(script.path().to_owned()).contains("does not run in the local cloud"));
    let mut other = program();
    other[18] = if Architecture::HERE == Architecture::Arm64 { 0x3e } else { 0xb7 };
    let mixed = folder(&program(), &other);
    let mixed = Packages::find(Some(mixed.path()), Place::Aws, None).err().unwrap().to_string();
    assert!(mixed.contains("different machines") || mixed.contains("does not run on Lambda"), "{mixed}");
}

#[test]
fn of_the_bundled_ones_the_deployed_architecture_stays() {
    let choose = |bundled, place, deployed| {
        Packages::choose(bundled, place, deployed).map(|chosen| chosen.architecture)
    };
    let (arm, intel) = (Architecture::Arm64, Architecture::X86_64);
    assert_eq!(choose(BOTH, Place::Aws, None).unwrap(), arm);
    assert_eq!(choose(BOTH, Place::Aws, Some(intel)).unwrap(), intel);
    assert_eq!(choose(INTEL, Place::Aws, Some(arm)).unwrap(), intel);
    assert_eq!(choose(BOTH, Place::Local, Some(arm)).unwrap(), Architecture::HERE);
    assert_eq!(choose(&BOTH[..1], Place::Local, None).is_ok(), Architecture::HERE == arm);
}
