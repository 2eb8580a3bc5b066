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
    calls: HashMap<CallId, Vec<(LegId, AgentId)>>,
}

impl Audience {
    /// Follows one notice: those who are in the call before it or after it may see it.
    pub(super) fn follow(&mut self, call: CallId, what: &What) -> Agents {
        match what {
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
            What::Arrived { .. }
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
            | What::Ignored { .. } => self.present(call),
        }
    }

    fn present(&self, call: CallId) -> Agents {
        let present = self.calls.get(&call).into_iter().flatten();
        present.map(|(_, agent)| agent.clone()).collect()
    }

    fn enter(&mut self, call: CallId, leg: LegId, who: &Who) {
        let (Who::Agent(agent) | Who::Caller(Peer::Softphone(agent))) = who else { return };
        if self.calls.len() >= CALLS && !self.calls.contains_key(&call) {
            self.calls.clear();
        }
        let present = self.calls.entry(call).or_default();
        if !present.iter().any(|(of, _)| *of == leg) {
            present.push((leg, agent.clone()));
        }
    }

    fn keep(&mut self, call: CallId, stays: impl Fn(LegId) -> bool) {
        if let Some(present) = self.calls.get_mut(&call) {
            present.retain(|(leg, _)| stays(*leg));
        }
    }
}
