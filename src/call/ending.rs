//! Promise 1 as a rule that is checked after every event, whatever the states have done.
//!
//! The states follow the rule; this file does not trust them. It looks at the event and at the orders that came of it:
//! the caller's leg may be ended by us only when the last service party has deliberately hung up while they were
//! joined (I19), or at the door, before anybody was called. And a connected caller must always have something to hear
//! (I15). A breach is told as [`CallerLoss`], which is `lianxian_caller_lost_total`.

use crate::base::ids::LegId;
use crate::call::action::{Action, Actions};
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::notice::CallerLoss;
use crate::call::sound::{Sound, Voice};
use crate::call::state::State;
use crate::call::timer::{DEAD_AIR, Timer};
use crate::media::order::Source;
use crate::sip::fact::LegFact;
use crate::sip::order::LegOrder;

/// When we may end the caller's leg, as it stood before the event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    caller: Option<LegId>,
    licence: Licence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Licence {
    /// The caller has not been served yet: it may be refused with a final response.
    AtTheDoor,
    /// The joined service party has hung up.
    PartyHungUp,
    /// In no way.
    None,
}

impl Rule {
    /// The rule for one event in one state.
    pub(super) fn of(state: &State, event: &Event) -> Self {
        Self { caller: state.caller(), licence: licence(state, event) }
    }

    /// Looks at what came of the event.
    pub(super) fn check(self, cx: &mut Context<'_>, after: &State) {
        if let Some(caller) = self.caller
            && !allowed(self.licence, cx.out, caller)
        {
            cx.record.broken();
            cx.caller_lost(CallerLoss::HungUpByUs);
        }
        watch_dead_air(cx, after);
    }
}

fn licence(state: &State, event: &Event) -> Licence {
    match state {
        State::Offered(_) => Licence::AtTheDoor,
        State::Quarantined(_) if state.party().is_none() => Licence::AtTheDoor,
        State::Talking(_) | State::Held(_) | State::Quarantined(_) => match event {
            Event::Leg { leg, fact: LegFact::HungUp { .. } } if Some(*leg) == state.party() => Licence::PartyHungUp,
            Event::Leg { .. }
            | Event::Media { .. }
            | Event::Timer(_)
            | Event::Command { .. }
            | Event::SeatFree
            | Event::Begin => Licence::None,
        },
        State::Ringing(_)
        | State::Recovering(_)
        | State::Transferring(_)
        | State::Forsaken(_)
        | State::Confirming(_)
        | State::Entrusted(_)
        | State::Unheard(_)
        | State::ThreeWay(_)
        | State::Releasing(_) => Licence::None,
    }
}

fn allowed(licence: Licence, out: &Actions, caller: LegId) -> bool {
    out.iter().all(|action| match action {
        Action::Leg { leg, order } if *leg == caller => match order {
            LegOrder::HangUp { .. } => licence == Licence::PartyHungUp,
            LegOrder::Reject { .. } => licence == Licence::AtTheDoor,
            LegOrder::Progress { .. }
            | LegOrder::Accept { .. }
            | LegOrder::Offer { .. }
            | LegOrder::Present { .. }
            | LegOrder::Answer { .. }
            | LegOrder::RejectOffer { .. }
            | LegOrder::Digit { .. }
            | LegOrder::AcceptRefer { .. }
            | LegOrder::RejectRefer { .. }
            | LegOrder::Notify { .. } => true,
        },
        Action::Leg { .. }
        | Action::Invite(_)
        | Action::Media(_)
        | Action::Publish(_)
        | Action::Reply { .. }
        | Action::Record(_) => true,
    })
}

/// Runs `DeadAir` while a connected caller who wants to hear something is given nothing.
fn watch_dead_air(cx: &mut Context<'_>, state: &State) {
    let deaf = state.caller().is_some_and(|caller| {
        cx.legs.is_connected(caller) && cx.legs.sound(caller).is_some_and(|sound| sound.listens() && !is_fed(cx, sound))
    });
    if !deaf {
        cx.timers.stop(Timer::DeadAir);
    } else if cx.timers.get(Timer::DeadAir).is_none() && cx.record.caller_lost.is_none() {
        cx.start(Timer::DeadAir, DEAD_AIR);
    }
}

fn is_fed(cx: &Context<'_>, sound: &Sound) -> bool {
    // Of who pauses a quiet line is heard.
    let speaks = |leg: &LegId| cx.legs.sound(*leg).is_some_and(|sound| sound.voice != Voice::Absent);
    match &sound.hears {
        Source::Nothing => false,
        Source::Leg(leg) | Source::Early(leg) => speaks(leg),
        Source::Mix(legs) => legs.iter().any(speaks),
        Source::Ringback | Source::Prompt { .. } => true,
    }
}
