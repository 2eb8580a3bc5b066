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
//! ```

mod held;
mod offered;
mod quarantined;
mod recovering;
mod releasing;
mod ringing;
mod talking;

use serde::{Deserialize, Serialize};

pub(super) use held::Held;
pub(super) use offered::Offered;
pub(super) use quarantined::Quarantined;
pub(super) use recovering::Recovering;
pub(super) use releasing::Releasing;
pub(super) use ringing::Ringing;
pub(super) use talking::Talking;

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::event::Event;
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
            Self::Releasing(_) => None,
            Self::Quarantined(state) => Some(state.caller()),
        }
    }

    /// The service party whom the caller is joined with.
    pub(super) const fn party(&self) -> Option<LegId> {
        match self {
            Self::Talking(Talking(pair)) | Self::Held(Held(pair)) => Some(pair.party),
            Self::Quarantined(state) => state.party(),
            Self::Offered(_) | Self::Ringing(_) | Self::Recovering(_) | Self::Releasing(_) => None,
        }
    }

    /// The plan of those who are looked for while nobody rings, so that a free seat is welcome at once.
    pub(super) fn waits_for(&self) -> Option<&Decision> {
        match self {
            Self::Ringing(state) => state.hunt().waits_for(),
            Self::Recovering(state) => state.hunt().waits_for(),
            Self::Offered(_) | Self::Talking(_) | Self::Held(_) | Self::Releasing(_) | Self::Quarantined(_) => None,
        }
    }
}
