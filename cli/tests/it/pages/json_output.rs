//! `json-output.md` has every member of the snapshots, and only members that the code writes.

use std::collections::BTreeSet;
use std::path::Path;

use regex_lite::Regex;

use super::commands::leaf_commands;
use super::markdown::{Page, code_pieces};
use super::source;

const PAGE: &str = "cli/docs/json-output.md";

/// Commands that write items of the table, or texts that are not JSON.
const FREE: [&str; 5] = ["get", "export", "completions", "man", "logs"];

/// What standard output is with `--output json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Document,
    Lines,
    Text,
}

/// Returns what the page says about the standard output of `restctl ARGS --output json`.
fn documented_form(args: &[&str]) -> Form {
    let page = Page::read(PAGE);
    let rows = page.table("## Standard output");
    // `export FILE` is the exception of an exception.
    let has_file = args.first() == Some(&"export") && args.get(1).is_some_and(|arg| !arg.starts_with('-'));
    let is_of_row = |row: &Vec<&str>| {
        let commands = code_pieces(row[0]).into_iter();
        commands.map(|it| it.split(' ').map(str::to_owned).collect::<Vec<_>>()).any(|words| {
            words.first().is_some_and(|word| args.first() == Some(&word.as_str()))
                && words.iter().all(|word| args.contains(&word.as_str()))
        })
    };
    // The row of texts is more special: `export --format csv` is also an `export`.
    let found = rows.iter().rev().find(|row| is_of_row(row)).filter(|_| !has_file);
    match found.map(|row| row[1].split([' ', ':']).collect::<Vec<_>>()) {
        None => Form::Document,
        Some(words) if words.starts_with(&["JSON", "lines"]) => Form::Lines,
        Some(words) if words.starts_with(&["text"]) => Form::Text,
        Some(words) => panic!("{words:?} is not a form"),
    }
}

/// Asserts that what `restctl ARGS --output json` wrote to standard output is what the page says.
#[track_caller]
pub(crate) fn assert_as_documented(args: &[&str], stdout: &str, exit: i32) {
    let parse = |text: &str| {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
        parsed.unwrap_or_else(|error| panic!("restctl {args:?}: {error}: {text}"));
    };
    match documented_form(args) {
        Form::Document if stdout.is_empty() && exit != 0 => {}
        Form::Document => parse(stdout),
        Form::Lines => stdout.split_terminator('\n').for_each(parse),
        Form::Text => {}
    }
    assert!(stdout.is_empty() || stdout.ends_with('\n'), "restctl {args:?}: {stdout}");
}

/// A row of the page: its commands, and the members of their documents.
struct Row {
    commands: Vec<String>,
    members: BTreeSet<String>,
}

fn parse_rows(page: &Page) -> Vec<Row> {
    let words = |rows: Vec<Vec<&str>>, column: usize| -> BTreeSet<String> {
        rows.iter().flat_map(|row| code_pieces(row[column])).collect()
    };
    let receipts = words(page.table("## Receipts"), 0);
    let mut lines = words(page.table("## Lines of an operation"), 2);
    lines.extend(["schema", "operation", "type", "outcome"].map(str::to_owned));
    let row = |row: &Vec<&str>| {
        let mut members: BTreeSet<String> = code_pieces(row[1]).into_iter().collect();
        if row[1].contains("receipt") {
            members.extend(receipts.iter().cloned());
        }
        if row[1].contains("#lines-of-an-operation") {
            members.extend(lines.iter().cloned());
        }
        Row { commands: code_pieces(row[0]), members }
    };
    page.table("## Documents").iter().map(row).collect()
}

/// Returns the row whose command has the most words of the typed one.
fn find_row<'a>(rows: &'a [Row], typed: &str) -> Option<&'a Row> {
    let typed: Vec<&str> = typed.split(' ').collect();
    let fits = |command: &str| {
        command.split(' ').all(|word| typed.contains(&word))
            && command.split(' ').next() == typed.first().copied()
    };
    let best = |row: &Row| row.commands.iter().filter(|it| fits(it)).map(|it| it.split(' ').count()).max();
    rows.iter().filter(|row| best(row).is_some()).max_by_key(|row| best(row))
}

/// Returns the names and texts of the snapshots with `--output json`, without insta's header.
fn read_snapshots() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outputs");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let json = files.filter(|path| path.to_str().unwrap().ends_with(".json.snap"));
    let read = json.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.splitn(3, "---\n").nth(2).unwrap().to_owned();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
    });
    read.collect()
}

#[test]
fn operations_counts_the_checks_of_doctor() {
    let snapshots = read_snapshots();
    let (_, doctor) = snapshots.iter().find(|(name, _)| name == "doctor.json.snap").unwrap();
    let checks = doctor.matches("\"check\":").count();
    let page = Page::read("cli/docs/operations.md");
    assert!(page.text.contains(&format!("makes {checks} checks")), "{checks} checks");
}

#[test]
fn every_command_is_on_the_page() {
    let page = Page::read(PAGE);
    let listed: BTreeSet<String> = parse_rows(&page).into_iter().flat_map(|row| row.commands).collect();
    let written = leaf_commands().into_iter().filter(|command| command != "completions" && command != "man");
    let missing: Vec<String> = written.filter(|command| !listed.contains(command)).collect();
    assert!(missing.is_empty(), "{PAGE} lacks {missing:?}");
}

#[test]
fn every_member_of_a_snapshot_is_on_the_page() {
    let page = Page::read(PAGE);
    let rows = parse_rows(&page);
    let member = Regex::new(r#""([a-z][a-z0-9_]*)": ?"#).unwrap();
    let mut looked_at = 0;
    for (path, text) in read_snapshots() {
        // A failure is at the end, and has the same members for every command.
        let text = text.split("\n? ").next().unwrap();
        let (typed, document) = text.split_once('\n').unwrap_or((text, ""));
        let typed = typed.trim_start_matches("$ restctl ");
        let row = find_row(&rows, typed).unwrap_or_else(|| panic!("{PAGE} has no row for {typed:?}"));
        if FREE.iter().any(|free| row.commands.iter().any(|command| command == free)) {
            continue;
        }
        for name in member.captures_iter(document).map(|found| found[1].to_owned()) {
            looked_at += 1;
            let is_item =
                typed.contains("--explain") && ["discontinued", "id", "name", "price"].contains(&&*name);
            assert!(is_item || row.members.contains(&name), "{path}: {name} is not on the page");
        }
    }
    assert!(looked_at > 200, "only {looked_at} members were found");
}

#[test]
fn every_member_on_the_page_is_written_by_the_code() {
    let page = Page::read(PAGE);
    let mut code: String = source::source_files("").into_iter().map(|(_, text)| text).collect();
    for name in [
        "contract/src/load.rs",
        "contract/src/stack.rs",
        "contract/src/issuer.rs",
        "verifier/src/key_set/report.rs",
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lambdas").join(name);
        code.push_str(&std::fs::read_to_string(file).unwrap());
    }
    let words = Regex::new(r"\w+").unwrap();
    let known: BTreeSet<String> =
        words.find_iter(&code).map(|word| word.as_str().replace('_', "").to_lowercase()).collect();
    for row in parse_rows(&page) {
        for member in row
            .members
            .iter()
            .filter(|member| words.find(member).is_some_and(|word| word.len() == member.len()))
        {
            assert!(
                known.contains(&member.replace('_', "").to_lowercase()),
                "nothing writes {member} of {:?}",
                row.commands
            );
        }
    }
}
