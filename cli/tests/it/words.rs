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
