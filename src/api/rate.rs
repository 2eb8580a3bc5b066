//! How often somebody may ask: a bucket of requests that fills up steadily.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::time::Instant;

/// A bucket: so many a second on average, so many at once.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u32,
    burst: u32,
    level: Mutex<Level>,
}

/// What is left, in billionths of a request: whole nanoseconds times requests a second.
#[derive(Clone, Copy, Debug)]
struct Level {
    at: Instant,
    left: u128,
}

const ONE: u128 = 1_000_000_000;

impl Bucket {
    /// A full bucket.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst, level: Mutex::new(Level { at: Instant::START, left: u128::from(burst) * ONE }) }
    }

    /// Takes one request out; else says how long to wait for the next, in whole seconds.
    pub(super) fn take(&self, now: Instant) -> Result<(), u64> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = now.since(level.at).as_nanos() * u128::from(self.per_second);
        level.left = level.left.saturating_add(filled).min(u128::from(self.burst) * ONE);
        level.at = level.at.max(now);
        match level.left.checked_sub(ONE) {
            Some(left) => {
                level.left = left;
                Ok(())
            }
            None => {
                let lacking = ONE - level.left;
                let wait = lacking.div_ceil(u128::from(self.per_second.max(1)));
                Err(Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX)).as_secs() + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_average_and_nobody_saves_up_more_than_a_burst() {
        let bucket = Bucket::new(10, 5);
        let at = |ms| Instant::START + Duration::from_millis(ms);
        let taken = |ms, tries: usize| (0..tries).filter(|_| bucket.take(at(ms)).is_ok()).count();
        assert_eq!(taken(0, 20), 5);
        assert_eq!(bucket.take(at(0)), Err(1));
        assert_eq!(taken(200, 20), 2);
        assert_eq!(taken(60_000, 20), 5);
        assert_eq!(taken(59_000, 20), 0, "a clock that goes back gives nothing");
    }
}
