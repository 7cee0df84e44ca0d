//! Files of another user, or that other users can write, do not decide what restctl does.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;

use crate::cloud::CommandOutput;

/// A user that is neither root nor the one that runs the tests.
const ANOTHER_USER: u32 = 12345;

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(machine.path("work")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `restctl ARGS` in the folder `work`.
    fn run(&self, args: &[&str]) -> CommandOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restctl"));
        command.args(args).current_dir(self.path("work"));
        command.env("XDG_STATE_HOME", self.folder.path()).env("HOME", self.folder.path());
        for variable in ["RESTCTL_STACK", "RESTCTL_LOCAL"] {
            command.env_remove(variable);
        }
        command.output().unwrap().into()
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Only root can give a file away. `false`: this test runs as another user, and checks the modes only.
fn can_give_away(machine: &Machine) -> bool {
    machine.folder.path().metadata().unwrap().uid() == 0
}

#[test]
fn a_configuration_file_that_others_can_write_is_refused() {
    let machine = Machine::new();
    let file = machine.path("restctl.toml");
    fs::write(&file, "output = \"json\"\n").unwrap();
    set_mode(&file, 0o644);
    let not_running = ["the local cloud is not running"];
    machine.run(&["loads", "ls", "--local"]).failed_with(5, &not_running);

    set_mode(&file, 0o666);
    let refused = machine.run(&["loads", "ls", "--local"]);
    refused
        .failed_with(2, &["cannot use ", "every user of this machine can write to it", "next: chmod go-w "]);
    assert_eq!(machine.run(&["--help"]).exit, 0, "help is for those who must repair it");
    let next = refused.stderr.lines().find_map(|line| line.trim().strip_prefix("next: ")).unwrap();
    assert!(Command::new("sh").args(["-c", next]).status().unwrap().success());
    machine.run(&["loads", "ls", "--local"]).failed_with(5, &not_running);

    if can_give_away(&machine) {
        chown(&file, Some(ANOTHER_USER), None).unwrap();
        let words =
            ["it belongs to another user, with the id 12345", "sudo chown -h 0 ", "use another folder"];
        machine.run(&["loads", "ls", "--local"]).failed_with(2, &words);
        // Another user's link to a file of this user, such as the one for production.
        let (own, link) = (machine.path("production.toml"), machine.path("work/restctl.toml"));
        fs::write(&own, "").unwrap();
        symlink(&own, &link).unwrap();
        machine.run(&["loads", "ls", "--local"]).failed_with(5, &not_running);
        lchown(&link, Some(ANOTHER_USER), None).unwrap();
        machine.run(&["loads", "ls", "--local"]).failed_with(2, &["work/restctl.toml", "another user"]);
    }
}

#[test]
fn a_state_folder_that_others_can_write_is_refused() {
    let machine = Machine::new();
    let folder = machine.path("restctl");
    let status = || machine.run(&["local", "status"]);
    fs::create_dir_all(folder.join("local")).unwrap();
    set_mode(&folder, 0o755);
    status().failed_with(5, &["restctl local up"]);
    set_mode(&folder, 0o777);
    status().failed_with(2, &["cannot use ", "/restctl", "every user of this machine", "chmod go-w"]);
    set_mode(&folder, 0o700);
    if can_give_away(&machine) {
        chown(&folder, Some(ANOTHER_USER), None).unwrap();
        status().failed_with(2, &["/restctl", "it belongs to another user"]);
    }
    fs::rename(&folder, machine.path("elsewhere")).unwrap();
    symlink(machine.path("elsewhere"), &folder).unwrap();
    status().failed_with(2, &["/restctl", "it is a symbolic link", "XDG_STATE_HOME"]);
}

#[test]
fn the_manual_replaces_a_link_and_does_not_follow_it() {
    let machine = Machine::new();
    let (target, man) = (machine.path("work/target"), machine.path("man"));
    fs::create_dir(&man).unwrap();
    fs::write(&target, "of another program").unwrap();
    symlink(&target, man.join("restctl.1")).unwrap();
    assert_eq!(machine.run(&["man", "--dir", man.to_str().unwrap()]).exit, 0);
    assert_eq!(fs::read_to_string(&target).unwrap(), "of another program");
    assert!(fs::read_to_string(man.join("restctl.1")).unwrap().contains(".TH restctl"));
}
