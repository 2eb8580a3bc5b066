//! How the outbox is, readable from any thread.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::time::Instant;

/// How the disk takes what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Commits return.
    Good,
    /// They return, but late.
    Slow,
    /// The disk is full: entries wait in memory.
    Full,
    /// The disk refuses: entries wait in memory.
    Broken,
}

impl Condition {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Slow => "slow",
            Self::Full => "disk_full",
            Self::Broken => "disk_broken",
        }
    }

    /// Whether what is handed in now is written soon.
    pub const fn writes(self) -> bool {
        match self {
            Self::Good | Self::Slow => true,
            Self::Full | Self::Broken => false,
        }
    }
}

/// What waits for one ticket store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkPicture {
    /// The ticket store.
    pub name: String,
    /// Events that it has yet to take.
    pub pending: u64,
    /// How long the oldest of them has been waiting.
    pub oldest: Duration,
    /// Events that it refuses.
    pub dead: u64,
}

/// The outbox as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How the disk takes what is written.
    pub condition: Condition,
    /// Entries that wait in memory.
    pub waiting: usize,
    /// Entries that were lost so far: the disk took nothing, and memory was full.
    pub lost: u64,
    /// Commits that failed so far.
    pub failed_commits: u64,
    /// What is free on the disk, in bytes.
    pub free_bytes: u64,
    /// Each ticket store.
    pub sinks: Vec<SinkPicture>,
}

/// What the thread tells and the engine reads.
#[derive(Debug, Default)]
pub(super) struct Shared {
    condition: AtomicU8,
    /// Entries in the thread's hands.
    pub(super) in_hand: AtomicUsize,
    pub(super) lost: AtomicU64,
    pub(super) failed_commits: AtomicU64,
    pub(super) free_bytes: AtomicU64,
    /// Since when the commit under way runs, in nanoseconds of the daemon's time line; 0 while there is none.
    committing_since: AtomicU64,
    sinks: Mutex<Vec<SinkPicture>>,
}

/// A commit that takes longer than a call waits for is late (I26).
pub(super) const LATE: Duration = Duration::from_millis(500);

const fn of_number(number: u8) -> Condition {
    match number {
        0 => Condition::Good,
        1 => Condition::Slow,
        2 => Condition::Full,
        _ => Condition::Broken,
    }
}

impl Shared {
    /// How the disk is at `now`: a commit that has not returned for so long is late before it returns.
    pub(super) fn condition(&self, now: Instant) -> Condition {
        let since = self.committing_since.load(Ordering::Relaxed);
        let hangs = since != 0 && now.since(Instant::from_nanos(since)) > LATE;
        match of_number(self.condition.load(Ordering::Relaxed)) {
            Condition::Good if hangs => Condition::Slow,
            condition @ (Condition::Good | Condition::Slow | Condition::Full | Condition::Broken) => condition,
        }
    }

    /// Enters a condition; gives the one before.
    pub(super) fn enter(&self, condition: Condition) -> Condition {
        let number = match condition {
            Condition::Good => 0,
            Condition::Slow => 1,
            Condition::Full => 2,
            Condition::Broken => 3,
        };
        of_number(self.condition.swap(number, Ordering::Relaxed))
    }

    pub(super) fn commit_begins(&self, now: Instant) {
        self.committing_since.store(now.as_nanos().max(1), Ordering::Relaxed);
    }

    pub(super) fn commit_ends(&self) {
        self.committing_since.store(0, Ordering::Relaxed);
    }

    pub(super) fn show_sinks(&self, sinks: Vec<SinkPicture>) {
        *self.sinks.lock().unwrap_or_else(PoisonError::into_inner) = sinks;
    }

    pub(super) fn sinks(&self) -> Vec<SinkPicture> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
