//! The one place that reads the system clock.

#![allow(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::time::{Instant, WallClock};

/// The daemon's time line: it starts when the clock is made. Copies show the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A time line that starts now.
    pub fn start() -> Self {
        Self { start: std::time::Instant::now() }
    }

    /// Now, on the daemon's monotonic time line.
    pub fn now(&self) -> Instant {
        let elapsed = self.start.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    /// Our instant in the terms of the runtime's timer.
    pub fn deadline(&self, instant: Instant) -> tokio::time::Instant {
        // The runtime's timer refuses instants beyond some centuries; a day is as good as never, the loop asks again.
        let span = instant.since(self.now()).min(Duration::from_secs(86_400));
        tokio::time::Instant::now() + span
    }

    /// Seconds since 1970 by the wall clock: for records and metrics, never for a timer (trap E6).
    pub fn wall_seconds(&self) -> u64 {
        self.wall().as_secs()
    }

    /// What the wall clock shows now: for opening hours, and for times that people read.
    pub fn wall_clock(&self) -> WallClock {
        let unix_ms = u64::try_from(self.wall().as_millis()).unwrap_or(u64::MAX);
        WallClock { at: self.now(), unix_ms }
    }

    /// Time since 1970 by the wall clock: for the kernel's receive timestamps and for NTP in sender reports.
    pub fn wall(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_only_moves_forward_and_copies_agree() {
        let clock = Clock::start();
        let copy = clock;
        let first = clock.now();
        let second = copy.now();
        assert!(second >= first);
        assert!(clock.wall_seconds() > 1_600_000_000);
    }
}
