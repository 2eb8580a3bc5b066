//! Caller and service party talk.

use serde::{Deserialize, Serialize};

use super::State;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::pair::{Mood, Pair};

/// Caller and service party talk: each hears the other, packet by packet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Talking(pub(in crate::call) Pair);

impl Talking {
    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        self.0.handle(cx, event, Mood::Talking)
    }
}
