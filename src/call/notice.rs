//! What a call tells the world: for log, metrics, the desk and the record. Nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ids::{CallId, HotlineId, LegId, TransferId};
use crate::base::pii::Pii;
use crate::base::time::Instant;
use crate::call::command::{Mode, Refusal, Urgency};
use crate::call::record::{CallRecord, Trigger, Who};
use crate::routing::Decision;
use crate::routing::config::Priority;
use crate::sip::fact::Loss;

/// One thing that happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which call.
    pub call: CallId,
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A call was admitted.
    Arrived {
        /// What was dialled.
        hotline: HotlineId,
        /// How urgent it is.
        priority: Priority,
        /// Whose number is shown; prints masked.
        caller: Pii,
        /// The caller's leg.
        leg: LegId,
        /// Who calls, and over what.
        who: Who,
    },
    /// A call was refused at the door; no call came of it.
    Refused {
        /// The final response.
        code: u16,
        /// Why.
        why: RefusedFor,
    },
    /// A PBX has made this call for the agent who has another one: it shows that one's caller.
    Correlated {
        /// The other call.
        root: CallId,
    },
    /// A PBX from which such calls are expected has made this one, and it is not known for which call. It goes on with
    /// what the PBX shows.
    NotCorrelated {
        /// How many calls fit.
        found: usize,
    },
    /// A callee is being called.
    Dialled {
        /// Its leg.
        leg: LegId,
        /// Who.
        who: Who,
    },
    /// A callee's device rings.
    Ringing {
        /// Its leg.
        leg: LegId,
        /// Time since the call arrived.
        after: Duration,
    },
    /// A callee did not take the call; the hunt goes on.
    NotTaken {
        /// Its leg.
        leg: LegId,
        /// The final status code, if one came.
        code: Option<u16>,
    },
    /// A gateway has said nothing to an INVITE for 2 s: the next one is called beside it (F7).
    GatewaySilent {
        /// The leg of that INVITE.
        leg: LegId,
    },
    /// Everybody in the plan is busy, absent or has refused: the caller waits for the next round.
    NobodyFree {
        /// Rounds made, from 1.
        round: u32,
    },
    /// A person has answered, and caller and person are joined.
    Answered {
        /// The person's leg.
        leg: LegId,
        /// Who.
        who: Who,
        /// Time since the call arrived.
        waited: Duration,
    },
    /// A party holds the call: the other hears music.
    Held,
    /// Nobody holds the call any more.
    Resumed,
    /// The service party was lost, not hung up: the caller is kept and rerouted (I19).
    PartyLost {
        /// The lost leg.
        leg: LegId,
        /// How it was lost.
        loss: Loss,
    },
    /// Promise 1 is broken: `lianxian_caller_lost_total` rises. Must never happen.
    CallerLost(CallerLoss),
    /// A leg is silent though it may speak. `ever_heard` false: the sound is one-way or missing.
    Silent {
        /// Which leg.
        leg: LegId,
        /// Whether it ever sent a valid packet.
        ever_heard: bool,
    },
    /// A silent leg speaks again.
    SoundResumed {
        /// Which leg.
        leg: LegId,
    },
    /// A leg has been silent for 60 s and is being asked whether it is still there (F10). An alarm.
    SilentTooLong {
        /// Which leg.
        leg: LegId,
    },
    /// A leg's media sockets could not be bound. An alarm.
    MediaFailed {
        /// Which leg.
        leg: LegId,
    },
    /// No port pair is free for another leg. An alarm.
    PortsExhausted,
    /// A peer's session description was refused.
    SessionRefused {
        /// Which leg.
        leg: LegId,
        /// Why.
        why: String,
    },
    /// The handler of this call panicked. It was restored from its last good state and goes on in quarantine (F5). An
    /// alarm.
    Quarantined {
        /// The state it was in.
        state: &'static str,
    },
    /// A transfer has gone a step further.
    Transfer {
        /// Which transfer.
        transfer: TransferId,
        /// How far it is.
        step: TransferStep,
    },
    /// A transfer was asked for and refused; nothing was dialled (V20). One line of the audit.
    TransferRefused {
        /// The leg of the party that has the call.
        leg: LegId,
        /// Why.
        why: Refusal,
    },
    /// A transfer's success is told although it is not on disk: should the process die now, it is lost. An alarm.
    Unproven {
        /// Which transfer.
        transfer: TransferId,
        /// Why.
        why: Unproven,
    },
    /// A fact that the state ignores on purpose.
    Ignored {
        /// Why.
        why: &'static str,
    },
    /// The call is over; every leg is released.
    Released(Box<CallRecord>),
}

/// A step of a transfer. Each transfer begins with `Requested` and ends with exactly one of `Joined`, `Failed`,
/// `Cancelled`, `Abandoned` and `Unknown` (T38); what is told is what happened, with the code as it came (T39, T41).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferStep {
    /// Somebody has asked for it, and it was accepted.
    Requested {
        /// By what it was asked for.
        trigger: Trigger,
        /// How the caller is handed over.
        mode: Mode,
        /// How urgent the matter is: what the agent said, else as urgent as the hotline that it goes to.
        urgency: Urgency,
        /// Where it goes, in which territory, and why.
        decision: Arc<Decision>,
    },
    /// A target is being dialled, or has been reached in a consultation.
    Dialling {
        /// Its leg.
        leg: LegId,
        /// Who.
        who: Who,
    },
    /// A target rings.
    Ringing {
        /// Its leg.
        leg: LegId,
    },
    /// A target did not take the call; the next one is tried, if there is one.
    NotTaken {
        /// Its leg.
        leg: LegId,
        /// The final status code, if one came.
        code: Option<u16>,
    },
    /// A target has answered. The transfer succeeds unless it hangs up within 1 s.
    Answered {
        /// Its leg.
        leg: LegId,
    },
    /// The target has been answered for 2 s and nothing was heard of it: all three are joined (F9). An alarm.
    TargetSilent {
        /// Its leg.
        leg: LegId,
    },
    /// The agent has gone before the target answered: the transfer goes on, and the caller hears ringback.
    Forsaken,
    /// The target has the call: the transfer has succeeded.
    Joined {
        /// Its leg.
        leg: LegId,
    },
    /// Nobody took the call.
    Failed {
        /// The final status of the last target; 480 when nobody could be rung at all.
        code: u16,
    },
    /// The agent has given it up.
    Cancelled,
    /// The caller has hung up meanwhile.
    Abandoned,
    /// The call was restored after a fault: how the transfer would have ended nobody knows.
    Unknown,
    /// The agent had gone and nobody took the call: the caller is given back to the agent's side.
    GivenBack,
}

impl TransferStep {
    /// The step in a word, from a closed set: for log and events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Dialling { .. } => "dialling",
            Self::Ringing { .. } => "ringing",
            Self::NotTaken { .. } => "not_taken",
            Self::Answered { .. } => "answered",
            Self::TargetSilent { .. } => "target_silent",
            Self::Forsaken => "forsaken",
            Self::Joined { .. } => "joined",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::Unknown => "unknown",
            Self::GivenBack => "given_back",
        }
    }

    /// The leg that the step is about.
    pub const fn leg(&self) -> Option<LegId> {
        match self {
            Self::Dialling { leg, .. }
            | Self::Ringing { leg }
            | Self::NotTaken { leg, .. }
            | Self::Answered { leg }
            | Self::TargetSilent { leg }
            | Self::Joined { leg } => Some(*leg),
            Self::Requested { .. }
            | Self::Forsaken
            | Self::Failed { .. }
            | Self::Cancelled
            | Self::Abandoned
            | Self::Unknown
            | Self::GivenBack => None,
        }
    }

    /// The final status code that came with it, as it came (T41).
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::NotTaken { code, .. } => *code,
            Self::Failed { code } => Some(*code),
            Self::Requested { .. }
            | Self::Dialling { .. }
            | Self::Ringing { .. }
            | Self::Answered { .. }
            | Self::TargetSilent { .. }
            | Self::Forsaken
            | Self::Joined { .. }
            | Self::Cancelled
            | Self::Abandoned
            | Self::Unknown
            | Self::GivenBack => None,
        }
    }
}

/// Why a success is told although it is not on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unproven {
    /// It had not been written within the time that everybody is willing to wait.
    Late,
    /// The store could not write it.
    Failed,
}

/// Why a call was refused at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedFor {
    /// The called number is not configured: 404.
    NotConfigured,
    /// The limit on calls at the same time, less the emergency reserve: 503.
    CallLimit,
    /// The limit of the trunk: 503.
    TrunkLimit,
    /// We take no new calls: 503.
    Draining,
    /// No media port is free: 503.
    NoPort,
    /// The offer cannot be agreed to: 488, or 400 when it is malformed.
    Session,
    /// Its handling has panicked again and again: 503, so that the network in front may reroute it.
    Broken,
}

/// How promise 1 was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallerLoss {
    /// Our side ended the caller's leg where it must not.
    HungUpByUs,
    /// The connected caller has heard nothing for 2 s.
    DeadAir,
    /// The caller's media sockets could not be bound.
    NoMedia,
}
