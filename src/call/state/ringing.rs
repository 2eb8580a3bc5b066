//! Somebody is being looked for; the caller has not spoken to a person yet.

use serde::{Deserialize, Serialize};

use super::{Releasing, State};
use crate::base::ids::LegId;
use crate::call::comfort;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::pair::Pair;
use crate::call::record;
use crate::call::search::{self, Found};

/// The plan is tried, step by step and round after round. The caller hears its network's ringback after our 180; if the
/// hotline answers on queue, our announcement, music and ringback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ringing {
    caller: LegId,
    hunt: Hunt,
}

impl Ringing {
    /// Begins to look for somebody.
    pub(super) fn begin(cx: &mut Context<'_>, caller: LegId, hunt: Hunt) -> State {
        comfort::begin(cx, caller);
        let hunt = hunt.advance(cx).carry_on(cx);
        State::Ringing(Self { caller, hunt })
    }

    pub(super) const fn caller(&self) -> LegId {
        self.caller
    }

    pub(super) const fn hunt(&self) -> &Hunt {
        &self.hunt
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        let caller = self.caller;
        match search::handle(cx, caller, self.hunt, event) {
            Found::Nobody(hunt) => State::Ringing(Self { caller, hunt }),
            Found::Exhausted(spent) => State::Ringing(Self { caller, hunt: spent.rest(cx) }),
            Found::Person { leg, .. } => Pair::join(cx, caller, leg),
            Found::CallerGone => Releasing::all(cx, &record::NORMAL),
        }
    }
}
