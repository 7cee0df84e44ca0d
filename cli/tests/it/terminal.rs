//! A pseudo-terminal, in which a test types and reads the screen.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::cloud::{Cloud, eventually};

/// Types into a pseudo-terminal. It is Python, which needs no other crate for that.
const DRIVER: &str = r#"
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, int(os.environ["TERMINAL_WIDTH"]), 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
said, keys = b"", sys.stdin.buffer
def read():
    global said
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        piece = b""
    said += piece
    # crossterm asks where the cursor is.
    if b"\x1b[6n" in piece:
        os.write(terminal, b"\x1b[1;1R")
    return piece
os.set_blocking(0, False)
while True:
    ready, _, _ = select.select([terminal, 0] if keys else [terminal], [], [])
    if terminal in ready and not read():
        break
    if keys and 0 in ready:
        typed = os.read(0, 64)
        if typed:
            os.write(terminal, typed)
        else:
            keys = None
    open(os.environ["SAID"], "wb").write(said)
open(os.environ["SAID"], "wb").write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

pub(crate) struct Terminal {
    driver: Child,
    keys: ChildStdin,
    said: PathBuf,
}

impl Terminal {
    /// Runs `restctl ARGS` against this cloud, in a terminal of 40 lines and 120 columns.
    pub(crate) fn open(cloud: &Cloud, args: &[&str]) -> Self {
        Self::run(cloud, &cloud.command(args))
    }

    pub(crate) fn run(cloud: &Cloud, command: &Command) -> Self {
        Self::run_in_width(cloud, command, 120)
    }

    pub(crate) fn run_in_width(cloud: &Cloud, command: &Command, width: u16) -> Self {
        let said = cloud.state_folder().join("said");
        let _ = std::fs::remove_file(&said);
        let mut driver = Command::new("python3");
        driver.args(["-c", DRIVER, command.get_program().to_str().unwrap()]).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => driver.env(name, value),
                None => driver.env_remove(name),
            };
        }
        driver
            .env("SAID", &said)
            .env("TERM", "xterm")
            .env("TERMINAL_WIDTH", width.to_string())
            .current_dir(command.get_current_dir().unwrap());
        let mut driver = driver.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let keys = driver.stdin.take().unwrap();
        Self { driver, keys, said }
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Returns everything that was written to the terminal so far, including escape sequences.
    pub(crate) fn screen_text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.said).unwrap_or_default()).into_owned()
    }

    #[track_caller]
    pub(crate) fn wait_for_text(&self, text: &str) {
        eventually(text, || self.screen_text().contains(text).then_some(()));
    }

    /// Waits until the command ends. Returns its exit code and everything that was written.
    pub(crate) fn wait_for_end(mut self) -> (Option<i32>, String) {
        let exit = self.driver.wait().unwrap().code();
        (exit, self.screen_text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that panics leaves its command running. A command that has ended cannot be killed, which does not matter.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
