//! Nothing is heard of the target, and the agent has gone: somebody else is rung beside it.

use serde::{Deserialize, Serialize};

use super::{Recovering, Releasing, State, ThreeWay};
use crate::base::ids::LegId;
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::ears;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::notice::What;
use crate::call::pair::{Mood, Pair};
use crate::call::party::{self, Said};
use crate::call::record::{self, LegEnd};
use crate::call::search::{self, Found};
use crate::call::silence;
use crate::call::transfer::{self, Wish};
use crate::media::fact::Fact;
use crate::sip::fact::LegFact;

/// The caller hears ringback; the target, which hears the caller, is kept (F9). Whoever answers joins the two; should
/// the target speak first, nobody else is needed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Unheard {
    caller: LegId,
    target: LegId,
    hunt: Hunt,
}

impl Unheard {
    /// Rings the agent who had the call first, then the group.
    pub(super) fn begin(cx: &mut Context<'_>, caller: LegId, target: LegId) -> State {
        let first = cx.record.first_agent();
        let hunt = Hunt::for_caller(cx, first);
        let hunt = hunt.advance(cx).carry_on(cx);
        Self { caller, target, hunt }.stay(cx)
    }

    pub(super) const fn caller(&self) -> LegId {
        self.caller
    }

    pub(super) const fn target(&self) -> LegId {
        self.target
    }

    pub(super) const fn hunt(&self) -> &Hunt {
        &self.hunt
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { leg, fact } if leg == self.target => self.on_target(cx, fact),
            Event::Media { leg, fact } if leg == self.target => self.on_target_sound(cx, fact),
            Event::Command { id, command } => {
                transfer::put_off(cx, self.target, Wish::Command(id, command), Refusal::AlreadyAnswered);
                State::Unheard(self)
            }
            Event::Leg { .. } | Event::Media { .. } | Event::Timer(_) | Event::SeatFree | Event::Begin => {
                self.search(cx, event)
            }
        }
    }

    fn search(self, cx: &mut Context<'_>, event: Event) -> State {
        let Self { caller, target, hunt } = self;
        match search::handle(cx, caller, hunt, event) {
            Found::Nobody(hunt) => Self { caller, target, hunt }.stay(cx),
            Found::Exhausted(spent) => {
                let hunt = spent.rest(cx);
                Self { caller, target, hunt }.stay(cx)
            }
            Found::Person { leg, .. } => ThreeWay::begin(cx, caller, leg, target),
            Found::CallerGone => Releasing::all(cx, &record::NORMAL),
        }
    }

    fn on_target(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        match party::on_fact(cx, self.target, fact, self.caller) {
            Said::Nothing => self.stay(cx),
            Said::Referred(refer) => {
                transfer::put_off(cx, self.target, Wish::Refer(refer), Refusal::AlreadyAnswered);
                self.stay(cx)
            }
            Said::HungUp(cause) => {
                cx.over(self.target, LegEnd::HungUp(cause));
                Recovering::go_on(cx, self.caller, self.hunt)
            }
            Said::Lost(loss) => {
                cx.publish(What::PartyLost { leg: self.target, loss });
                cx.over(self.target, LegEnd::Lost(loss));
                Recovering::go_on(cx, self.caller, self.hunt)
            }
        }
    }

    fn on_target_sound(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        let sounds = matches!(fact, Fact::FirstPacket | Fact::Resumed);
        silence::on_fact(cx, self.target, fact, Some(self.caller));
        if sounds {
            self.hunt.let_go(cx, &record::ANSWERED_ELSEWHERE);
            return Pair { caller: self.caller, party: self.target }.joined(cx, Mood::Talking);
        }
        self.stay(cx)
    }

    fn stay(self, cx: &mut Context<'_>) -> State {
        ears::wait_for(cx, self.caller, self.target);
        State::Unheard(self)
    }
}
