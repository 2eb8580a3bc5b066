//! One event while somebody is being looked for: the same before the first person answers and after one was lost.

use crate::base::ids::LegId;
use crate::call::caller::{self, Presence};
use crate::call::comfort;
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::{Hunt, Outcome, Spent, Turn};
use crate::call::notice::CallerLoss;
use crate::call::record;
use crate::call::reopen;
use crate::call::silence::{self, Left};
use crate::call::timer::Timer;
use crate::media::fact::Fact;

/// What has come of the search.
pub(super) enum Found {
    /// Nobody yet.
    Nobody(Hunt),
    /// This leg has answered.
    Person {
        /// The leg.
        leg: LegId,
        /// The hunt, should whoever answered not take the call after all.
        hunt: Hunt,
    },
    /// The one round of the hunt is over, and nobody rings.
    Exhausted(Spent),
    /// There is nobody left to search for. Whoever rang has been let go.
    CallerGone,
}

impl From<Turn> for Found {
    fn from(turn: Turn) -> Self {
        match turn {
            Turn::Searching(hunt) => Self::Nobody(hunt),
            Turn::Exhausted(spent) => Self::Exhausted(spent),
        }
    }
}

/// One event.
pub(super) fn handle(cx: &mut Context<'_>, caller: LegId, hunt: Hunt, event: Event) -> Found {
    let found = match event {
        Event::Leg { leg, fact } if leg == caller => match caller::on_fact(cx, caller, fact, None) {
            Presence::Here => Found::Nobody(hunt),
            Presence::Gone => return abandon(cx, hunt),
        },
        Event::Leg { leg, fact } if hunt.has(leg) => match hunt.on_leg(cx, leg, fact) {
            Outcome::Found { leg, hunt } => Found::Person { leg, hunt },
            Outcome::Searching(hunt) => Found::Nobody(hunt),
            Outcome::Exhausted(spent) => Found::Exhausted(spent),
        },
        Event::Leg { .. } => {
            cx.ignore("a leg that this state does not know");
            Found::Nobody(hunt)
        }
        Event::Media { leg, fact } => on_sound(cx, caller, hunt, leg, fact).into(),
        Event::Timer(timer) => on_timer(cx, hunt, timer).into(),
        Event::SeatFree => hunt.on_seat_free(cx).into(),
        Event::Command { id, .. } => {
            cx.refuse_command(id, Refusal::NotTalking);
            Found::Nobody(hunt)
        }
        Event::Begin => {
            cx.ignore("the call has long begun");
            Found::Nobody(hunt)
        }
    };
    if let Found::Nobody(hunt) = &found {
        comfort::carry_on(cx, caller, hunt.rings());
    }
    found
}

fn abandon(cx: &mut Context<'_>, mut hunt: Hunt) -> Found {
    hunt.let_go(cx, &record::NORMAL);
    Found::CallerGone
}

fn on_sound(cx: &mut Context<'_>, caller: LegId, hunt: Hunt, leg: LegId, fact: Fact) -> Turn {
    if matches!(fact, Fact::FirstPacket | Fact::Resumed) {
        hunt.on_early_sound(cx, caller, leg);
    }
    match silence::on_fact(cx, leg, fact, None) {
        Left::OpenFailed if leg == caller => reopen::caller(cx, leg),
        // A callee without sound is no callee: the next one.
        Left::OpenFailed if hunt.has(leg) => return hunt.give_up_callee(cx),
        Left::PromptEnded if leg == caller => comfort::announced(cx, caller, hunt.rings()),
        Left::OpenFailed | Left::PromptEnded | Left::Nothing => {}
    }
    Turn::Searching(hunt)
}

fn on_timer(cx: &mut Context<'_>, hunt: Hunt, timer: Timer) -> Turn {
    match timer {
        Timer::Hunt { hunt: whose, wait } if whose == hunt.id() => return hunt.on_wait(cx, wait),
        Timer::Probe(leg) => silence::probe(cx, leg),
        Timer::DeadAir => cx.caller_lost(CallerLoss::DeadAir),
        Timer::Hunt { .. }
        | Timer::SecondChance
        | Timer::Confirm
        | Timer::Unheard
        | Timer::TargetSilent
        | Timer::Goodbye(_)
        | Timer::Proof(_)
        | Timer::NextKey(_)
        | Timer::Consulted(_) => cx.ignore("a timer whose time has passed"),
    }
    Turn::Searching(hunt)
}
