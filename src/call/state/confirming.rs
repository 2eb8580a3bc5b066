//! The target has answered; the agent is still there.

use serde::{Deserialize, Serialize};

use super::{Entrusted, Releasing, State, ThreeWay, Transferring};
use crate::base::ids::LegId;
use crate::call::caller::{self, Presence};
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::ears::{self, Silence};
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::notice::{CallerLoss, What};
use crate::call::pair::{Mood, Pair};
use crate::call::party::{self, Said};
use crate::call::record::{self, LegEnd};
use crate::call::reopen;
use crate::call::silence::{self, Left};
use crate::call::timer::{Timer, UNHEARD};
use crate::call::transfer::{self, Transfer, Wish};
use crate::call::trial::{self, Trial, Voiced};
use crate::media::fact::Fact;
use crate::sip::fact::LegFact;

/// From the target's 200 the caller's sound also goes to the target; the caller hears the agent until the target's first
/// packet, then the target. The agent is released at that packet, but not within the first second, in which a BYE of
/// the target would be a refusal; after two seconds without one, all three are joined (F9).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Confirming {
    pair: Pair,
    mood: Mood,
    target: LegId,
    transfer: Transfer,
    trial: Trial,
}

impl Confirming {
    /// The target has answered, with a session that can be used.
    pub(in crate::call) fn begin(
        cx: &mut Context<'_>,
        pair: Pair,
        mood: Mood,
        target: LegId,
        transfer: Transfer,
        hunt: Hunt,
    ) -> State {
        transfer.answered(cx, target);
        let trial = Trial::begin(cx, target, hunt);
        cx.start(Timer::Unheard, UNHEARD);
        Self { pair, mood, target, transfer, trial }.stay(cx)
    }

    pub(super) const fn caller(&self) -> LegId {
        self.pair.caller
    }

    pub(super) const fn agent(&self) -> LegId {
        self.pair.party
    }

    /// Whom the caller hears.
    pub(super) const fn party(&self) -> LegId {
        match self.trial.voiced() {
            Voiced::NotYet => self.pair.party,
            Voiced::Yes => self.target,
        }
    }

    pub(super) const fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { leg, fact } if leg == self.pair.caller => self.on_caller(cx, fact),
            Event::Leg { leg, fact } if leg == self.pair.party => self.on_agent(cx, fact),
            Event::Leg { leg, fact } if leg == self.target => self.on_target(cx, fact),
            Event::Leg { .. } => self.ignore(cx, "a leg that this state does not know"),
            Event::Media { leg, fact } => self.on_sound(cx, leg, fact),
            Event::Timer(timer) => self.on_timer(cx, timer),
            Event::Command { id, command } => {
                let wish = Wish::Command(id, command);
                transfer::put_off(cx, self.pair.party, wish, Refusal::AlreadyAnswered);
                self.stay(cx)
            }
            Event::SeatFree => self.ignore(cx, "nobody is looked for"),
            Event::Begin => self.ignore(cx, "the call has long begun"),
        }
    }

    fn on_caller(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        match caller::on_fact(cx, self.pair.caller, fact, Some(self.party())) {
            Presence::Here => self.stay(cx),
            Presence::Gone => {
                trial::stop(cx);
                self.transfer.abandoned(cx);
                Releasing::all(cx, &record::NORMAL)
            }
        }
    }

    /// The agent may go now or later: the caller has the target.
    fn on_agent(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        let agent = self.pair.party;
        match party::on_fact(cx, agent, fact, self.pair.caller) {
            Said::Nothing => return self.stay(cx),
            Said::Referred(refer) => {
                transfer::put_off(cx, agent, Wish::Refer(refer), Refusal::AlreadyAnswered);
                return self.stay(cx);
            }
            Said::HungUp(cause) => cx.over(agent, LegEnd::HungUp(cause)),
            Said::Lost(loss) => {
                cx.publish(What::PartyLost { leg: agent, loss });
                cx.over(agent, LegEnd::Lost(loss));
            }
        }
        self.entrust(cx)
    }

    fn entrust(self, cx: &mut Context<'_>) -> State {
        cx.timers.stop(Timer::Unheard);
        Entrusted::take_over(cx, self.pair.caller, self.target, self.transfer, self.trial)
    }

    fn on_target(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        if party::cannot_follow(cx, self.target, &fact) {
            cx.release(self.target, record::UNAVAILABLE);
            return self.untake(cx);
        }
        match party::on_fact(cx, self.target, fact, self.pair.caller) {
            Said::Nothing => self.stay(cx),
            Said::Referred(refer) => {
                transfer::put_off(cx, self.target, Wish::Refer(refer), Refusal::AlreadyAnswered);
                self.stay(cx)
            }
            Said::HungUp(cause) => self.without_target(cx, LegEnd::HungUp(cause)),
            Said::Lost(loss) => self.without_target(cx, LegEnd::Lost(loss)),
        }
    }

    /// The target has gone. Within the first second it has not taken the call, and the next one is rung; in any case
    /// caller and agent are in talk as before, at once (I17).
    fn without_target(self, cx: &mut Context<'_>, end: LegEnd) -> State {
        cx.over(self.target, end);
        self.untake(cx)
    }

    fn untake(self, cx: &mut Context<'_>) -> State {
        let Self { pair, mood, target, transfer, trial } = self;
        trial::stop(cx);
        ears::join(cx, pair.caller, pair.party);
        match trial {
            Trial::Running { left, .. } => {
                transfer.not_taken(cx, target, None);
                let turn = left.not_taken(cx, None);
                Transferring::go_on(cx, pair, mood, transfer, turn)
            }
            // It had taken the call; but a success now would make the agent's telephone hang up on the caller.
            Trial::Taken => {
                transfer.report_failure(cx);
                pair.stay(mood)
            }
        }
    }

    fn on_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact) -> State {
        let (caller, agent) = (self.pair.caller, self.pair.party);
        let counterpart = if leg == caller { self.party() } else { caller };
        let silent = matches!(fact, Fact::Silent { .. });
        let sounds = matches!(fact, Fact::FirstPacket | Fact::Resumed);
        match silence::on_fact(cx, leg, fact, Some(counterpart)) {
            Left::OpenFailed if leg == caller => reopen::caller(cx, leg),
            Left::OpenFailed if leg == self.target => {
                cx.release(leg, record::UNAVAILABLE);
                return self.untake(cx);
            }
            Left::OpenFailed if leg == agent => {
                cx.release(leg, record::UNAVAILABLE);
                return self.entrust(cx);
            }
            Left::OpenFailed | Left::Nothing | Left::PromptEnded => {}
        }
        if silent && leg == agent {
            silence::ask(cx, leg);
        }
        if sounds && leg == self.target { self.on_heard(cx) } else { self.stay(cx) }
    }

    /// The target speaks.
    fn on_heard(self, cx: &mut Context<'_>) -> State {
        match self.trial {
            Trial::Running { left, .. } => {
                Self { trial: Trial::Running { voiced: Voiced::Yes, left }, ..self }.stay(cx)
            }
            Trial::Taken => self.complete(cx),
        }
    }

    fn on_timer(self, cx: &mut Context<'_>, timer: Timer) -> State {
        match timer {
            Timer::Confirm => return self.on_confirmed(cx),
            Timer::Unheard => return self.join_all(cx),
            Timer::Probe(leg) => silence::probe(cx, leg),
            Timer::DeadAir => cx.caller_lost(CallerLoss::DeadAir),
            Timer::Hunt { .. }
            | Timer::SecondChance
            | Timer::TargetSilent
            | Timer::Goodbye(_)
            | Timer::Proof(_)
            | Timer::NextKey(_)
            | Timer::Consulted(_) => {
                cx.ignore("a timer whose time has passed");
            }
        }
        self.stay(cx)
    }

    fn on_confirmed(self, cx: &mut Context<'_>) -> State {
        self.transfer.taken(cx, self.target);
        match self.trial.voiced() {
            Voiced::Yes => self.complete(cx),
            Voiced::NotYet => Self { trial: Trial::Taken, ..self }.stay(cx),
        }
    }

    /// The target has the call and is heard: the agent is released, and two are in talk.
    fn complete(self, cx: &mut Context<'_>) -> State {
        trial::stop(cx);
        self.transfer.release_transferor(cx, self.pair.party);
        Pair { caller: self.pair.caller, party: self.target }.joined(cx, Mood::Talking)
    }

    /// Nothing is heard of the target: the agent is told and stays, all three together (F9).
    fn join_all(self, cx: &mut Context<'_>) -> State {
        trial::stop(cx);
        self.transfer.target_silent(cx, self.target);
        self.transfer.report_success(cx);
        ThreeWay::begin(cx, self.pair.caller, self.pair.party, self.target)
    }

    fn stay(self, cx: &mut Context<'_>) -> State {
        let Pair { caller, party: agent } = self.pair;
        ears::give(cx, caller, self.party(), Silence::DeadAir);
        ears::give(cx, agent, caller, Silence::Meant);
        ears::give(cx, self.target, caller, Silence::Meant);
        silence::watch_holders(cx, &[caller, agent, self.target]);
        State::Confirming(self)
    }

    fn ignore(self, cx: &mut Context<'_>, why: &'static str) -> State {
        cx.ignore(why);
        State::Confirming(self)
    }
}
