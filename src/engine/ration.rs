//! A ration of log lines: what a stranger can cause is counted always and written seldom.

use std::time::Duration;

use crate::base::time::Instant;

/// Lines written in one period.
const LINES: u32 = 20;
/// The period.
const PERIOD: Duration = Duration::from_secs(1);

/// How many lines the current period still allows.
#[derive(Debug)]
pub(super) struct Ration {
    since: Instant,
    written: u32,
    withheld: u64,
}

/// What to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write it, and say how many were withheld since the last one.
    Write {
        /// How many.
        withheld: u64,
    },
    /// Withhold it.
    Withhold,
}

impl Ration {
    pub(super) const fn new() -> Self {
        Self { since: Instant::START, written: 0, withheld: 0 }
    }

    /// One more line at `now`.
    pub(super) fn ask(&mut self, now: Instant) -> Verdict {
        if now.since(self.since) >= PERIOD {
            (self.since, self.written) = (now, 0);
        }
        if self.written >= LINES {
            self.withheld = self.withheld.saturating_add(1);
            return Verdict::Withhold;
        }
        self.written += 1;
        Verdict::Write { withheld: std::mem::take(&mut self.withheld) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_writes_its_ration_and_the_rest_is_told_as_a_number() {
        let mut ration = Ration::new();
        let at = |ms| Instant::START + Duration::from_millis(ms);
        let written = (0..500).filter(|_| ration.ask(at(10)) != Verdict::Withhold).count();
        assert_eq!(written, 20);
        assert_eq!(ration.ask(at(1_010)), Verdict::Write { withheld: 480 });
        assert_eq!(ration.ask(at(1_011)), Verdict::Write { withheld: 0 });
    }
}
