//! Deadlines as data: a small table for one object, an ordered queue for many.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// The timers of one object, keyed by an enum whose variants say what their firing means.
///
/// A handful of entries: a scan of a short vector beats any tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerTable<T> {
    armed: Vec<(T, Instant)>,
}

impl<T> Default for TimerTable<T> {
    fn default() -> Self {
        Self { armed: Vec::new() }
    }
}

impl<T: Copy + Eq> TimerTable<T> {
    /// Arms `timer` for `deadline`, replacing an earlier deadline of the same timer.
    pub fn set(&mut self, timer: T, deadline: Instant) {
        self.stop(timer);
        self.armed.push((timer, deadline));
    }

    /// Disarms `timer`; nothing happens if it is not armed.
    pub fn stop(&mut self, timer: T) {
        self.armed.retain(|(armed, _)| *armed != timer);
    }

    /// Disarms every timer but those that `wanted` names.
    pub fn keep(&mut self, wanted: impl Fn(T) -> bool) {
        self.armed.retain(|(armed, _)| wanted(*armed));
    }

    /// Disarms everything.
    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// When `timer` fires, if it is armed.
    pub fn get(&self, timer: T) -> Option<Instant> {
        self.armed.iter().find(|(armed, _)| *armed == timer).map(|(_, deadline)| *deadline)
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.armed.iter().map(|(_, deadline)| *deadline).min()
    }

    /// Takes out the earliest timer that is due at `now`.
    pub fn expire(&mut self, now: Instant) -> Option<T> {
        let (index, _) =
            self.armed.iter().enumerate().filter(|(_, (_, at))| *at <= now).min_by_key(|(_, (_, at))| *at)?;
        Some(self.armed.swap_remove(index).0)
    }

    /// Number of armed timers.
    pub fn len(&self) -> usize {
        self.armed.len()
    }

    /// Whether nothing is armed.
    pub fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    /// Every armed timer with its deadline, for the invariants.
    pub fn iter(&self) -> impl Iterator<Item = (T, Instant)> + '_ {
        self.armed.iter().copied()
    }
}

/// The next deadline of each of many objects, ordered. One deadline per key.
#[derive(Clone, Debug)]
pub struct DeadlineQueue<K> {
    ordered: BTreeSet<(Instant, K)>,
    by_key: HashMap<K, Instant>,
}

impl<K> Default for DeadlineQueue<K> {
    fn default() -> Self {
        Self { ordered: BTreeSet::new(), by_key: HashMap::new() }
    }
}

impl<K: Clone + Ord + Hash> DeadlineQueue<K> {
    /// Sets the deadline of `key`; `None` takes it out.
    pub fn set(&mut self, key: &K, deadline: Option<Instant>) {
        if self.by_key.get(key).copied() == deadline {
            return;
        }
        if let Some(old) = self.by_key.remove(key) {
            self.ordered.remove(&(old, key.clone()));
        }
        if let Some(deadline) = deadline {
            self.by_key.insert(key.clone(), deadline);
            self.ordered.insert((deadline, key.clone()));
        }
    }

    /// The earliest deadline of all.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.ordered.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out the earliest key that is due at `now`.
    pub fn expire(&mut self, now: Instant) -> Option<K> {
        if self.next_timeout()? > now {
            return None;
        }
        let (_, key) = self.ordered.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    /// Number of keys with a deadline.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no key has a deadline.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}
