//! The pages list the parameters and alarms of the template, the crates, and the modules.

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::{Page, code_pieces, repository_root};

const TEMPLATE: &str = include_str!("../../../../templates/stack.yaml");

#[test]
fn the_parameters_and_their_defaults_are_those_of_the_template() {
    let (_, parameters) = TEMPLATE.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = parameters.split_once("\nConditions:\n").unwrap();
    let mut defined = BTreeMap::new();
    let mut name = "";
    for line in parameters.lines() {
        if let Some(parameter) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            name = parameter.trim_end_matches(':');
            defined.insert(name.to_owned(), String::new());
        } else if let Some(default) = line.strip_prefix("    Default: ") {
            defined.insert(name.to_owned(), default.trim_matches('"').to_owned());
        }
    }
    let page = Page::read("templates/README.md");
    let mut listed = BTreeMap::new();
    for row in page.table("## Parameters") {
        let mut defaults = code_pieces(row[1]).into_iter();
        for parameter in code_pieces(row[0]) {
            // No row has two parameters that share a default.
            listed.insert(parameter, defaults.next().unwrap_or_default());
        }
    }
    assert_eq!(listed, defined);
}

#[test]
fn the_alarms_are_those_of_the_template() {
    let lines: Vec<&str> = TEMPLATE.lines().collect();
    let alarms = lines.windows(2).filter(|pair| pair[1] == "    Type: AWS::CloudWatch::Alarm");
    let alarms: BTreeSet<String> =
        alarms.map(|pair| pair[0].trim().trim_end_matches(':').to_owned()).collect();
    let page = Page::read("templates/README.md");
    let listed: BTreeSet<String> =
        page.table("## Alarms").iter().flat_map(|row| code_pieces(row[0])).collect();
    assert_eq!(listed, alarms);
    assert!(alarms.len() == 9 && page.text.contains("these nine alarms"), "{} alarms", alarms.len());
}

#[test]
fn the_code_map_has_the_dependencies_of_the_crates() {
    let page = Page::read("lambdas/README.md");
    let mut listed = BTreeMap::new();
    for row in page.table("## Code map") {
        let dependencies: BTreeSet<String> = code_pieces(row[2]).into_iter().collect();
        listed.insert(code_pieces(row[0]).remove(0), dependencies);
    }
    let mut found = BTreeMap::new();
    for name in listed.keys() {
        let folder = if name == "cli" {
            repository_root().join("cli")
        } else {
            repository_root().join("lambdas").join(name)
        };
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap().lines();
        let dependencies = dependencies.filter_map(|line| line.strip_prefix("restctl-"));
        let name_of = |line: &str| line.split(['.', ' ']).next().unwrap().to_owned();
        found.insert(name.clone(), dependencies.map(name_of).collect());
    }
    assert_eq!(listed, found);
    let folders =
        std::fs::read_dir(repository_root().join("lambdas")).unwrap().map(|entry| entry.unwrap().path());
    let crates = folders.filter(|folder| folder.join("Cargo.toml").is_file()).count();
    assert_eq!(listed.len(), crates + 1, "the code map leaves a crate out");
}

/// `main.rs` lists the rooms, and `rooms.rs` compares that list with the code.
#[test]
fn the_rooms_of_the_command_are_in_their_order() {
    let main = include_str!("../../../src/main.rs");
    let (_, list) = main.split_once("//! ```text\n").unwrap();
    let (list, _) = list.split_once("//! ```\n").unwrap();
    let words = list.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    let rooms: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let page = Page::read(".github/CONTRIBUTING.md");
    let listed: Vec<String> =
        page.table("## Where things are").iter().flat_map(|row| code_pieces(row[0])).collect();
    assert_eq!(listed, rooms);
}

#[test]
fn the_modules_of_the_other_crates_exist() {
    let mut found = 0;
    for page in Page::read_all() {
        let crate_folder = repository_root().join(&page.path).parent().unwrap().to_owned();
        let rows = page.text.lines().skip_while(|line| !line.starts_with("| module | what |"));
        for row in rows.skip(2).take_while(|line| line.starts_with('|')) {
            let names = row.split('|').nth(1).unwrap();
            for module in code_pieces(names) {
                found += 1;
                let file = crate_folder.join("src").join(format!("{module}.rs"));
                assert!(file.is_file(), "{}: there is no module {module}", page.path.display());
            }
        }
    }
    assert!(found > 20, "only {found} modules are named");
}
