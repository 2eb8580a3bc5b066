//! What a call waits for. Each variant says what its firing means.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ids::LegId;

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
    /// The leg has been silent for 60 s: a re-INVITE asks whether it is still there. Silence alone ends nothing.
    Probe(LegId),
    /// A quarantined caller without a counterpart: the plan is tried again.
    SecondChance,
}
