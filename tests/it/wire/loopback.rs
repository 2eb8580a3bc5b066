//! A network of one's own: each test has a 127.x.y.0/24 and a folder, and each party an address in it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How long anything that should happen may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

static NEXT: AtomicU8 = AtomicU8::new(1);

/// One test's network and folder.
pub(super) struct Loopback {
    second: u8,
    third: u8,
    folder: PathBuf,
}

impl Loopback {
    /// The network of the test called `name`.
    pub(super) fn new(name: &str) -> Self {
        let process = std::process::id();
        // 127.0 and 127.1 belong to other programs; two runs at once rarely meet.
        let second = u8::try_from(process % 200).expect("below 200") + 20;
        let third = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("wire-{name}-{process}"));
        fs::create_dir_all(&folder).expect("the build folder can be written");
        Self { second, third, folder }
    }

    /// The address of one party.
    pub(super) fn host(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.second, self.third, last)
    }

    /// A port of one party where there is only one address, as in IPv6.
    pub(super) fn port(&self, last: u8) -> u16 {
        30_000 + u16::from(self.third) % 64 * 256 + u16::from(last)
    }

    /// A file of the test, or a folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file of the test.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        let parent = path.parent().expect("it lies in the test's folder");
        fs::create_dir_all(parent).expect("the build folder can be written");
        fs::write(&path, text).expect("the build folder can be written");
        path
    }
}

impl Drop for Loopback {
    /// What a passed test has written is of no use to anyone; after a failure it is the evidence.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("evidence: {}", self.folder.display());
        } else {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// Asks again and again until there is an answer; after `patience` the test fails with `what`.
pub(super) fn wait_for<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A file's text, empty while it is not there.
pub(super) fn text_of(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
