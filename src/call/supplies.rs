//! What a call takes from the common stock while it decides: numbers, ports, seats.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, GroupId, LegId, TrunkId};
use crate::routing::config::{Priority, Step};
use crate::sip::fact::ContactRoute;

/// The common stock. Nothing is ever given back: the switch reads off the call's state what it still uses.
pub trait Supplies {
    /// A number for a new leg.
    fn leg(&mut self) -> LegId;
    /// An even port with its odd neighbour. `None` if all are taken, or only the emergency reserve is
    /// left for a call that may not use it.
    fn port(&mut self, priority: Priority) -> Option<u16>;
    /// 64 random bits.
    fn random(&mut self) -> u64;
    /// The longest idle agent of `group` who is registered and not in `tried`; now engaged.
    fn longest_idle(&mut self, group: &GroupId, tried: &[AgentId]) -> Option<Seat>;
    /// This agent, if registered and not in another call; now engaged.
    fn agent(&mut self, agent: &AgentId) -> Option<Seat>;
    /// Whether anybody in the plan's groups is free now.
    fn any_free(&self, plan: &[Step]) -> bool;
    /// The gateway for one more leg over a trunk; `None` if the trunk's limits or the health of its gateways forbid it.
    fn gateway(&mut self, wanted: &Wanted<'_>) -> Option<SocketAddr>;
    /// A gateway has said nothing to an INVITE.
    fn gateway_silent(&mut self, trunk: &TrunkId, gateway: SocketAddr);
    /// Whether a planted fault strikes here.
    #[cfg(feature = "faults")]
    fn strikes(&mut self, _fault: super::fault::Fault) -> bool {
        false
    }
}

/// What a leg over a trunk needs.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Which trunk.
    pub trunk: &'a TrunkId,
    /// Its gateways that have been tried already.
    pub tried: &'a [SocketAddr],
    /// How urgent the call is.
    pub priority: Priority,
    /// Which gateways may be tried.
    pub choice: Choice,
}

/// Which gateways may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// Those that are known to work.
    Healthy,
    /// Any: when nobody else could be rung, one that seems dead is better than nobody.
    Any,
}

/// An agent who can be rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The operator's number.
    pub agent: AgentId,
    /// Where the agent's softphones are, newest first.
    pub contacts: Vec<ContactRoute>,
}
