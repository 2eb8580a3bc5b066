//! A token bucket: so much a second on average, so much at once.

use super::time::Instant;

/// What is taken at once, in thousandths, so that slow rates fill up evenly.
const TOKEN: u64 = 1_000;

/// One bucket. Rate and size are arguments, so that a reload reaches buckets that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    tokens: u64,
    filled: Instant,
}

/// How a bucket fills and what must stay in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Tokens that flow in each second.
    pub rate: u32,
    /// The most that it holds.
    pub size: u32,
    /// What this taker must leave in it for others.
    pub leave: u32,
}

impl Bucket {
    /// A full one.
    pub fn full(now: Instant, size: u32) -> Self {
        Self { tokens: u64::from(size) * TOKEN, filled: now }
    }

    /// Takes a token. False if there is none for this taker.
    pub fn take(&mut self, now: Instant, measure: Measure) -> bool {
        let elapsed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(measure.rate.into());
        if gained > 0 {
            self.tokens = self.tokens.saturating_add(gained).min(u64::from(measure.size) * TOKEN);
            self.filled = now;
        }
        let floor = u64::from(measure.leave) * TOKEN;
        match self.tokens.checked_sub(TOKEN) {
            Some(left) if left >= floor => {
                self.tokens = left;
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_left_for_others_is_really_left() {
        let now = Instant::START;
        let mut bucket = Bucket::full(now, 10);
        let ordinary = Measure { rate: 5, size: 10, leave: 2 };
        let urgent = Measure { leave: 0, ..ordinary };
        assert_eq!((0..20).filter(|_| bucket.take(now, ordinary)).count(), 8);
        assert_eq!((0..20).filter(|_| bucket.take(now, urgent)).count(), 2);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..20).filter(|_| bucket.take(later, ordinary)).count(), 3, "the share of others fills up first");
        let much_later = now + Duration::from_secs(1_000);
        assert_eq!(
            (0..20).filter(|_| bucket.take(much_later, urgent)).count(),
            10,
            "it never holds more than its size"
        );
    }
}
