//! What a call tells the world: for log, metrics, the desk and the record. Nothing waits for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ids::{CallId, HotlineId, LegId};
use crate::base::pii::Pii;
use crate::base::time::Instant;
use crate::call::record::{CallRecord, Who};
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
        /// Who calls; prints masked.
        caller: Pii,
    },
    /// A call was refused at the door; no call came of it.
    Refused {
        /// The final response.
        code: u16,
        /// Why.
        why: RefusedFor,
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
    /// A fact that the state ignores on purpose.
    Ignored {
        /// Why.
        why: &'static str,
    },
    /// The call is over; every leg is released.
    Released(Box<CallRecord>),
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
