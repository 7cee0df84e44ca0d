//! The commands of README's "Use", typed in their order by a shell at a terminal, as whoever reads it would.

use std::process::Command;

use crate::cloud::Cloud;
use crate::terminal::Terminal;

/// The blocks of shell commands under "Use" and "Day to day", without those of AWS, whose names are placeholders.
fn commands() -> Vec<String> {
    let readme = include_str!("../../../README.md");
    let (_, use_of_it) = readme.split_once("\n## Use\n").unwrap();
    let (use_of_it, _) = use_of_it.split_once("\n### In scripts\n").unwrap();
    let blocks: Vec<&str> =
        use_of_it.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let typed: Vec<&str> = blocks.iter().copied().filter(|block| !block.contains("TENANT")).collect();
    assert_eq!((blocks.len(), typed.len()), (3, 2), "a block more or less: see that it is typed here");
    let [first, daily] = typed.as_slice() else { unreachable!() };
    // The day's commands are for a stack that is there.
    let (start, end) = first.split_once("restctl destroy").unwrap();
    let lines = format!("{start}{daily}restctl destroy{end}");
    lines.lines().map(|line| line.split('#').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn what_it_says_to_type_works() {
    let cloud = Cloud::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(crate::cloud::fixtures().join("items.csv"), folder.path().join("data.csv")).unwrap();
    let restctl = cloud.command(&[]);
    let binaries = std::path::Path::new(restctl.get_program()).parent().unwrap();
    let mut shell = Command::new("bash");
    let script = commands().join("\n");
    shell
        .args(["-e", "-c", &format!("set -x\n{script}\necho all of it was typed")])
        .current_dir(folder.path());
    shell.env("PATH", format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap()));
    shell.env("XDG_STATE_HOME", cloud.state()).env_remove("RESTCTL_LOCAL").env_remove("RESTCTL_STACK");
    let mut terminal = Terminal::run(&cloud, &shell);
    terminal.shows("+ restctl destroy");
    terminal.shows("Type the stack's name");
    terminal.types("restctl\r");
    let (exit, screen) = terminal.ends();
    assert!(exit == Some(0) && screen.contains("all of it was typed"), "{screen}");
}
