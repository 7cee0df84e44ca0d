//! Help texts and usage errors, word for word. `TRYCMD=overwrite cargo test words` writes them anew.

#[test]
fn help_and_usage_errors() {
    for variable in ["RESTCTL_LOCAL", "RESTCTL_STACK"] {
        assert!(
            std::env::var_os(variable).is_none(),
            "unset {variable}: usage errors would name its argument"
        );
    }
    trycmd::TestCases::new().case("tests/words/*.trycmd");
}

/// The manual has a page for each command, so what it has no help of here was forgotten.
#[test]
fn every_command_s_help_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let mut man = std::process::Command::new(env!("CARGO_BIN_EXE_restctl"));
    assert!(man.args(["man", "--dir"]).arg(folder.path()).status().unwrap().success());
    let held = include_str!("../words/help.trycmd");
    for page in std::fs::read_dir(folder.path()).unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        let page = std::fs::read_to_string(folder.path().join(&name)).unwrap();
        // As the page calls it: a hyphen may be one of the command's own.
        let name = page.lines().find_map(|line| line.strip_prefix(".TH ")).unwrap();
        let name = name
            .split(' ')
            .next()
            .unwrap()
            .replace("auth-test", "auth_test")
            .replace("rotate-secret", "rotate_secret");
        let command = name.replace('-', " ").replace('_', "-");
        assert!(held.contains(&format!("$ {command} --help\n")), "no help of {command} in help.trycmd");
    }
}
