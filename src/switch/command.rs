//! Commands from outside: which call is meant, and the one answer that each gets.

use super::{Step, Switch};
use crate::base::ids::{CallId, CommandId};
use crate::base::time::Instant;
use crate::call::Call;
use crate::call::command::{CallSelector, Command, Refusal, Reply};
use crate::call::event::Event;
use crate::sip::fact::{Cause, IncomingInvite, Replaced};
use crate::sip::order::LegOrder;
use crate::switch::Output;

impl Switch {
    /// The one call that is meant.
    pub fn find(&self, selector: &CallSelector) -> Result<CallId, Refusal> {
        let mut found = match selector {
            CallSelector::Id(id) => {
                return if self.calls.contains_key(id) { Ok(*id) } else { Err(Refusal::NoSuchCall) };
            }
            CallSelector::SipCallId(text) => self.calls_that(|call| self.has_call_id(call, text)),
            CallSelector::Agent(agent) => {
                self.calls_that(|call| call.legs().any(|leg| leg.agent() == Some(agent) && !leg.is_leaving()))
            }
            CallSelector::Caller(number) => {
                self.calls_that(|call| call.decision().caller_id.is_called(number.reveal(), None))
            }
        };
        match (found.pop(), found.is_empty()) {
            (Some(call), true) => Ok(call),
            (Some(_), false) => Err(Refusal::Ambiguous),
            (None, _) => Err(Refusal::NoSuchCall),
        }
    }

    /// Every call is looked at: hundreds, and nobody asks a thousand times a second.
    fn calls_that(&self, wanted: impl Fn(&Call) -> bool) -> Vec<CallId> {
        self.calls.iter().filter(|(_, entry)| wanted(&entry.call)).map(|(id, _)| *id).collect()
    }

    pub(super) fn has_call_id(&self, call: &Call, text: &str) -> bool {
        call.legs().any(|leg| self.endpoint.call_id(leg.id()).is_some_and(|call_id| call_id == text.as_bytes()))
    }

    /// An INVITE that wants to take the place of a leg: one that talks, or one that rings (RFC 3891 3).
    pub(super) fn on_replacing(&mut self, now: Instant, replaced: Replaced, invite: IncomingInvite) {
        match self.legs.get(&replaced.leg).copied() {
            Some(call) => self.run(now, call, Step::Replace(replaced.leg, super::arrival(invite))),
            None => {
                let cause = Cause { sip: Some(603), q850: None };
                self.endpoint.order(now, invite.leg, LegOrder::Reject { code: 603, cause, retry_after_s: None });
            }
        }
    }

    /// Hands a command to its call.
    pub(super) fn command(&mut self, now: Instant, id: CommandId, selector: &CallSelector, command: Command) {
        match self.find(selector) {
            Ok(call) => self.run(now, call, Step::Event(Event::Command { id, command })),
            Err(refusal) => self.reply(id, Err(refusal)),
        }
    }

    /// Answers a command.
    pub(super) fn reply(&mut self, id: CommandId, reply: Reply) {
        self.outputs.push_back(Output::Reply { id, reply });
    }
}
