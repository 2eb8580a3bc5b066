//! How many legs each trunk carries.

use std::collections::BTreeMap;

use crate::base::ids::TrunkId;
use crate::routing;
use crate::routing::config::Priority;

/// Legs by trunk.
#[derive(Debug, Default)]
pub(super) struct Trunks(BTreeMap<TrunkId, u32>);

impl Trunks {
    /// A leg begins.
    pub(super) fn add(&mut self, trunk: &TrunkId) {
        let count = self.0.entry(trunk.clone()).or_default();
        *count = count.saturating_add(1);
    }

    /// A leg is gone.
    pub(super) fn remove(&mut self, trunk: &TrunkId) {
        let count = self.0.get_mut(trunk).expect("a leg was counted when it began");
        *count = count.checked_sub(1).expect("a leg is counted once");
        if *count == 0 {
            self.0.remove(trunk);
        }
    }

    /// Whether one more leg may begin. An emergency is never refused for a limit that we set ourselves.
    pub(super) fn admits(&self, config: &routing::Config, trunk: &TrunkId, priority: Priority) -> bool {
        let Some(row) = config.trunk(trunk) else { return false };
        match priority {
            Priority::Emergency => true,
            Priority::Normal => self.0.get(trunk).copied().unwrap_or_default() < row.limits.calls,
        }
    }

    /// Legs on all trunks, for the census.
    pub(super) fn legs(&self) -> u32 {
        self.0.values().sum()
    }
}
