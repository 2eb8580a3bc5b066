//! What a call takes from the common stock while it decides: numbers, ports, seats.

use crate::base::ids::{AgentId, GroupId, LegId, TrunkId};
use crate::routing::config::Step;
use crate::sip::fact::ContactRoute;

/// The common stock. Nothing is ever given back: the switch reads off the call's state what it still uses.
pub trait Supplies {
    /// A number for a new leg.
    fn leg(&mut self) -> LegId;
    /// An even port with its odd neighbour. `None` if all are taken, or only the emergency reserve is left.
    fn port(&mut self) -> Option<u16>;
    /// 64 random bits.
    fn random(&mut self) -> u64;
    /// The longest idle agent of `group` who is registered and not in `tried`; now engaged.
    fn longest_idle(&mut self, group: &GroupId, tried: &[AgentId]) -> Option<Seat>;
    /// This agent, if registered and not in another call; now engaged.
    fn agent(&mut self, agent: &AgentId) -> Option<Seat>;
    /// Whether anybody in the plan's groups is free now.
    fn any_free(&self, plan: &[Step]) -> bool;
    /// Whether one more leg may go out over `trunk`.
    fn trunk_admits(&mut self, trunk: &TrunkId) -> bool;
    /// Whether a planted fault strikes here.
    #[cfg(feature = "faults")]
    fn strikes(&mut self, _fault: super::fault::Fault) -> bool {
        false
    }
}

/// An agent who can be rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The operator's number.
    pub agent: AgentId,
    /// Where the agent's softphones are, newest first.
    pub contacts: Vec<ContactRoute>,
}
