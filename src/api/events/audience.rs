//! Which agents are in which call, followed from what happens: who may see the next event of it.

use std::collections::HashMap;

use super::ring::Agents;
use crate::base::ids::{AgentId, CallId, LegId};
use crate::call::notice::{TransferStep, What};
use crate::call::record::Who;
use crate::sip::fact::Peer;

/// Calls that are followed at most. Their end is always told, but what is told may be lost: then some stay behind.
const CALLS: usize = 16_384;

/// Agents by call.
#[derive(Debug, Default)]
pub(super) struct Audience {
    calls: HashMap<CallId, Vec<Present>>,
}

/// An agent in a call.
#[derive(Debug)]
struct Present {
    leg: LegId,
    agent: AgentId,
    side: Side,
}

/// On which side of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The agent has begun it, and is there until it is over.
    Caller,
    /// The agent is rung, or serves.
    Service,
}

impl Audience {
    /// Follows one notice: those who are in the call before it or after it may see it.
    pub(super) fn follow(&mut self, call: CallId, what: &What) -> Agents {
        match what {
            What::Arrived { leg, who, .. } => {
                self.enter(call, *leg, who);
                self.present(call)
            }
            What::Dialled { leg, who } | What::Transfer { step: TransferStep::Dialling { leg, who }, .. } => {
                self.enter(call, *leg, who);
                self.present(call)
            }
            What::NotTaken { leg, .. }
            | What::PartyLost { leg, .. }
            | What::Transfer { step: TransferStep::NotTaken { leg, .. }, .. } => {
                let seen = self.present(call);
                self.keep(call, |of| of != *leg);
                seen
            }
            // The target has the call; whoever handed it over is let go.
            What::Transfer { step: TransferStep::Joined { leg }, .. } => {
                let seen = self.present(call);
                self.keep(call, |of| of == *leg);
                seen
            }
            What::Released(_) => {
                let seen = self.present(call);
                self.calls.remove(&call);
                seen
            }
            What::Answered { leg, who, .. } => {
                // Others who were rung are told no more.
                self.enter(call, *leg, who);
                let seen = self.present(call);
                self.keep(call, |of| of == *leg);
                seen
            }
            What::Correlated { .. }
            | What::NotCorrelated { .. }
            | What::Refused { .. }
            | What::Ringing { .. }
            | What::GatewaySilent { .. }
            | What::NobodyFree { .. }
            | What::Held
            | What::Resumed
            | What::CallerLost(_)
            | What::TransferRefused { .. }
            | What::Silent { .. }
            | What::SoundResumed { .. }
            | What::SilentTooLong { .. }
            | What::MediaFailed { .. }
            | What::PortsExhausted
            | What::SessionRefused { .. }
            | What::Quarantined { .. }
            | What::Transfer { .. }
            | What::Unproven { .. }
            | What::Ignored { .. } => self.present(call),
        }
    }

    fn present(&self, call: CallId) -> Agents {
        let present = self.calls.get(&call).into_iter().flatten();
        present.map(|present| present.agent.clone()).collect()
    }

    fn enter(&mut self, call: CallId, leg: LegId, who: &Who) {
        let (agent, side) = match who {
            Who::Agent(agent) => (agent, Side::Service),
            Who::Caller(Peer::Softphone(agent)) => (agent, Side::Caller),
            Who::Caller(Peer::Trunk(_)) | Who::Trunk { .. } => return,
        };
        if self.calls.len() >= CALLS && !self.calls.contains_key(&call) {
            self.calls.clear();
        }
        let present = self.calls.entry(call).or_default();
        if !present.iter().any(|present| present.leg == leg) {
            present.push(Present { leg, agent: agent.clone(), side });
        }
    }

    fn keep(&mut self, call: CallId, stays: impl Fn(LegId) -> bool) {
        if let Some(present) = self.calls.get_mut(&call) {
            present.retain(|present| present.side == Side::Caller || stays(present.leg));
        }
    }
}
