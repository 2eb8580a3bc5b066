//! Caller, agent and target are joined, all three.

use serde::{Deserialize, Serialize};

use super::{Entrusted, Releasing, State};
use crate::base::ids::LegId;
use crate::call::caller::{self, Presence};
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::ears;
use crate::call::event::Event;
use crate::call::notice::{CallerLoss, What};
use crate::call::pair::{Mood, Pair};
use crate::call::party::{self, Said};
use crate::call::record::{self, LegEnd};
use crate::call::reopen;
use crate::call::silence::{self, Left};
use crate::call::timer::Timer;
use crate::call::transfer::{self, Wish};
use crate::call::trial::Voiced;
use crate::media::fact::Fact;
use crate::sip::fact::LegFact;

/// Each hears the others. Either service party may leave by its own will, and the other two go on (I20); we release
/// nobody. It begins when nothing is heard of a transfer's target (F9): then the agent must not go before the target
/// speaks, and if it does, the target is on trial again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ThreeWay {
    caller: LegId,
    agent: LegId,
    target: LegId,
    voiced: Voiced,
}

impl ThreeWay {
    /// Joins the three. Nothing has been heard of the target yet.
    pub(super) fn begin(cx: &mut Context<'_>, caller: LegId, agent: LegId, target: LegId) -> State {
        Self { caller, agent, target, voiced: Voiced::NotYet }.stay(cx)
    }

    pub(super) const fn caller(&self) -> LegId {
        self.caller
    }

    pub(super) const fn agent(&self) -> LegId {
        self.agent
    }

    pub(super) const fn target(&self) -> LegId {
        self.target
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { leg, fact } if leg == self.caller => self.on_caller(cx, fact),
            Event::Leg { leg, fact } if leg == self.agent || leg == self.target => self.on_party(cx, leg, fact),
            Event::Leg { .. } => self.ignore(cx, "a leg that this state does not know"),
            Event::Media { leg, fact } => self.on_sound(cx, leg, fact),
            Event::Timer(timer) => self.on_timer(cx, timer),
            Event::Command { id, command } => {
                transfer::put_off(cx, self.agent, Wish::Command(id, command), Refusal::AlreadyAnswered);
                State::ThreeWay(self)
            }
            Event::SeatFree => self.ignore(cx, "nobody is looked for"),
            Event::Begin => self.ignore(cx, "the call has long begun"),
        }
    }

    fn on_caller(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        match caller::on_fact(cx, self.caller, fact, Some(self.target)) {
            Presence::Here => self.stay(cx),
            Presence::Gone => Releasing::all(cx, &record::NORMAL),
        }
    }

    fn on_party(self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> State {
        match party::on_fact(cx, leg, fact, self.caller) {
            Said::Nothing => return self.stay(cx),
            Said::Referred(refer) => {
                transfer::put_off(cx, leg, Wish::Refer(refer), Refusal::AlreadyAnswered);
                return self.stay(cx);
            }
            Said::HungUp(cause) => cx.over(leg, LegEnd::HungUp(cause)),
            Said::Lost(loss) => {
                cx.publish(What::PartyLost { leg, loss });
                cx.over(leg, LegEnd::Lost(loss));
            }
        }
        self.without(cx, leg)
    }

    /// One service party has gone; the other two go on.
    fn without(self, cx: &mut Context<'_>, gone: LegId) -> State {
        let Self { caller, agent, target, voiced } = self;
        if gone == target {
            return Pair { caller, party: agent }.joined(cx, Mood::Talking);
        }
        match voiced {
            Voiced::Yes => Pair { caller, party: target }.joined(cx, Mood::Talking),
            Voiced::NotYet => Entrusted::unheard(cx, caller, target),
        }
    }

    fn on_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact) -> State {
        let counterpart = if leg == self.caller { self.target } else { self.caller };
        let silent = matches!(fact, Fact::Silent { .. });
        let sounds = matches!(fact, Fact::FirstPacket | Fact::Resumed);
        match silence::on_fact(cx, leg, fact, Some(counterpart)) {
            Left::OpenFailed if leg == self.caller => reopen::caller(cx, leg),
            Left::OpenFailed if leg == self.agent || leg == self.target => {
                cx.release(leg, record::UNAVAILABLE);
                return self.without(cx, leg);
            }
            Left::OpenFailed | Left::Nothing | Left::PromptEnded => {}
        }
        if silent && leg != self.caller {
            silence::ask(cx, leg);
        }
        let voiced = if sounds && leg == self.target { Voiced::Yes } else { self.voiced };
        Self { voiced, ..self }.stay(cx)
    }

    fn on_timer(self, cx: &mut Context<'_>, timer: Timer) -> State {
        match timer {
            Timer::Probe(leg) => silence::probe(cx, leg),
            Timer::DeadAir => cx.caller_lost(CallerLoss::DeadAir),
            Timer::Confirm
            | Timer::Unheard
            | Timer::TargetSilent
            | Timer::Hunt { .. }
            | Timer::SecondChance
            | Timer::Goodbye(_)
            | Timer::Proof(_)
            | Timer::NextKey(_)
            | Timer::Consulted(_) => cx.ignore("a timer whose time has passed"),
        }
        State::ThreeWay(self)
    }

    fn stay(self, cx: &mut Context<'_>) -> State {
        ears::join_three(cx, self.caller, self.agent, self.target);
        silence::watch_holders(cx, &[self.caller, self.agent, self.target]);
        State::ThreeWay(self)
    }

    fn ignore(self, cx: &mut Context<'_>, why: &'static str) -> State {
        cx.ignore(why);
        State::ThreeWay(self)
    }
}
