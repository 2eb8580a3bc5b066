//! What a reload has taken away while it was in use: the dialogs that were up go on, and nothing new begins (F28).

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::settings::TrunkAccess;
use crate::base::ids::{LegId, TrunkId};
use crate::base::time::Instant;

/// Networks that were somebody's until the last reload.
#[derive(Clone, Debug, Default)]
pub(super) struct Former {
    /// Trunks with networks that they have no more, or that are gone altogether.
    trunks: HashMap<TrunkId, TrunkAccess>,
    softphones: Vec<IpNet>,
    /// Legs that were up at that time. When the last one is over the networks are forgotten.
    legs: BTreeSet<LegId>,
    /// Until when the last transactions of those legs may be repeated.
    until: Option<Instant>,
}

impl Former {
    /// A reload has taken these networks away, while these legs are up.
    pub(super) fn extend(
        &mut self,
        now: Instant,
        trunks: Vec<TrunkAccess>,
        softphones: Vec<IpNet>,
        legs: impl Iterator<Item = LegId>,
        patience: Duration,
    ) {
        if trunks.is_empty() && softphones.is_empty() {
            return;
        }
        for access in trunks {
            match self.trunks.get_mut(&access.id) {
                Some(kept) => kept.networks.extend(access.networks),
                None => {
                    self.trunks.insert(access.id.clone(), access);
                }
            }
        }
        self.softphones.extend(softphones);
        self.legs.extend(legs);
        self.until = self.legs.is_empty().then(|| now + patience);
    }

    /// A leg is over.
    pub(super) fn over(&mut self, now: Instant, leg: LegId, patience: Duration) {
        if self.legs.remove(&leg) && self.legs.is_empty() {
            self.until = Some(now + patience);
        }
    }

    /// Forgets everything once nothing can be repeated any more.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
    }

    /// Whether an address was somebody's.
    pub(super) fn holds(&self, address: &IpAddr) -> bool {
        let within = |networks: &[IpNet]| networks.iter().any(|network| network.contains(address));
        within(&self.softphones) || self.trunks.values().any(|access| within(&access.networks))
    }

    /// What a trunk was.
    pub(super) fn trunk(&self, trunk: &TrunkId) -> Option<&TrunkAccess> {
        self.trunks.get(trunk)
    }
}
