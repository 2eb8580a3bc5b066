//! A counter that follows a total which is counted elsewhere.

use prometheus::IntCounter;

/// Follows a total: each reading adds what is new. A total that falls (a worker was replaced) starts again from there.
#[derive(Debug)]
pub(super) struct Absolute {
    counter: IntCounter,
    last: u64,
}

impl Absolute {
    pub(super) const fn new(counter: IntCounter) -> Self {
        Self { counter, last: 0 }
    }

    pub(super) fn follow(&mut self, total: u64) {
        self.counter.inc_by(total.saturating_sub(self.last));
        self.last = total;
    }
}
