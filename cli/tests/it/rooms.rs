//! The order of the rooms: a module uses only what is below it, and neighbors do not use each other in a circle.
//!
//! Each crate that has rooms lists them, from top to bottom, in the documentation of its root module.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// Crates by their folders. The flag is whether the root module lists the rooms.
const CRATES: [(&str, bool); 9] = [
    ("cli", true),
    ("lambdas/api", true),
    ("lambdas/ingest", true),
    ("lambdas/rows", false),
    ("lambdas/aws", false),
    ("lambdas/contract", false),
    ("lambdas/forgery", false),
    ("lambdas/testkit", false),
    ("lambdas/verifier", false),
];

/// The line above the list of rooms.
const HEADING: &str = "//! Rooms from top to bottom; a module uses only rooms below its own:";

/// The path of a module below the crate's root. The path of the root is empty.
type ModulePath = Vec<String>;

struct Crate {
    folder: &'static str,
    modules: BTreeMap<ModulePath, String>,
}

/// One use of a module by another.
struct Use {
    user: ModulePath,
    used: ModulePath,
}

impl Crate {
    fn read(folder: &'static str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("src");
        let mut files = Vec::new();
        collect_files(&source, &mut files);
        let mut modules = BTreeMap::new();
        for file in files {
            let path = file.strip_prefix(&source).unwrap().with_extension("");
            let mut path: ModulePath = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
            if path == ["main"] || path == ["lib"] {
                path.clear();
            }
            assert_ne!(path.last().map(String::as_str), Some("mod"), "{}: write room.rs", file.display());
            modules.insert(path, fs::read_to_string(file).unwrap());
        }
        Self { folder, modules }
    }

    /// Returns the rooms that the root module lists, from top to bottom.
    fn listed_rooms(&self) -> Vec<String> {
        let root = &self.modules[&Vec::new()];
        let (_, list) = root.split_once(HEADING).unwrap_or_else(|| panic!("{}: no {HEADING:?}", self.folder));
        let list: Vec<&str> = list.split("```").collect();
        let names = list[1].trim_start_matches("text").replace("//!", "");
        names.split(',').map(|name| name.trim().to_owned()).collect()
    }

    fn module_uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        for (user, text) in &self.modules {
            if is_test(user) {
                continue;
            }
            for path in paths_in(&without_tests_and_comments(text)) {
                if let Some(used) = self.resolve_path(user, &path) {
                    uses.push(Use { user: user.clone(), used });
                }
            }
        }
        uses
    }

    /// Returns the module to which `path`, such as `crate::aws::Aws` or `super::record`, leads, or whose item it names.
    fn resolve_path(&self, user: &ModulePath, path: &str) -> Option<ModulePath> {
        let mut segments = path.split("::");
        let mut base = match segments.next()? {
            "crate" => Vec::new(),
            "super" => user[..user.len().checked_sub(1)?].to_vec(),
            "self" => user.clone(),
            _ => return None,
        };
        for segment in segments {
            if segment == "super" {
                base.pop()?;
                continue;
            }
            base.push(segment.to_owned());
            if !self.modules.contains_key(&base) {
                base.pop();
                break;
            }
        }
        Some(base)
    }
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn is_test(module: &ModulePath) -> bool {
    module.iter().any(|name| name == "tests" || name.starts_with("test_"))
}

fn without_tests_and_comments(text: &str) -> String {
    let tests = Regex::new(r"#\[cfg\(test\)\]\n(pub\(\w+\) )?mod \w+ \{").unwrap();
    let text = tests.find(text).map_or(text, |found| &text[..found.start()]);
    let code = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    code.collect::<Vec<_>>().join("\n")
}

/// Returns the paths in the code that begin with `crate`, `super` or `self`, with the groups of `use` written out.
fn paths_in(code: &str) -> Vec<String> {
    let uses = Regex::new(r"use ((?:crate|super|self)::[^;]+);").unwrap();
    let mut paths = Vec::new();
    for found in uses.captures_iter(code) {
        write_out(&found[1].split_whitespace().collect::<String>(), "", &mut paths);
    }
    let inline = Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").unwrap();
    paths.extend(inline.find_iter(code).map(|found| found.as_str().to_owned()));
    paths
}

/// Writes out `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn write_out(tree: &str, before: &str, paths: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.trim_end_matches("::self")));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or_else(|| panic!("a group ends early in {tree}"));
    let (mut depth, mut start) = (0, 0);
    for (position, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = &group[start..position];
                if !part.is_empty() && part != "self" {
                    write_out(part, &format!("{before}{head}"), paths);
                } else if part == "self" {
                    paths.push(format!("{before}{}", head.trim_end_matches("::")));
                }
                start = position + 1;
            }
            _ => {}
        }
    }
}

/// Returns where the paths of the two modules part: their common parent, and its child on either side. `None` if one contains
/// the other.
fn parting_point(used: &Use) -> Option<(ModulePath, String, String)> {
    let common = used.user.iter().zip(&used.used).take_while(|(one, other)| one == other).count();
    let (user, other) = (used.user.get(common)?, used.used.get(common)?);
    Some((used.user[..common].to_vec(), user.clone(), other.clone()))
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut faults = BTreeSet::new();
    for (folder, _) in CRATES.into_iter().filter(|(_, lists_rooms)| *lists_rooms) {
        let this_crate = Crate::read(folder);
        let listed = this_crate.listed_rooms();
        let rooms: BTreeSet<_> = this_crate
            .modules
            .keys()
            .filter(|path| !is_test(path))
            .filter_map(|path| path.first().cloned())
            .collect();
        assert_eq!(
            listed.iter().cloned().collect::<BTreeSet<_>>(),
            rooms,
            "the list of {folder} is not its rooms"
        );
        let place = |room: &String| listed.iter().position(|name| name == room);
        for each in this_crate.module_uses() {
            if let Some((parent, user, used)) = parting_point(&each)
                && parent.is_empty()
                && place(&user) > place(&used)
            {
                faults.insert(format!(
                    "{folder}: {} uses {}, which is above it",
                    each.user.join("::"),
                    each.used.join("::")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn neighboring_modules_do_not_use_each_other_in_a_circle() {
    let mut faults = Vec::new();
    for (folder, _) in CRATES {
        let mut neighbors: BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (parent, user, used) in Crate::read(folder).module_uses().iter().filter_map(parting_point) {
            neighbors.entry(parent).or_default().entry(user).or_default().insert(used);
        }
        for (parent, mut uses) in neighbors {
            // A module that uses no neighbor is in no circle. The modules that are left in the end are.
            loop {
                let users: BTreeSet<String> = uses.keys().cloned().collect();
                uses.values_mut().for_each(|used| used.retain(|name| users.contains(name)));
                uses.retain(|_, used| !used.is_empty());
                if uses.len() == users.len() {
                    break;
                }
            }
            if !uses.is_empty() {
                faults.push(format!("{folder}: {}: {uses:?}", parent.join("::")));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_aws_layer_is_silent() {
    let silent = ["terminal", "local", "cli", "context"];
    for each in Crate::read("cli").module_uses() {
        if each.user.first().is_some_and(|room| room == "aws") {
            let used = each.used.first().map(String::as_str).unwrap_or_default();
            assert!(!silent.contains(&used), "{} uses {}", each.user.join("::"), each.used.join("::"));
        }
    }
}

/// What the terminal shows is escaped there. These would go around it.
#[test]
fn only_the_terminal_draws_and_colors() {
    let around = [
        "dialoguer::",
        "indicatif::ProgressBar",
        "indicatif::MultiProgress",
        "indicatif::{",
        "console::style",
        ".apply_to(",
    ];
    for (module, text) in Crate::read("cli").modules {
        let is_of_terminal = module.first().is_some_and(|room| room == "terminal");
        let used = around.iter().find(|used| !is_of_terminal && text.contains(**used));
        assert_eq!(used, None, "{}", module.join("::"));
    }
}
