//! A server from npm at a port of 127.0.0.1.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use restctl_testkit::bench::peer::Node;

/// A running server. It ends when this is dropped, or when its standard input closes because the test's process ends.
pub(super) struct Server {
    issuer: String,
    process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// What it says on standard error. This file stays if the test fails.
    log: PathBuf,
}

impl Server {
    /// Installs the packages if necessary, and starts `serve.js` in a process to which `adjust` adds what it needs.
    pub(super) fn start(name: &str, packages: &Node<'_>, adjust: impl FnOnce(&mut Command)) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("identity-providers").join(name);
        let node = packages.install(&folder).unwrap();
        let log = folder.join(format!("{}.log", std::process::id()));
        let mut command = Command::new(node);
        command.arg(folder.join("serve.js")).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(&log).unwrap());
        adjust(&mut command);
        let mut process = command.spawn().unwrap();
        let commands = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut server = Self { issuer: String::new(), process, commands, answers, log };
        server.issuer = server.read_answer();
        server
    }

    /// Returns the issuer's URL, which is the `iss` of its tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Gives the server a command, and returns when the server has obeyed it: it repeats the command then.
    pub(super) fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        assert_eq!(self.read_answer(), command);
    }

    fn read_answer(&mut self) -> String {
        let answer = self.answers.next().and_then(Result::ok);
        answer.unwrap_or_else(|| panic!("the server has ended: {}", self.log.display()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.log);
        }
    }
}
