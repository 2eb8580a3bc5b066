//! Which ports are free: even and odd pairs from one range, in turn, with a quarantine after use (I11, V43).

use std::time::Duration;

use thiserror::Error;

use crate::base::time::Instant;

/// How long a freed pair rests at least. Packets of the old call still arrive for about that long; given to a new
/// call at once they would be heard in it.
pub const QUARANTINE_MIN: Duration = Duration::from_secs(2);

/// A range that cannot be used as it was configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// The first port lies above the last one, or there is no pair between them.
    #[error("the media ports from {first} to {last} hold no even and odd pair")]
    Empty {
        /// The first port as configured.
        first: u16,
        /// The last port as configured.
        last: u16,
    },
    /// Well-known ports belong to other programs.
    #[error("media ports start at {first}, but those below 1024 belong to the system")]
    Privileged {
        /// The first port as configured.
        first: u16,
    },
}

/// The pairs of a range: RTP on the even port, RTCP on the next (RFC 3550 11).
#[derive(Clone, Debug)]
pub struct PortRange {
    first: u16,
    pairs: Vec<Pair>,
    next: usize,
    in_use: usize,
    quarantine: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    Free,
    Taken,
    Resting { until: Instant },
}

impl PortRange {
    /// The pairs from `first` to `last`, both included. A `quarantine` below [`QUARANTINE_MIN`] is raised to it.
    pub fn new(first: u16, last: u16, quarantine: Duration) -> Result<Self, RangeError> {
        if first < 1024 {
            return Err(RangeError::Privileged { first });
        }
        let even = first.checked_next_multiple_of(2).filter(|even| *even < last);
        let even = even.ok_or(RangeError::Empty { first, last })?;
        let count = usize::from(last - even).div_ceil(2);
        let quarantine = quarantine.max(QUARANTINE_MIN);
        Ok(Self { first: even, pairs: vec![Pair::Free; count], next: 0, in_use: 0, quarantine })
    }

    /// Takes a pair and returns its even port. The pair that was longest untouched comes first, so that a freed one
    /// rests as long as the load allows. `None` if every pair is taken or in quarantine.
    pub fn allocate(&mut self, now: Instant) -> Option<u16> {
        let count = self.pairs.len();
        let index = (self.next..count).chain(0..self.next).find(|index| self.is_free(*index, now))?;
        *self.pairs.get_mut(index)? = Pair::Taken;
        self.next = (index + 1) % count;
        self.in_use += 1;
        self.port(index)
    }

    /// Takes exactly this pair, for a call restored from its checkpoint. False if it is not ours to take.
    pub fn reserve(&mut self, port: u16) -> bool {
        let Some(index) = self.index(port) else { return false };
        match self.pairs.get_mut(index) {
            Some(pair @ (Pair::Free | Pair::Resting { .. })) => {
                *pair = Pair::Taken;
                self.in_use += 1;
                true
            }
            Some(Pair::Taken) | None => false,
        }
    }

    /// Gives a pair back, into its quarantine.
    pub fn release(&mut self, now: Instant, port: u16) {
        let pair = self.index(port).and_then(|index| self.pairs.get_mut(index));
        let pair = pair.expect("only ports of this range are given back");
        assert_eq!(*pair, Pair::Taken, "port {port} was given back twice");
        *pair = Pair::Resting { until: now + self.quarantine };
        self.in_use -= 1;
    }

    /// Pairs that are taken now.
    pub const fn in_use(&self) -> usize {
        self.in_use
    }

    /// Pairs there are.
    pub const fn capacity(&self) -> usize {
        self.pairs.len()
    }

    /// The first and the last port that can ever be given out.
    pub fn bounds(&self) -> (u16, u16) {
        let last = self.pairs.len().checked_sub(1).and_then(|index| self.port(index)).unwrap_or(self.first);
        (self.first, last.saturating_add(1))
    }

    fn is_free(&self, index: usize, now: Instant) -> bool {
        match self.pairs.get(index) {
            Some(Pair::Free) => true,
            Some(Pair::Resting { until }) => *until <= now,
            Some(Pair::Taken) | None => false,
        }
    }

    fn port(&self, index: usize) -> Option<u16> {
        u16::try_from(index).ok()?.checked_mul(2)?.checked_add(self.first)
    }

    fn index(&self, port: u16) -> Option<usize> {
        let offset = port.checked_sub(self.first)?;
        (offset % 2 == 0).then_some(usize::from(offset / 2))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::base::entropy::Entropy;

    #[test]
    fn a_range_holds_only_whole_pairs() {
        assert_eq!(PortRange::new(20_001, 20_004, QUARANTINE_MIN).unwrap().bounds(), (20_002, 20_003));
        assert_eq!(PortRange::new(20_000, 20_004, QUARANTINE_MIN).unwrap().capacity(), 2);
        assert_eq!(PortRange::new(65_534, 65_535, QUARANTINE_MIN).unwrap().bounds(), (65_534, 65_535));
        for (first, last) in [(20_000, 20_000), (20_001, 20_002), (20_004, 20_000), (65_535, 65_535)] {
            assert_eq!(PortRange::new(first, last, QUARANTINE_MIN).err(), Some(RangeError::Empty { first, last }));
        }
        assert_eq!(PortRange::new(1_000, 2_000, QUARANTINE_MIN).err(), Some(RangeError::Privileged { first: 1_000 }));
    }

    #[test]
    fn a_full_range_says_so_and_recovers_after_the_quarantine() {
        let mut range = PortRange::new(20_000, 20_003, Duration::ZERO).unwrap();
        let now = Instant::START;
        assert_eq!(range.allocate(now), Some(20_000));
        assert_eq!(range.allocate(now), Some(20_002));
        assert_eq!(range.allocate(now), None);
        range.release(now, 20_000);
        assert_eq!(range.allocate(now + Duration::from_millis(1_999)), None);
        assert_eq!(range.allocate(now + Duration::from_secs(2)), Some(20_000));
    }

    #[test]
    fn a_restored_call_gets_its_own_port_or_none() {
        let mut range = PortRange::new(20_000, 20_007, QUARANTINE_MIN).unwrap();
        assert!(range.reserve(20_004));
        assert!(!range.reserve(20_004));
        assert!(!range.reserve(20_005));
        assert!(!range.reserve(30_000));
        assert_eq!(range.in_use(), 1);
        let others: Vec<_> = std::iter::from_fn(|| range.allocate(Instant::START)).collect();
        assert_eq!(others, [20_000, 20_002, 20_006]);
    }

    /// I11 and V43: never two owners, never again before two seconds are over, and no pair is ever lost.
    #[test]
    fn no_port_has_two_owners_or_too_short_a_rest() {
        for seed in 0..60 {
            let mut entropy = Entropy::from_number(seed);
            let mut range =
                PortRange::new(20_000, 20_000 + 2 * (1 + entropy.below(40) as u16), QUARANTINE_MIN).unwrap();
            let mut now = Instant::START;
            let mut owned: Vec<u16> = Vec::new();
            let mut freed: HashMap<u16, Instant> = HashMap::new();
            for _ in 0..600 {
                now += Duration::from_millis(entropy.below(400));
                if entropy.below(2) == 0 && !owned.is_empty() {
                    let port = owned.swap_remove(entropy.below(owned.len() as u64) as usize);
                    range.release(now, port);
                    freed.insert(port, now);
                } else if let Some(port) = range.allocate(now) {
                    assert!(port % 2 == 0 && !owned.contains(&port), "seed {seed}: port {port} has two owners");
                    let rested = freed.get(&port).map_or(QUARANTINE_MIN, |at| now.since(*at));
                    assert!(rested >= QUARANTINE_MIN, "seed {seed}: port {port} rested only {rested:?}");
                    owned.push(port);
                }
                assert_eq!(range.in_use(), owned.len(), "seed {seed}");
            }
            for port in owned.drain(..) {
                range.release(now, port);
            }
            now += QUARANTINE_MIN;
            let all = std::iter::from_fn(|| range.allocate(now)).count();
            assert_eq!(all, range.capacity(), "seed {seed}: a pair was lost");
        }
    }
}
