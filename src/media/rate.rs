//! How many packets a second one sender gets through: a bucket of time (V40).

use std::time::Duration;

use crate::base::time::Instant;

/// A limit of packets a second that lets one second's worth through at once, for networks that stall and catch up.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    cost: Duration,
    credit: Duration,
    last: Instant,
}

impl Rate {
    const DEPTH: Duration = Duration::from_secs(1);

    /// A limit of `packets_per_second`, which must not be zero.
    pub(super) fn new(now: Instant, packets_per_second: u32) -> Self {
        assert!(packets_per_second > 0, "a rate of zero would cut the voice off");
        Self { cost: Self::DEPTH / packets_per_second, credit: Self::DEPTH, last: now }
    }

    /// Whether one more packet at `at` is within the limit.
    pub(super) fn admits(&mut self, at: Instant) -> bool {
        self.credit = (self.credit + at.since(self.last)).min(Self::DEPTH);
        self.last = self.last.max(at);
        match self.credit.checked_sub(self.cost) {
            Some(credit) => {
                self.credit = credit;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_gets_the_rate_and_a_voice_gets_everything() {
        let mut rate = Rate::new(Instant::START, 100);
        let flood = (0..100_000).filter(|step| rate.admits(Instant::from_nanos(step * 100_000))).count();
        assert!((1_090..=1_101).contains(&flood), "{flood} of a 10 s flood passed");
        let mut rate = Rate::new(Instant::START, 100);
        assert!((0..5_000).all(|step| rate.admits(Instant::from_nanos(step * 20_000_000))));
    }
}
