//! What a call waits for. Each variant says what its firing means.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ids::{LegId, TransferId};

/// How long the plan rests between two rounds: short enough for a caller who waits, long enough that dead phones and
/// busy trunks are not stormed.
pub const ROUND_PAUSE: Duration = Duration::from_secs(3);

/// How long a connected caller may hear nothing at all before that counts as lost (DESIGN, promise 1).
pub const DEAD_AIR: Duration = Duration::from_secs(2);

/// How much longer than the 5 s of `Fact::Silent` a leg may stay silent before it is probed: 60 s in all (F10).
pub const UNTIL_PROBE: Duration = Duration::from_secs(55);

/// How long after one probe of a silent leg the next one follows.
pub const PROBE_AGAIN: Duration = Duration::from_secs(60);

/// How long a quarantined caller without a counterpart rests before the plan is tried again.
pub const SECOND_CHANCE: Duration = Duration::from_secs(2);

/// How long a target must have been answered to have taken the call: a BYE before is a refusal (promise 3).
pub const CONFIRMED: Duration = Duration::from_secs(1);

/// How long after its answer a target may be silent before all three are joined (F9).
pub const UNHEARD: Duration = Duration::from_secs(2);

/// How long a caller is left with a silent target alone before somebody else is rung (F9).
pub const TARGET_SILENT: Duration = Duration::from_secs(10);

/// How long our BYE to the transferor waits for a word about the last NOTIFY (trap T2).
pub const GOODBYE: Duration = Duration::from_secs(4);

/// The same when the caller has hung up: within a second everybody must have been told (I18).
pub const GOODBYE_OF_ABANDONED: Duration = Duration::from_millis(900);

/// How long a success waits to be on disk before it is told all the same, with an alarm (I26).
pub const PROOF: Duration = Duration::from_millis(500);

/// How long after its transfer has come to nothing the BYE of a telephone that cannot be told so is no goodbye (T43).
pub const NEVER_TOLD: Duration = Duration::from_secs(10);

/// How long after one key of a feature code the next one may come.
pub const NEXT_KEY: Duration = Duration::from_secs(3);

/// One hunt of a call; numbered from 1 and never used twice in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HuntId(pub u32);

/// What a hunt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Wait {
    /// The callee who rings has not answered in time: the next one is rung.
    RingTimeout,
    /// The pause after a round through the plan is over: the plan begins again.
    NextRound,
    /// A gateway has said nothing to this leg's INVITE: the next one is called beside it.
    FirstWord(LegId),
}

/// One timer of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// What a hunt waits for. A call may have several hunts in its life, and two at once.
    Hunt {
        /// Which hunt.
        hunt: HuntId,
        /// For what.
        wait: Wait,
    },
    /// The connected caller has heard nothing for [`DEAD_AIR`] by our own doing: counted as lost.
    DeadAir,
    /// The leg has been silent for 60 s, or its registration has ended: a re-INVITE asks whether it is still there.
    /// Neither ends anything by itself.
    Probe(LegId),
    /// A quarantined caller without a counterpart: the plan is tried again.
    SecondChance,
    /// The target of a transfer has been answered for [`CONFIRMED`] and has not hung up: it has taken the call.
    Confirm,
    /// The target of a transfer has been answered for [`UNHEARD`] and nothing was heard of it: all three are joined.
    Unheard,
    /// The agent has been gone for [`TARGET_SILENT`] and nothing was heard of the target: the group is rung (F9).
    TargetSilent,
    /// The transferor's telephone has not said a word about the last NOTIFY: our BYE does not wait for it any longer.
    Goodbye(LegId),
    /// The entry of that number, which says a success, has not been written in time: what waits for it goes on.
    Proof(u32),
    /// The party on this leg has typed the beginning of a feature code and no more: it was none.
    NextKey(LegId),
    /// The target of a consultation that a PBX has made for this call has been answered for [`CONFIRMED`]: it has the
    /// transfer.
    Consulted(TransferId),
}
