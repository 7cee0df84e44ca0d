//! The table of controls in `templates/README.md`: each has its setting in the template, and a test that exists.

use std::collections::BTreeSet;
use std::path::Path;

use super::markdown::{Page, code_pieces, repository_root};

const TEMPLATE: &str = include_str!("../../../../templates/stack.yaml");

/// Returns the lines of a resource, without indentation and list markers.
fn resource_settings(name: &str) -> Vec<&'static str> {
    let (_, resources) = TEMPLATE.split_once("\nResources:\n").unwrap();
    let (resources, _) = resources.split_once("\nOutputs:\n").unwrap();
    let lines = resources.lines().skip_while(|line| *line != format!("  {name}:"));
    let lines = lines.skip(1).take_while(|line| line.is_empty() || line.starts_with("    "));
    let settings = lines.map(|line| line.trim_start().trim_start_matches("- ").trim_start_matches("- "));
    settings.filter(|line| !line.starts_with('#')).collect()
}

/// Collects the names of the tests in the Rust files of a folder.
fn find_functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let tests = text.split("test]\n").skip(1).filter_map(|rest| rest.lines().next());
            let names = tests.filter_map(|line| line.split_once("fn ")?.1.split_once('('));
            found.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
}

#[test]
fn each_control_has_its_setting_and_its_test() {
    let mut functions = BTreeSet::new();
    for folder in ["cli/src", "cli/tests", "lambdas"] {
        find_functions(&repository_root().join(folder), &mut functions);
    }
    let page = Page::read("templates/README.md");
    let rows = page.table("## Controls");
    assert!(rows.len() > 15, "only {} controls", rows.len());
    for row in rows {
        let [control, _, resources, setting, test] = row[..] else { panic!("{row:?}") };
        let setting = setting.trim_matches('`');
        let resources = code_pieces(resources);
        assert!(!resources.is_empty(), "{control} names no resource");
        for resource in resources {
            let settings = resource_settings(&resource);
            assert!(settings.contains(&setting), "{control}: {resource} lacks {setting}");
        }
        assert_tests_exist(control, test, &functions);
    }
    let rows = page.table("### Set by `deploy`");
    assert!(rows.len() > 3, "only {} controls that deploy sets", rows.len());
    for row in rows {
        let [control, _, _, test] = row[..] else { panic!("{row:?}") };
        assert_tests_exist(control, test, &functions);
    }
}

fn assert_tests_exist(control: &str, tests: &str, functions: &BTreeSet<String>) {
    let tests = code_pieces(tests);
    assert!(!tests.is_empty(), "{control} names no test");
    for test in tests {
        assert!(functions.contains(&test), "{control}: there is no test {test}");
    }
}
