//! A process that cannot outlive its test.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::loopback::{Loopback, PATIENCE, text_of, wait_for};

/// A running program with its output in a file.
pub(super) struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints goes to `name.log` in the test's folder.
    pub(super) fn start(loopback: &Loopback, name: &str, mut command: Command) -> Self {
        let output = loopback.file(&format!("{name}.log"));
        let file = File::create(&output).expect("the build folder can be written");
        let errors = file.try_clone().expect("a file handle can be copied");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(file)
            .stderr(errors)
            // A group of its own, so that what it forks ends with it.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {command:?} cannot be started ({error}); see scripts/test"));
        let stdin = child.stdin.take();
        Self { name: name.to_owned(), child, stdin, output }
    }

    /// Writes one line to its standard input.
    pub(super) fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is a pipe until the process ends");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Everything it has printed so far.
    pub(super) fn printed(&self) -> String {
        text_of(&self.output)
    }

    /// Waits until it has printed `text`.
    pub(super) fn expect(&mut self, text: &str) {
        self.expect_within(text, PATIENCE);
    }

    /// Waits until it has printed `text`, for `patience`.
    pub(super) fn expect_within(&mut self, text: &str, patience: Duration) {
        let what = format!("`{text}` from {}", self.name);
        wait_for(&what, patience, || {
            let printed = self.printed();
            if printed.contains(text) {
                return Some(());
            }
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "{} ended ({ended:?}) before it said `{text}`:\n{printed}", self.name);
            None
        });
    }

    /// Waits until it has ended by itself.
    pub(super) fn ended(&mut self, patience: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait_for(&what, patience, || self.child.try_wait().expect("a child can be asked"))
    }

    /// Whether it is still running.
    pub(super) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it and what it has forked, as a power cut would.
    pub(super) fn kill(&mut self) {
        // It may have ended already; then nothing is left to signal.
        killpg(self.pid(), Signal::SIGKILL).ok();
        drop(self.child.wait());
    }

    /// Asks it to end.
    pub(super) fn terminate(&mut self) {
        kill(self.pid(), Signal::SIGTERM).expect("a child can be signalled");
    }

    /// Asks it to read its configuration again.
    pub(super) fn reload(&self) {
        kill(self.pid(), Signal::SIGHUP).expect("a child can be signalled");
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let printed = self.printed();
            let tail: Vec<&str> = printed.lines().rev().take(60).collect();
            eprintln!("--- {} printed last:", self.name);
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
        self.kill();
    }
}
