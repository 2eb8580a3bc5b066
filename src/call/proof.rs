//! What waits until a success is on disk (promise 3, I26).
//!
//! A transfer has succeeded when the target has had the call for a second, and from then on it is a fact that must not be
//! lost. Whoever asked for it is told of the success, and released, only when the fact is on disk: the last NOTIFY and
//! our BYE to the transferor wait. The join, sound, ACKs and responses never do; nor does the answer 202 to a REFER or to
//! `POST /v1/calls/{id}/transfers`, which says that somebody is looked for and not that somebody was found (T38).
//!
//! Where all three are joined because nothing is heard of the target, nobody is released and the report comes with the
//! third party, later than any wait.
//!
//! Invariants: what waits leaves once: when the store has written the entry, when it could not, or after [`PROOF`],
//! whichever comes first; in the last two cases an alarm rises with it. A party that waits to be released is in nobody's
//! conversation any more; but if the target goes meanwhile, the caller is given back to it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{LegId, TransferId};
use crate::call::context::Context;
use crate::call::goodbye;
use crate::call::leg::{Phase, Word};
use crate::call::notice::{Unproven, What};
use crate::call::record;
use crate::call::timer::{CONFIRMED, GOODBYE, PROOF, Timer, UNHEARD};
use crate::sip::fact::{Last, ReferId};
use crate::sip::order::LegOrder;

// Whoever is told, and stays, is told after the wait.
const _: () = assert!(CONFIRMED.as_millis() + PROOF.as_millis() < UNHEARD.as_millis());

/// What is told of a target that had taken the call and has gone: it is temporarily unavailable.
const NOBODY: u16 = 480;

/// The successes of one call that are not known to be on disk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Proofs(SmallVec<[Proof; 1]>);

/// A success, and what waits for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Proof {
    /// The number of the entry that says it.
    entry: u32,
    transfer: TransferId,
    /// Nothing, while the target has not been heard.
    deeds: SmallVec<[Deed; 2]>,
}

/// What waits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Deed {
    /// The last NOTIFY on a leg that we take leave of.
    Goodbye {
        /// The transferor's leg.
        leg: LegId,
        /// Its REFER.
        refer: ReferId,
        /// What the leg was to the caller.
        role: Role,
    },
    /// Our BYE.
    Release {
        /// The leg of the transferor, or the one on which it had the caller.
        leg: LegId,
    },
}

/// What a leg on which a REFER came was to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Role {
    /// It had the caller.
    Party,
    /// The agent's own leg of a consultation.
    Consulting,
}

/// How it has come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    /// It is on disk.
    Yes,
    /// It is not, or nobody knows.
    No(Unproven),
}

/// The transfer has succeeded, in the event that is being handled.
pub(super) fn begin(cx: &mut Context<'_>, transfer: TransferId) {
    let entry = cx.record.entry();
    cx.record.proofs.0.push(Proof { entry, transfer, deeds: SmallVec::new() });
    cx.start(Timer::Proof(entry), PROOF);
}

/// Does something as soon as the success of the transfer is on disk: at once, if it is.
pub(super) fn then(cx: &mut Context<'_>, transfer: TransferId, deed: Deed) {
    goodbye::part(cx, deed.leg());
    match cx.record.proofs.0.iter_mut().find(|proof| proof.transfer == transfer) {
        Some(proof) => proof.deeds.push(deed),
        None => perform(cx, deed),
    }
}

/// An entry is on disk, or will not be, or has been waited for long enough. Most entries say no success.
pub(super) fn settle(cx: &mut Context<'_>, entry: u32, proven: Proven) {
    let Some(place) = cx.record.proofs.0.iter().position(|proof| proof.entry == entry) else { return };
    let proof = cx.record.proofs.0.remove(place);
    cx.timers.stop(Timer::Proof(entry));
    match proven {
        Proven::Yes => {}
        Proven::No(why) => cx.publish(What::Unproven { transfer: proof.transfer, why }),
    }
    for deed in proof.deeds {
        perform(cx, deed);
    }
}

fn perform(cx: &mut Context<'_>, deed: Deed) {
    // The party may have gone while it waited: then there is nobody to be told.
    match deed {
        Deed::Goodbye { leg, refer, .. } if cx.legs.is_parting(leg) => goodbye::begin(cx, leg, refer, 200, GOODBYE),
        Deed::Release { leg } if cx.legs.is_parting(leg) => cx.release(leg, record::NORMAL),
        Deed::Goodbye { .. } | Deed::Release { .. } => {}
    }
}

/// Whether the leg waits for a proof.
pub(super) fn is_waiting(cx: &Context<'_>, leg: LegId) -> bool {
    cx.record.proofs.deeds().any(|deed| deed.leg() == leg)
}

/// The target has gone before all was said. Nobody is told of a success any more, because a telephone that is would hang
/// up on the caller. Whoever has let the caller go and is still there gets it back: this is its leg.
pub(super) fn take_back(cx: &mut Context<'_>) -> Option<LegId> {
    let deeds: SmallVec<[Deed; 2]> = cx.record.proofs.0.iter_mut().flat_map(|proof| proof.deeds.drain(..)).collect();
    let mut back = None;
    for deed in deeds {
        match deed {
            Deed::Goodbye { leg, refer, role: Role::Consulting } if cx.legs.is_parting(leg) => {
                goodbye::begin(cx, leg, refer, NOBODY, GOODBYE);
            }
            Deed::Goodbye { leg, refer, role: Role::Party } if return_to(cx, leg) => {
                back = Some(leg);
                in_vain(cx, leg, refer);
            }
            Deed::Release { leg } if return_to(cx, leg) => back = Some(leg),
            Deed::Goodbye { .. } | Deed::Release { .. } => {}
        }
    }
    back
}

fn return_to(cx: &mut Context<'_>, leg: LegId) -> bool {
    let there = cx.legs.is_parting(leg);
    if let Some(entry) = cx.legs.get_mut(leg).filter(|_| there) {
        entry.phase = match std::mem::replace(&mut entry.phase, Phase::Leaving) {
            Phase::Parting(sound) => Phase::Connected(sound),
            other @ (Phase::Arrived | Phase::Calling(_) | Phase::Called(_) | Phase::Connected(_) | Phase::Leaving) => {
                other
            }
        };
    }
    there
}

/// Its BYE may now be that of somebody who believes the caller in good hands (trap T1).
fn in_vain(cx: &mut Context<'_>, leg: LegId, refer: ReferId) {
    cx.order(leg, LegOrder::Notify { refer, status: NOBODY, last: Last::Yes });
    if let Some(entry) = cx.legs.get_mut(leg) {
        entry.word = Word::OnItsWay;
    }
}

impl Proofs {
    fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.0.iter().flat_map(|proof| &proof.deeds)
    }
}

impl Deed {
    const fn leg(&self) -> LegId {
        match self {
            Self::Goodbye { leg, .. } | Self::Release { leg } => *leg,
        }
    }
}
