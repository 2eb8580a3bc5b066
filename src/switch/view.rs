//! A read-only picture of the switch, for the API, metrics and tests.

use crate::base::ids::{AgentId, CallId, HotlineId, LegId};
use crate::base::pii::Pii;
use crate::base::time::Instant;
use crate::call::record::{TransferRecord, Who};
use crate::routing::config::Priority;

/// What there is at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Every call, by its id.
    pub calls: Vec<CallView>,
    /// Every agent of the configuration, by number.
    pub agents: Vec<AgentView>,
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
