//! What a call uses, read off its state: nothing has to be given back by hand, so nothing can be forgotten (I9).

use smallvec::SmallVec;

use crate::base::ids::{AgentId, LegId, TrunkId};
use crate::call::Call;

/// What a call uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Its legs, those that are leaving included.
    pub(super) legs: SmallVec<[LegId; 4]>,
    /// Our RTP ports.
    pub(super) ports: SmallVec<[u16; 4]>,
    /// Its agents, and whether they talk.
    pub(super) agents: SmallVec<[(AgentId, bool); 2]>,
    /// The trunks of its legs, once for each leg.
    pub(super) trunks: SmallVec<[TrunkId; 2]>,
}

impl Usage {
    /// What the call uses now.
    pub(super) fn of(call: &Call) -> Self {
        let mut usage = Self::default();
        for leg in call.legs() {
            usage.legs.push(leg.id());
            usage.ports.extend(leg.port());
            usage.trunks.extend(leg.trunk().cloned());
            usage.agents.extend(leg.agent().map(|agent| (agent.clone(), leg.is_answered())));
        }
        usage
    }

    /// Whether the call engages that agent.
    pub(super) fn engages(&self, agent: &AgentId) -> bool {
        self.agents.iter().any(|(engaged, _)| engaged == agent)
    }
}
