//! The simulated store: takes the entries of all calls in one row, writes them after a while, or not, and says so.

use std::collections::BTreeMap;
use std::time::Duration;

use lianxian::base::time::Instant;
use lianxian::tickets::entry::EntryId;

use super::chance::Chance;

/// How long a success may wait to be on disk (I26).
pub const PATIENCE: Duration = Duration::from_millis(500);

/// How the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// It writes within 5 ms.
    Good,
    /// It does so mostly; now and then it takes 2 s, fails, or is never heard of again.
    Moody,
    /// Each write takes that long.
    Slow(Duration),
    /// Every write fails.
    Broken,
    /// Nothing is heard of it any more.
    Dumb,
    /// It takes 2 s, but the product is told at once: a fault that the judges must see.
    Hasty,
}

/// What the store says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is on disk.
    Written,
    /// It could not be written.
    Failed,
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug)]
struct Fate {
    taken: Instant,
    /// When the truth is known, and what it is; nothing, if nothing is ever heard of it.
    settled: Option<(Instant, Word)>,
}

/// The store.
pub struct SimStore {
    /// How the disk is now.
    pub disk: Disk,
    chance: Chance,
    fates: BTreeMap<EntryId, Fate>,
    /// What is written is written in order.
    busy_until: Instant,
}

impl SimStore {
    /// A store with a good disk.
    pub const fn new(seed: u64) -> Self {
        let chance = Chance::new(seed ^ 0x5708_E000);
        Self { disk: Disk::Good, chance, fates: BTreeMap::new(), busy_until: Instant::START }
    }

    /// Takes an entry: when the product hears of it, and what.
    pub fn take(&mut self, now: Instant, entry: EntryId) -> Option<(Instant, Word)> {
        let (span, word) = match self.disk {
            Disk::Good => (self.chance.millis(0, 5), Some(Word::Written)),
            Disk::Moody => self.mood(),
            Disk::Slow(span) => (span, Some(Word::Written)),
            Disk::Broken => (Duration::from_millis(1), Some(Word::Failed)),
            Disk::Dumb => (Duration::ZERO, None),
            Disk::Hasty => (Duration::from_secs(2), Some(Word::Written)),
        };
        self.busy_until = self.busy_until.max(now + span);
        let settled = word.map(|word| (self.busy_until, word));
        self.fates.insert(entry, Fate { taken: now, settled });
        match self.disk {
            Disk::Hasty => Some((now, Word::Written)),
            Disk::Good | Disk::Moody | Disk::Slow(_) | Disk::Broken | Disk::Dumb => settled,
        }
    }

    fn mood(&mut self) -> (Duration, Option<Word>) {
        match self.chance.between(0, 100) {
            0..3 => (Duration::from_secs(2), Some(Word::Written)),
            3..5 => (Duration::from_millis(3), Some(Word::Failed)),
            5 => (Duration::ZERO, None),
            _ => (self.chance.millis(0, 5), Some(Word::Written)),
        }
    }

    /// Whether the entry is on disk.
    pub fn has_written(&self, entry: EntryId, now: Instant) -> bool {
        self.fates
            .get(&entry)
            .and_then(|fate| fate.settled)
            .is_some_and(|(at, word)| at <= now && word == Word::Written)
    }

    /// Whether the product need not wait for the entry any longer: it is on disk, or cannot be, or was waited for.
    pub fn need_not_wait(&self, entry: EntryId, now: Instant) -> bool {
        self.fates
            .get(&entry)
            .is_some_and(|fate| now - fate.taken >= PATIENCE || fate.settled.is_some_and(|(at, _)| at <= now))
    }
}
