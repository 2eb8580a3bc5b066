//! The common stock, as one call sees it while it handles one event.

use std::net::SocketAddr;

use smallvec::SmallVec;

use crate::base::entropy::Entropy;
use crate::base::ids::{AgentId, CallId, GroupId, LegId, TrunkId};
use crate::base::time::Instant;
use crate::call::supplies::{Seat, Supplies, Wanted};
use crate::media::ports::PortRange;
use crate::routing;
use crate::routing::config::{Priority, Step};
use crate::sip::endpoint::Endpoint;
use crate::switch::agents::Agents;
use crate::switch::gateways::Gateways;
use crate::switch::trunks::Trunks;

/// What the calls share.
pub(super) struct Stock<'a> {
    pub(super) now: Instant,
    pub(super) call: CallId,
    /// Port pairs that only emergency calls may take.
    pub(super) port_reserve: usize,
    pub(super) endpoint: &'a mut Endpoint,
    pub(super) ports: &'a mut PortRange,
    pub(super) agents: &'a mut Agents,
    pub(super) trunks: &'a mut Trunks,
    pub(super) gateways: &'a mut Gateways,
    pub(super) routing: &'a routing::Config,
    pub(super) entropy: &'a mut Entropy,
    pub(super) taken: &'a mut Taken,
    #[cfg(feature = "faults")]
    pub(super) faults: &'a mut Vec<crate::call::fault::Fault>,
}

/// What a handler has taken. What its call does not use afterwards goes back, also after a panic.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) ports: SmallVec<[u16; 4]>,
    pub(super) agents: SmallVec<[AgentId; 2]>,
}

impl Supplies for Stock<'_> {
    fn leg(&mut self) -> LegId {
        self.endpoint.reserve_leg()
    }

    fn port(&mut self, priority: Priority) -> Option<u16> {
        let free = self.ports.capacity().saturating_sub(self.ports.in_use());
        match priority {
            Priority::Normal if free <= self.port_reserve => return None,
            Priority::Normal | Priority::Emergency => {}
        }
        let port = self.ports.allocate(self.now)?;
        self.taken.ports.push(port);
        Some(port)
    }

    fn random(&mut self) -> u64 {
        self.entropy.next_u64()
    }

    fn longest_idle(&mut self, group: &GroupId, tried: &[AgentId]) -> Option<Seat> {
        let seat = self.agents.longest_idle(self.call, group, tried)?;
        self.taken.agents.push(seat.agent.clone());
        Some(seat)
    }

    fn agent(&mut self, agent: &AgentId) -> Option<Seat> {
        let seat = self.agents.agent(self.call, agent)?;
        self.taken.agents.push(seat.agent.clone());
        Some(seat)
    }

    fn any_free(&self, plan: &[Step]) -> bool {
        self.agents.any_free(plan)
    }

    fn gateway(&mut self, wanted: &Wanted<'_>) -> Option<SocketAddr> {
        let trunk = self.routing.trunk(wanted.trunk)?;
        if !self.trunks.has_channel(trunk, wanted.priority) {
            return None;
        }
        let gateway = self.gateways.choose(self.now, trunk, wanted)?;
        self.trunks.may_call(self.now, trunk, wanted.priority).then_some(gateway)
    }

    fn gateway_silent(&mut self, trunk: &TrunkId, gateway: SocketAddr) {
        self.gateways.silent(self.now, trunk, gateway);
    }

    #[cfg(feature = "faults")]
    fn strikes(&mut self, fault: crate::call::fault::Fault) -> bool {
        let found = self.faults.iter().position(|armed| *armed == fault);
        found.map(|index| self.faults.remove(index)).is_some()
    }
}
