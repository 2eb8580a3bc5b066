//! The service party was lost; the caller is kept.

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

/// An answered caller whose service party was lost: it hears an announcement, music or ringback, while first the agent
/// who had the call is rung, then the plan, round after round (I19).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recovering {
    caller: LegId,
    hunt: Hunt,
}

impl Recovering {
    /// Begins to look for somebody new.
    pub(in crate::call) fn begin(cx: &mut Context<'_>, caller: LegId, hunt: Hunt) -> State {
        #[cfg(feature = "faults")]
        if cx.strikes(crate::call::fault::Fault::ForgetComfort) {
            cx.hear(caller, crate::media::order::Source::Nothing);
            return State::Recovering(Self { caller, hunt });
        }
        comfort::begin(cx, caller);
        let hunt = hunt.advance(cx).carry_on(cx);
        State::Recovering(Self { caller, hunt })
    }

    /// Somebody is being looked for already.
    pub(super) fn go_on(cx: &mut Context<'_>, caller: LegId, hunt: Hunt) -> State {
        comfort::carry_on(cx, caller, hunt.rings());
        State::Recovering(Self { caller, hunt })
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
            Found::Nobody(hunt) => State::Recovering(Self { caller, hunt }),
            Found::Exhausted(spent) => State::Recovering(Self { caller, hunt: spent.rest(cx) }),
            Found::Person { leg, .. } => Pair::join(cx, caller, leg),
            Found::CallerGone => Releasing::all(cx, &record::NORMAL),
        }
    }
}
