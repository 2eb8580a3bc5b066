//! A read-only picture of the switch, for the API, metrics and tests.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::ids::{AgentId, CallId, HotlineId, LegId, TrunkId};
use crate::base::pii::Pii;
use crate::base::time::Instant;
use crate::call::record::{TransferRecord, Who};
use crate::routing::config::{PeerClass, Priority};

/// What there is at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Every call, by its id.
    pub calls: Vec<CallView>,
    /// Every agent of the configuration, by number.
    pub agents: Vec<AgentView>,
    /// Every trunk of the configuration, in its order.
    pub trunks: Vec<TrunkView>,
    /// Port pairs taken by legs.
    pub ports_in_use: usize,
    /// Port pairs there are.
    pub ports: usize,
    /// SIP transactions.
    pub transactions: usize,
    /// SIP dialogs.
    pub dialogs: usize,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Its id.
    pub call: CallId,
    /// What was dialled.
    pub hotline: HotlineId,
    /// How urgent it is.
    pub priority: Priority,
    /// Its state, in the words of the glossary: a closed set.
    pub state: &'static str,
    /// Who calls; prints masked.
    pub caller: Pii,
    /// When it arrived.
    pub arrived: Instant,
    /// Its legs, those being released included.
    pub legs: Vec<LegView>,
    /// Its transfers, in the order in which they were asked for.
    pub transfers: Vec<TransferRecord>,
}

/// One leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegView {
    /// Its number.
    pub leg: LegId,
    /// Who is on it.
    pub who: Who,
    /// How far it is, in a closed set of words.
    pub phase: &'static str,
    /// Our RTP port, while it has one.
    pub port: Option<u16>,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentView {
    /// The operator's number.
    pub agent: AgentId,
    /// What the agent does.
    pub state: AgentState,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentState {
    /// No softphone is registered.
    Absent,
    /// Free since then.
    Idle(Instant),
    /// In that call, rung or talking.
    Engaged(CallId),
}

/// One trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkView {
    /// Its name.
    pub trunk: TrunkId,
    /// What kind of peer it is.
    pub class: PeerClass,
    /// Legs that came in over it.
    pub legs_in: u32,
    /// Legs that go out over it.
    pub legs_out: u32,
    /// How many legs it may carry.
    pub limit: u32,
    /// Whether any of its gateways is believed to work; also true of a trunk that only calls us.
    pub up: bool,
    /// When something was last heard from there.
    pub heard: Option<Instant>,
    /// Its gateways, by address.
    pub gateways: Vec<GatewayView>,
}

/// One gateway of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// Where it is.
    pub address: SocketAddr,
    /// `up`, `down` or `half_open`.
    pub state: &'static str,
    /// Since when.
    pub since: Instant,
    /// When it was last heard.
    pub heard: Option<Instant>,
    /// How long it took to answer our last OPTIONS that it answered.
    pub round_trip: Option<Duration>,
}
