//! REFERs as the wire shows them, and the matters that they join.

use lianxian::base::time::Instant;

use super::ledger::{Ledger, LegWatch, Side};

/// A REFER of a party.
#[derive(Clone, Debug)]
pub struct ReferWatch {
    /// When it was delivered.
    pub at: Instant,
    /// Our final response.
    pub answer: Option<u16>,
    /// Whether the party declined reports (RFC 4488).
    pub silent: bool,
    /// When our last report left.
    pub settled_at: Option<Instant>,
    /// The status of the last report.
    pub told: Option<u16>,
    /// What its Replaces names.
    pub names: Option<Named>,
}

/// A Replaces in a Refer-To.
#[derive(Clone, Debug)]
pub struct Named {
    pub(super) call_id: String,
    tags: [String; 2],
    early_only: bool,
}

impl Named {
    pub(super) fn read(refer_to: &str) -> Option<Self> {
        let value = refer_to.split("Replaces=").nth(1)?.split(['>', '&']).next()?;
        let value = value.replace("%40", "@").replace("%3B", ";").replace("%3D", "=");
        let tag = |name: &str| value.split(';').find_map(|part| part.strip_prefix(name)).map(str::to_owned);
        Some(Self {
            call_id: value.split(';').next()?.to_owned(),
            tags: [tag("to-tag=")?, tag("from-tag=")?],
            early_only: value.contains(";early-only"),
        })
    }

    pub(super) fn fits(&self, leg: &LegWatch) -> bool {
        let own = [&leg.tags.0, &leg.tags.1];
        let same = self.tags.iter().eq(own) || self.tags.iter().rev().eq(own);
        same && !(self.early_only && leg.answered_at.is_some())
    }
}

impl Ledger {
    /// The agent has joined two of its calls: whoever it had called belongs to the citizen's matter from now on.
    pub(super) fn join(&mut self, one: &str, other: &str) {
        let side = |id: &str| self.legs.get(id).map(|leg| leg.side);
        let (served, consulted) = match (side(one), side(other)) {
            (Some(Side::Service), Some(Side::Caller)) => (one, other),
            (Some(Side::Caller), Some(Side::Service)) => (other, one),
            _ => return,
        };
        let (Some(to), Some(from)) = (
            self.legs.get(served).map(|leg| leg.matter.clone()),
            self.legs.get(consulted).map(|leg| leg.matter.clone()),
        ) else {
            return;
        };
        let reached = |leg: &LegWatch| leg.side == Side::Service && leg.matter == from && !leg.is_over();
        for (call_id, leg) in self.legs.iter_mut().filter(|(_, leg)| reached(leg)) {
            leg.matter.clone_from(&to);
            self.matters.entry(from.clone()).or_default().remove(call_id);
            self.matters.entry(to.clone()).or_default().insert(call_id.clone());
        }
        if let Some(leg) = self.legs.get_mut(consulted) {
            leg.joined = true;
        }
    }
}
