//! F17 on a disk that is really full. Needs root, for a disk of its own in memory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lianxian::base::time;
use lianxian::store::outbox::{Condition, Outbox, Taken, Told};

use super::{entry, kept, open};

/// A small disk. Dropping it takes it away.
struct Disk(PathBuf);

impl Disk {
    fn new(size: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lianxian-disk-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        run(&["mount", "-t", "tmpfs", "-o", &format!("size={size}"), "lianxian-test"], &path);
        Self(path)
    }

    fn grows(&self, size: &str) {
        run(&["mount", "-o", &format!("remount,size={size}")], &self.0);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A thread that has yet to end keeps nothing of it in use for long.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
        std::fs::remove_dir(&self.0).ok();
    }
}

fn run(words: &[&str], path: &Path) {
    let status = Command::new(words[0]).args(&words[1..]).arg(path).status().unwrap();
    assert!(status.success(), "{words:?}: {status}");
}

/// Until so many are written; how often the disk refused meanwhile.
async fn written(outbox: &mut Outbox, count: usize) -> usize {
    let (mut written, mut refused) = (0, 0);
    while written < count {
        match tokio::time::timeout(Duration::from_secs(30), outbox.told()).await.expect("the outbox hangs") {
            Told::Written { ids, .. } => written += ids.len(),
            Told::Failed { .. } => refused += 1,
        }
    }
    refused
}

#[tokio::test]
async fn f17_a_disk_that_is_really_full_costs_the_ballast_then_memory_and_no_entry() {
    const ENTRIES: u32 = 2_000;
    let disk = Disk::new("5m");
    let mut outbox = open(&disk.0, 1 << 20);
    let ballast = disk.0.join("ballast");
    assert!(ballast.exists());
    let mut seq = 0;
    while outbox.picture(time::Instant::START).condition.writes() {
        seq += 1;
        assert!(seq < ENTRIES, "5 MB hold less");
        assert_eq!(outbox.record(time::Instant::START, Box::new(entry(0, 1, seq))), Taken::Soon);
        if !matches!(outbox.told().await, Told::Written { .. }) {
            break;
        }
    }
    assert!(!ballast.exists(), "its space went to the outbox first");
    let full = outbox.picture(time::Instant::START);
    assert_eq!((full.condition, full.lost), (Condition::Full, 0));
    for seq in seq + 1..=ENTRIES {
        assert_eq!(outbox.record(time::Instant::START, Box::new(entry(0, 1, seq))), Taken::Waits);
    }
    disk.grows("64m");
    let refused = written(&mut outbox, usize::try_from(ENTRIES - seq + 1).unwrap()).await;
    let picture = outbox.picture(time::Instant::START);
    // On a busy machine the first commit afterwards, of all that has waited, may be a slow one.
    assert!(picture.condition.writes(), "{:?} after {refused} refusals", picture.condition);
    assert_eq!((picture.lost, picture.waiting), (0, 0));
    let letters = kept(&disk.0).await;
    assert_eq!(letters.len(), usize::try_from(ENTRIES).unwrap());
    assert!(letters.iter().zip(1..).all(|(letter, seq)| letter.seq == seq), "in their order");
    assert!(outbox.close(Duration::from_secs(10)).await);
}
