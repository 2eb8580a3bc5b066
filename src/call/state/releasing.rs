//! The caller has gone; the remaining legs are being released.

use serde::{Deserialize, Serialize};

use super::State;
use crate::base::ids::LegId;
use crate::call::command::Refusal;
use crate::call::consulted;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::proof;
use crate::call::timer::Timer;
use crate::sip::fact::Cause;

/// Every leg has been told to go. The call is over when the last one has confirmed it or was given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Releasing;

impl Releasing {
    /// Lets every leg go that has not been let go yet, but those to which we are saying goodbye, now or as soon as a
    /// success is on disk: they have a deadline.
    pub(in crate::call) fn all(cx: &mut Context<'_>, cause: &Cause) -> State {
        consulted::close(cx);
        let goodbye = |leg: &LegId| cx.timers.get(Timer::Goodbye(*leg)).is_some() || proof::is_waiting(cx, *leg);
        let legs: Vec<LegId> = cx.legs.iter().map(|leg| leg.id).filter(|leg| !goodbye(leg)).collect();
        for leg in legs {
            cx.release(leg, cause.clone());
        }
        cx.timers.keep(|timer| matches!(timer, Timer::Goodbye(_) | Timer::Proof(_)));
        State::Releasing(Self)
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { .. } | Event::Media { .. } => cx.ignore("the leg is gone"),
            Event::Command { id, .. } => cx.refuse_command(id, Refusal::NoSuchCall),
            Event::Timer(_) | Event::SeatFree | Event::Begin => cx.ignore("the call is over"),
        }
        State::Releasing(self)
    }
}
