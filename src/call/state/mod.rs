//! The states of a call, a file for each. A state owns the legs that matter in it; leaving it consumes it.
//!
//! Decides: what each fact means in each state. Every case is written; what is ignored is ignored on purpose.
//! Invariants: while the caller is there, some state holds it, and there is a deadline, a ringing leg or a joined one.
//! Does not do: orders below a leg's (that is SIP's and the media plane's).
//!
//! ```text
//! Offered -> Ringing -> Talking <-> Held          caller's BYE or CANCEL, from any state -> Releasing
//!               ^          |  lost, not hung up   party's BYE, from Talking and Held     -> Releasing
//!               |          v                      panic, from any state                  -> Quarantined
//!               +---- Recovering -> Talking
//!
//! A transfer leaves Talking or Held and comes back there, with the agent or with the target:
//!
//!                            answered                 heard, 1 s
//! Talking -> Transferring ------------> Confirming -------------> Talking
//!                 |  agent gone            |   | silent for 2 s
//!                 v                        |   +--------> ThreeWay
//!              Forsaken ----------> Entrusted                ^
//!                 | nobody             |  silent for 10 s    | somebody answers
//!                 v                    +--------> Unheard ---+
//!             Recovering
//! ```

mod confirming;
mod entrusted;
mod forsaken;
mod held;
mod offered;
mod quarantined;
mod recovering;
mod releasing;
mod ringing;
mod talking;
mod three_way;
mod transferring;
mod unheard;

use serde::{Deserialize, Serialize};
use smallvec::smallvec;

pub(super) use confirming::Confirming;
pub(super) use entrusted::Entrusted;
pub(super) use forsaken::Forsaken;
pub(super) use held::Held;
pub(super) use offered::Offered;
pub(super) use quarantined::Quarantined;
pub(super) use recovering::Recovering;
pub(super) use releasing::Releasing;
pub(super) use ringing::Ringing;
pub(super) use talking::Talking;
pub(super) use three_way::ThreeWay;
pub(super) use transferring::Transferring;
pub(super) use unheard::Unheard;

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::journal::Conversation;
use crate::call::pair::{Mood, Pair};
use crate::call::transfer::Transfer;
use crate::routing::Decision;

/// The state of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum State {
    /// It has just arrived.
    Offered(Offered),
    /// Somebody is being looked for; the caller has not spoken to a person yet.
    Ringing(Ringing),
    /// Caller and service party talk.
    Talking(Talking),
    /// They are joined, and one of them holds.
    Held(Held),
    /// The service party was lost; the caller is kept and somebody is being looked for.
    Recovering(Recovering),
    /// Caller and agent are joined while the target of a transfer is hunted.
    Transferring(Transferring),
    /// The same, but the agent has gone.
    Forsaken(Forsaken),
    /// The target has answered; the agent is still there.
    Confirming(Confirming),
    /// The target has answered; the agent has gone.
    Entrusted(Entrusted),
    /// The target has the call, the agent has gone, and nothing is heard of the target: the group is rung.
    Unheard(Unheard),
    /// Caller, agent and target are joined, all three.
    ThreeWay(ThreeWay),
    /// The caller has gone; the remaining legs are being released.
    Releasing(Releasing),
    /// Restored after a panic.
    Quarantined(Quarantined),
}

impl State {
    /// One event.
    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> Self {
        match self {
            Self::Offered(state) => state.handle(cx, event),
            Self::Ringing(state) => state.handle(cx, event),
            Self::Talking(state) => state.handle(cx, event),
            Self::Held(state) => state.handle(cx, event),
            Self::Recovering(state) => state.handle(cx, event),
            Self::Transferring(state) => state.handle(cx, event),
            Self::Forsaken(state) => state.handle(cx, event),
            Self::Confirming(state) => state.handle(cx, event),
            Self::Entrusted(state) => state.handle(cx, event),
            Self::Unheard(state) => state.handle(cx, event),
            Self::ThreeWay(state) => state.handle(cx, event),
            Self::Releasing(state) => state.handle(cx, event),
            Self::Quarantined(state) => state.handle(cx, event),
        }
    }

    /// The state in a word of the glossary, for views and metrics.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Offered(_) => "offered",
            Self::Ringing(_) => "ringing",
            Self::Talking(_) => "talking",
            Self::Held(_) => "held",
            Self::Recovering(_) => "recovering",
            Self::Transferring(_) => "transferring",
            Self::Forsaken(_) => "forsaken",
            Self::Confirming(_) => "confirming",
            Self::Entrusted(_) => "entrusted",
            Self::Unheard(_) => "unheard",
            Self::ThreeWay(_) => "three_way",
            Self::Releasing(_) => "releasing",
            Self::Quarantined(_) => "quarantined",
        }
    }

    /// The caller's leg, while there is one.
    pub(super) const fn caller(&self) -> Option<LegId> {
        match self {
            Self::Offered(state) => Some(state.caller()),
            Self::Ringing(state) => Some(state.caller()),
            Self::Talking(Talking(pair)) | Self::Held(Held(pair)) => Some(pair.caller),
            Self::Recovering(state) => Some(state.caller()),
            Self::Transferring(state) => Some(state.pair().caller),
            Self::Forsaken(state) => Some(state.caller()),
            Self::Confirming(state) => Some(state.caller()),
            Self::Entrusted(state) => Some(state.caller()),
            Self::Unheard(state) => Some(state.caller()),
            Self::ThreeWay(state) => Some(state.caller()),
            Self::Releasing(_) => None,
            Self::Quarantined(state) => Some(state.caller()),
        }
    }

    /// The transfer that is under way.
    pub(super) const fn transfer(&self) -> Option<&Transfer> {
        match self {
            Self::Transferring(state) => Some(state.transfer()),
            Self::Forsaken(state) => Some(state.transfer()),
            Self::Confirming(state) => Some(state.transfer()),
            Self::Entrusted(state) => state.transfer(),
            Self::Offered(_)
            | Self::Ringing(_)
            | Self::Talking(_)
            | Self::Held(_)
            | Self::Recovering(_)
            | Self::Unheard(_)
            | Self::ThreeWay(_)
            | Self::Releasing(_)
            | Self::Quarantined(_) => None,
        }
    }

    /// The service party whom the caller is joined with.
    pub(super) const fn party(&self) -> Option<LegId> {
        match self {
            Self::Talking(Talking(pair)) | Self::Held(Held(pair)) => Some(pair.party),
            Self::Quarantined(state) => state.party(),
            Self::Transferring(state) => Some(state.pair().party),
            Self::Confirming(state) => Some(state.party()),
            Self::Entrusted(state) => Some(state.target()),
            Self::Unheard(state) => Some(state.target()),
            Self::ThreeWay(state) => Some(state.agent()),
            Self::Offered(_) | Self::Ringing(_) | Self::Recovering(_) | Self::Forsaken(_) | Self::Releasing(_) => None,
        }
    }

    /// The service parties who are in the conversation with the caller. A target that may still refuse is not.
    pub(super) fn conversation(&self) -> Conversation {
        match self {
            Self::Talking(Talking(pair)) | Self::Held(Held(pair)) => smallvec![pair.party],
            Self::Transferring(state) => smallvec![state.pair().party],
            Self::Confirming(state) => smallvec![state.agent()],
            Self::Entrusted(state) if state.transfer().is_some() => Conversation::new(),
            Self::Entrusted(state) => smallvec![state.target()],
            Self::Unheard(state) => smallvec![state.target()],
            Self::ThreeWay(state) => smallvec![state.agent(), state.target()],
            Self::Quarantined(state) => state.party().into_iter().collect(),
            Self::Offered(_) | Self::Ringing(_) | Self::Recovering(_) | Self::Forsaken(_) | Self::Releasing(_) => {
                Conversation::new()
            }
        }
    }

    /// Two who are simply in talk, and whether one of them holds.
    pub(super) const fn pair(&self) -> Option<(Pair, Mood)> {
        match self {
            Self::Talking(Talking(pair)) => Some((*pair, Mood::Talking)),
            Self::Held(Held(pair)) => Some((*pair, Mood::Held)),
            Self::Offered(_)
            | Self::Ringing(_)
            | Self::Recovering(_)
            | Self::Transferring(_)
            | Self::Forsaken(_)
            | Self::Confirming(_)
            | Self::Entrusted(_)
            | Self::Unheard(_)
            | Self::ThreeWay(_)
            | Self::Releasing(_)
            | Self::Quarantined(_) => None,
        }
    }

    /// The hunt for a caller who has nobody.
    pub(super) const fn hunt(&self) -> Option<&Hunt> {
        match self {
            Self::Ringing(state) => Some(state.hunt()),
            Self::Recovering(state) => Some(state.hunt()),
            Self::Unheard(_)
            | Self::Offered(_)
            | Self::Talking(_)
            | Self::Held(_)
            | Self::Transferring(_)
            | Self::Forsaken(_)
            | Self::Confirming(_)
            | Self::Entrusted(_)
            | Self::ThreeWay(_)
            | Self::Releasing(_)
            | Self::Quarantined(_) => None,
        }
    }

    /// The plan of those who are looked for while nobody rings, so that a free seat is welcome at once.
    pub(super) fn waits_for(&self) -> Option<&Decision> {
        match self {
            Self::Ringing(state) => state.hunt().waits_for(),
            Self::Recovering(state) => state.hunt().waits_for(),
            Self::Unheard(state) => state.hunt().waits_for(),
            Self::Offered(_)
            | Self::Talking(_)
            | Self::Held(_)
            | Self::Transferring(_)
            | Self::Forsaken(_)
            | Self::Confirming(_)
            | Self::Entrusted(_)
            | Self::ThreeWay(_)
            | Self::Releasing(_)
            | Self::Quarantined(_) => None,
        }
    }
}
