//! The one value that says why a call goes where it goes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::caller_id::{CallerId, Claims};
use super::config::{Config, Priority, Step, Trust};
use crate::base::ids::{AgentId, HotlineId, TrunkId};

/// A question to routing.
#[derive(Clone, Debug)]
pub struct Enquiry<'a> {
    /// What was dialled: the user part of the Request-URI.
    pub called: &'a str,
    /// Who asks.
    pub from: Origin<'a>,
    /// What the INVITE says about its caller.
    pub claims: &'a Claims,
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A trunk.
    Trunk(&'a TrunkId),
    /// A registered softphone.
    Agent(&'a AgentId),
}

/// Where a call goes, whose number it shows, and why. Owned by the call for its whole life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The hotline that was dialled.
    pub hotline: HotlineId,
    /// How urgent it is.
    pub priority: Priority,
    /// When the caller is answered.
    pub answering: Answering,
    /// How long one callee rings.
    pub ring_timeout: Duration,
    /// Who may take the call, in order. Never empty.
    pub plan: Vec<Step>,
    /// Whose number is shown.
    pub caller_id: CallerId,
    /// The rules that led here, in order, for `lianxian route` and the record.
    pub why: Vec<Why>,
}

/// When the caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answering {
    /// When a person answers: until then the caller gets 180 and is not charged.
    ByPerson,
    /// At once; music and announcements until a person comes (排队即应答).
    OnQueue,
}

/// A rule that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The called number is a row of `hotlines.toml`.
    HotlineDialled(HotlineId),
    /// The trunk's assertion was believed.
    AssertionBelieved(TrunkId),
    /// The trunk is outside the trust domain: its assertion was removed.
    AssertionRemoved(TrunkId),
    /// The softphone's own number is shown.
    AgentsNumber(AgentId),
}

/// Why a call cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The called number is no hotline of ours, or one for which there is nobody at all: 404.
    #[error("the called number is not configured")]
    NotConfigured,
}

/// Decides about one call. The same enquiry and configuration always give the same decision.
pub fn decide(config: &Config, enquiry: &Enquiry<'_>) -> Result<Decision, Refusal> {
    let hotline = config.hotline(enquiry.called).ok_or(Refusal::NotConfigured)?;
    // A plan in which nobody could ever answer would keep its callers waiting for ever.
    if !hotline.plan.iter().any(|step| config.can_answer(step)) {
        return Err(Refusal::NotConfigured);
    }
    let mut why = vec![Why::HotlineDialled(hotline.number.clone())];
    let caller_id = match enquiry.from {
        Origin::Trunk(trunk) => {
            let trust = config.trunk(trunk).map_or(Trust::Untrusted, |row| row.trust);
            if !enquiry.claims.asserted.is_empty() {
                why.push(match trust {
                    Trust::Trusted => Why::AssertionBelieved(trunk.clone()),
                    Trust::Untrusted => Why::AssertionRemoved(trunk.clone()),
                });
            }
            CallerId::over_trunk(enquiry.claims, trust)
        }
        Origin::Agent(agent) => {
            why.push(Why::AgentsNumber(agent.clone()));
            CallerId::of_agent(agent)
        }
    };
    Ok(Decision {
        hotline: hotline.number.clone(),
        priority: hotline.priority,
        answering: if hotline.answer_on_queue { Answering::OnQueue } else { Answering::ByPerson },
        ring_timeout: hotline.ring_timeout(),
        plan: hotline.plan.clone(),
        caller_id,
        why,
    })
}
