//! Caller and service party are joined, and one of them holds.

use serde::{Deserialize, Serialize};

use super::State;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::pair::{Mood, Pair};

/// One of the two holds, the other hears our music. Who holds stands in the legs' sessions; the rules of leaving are
/// those of [`super::Talking`] (trap T18).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held(pub(in crate::call) Pair);

impl Held {
    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        self.0.handle(cx, event, Mood::Held)
    }
}
