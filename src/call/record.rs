//! What happened in a call, as facts with times: feeds the CDR and the ticket. It is written by the call's `journal` only.
//!
//! One record for the whole call from the first INVITE to the last BYE (trap T30), one line for each leg; every leg's
//! end has a cause (I45).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, CallId, HotlineId, LegId, TransferId, TrunkId};
use crate::base::time::Instant;
use crate::call::command::{Mode, Particulars};
use crate::call::notice::CallerLoss;
use crate::routing::Decision;
use crate::routing::recipe::Summary;
use crate::sip::fact::{Cause, Failure, Loss, Peer};

/// Normal call clearing: the reason of an ordinary goodbye (Q.850 16).
pub const NORMAL: Cause = Cause { sip: None, q850: Some(16) };

/// Another telephone has taken the call (RFC 3326 2).
pub const ANSWERED_ELSEWHERE: Cause = Cause { sip: Some(200), q850: None };

/// Nobody answered in time (Q.850 19).
pub const NO_ANSWER: Cause = Cause { sip: None, q850: Some(19) };

/// The gateway said nothing in time, and another way was taken (Q.850 102, recovery on timer expiry).
pub const TOO_SLOW: Cause = Cause { sip: None, q850: Some(102) };

/// The peer's session description cannot be used (Q.850 88, incompatible destination).
pub const INCOMPATIBLE: Cause = Cause { sip: Some(488), q850: Some(88) };

/// Something of ours is exhausted or broken (Q.850 47, resource unavailable).
pub const UNAVAILABLE: Cause = Cause { sip: Some(503), q850: Some(47) };

/// The daemon ends (Q.850 41, temporary failure: to be tried again).
pub const SHUT_DOWN: Cause = Cause { sip: Some(503), q850: Some(41) };

/// Who is on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// The caller, and what it called over.
    Caller(Peer),
    /// An agent of a hotline.
    Agent(AgentId),
    /// A number reached over a trunk.
    Trunk {
        /// The trunk.
        trunk: TrunkId,
        /// What was dialled there: a service's number from the configuration.
        number: String,
    },
}

/// The facts of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// The call whose matter it belongs to (`linkage_id`): the one that a PBX made this one for, by a new INVITE, or with
    /// which this one, a consultation, was joined.
    #[serde(default)]
    pub root: Option<CallId>,
    /// What was dialled.
    #[serde(default)]
    pub dialled: String,
    /// Where it went, whose number it showed, and why.
    pub decision: Arc<Decision>,
    /// When its INVITE arrived.
    pub arrived: Instant,
    /// When a person first answered.
    pub answered: Option<Instant>,
    /// When its last leg was released.
    pub released: Option<Instant>,
    /// Every leg, in the order of its beginning, up to a limit.
    pub legs: Vec<LegRecord>,
    /// Legs beyond the limit that have ended.
    pub more_legs: u32,
    /// Every transfer, in the order in which they were asked for.
    pub transfers: Vec<TransferRecord>,
    /// Why the call is over.
    pub ending: Option<Ending>,
    /// How promise 1 was broken, if it was.
    pub caller_lost: Option<CallerLoss>,
}

/// The facts of one transfer: one press of an agent, with all its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRecord {
    /// The transfer.
    pub id: TransferId,
    /// By what it was asked for.
    pub trigger: Trigger,
    /// How the caller is handed over.
    #[serde(default)]
    pub mode: Mode,
    /// Who asked for it: the leg.
    pub transferor: LegId,
    /// Who asked for it: the operator's number (工号), as far as it is known.
    pub agent: Option<AgentId>,
    /// The hotline that had the call.
    pub from: HotlineId,
    /// Where it was to go, in which territory, whose number was shown, and why.
    pub decision: Arc<Decision>,
    /// What was known of the matter.
    pub particulars: Particulars,
    /// When it was asked for.
    pub requested: Instant,
    /// The legs of those who were dialled for it, in order: [`CallRecord::target`] has their lines.
    pub attempts: Vec<LegId>,
    /// The call in which a PBX has dialled them, if it has done so of its own ([`Trigger::NewInvite`]).
    #[serde(default)]
    pub consultation: Option<CallId>,
    /// The lines of those who were dialled there, as far as they went while this call lasted.
    #[serde(default)]
    pub targets: Vec<LegRecord>,
    /// When the target answered that has taken the call: before `requested`, if it was reached in a consultation.
    pub answered: Option<Instant>,
    /// When and how it ended.
    pub ended: Option<(Instant, Outcome)>,
}

/// By what a transfer was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// REFER of a telephone.
    Refer,
    /// A feature code on the agent's telephone.
    FeatureCode,
    /// A command of the agent's desk or of another system.
    Command,
    /// INVITE with Replaces.
    Replaces,
    /// A new INVITE to the short code that was found to belong to this call.
    NewInvite,
}

/// How a transfer ended: exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// This leg has taken the call: 200 received and acknowledged, and not hung up within 1 s.
    Succeeded(LegId),
    /// Nobody took the call; the final status of the last target.
    Failed(u16),
    /// The agent gave it up.
    Cancelled,
    /// The caller hung up meanwhile.
    Abandoned,
    /// The call was restored after a fault meanwhile. Never reported or counted as a success (T38).
    Unknown,
}

/// The facts of one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    /// The leg.
    pub leg: LegId,
    /// Who is on it.
    pub who: Who,
    /// When it began.
    pub began: Instant,
    /// When it first rang.
    pub rang: Option<Instant>,
    /// When it was answered.
    pub answered: Option<Instant>,
    /// What was shown there of the caller; nothing on the caller's own leg.
    #[serde(default)]
    pub presented: Option<Summary>,
    /// When and how it ended.
    pub ended: Option<(Instant, LegEnd)>,
}

/// A leg's end: by whom, and why (I45).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegEnd {
    /// The peer hung up on purpose.
    HungUp(Cause),
    /// The peer did not take the call.
    Failed(Cause),
    /// It was lost.
    Lost(Loss),
    /// We released it.
    Released(Cause),
    /// It goes on in another call, with which this one was joined.
    Moved(CallId),
}

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The caller hung up or cancelled.
    CallerHungUp,
    /// The caller's own leg is gone: its network or telephone has vanished.
    CallerUnreachable(Loss),
    /// The last service party hung up while they talked.
    ServicePartyHungUp,
    /// It was an agent's consultation, and was joined with the citizen's call.
    Joined(CallId),
    /// We refused the call before anybody was called.
    Refused(u16),
    /// The daemon was told to end, and had waited for as long as it may: everybody got a goodbye.
    ShutDown,
    /// None of those: promise 1 was broken.
    CallerLost,
}

impl Who {
    /// A peer that has called us and serves the caller from now on.
    pub(super) fn serving(peer: &Peer) -> Self {
        match peer {
            Peer::Softphone(agent) => Self::Agent(agent.clone()),
            Peer::Trunk(trunk) => Self::Trunk { trunk: trunk.clone(), number: String::new() },
        }
    }
}

impl CallRecord {
    /// A record that has nothing but its beginning.
    pub(super) const fn new(call: CallId, arrived: Instant, dialled: String, decision: Arc<Decision>) -> Self {
        Self {
            call,
            root: None,
            dialled,
            decision,
            arrived,
            answered: None,
            released: None,
            legs: Vec::new(),
            more_legs: 0,
            transfers: Vec::new(),
            ending: None,
            caller_lost: None,
        }
    }

    /// The agent who had the call first: to whom the caller is given back before anybody else.
    pub(super) fn first_agent(&self) -> Option<AgentId> {
        self.legs.iter().filter(|line| line.answered.is_some()).find_map(|line| match &line.who {
            Who::Agent(agent) => Some(agent.clone()),
            Who::Caller(_) | Who::Trunk { .. } => None,
        })
    }

    /// The hotline that a service party belongs to: that of the transfer which it took, else the one that was dialled.
    pub(super) fn hotline_of(&self, party: LegId) -> &HotlineId {
        let took = |transfer: &&TransferRecord| {
            transfer.ended.is_some_and(|(_, outcome)| outcome == Outcome::Succeeded(party))
        };
        self.transfers.iter().find(took).map_or(&self.decision.hotline, |transfer| &transfer.decision.hotline)
    }

    /// The facts of a leg that was dialled for a transfer.
    pub fn target<'a>(&'a self, transfer: &'a TransferRecord, leg: LegId) -> Option<&'a LegRecord> {
        self.line_of(leg).or_else(|| transfer.targets.iter().find(|line| line.leg == leg))
    }

    /// When a leg first rang.
    pub(super) fn rang_at(&self, leg: LegId) -> Option<Instant> {
        self.line_of(leg).and_then(|line| line.rang)
    }

    /// The final status with which a leg did not take the call.
    pub(super) fn refusal_of(&self, leg: LegId) -> Option<u16> {
        self.line_of(leg).and_then(LegRecord::refusal)
    }

    /// The facts of a leg.
    pub(super) fn line_of(&self, leg: LegId) -> Option<&LegRecord> {
        self.legs.iter().find(|line| line.leg == leg)
    }
}

impl LegRecord {
    /// A leg that has just begun.
    pub(super) const fn new(began: Instant, leg: LegId, who: Who) -> Self {
        Self { leg, who, began, rang: None, answered: None, presented: None, ended: None }
    }

    /// The final status with which it did not take the call.
    pub(super) fn refusal(&self) -> Option<u16> {
        match &self.ended {
            Some((_, LegEnd::Failed(cause))) => cause.sip,
            Some((_, LegEnd::HungUp(_) | LegEnd::Lost(_) | LegEnd::Released(_) | LegEnd::Moved(_))) | None => None,
        }
    }
}

/// What the final status of a target means to people.
pub const fn refusal(code: u16) -> &'static str {
    match code {
        486 | 600 => "busy",
        408 | 480 => "no_answer",
        403 | 433 | 603 | 607 | 608 => "rejected",
        _ => "failed",
    }
}

/// The same for a record, which also knows the cause: a network that is full is nobody's refusal (F8).
pub(super) const fn result_of(code: u16, q850: Option<u8>) -> &'static str {
    match (code, q850) {
        (_, Some(34 | 38 | 41 | 42 | 44 | 47)) | (503, None) => "congested",
        (_, Some(17)) => "busy",
        (_, Some(_) | None) => refusal(code),
    }
}

/// The cause of a peer's own goodbye, normal clearing if it gave none (I45).
pub(super) const fn goodbye(cause: Cause) -> Cause {
    if cause.sip.is_none() && cause.q850.is_none() { NORMAL } else { cause }
}

/// The cause of a failed INVITE, its status at the least (I45).
pub(super) fn of_failure(failure: &Failure) -> Cause {
    Cause { sip: failure.cause.sip.or(Some(failure.code)), q850: failure.cause.q850 }
}
