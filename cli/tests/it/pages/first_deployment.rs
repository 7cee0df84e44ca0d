//! The commands of the first deployment's page. `.ci/first_deployment.py` runs them, on AWS only by hand.

use std::process::{Command, Stdio};

use regex_lite::Regex;

use super::markdown::{Page, repository_root};

const PAGE: &str = "cli/docs/first-deployment.md";

/// The exit code of a command that needs credentials and finds none. It has parsed its command line.
const NO_CREDENTIALS: i32 = 4;

/// Returns the arguments of each `restctl` in the blocks of the page.
fn commands(page: &Page) -> Vec<Vec<String>> {
    let command = Regex::new(r"(?m)(?:^|&& |\| )restctl ([^|&\n]+)").unwrap();
    let blocks = page.text.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    blocks
        .flat_map(|block| {
            command.captures_iter(block).map(|found| words(&found[1])).collect::<Vec<Vec<String>>>()
        })
        .collect()
}

#[test]
fn the_commands_parse() {
    let commands = commands(&Page::read(PAGE));
    assert!(commands.len() > 15, "only {} commands were found", commands.len());
    let home = tempfile::tempdir().unwrap();
    for args in commands {
        let mut restctl = Command::new(env!("CARGO_BIN_EXE_restctl"));
        restctl.args(&args).current_dir(repository_root()).env_clear().env("HOME", home.path());
        restctl.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
        // `upload -` reads standard input before it calls AWS.
        let input = std::fs::File::open(crate::cloud::fixtures_folder().join("items.csv")).unwrap();
        let ran = restctl.stdin(Stdio::from(input)).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(NO_CREDENTIALS), "{args:?}: {said}");
    }
}

#[test]
fn the_workflow_runs_the_page_and_removes_its_stack() {
    let page = Page::read(PAGE);
    let (_, stack) = page.text.split_once("export RESTCTL_STACK=").unwrap();
    let stack = stack.lines().next().unwrap();
    let workflow = std::fs::read_to_string(repository_root().join(".github/workflows/aws.yml")).unwrap();
    assert!(workflow.contains("run: .ci/first_deployment.py"));
    let removal = format!("if: always()\n        run: restctl destroy --yes --delete-data --stack {stack}\n");
    assert!(workflow.ends_with(&removal), "{workflow}");
    let script = std::fs::read_to_string(repository_root().join(".ci/first_deployment.py")).unwrap();
    assert!(script.contains(PAGE));
}
