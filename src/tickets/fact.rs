//! What happened to a call, one fact at a time: the journal from the first INVITE to the last BYE (T30).

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, CallId, HotlineId, LegId, TransferId, TrunkId};
use crate::base::pii::Pii;

/// One fact. Its time is that of its entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A call was admitted.
    Arrived {
        /// The hotline that was called.
        hotline: HotlineId,
        /// The caller's leg.
        leg: LegId,
        /// The trunk it came in on; none from a softphone.
        trunk: Option<TrunkId>,
        /// What was dialled.
        dialled: String,
        /// The caller's number as received.
        caller: Pii,
        /// The same, normalised; empty if there is none.
        caller_e164: Pii,
        /// `allowed`, `restricted` or `unavailable` (RFC 3323).
        presentation: Presentation,
        /// The region and how it was found.
        region: Option<Region>,
    },
    /// A leg began: somebody is dialled, or comes over from another call.
    LegBegan {
        /// The leg.
        leg: LegId,
        /// Who is on it.
        party: Party,
        /// What it is shown of the caller.
        presented: Option<Presented>,
    },
    /// A leg rings.
    Rang {
        /// The leg.
        leg: LegId,
    },
    /// A leg was answered.
    Answered {
        /// The leg.
        leg: LegId,
    },
    /// A leg ended.
    LegEnded {
        /// The leg.
        leg: LegId,
        /// By whom.
        by: EndedBy,
        /// Why (I45).
        cause: Cause,
    },
    /// A transfer was asked for and accepted.
    TransferRequested {
        /// The transfer.
        transfer: TransferId,
        /// The hotline that had the call.
        from: HotlineId,
        /// The hotline it is to go to.
        to: HotlineId,
        /// The operator's number (工号) of who asked, as far as it is known.
        agent: Option<AgentId>,
        /// By what it was asked for: `refer`, `feature_code`, ..
        trigger: String,
        /// `one_click`, `consult` or `three_way`.
        mode: String,
        /// The region and how it was found.
        region: Option<Region>,
    },
    /// A target is dialled for a transfer.
    TransferAttempted {
        /// The transfer.
        transfer: TransferId,
        /// The target's leg.
        leg: LegId,
    },
    /// A transfer ended: exactly once.
    TransferEnded {
        /// The transfer.
        transfer: TransferId,
        /// How.
        outcome: Outcome,
        /// The leg that has the call now.
        leg: Option<LegId>,
        /// The final status of the last target.
        code: Option<u16>,
    },
    /// A party joined the conversation.
    Joined {
        /// Its leg.
        leg: LegId,
    },
    /// A party left the conversation, and it went on.
    Left {
        /// Its leg.
        leg: LegId,
    },
    /// The call is over.
    Ended {
        /// Why, in a word.
        why: String,
        /// The call that it was joined with.
        joined: Option<CallId>,
    },
}

/// Who is on a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Party {
    /// The citizen.
    Caller,
    /// An agent's softphone.
    Agent {
        /// The operator's number (工号).
        agent: AgentId,
    },
    /// A service's number over a trunk.
    Trunk {
        /// The trunk.
        trunk: TrunkId,
        /// What was dialled.
        number: String,
    },
}

/// The region of a matter (属地).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// GB/T 2260 code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How it was found: `agent`, `address`, `trunk`, `dnis`, `number_hint` or `default`.
    pub source: String,
}

/// Whether the caller's number may be shown (RFC 3323).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presentation {
    /// It may.
    Allowed,
    /// The citizen withholds it; within the trust domain it is known all the same.
    Restricted,
    /// The network gave none.
    #[default]
    Unavailable,
}

/// What a party was shown of the caller (携号).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// In a word: `number`, `own_number`, `withheld`, ..
    pub shown: String,
    /// The number in From, as written there.
    pub number: Pii,
    /// The headers that named the citizen's number.
    pub carried_by: Vec<String>,
}

/// By whom a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The party hung up or cancelled.
    Party,
    /// The party did not take the call.
    Refused,
    /// It was lost.
    Lost,
    /// We released it.
    Us,
    /// It goes on in another call.
    Moved,
    /// The daemon died with the call; written when it came up again.
    Crash,
}

/// Why: the SIP status, the Q.850 cause, either or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// SIP status code.
    pub sip: Option<u16>,
    /// Q.850 cause.
    pub q850: Option<u8>,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The target has the call.
    Succeeded,
    /// Nobody took it.
    Failed,
    /// The agent gave it up.
    Cancelled,
    /// The citizen hung up meanwhile.
    Abandoned,
    /// The call was restored after a fault meanwhile; never counted as a success (T38).
    Unknown,
}
