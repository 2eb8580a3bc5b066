//! How much each trunk carries, and how much more it may.

use std::collections::BTreeMap;

use crate::base::bucket::{Bucket, Measure};
use crate::base::ids::TrunkId;
use crate::base::time::Instant;
use crate::routing::config::{Priority, Trunk};

/// The load of every trunk.
#[derive(Debug, Default)]
pub(super) struct Trunks(BTreeMap<TrunkId, Load>);

#[derive(Debug, Default)]
struct Load {
    /// Legs, both directions.
    legs: u32,
    /// INVITEs that we may still send; none have been sent yet if there is none.
    bucket: Option<Bucket>,
    /// When something was last heard from there.
    heard: Option<Instant>,
}

impl Trunks {
    fn load(&mut self, trunk: &TrunkId) -> &mut Load {
        self.0.entry(trunk.clone()).or_default()
    }

    /// A leg begins.
    pub(super) fn add(&mut self, trunk: &TrunkId) {
        let load = self.load(trunk);
        load.legs = load.legs.saturating_add(1);
    }

    /// A leg is gone.
    pub(super) fn remove(&mut self, trunk: &TrunkId) {
        let load = self.load(trunk);
        load.legs = load.legs.checked_sub(1).expect("a leg is counted when it begins, once");
    }

    /// Something has come from a trunk.
    pub(super) fn heard(&mut self, now: Instant, trunk: &TrunkId) {
        self.load(trunk).heard = Some(now);
    }

    /// Whether there is a channel for one more leg (I39). An emergency is never refused for a limit that we set
    /// ourselves; everybody else leaves the reserve alone.
    pub(super) fn has_channel(&self, trunk: &Trunk, priority: Priority) -> bool {
        let limits = trunk.limits;
        match priority {
            Priority::Emergency => true,
            Priority::Normal => self.legs_of(&trunk.id) < limits.calls.saturating_sub(limits.emergency_reserve),
        }
    }

    /// Whether one more INVITE may be sent over a trunk now. An emergency takes what there is, and goes out all the same
    /// if there is nothing: the others wait until it is made up for.
    pub(super) fn may_call(&mut self, now: Instant, trunk: &Trunk, priority: Priority) -> bool {
        if !self.has_channel(trunk, priority) {
            return false;
        }
        let rate = trunk.limits.invites_per_s;
        let size = rate.saturating_mul(2);
        let leave = match priority {
            Priority::Emergency => 0,
            Priority::Normal => size / 5,
        };
        let bucket = self.load(&trunk.id).bucket.get_or_insert_with(|| Bucket::full(now, size));
        bucket.take(now, Measure { rate, size, leave }) || priority == Priority::Emergency
    }

    /// Legs on a trunk.
    pub(super) fn legs_of(&self, trunk: &TrunkId) -> u32 {
        self.0.get(trunk).map_or(0, |load| load.legs)
    }

    /// When something was last heard from a trunk.
    pub(super) fn heard_at(&self, trunk: &TrunkId) -> Option<Instant> {
        self.0.get(trunk)?.heard
    }

    /// Legs on all trunks, for the census.
    pub(super) fn legs(&self) -> u32 {
        self.0.values().map(|load| load.legs).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::config::TrunkLimits;

    fn trunk(calls: u32, emergency_reserve: u32, invites_per_s: u32) -> Trunk {
        Trunk { limits: TrunkLimits { calls, emergency_reserve, invites_per_s }, ..Trunk::named("carrier", Vec::new()) }
    }

    #[test]
    fn i39_the_reserve_is_left_to_emergencies_and_they_pass_in_any_case() {
        let row = trunk(10, 3, 100);
        let mut trunks = Trunks::default();
        let mut admitted = 0;
        while trunks.has_channel(&row, Priority::Normal) {
            trunks.add(&row.id);
            admitted += 1;
        }
        assert_eq!(admitted, 7);
        for _ in 0..20 {
            assert!(trunks.has_channel(&row, Priority::Emergency));
            trunks.add(&row.id);
        }
    }

    #[test]
    fn calls_a_second_bite_the_ordinary_ones_only() {
        let row = trunk(1_000, 0, 5);
        let mut trunks = Trunks::default();
        let now = Instant::START;
        let ordinary = (0..50).filter(|_| trunks.may_call(now, &row, Priority::Normal)).count();
        assert_eq!(ordinary, 8, "two seconds' worth, less the share of emergencies");
        assert!((0..50).all(|_| trunks.may_call(now, &row, Priority::Emergency)));
    }
}
