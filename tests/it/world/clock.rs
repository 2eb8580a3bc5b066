//! Virtual time: one heap of happenings, ordered by instant and, within one instant, by the order of their making.

use std::collections::BTreeMap;

use lianxian::base::time::Instant;

/// What will happen, and when.
#[derive(Debug)]
pub struct EventHeap<E> {
    waiting: BTreeMap<(Instant, u64), E>,
    made: u64,
}

impl<E> Default for EventHeap<E> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), made: 0 }
    }
}

impl<E> EventHeap<E> {
    /// Lets `event` happen at `at`.
    pub fn push(&mut self, at: Instant, event: E) {
        self.made += 1;
        self.waiting.insert((at, self.made), event);
    }

    /// When the next event happens.
    pub fn next_at(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next event out.
    pub fn pop(&mut self) -> Option<(Instant, E)> {
        self.waiting.pop_first().map(|((at, _), event)| (at, event))
    }
}

/// The wall clock, which may be stepped while the virtual one never goes back (I37).
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    offset_s: i64,
}

impl WallClock {
    /// 2026-01-01T00:00:00Z at the start of the time line.
    pub const fn new() -> Self {
        Self { offset_s: 1_767_225_600 }
    }

    /// Steps the clock, as NTP or an administrator does.
    pub const fn step(&mut self, seconds: i64) {
        self.offset_s += seconds;
    }

    /// Seconds since 1970 at `now`.
    pub const fn unix_s(self, now: Instant) -> i64 {
        self.offset_s + (now.as_nanos() / 1_000_000_000) as i64
    }
}
