//! The call's handler panicked; the call was restored from its last good state (F5, rule 11).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Offered, Recovering, Releasing, Ringing, State, offered};
use crate::base::ids::LegId;
use crate::call::caller::{self, Presence};
use crate::call::comfort;
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::ears;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::notice::{CallerLoss, RefusedFor};
use crate::call::pair::Pair;
use crate::call::record::{self, Ending, LegEnd};
use crate::call::silence::{self, Left};
use crate::call::timer::{SECOND_CHANCE, Timer};
use crate::media::fact::Fact;
use crate::sip::fact::{LegFact, Loss};

/// How often an INVITE that panics before anything was done for it is tried again, until its network may reroute it.
const MAX_UNSERVED: u8 = 2;

/// Media stays joined; only BYE, CANCEL and re-INVITE are served. Nothing is hung up by us.
///
/// Two things weigh more than the quarantine, because a caller would be lost otherwise: a party that is lost sends the
/// caller to `Recovering`, and a caller who has no counterpart yet gets a second chance after a pause. Should that
/// panic again, it is contained again; the pause keeps it from spinning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Quarantined(Kept);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kept {
    /// Nothing had been done for the caller.
    Unserved { offered: Offered, chances: u8 },
    /// Somebody was being looked for.
    Alone { caller: LegId, chances: u8 },
    /// Caller and party are joined.
    Joined(Pair),
}

impl Quarantined {
    /// Puts a call into quarantine. Whoever was being rung is let go; whoever is joined stays joined.
    pub(in crate::call) fn begin(cx: &mut Context<'_>, state: State) -> State {
        if let Some(transfer) = state.transfer() {
            transfer.unknown(cx);
        }
        let kept = match (state.caller(), state.party()) {
            (Some(caller), Some(party)) => Kept::Joined(Pair { caller, party }),
            (Some(caller), None) => match state {
                State::Offered(offered) => Kept::Unserved { offered, chances: 0 },
                State::Quarantined(Self(Kept::Unserved { offered, chances })) => {
                    if chances >= MAX_UNSERVED {
                        return offered::refuse(cx, caller, 503, RefusedFor::Broken);
                    }
                    Kept::Unserved { offered, chances: chances + 1 }
                }
                State::Quarantined(Self(Kept::Alone { caller, chances })) => {
                    Kept::Alone { caller, chances: chances.saturating_add(1) }
                }
                State::Ringing(_)
                | State::Talking(_)
                | State::Held(_)
                | State::Recovering(_)
                | State::Transferring(_)
                | State::Forsaken(_)
                | State::Confirming(_)
                | State::Entrusted(_)
                | State::Unheard(_)
                | State::ThreeWay(_)
                | State::Releasing(_)
                | State::Quarantined(Self(Kept::Joined(_))) => Kept::Alone { caller, chances: 0 },
            },
            (None, _) => return Releasing::all(cx, &record::UNAVAILABLE),
        };
        // Probes go on: they are how a dead party is noticed, and its caller kept.
        cx.timers
            .keep(|timer| matches!(timer, Timer::Probe(_) | Timer::Goodbye(_) | Timer::Proof(_) | Timer::Consulted(_)));
        let kept = Self(kept);
        kept.let_others_go(cx);
        match &kept.0 {
            Kept::Joined(pair) => ears::join(cx, pair.caller, pair.party),
            Kept::Unserved { .. } | Kept::Alone { .. } => {
                comfort::carry_on(cx, kept.caller(), false);
                cx.start(Timer::SecondChance, kept.pause());
            }
        }
        State::Quarantined(kept)
    }

    /// 2, 4, 8, 16, 32 s: what panics again and again does not keep the machine busy.
    fn pause(&self) -> Duration {
        match &self.0 {
            Kept::Unserved { chances, .. } | Kept::Alone { chances, .. } => SECOND_CHANCE * (1 << (*chances).min(4)),
            Kept::Joined(_) => SECOND_CHANCE,
        }
    }

    fn let_others_go(&self, cx: &mut Context<'_>) {
        let kept = [Some(self.caller()), self.party()];
        let is_other = |leg: &LegId| !kept.contains(&Some(*leg)) && !cx.legs.is_parting(*leg);
        let others: Vec<LegId> = cx.legs.iter().map(|leg| leg.id).filter(is_other).collect();
        for leg in others {
            cx.release(leg, record::UNAVAILABLE);
        }
    }

    pub(super) const fn caller(&self) -> LegId {
        match &self.0 {
            Kept::Unserved { offered, .. } => offered.caller(),
            Kept::Alone { caller, .. } => *caller,
            Kept::Joined(pair) => pair.caller,
        }
    }

    pub(super) const fn party(&self) -> Option<LegId> {
        match &self.0 {
            Kept::Joined(pair) => Some(pair.party),
            Kept::Unserved { .. } | Kept::Alone { .. } => None,
        }
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { leg, fact } if leg == self.caller() => match caller::on_fact(cx, leg, fact, None) {
                Presence::Here => self.stay(cx),
                Presence::Gone => Releasing::all(cx, &record::NORMAL),
            },
            Event::Leg { leg, fact } => self.on_other(cx, leg, fact),
            Event::Timer(Timer::SecondChance) => self.second_chance(cx),
            Event::Timer(Timer::DeadAir) => {
                cx.caller_lost(CallerLoss::DeadAir);
                State::Quarantined(self)
            }
            Event::Timer(Timer::Probe(leg)) => {
                silence::probe(cx, leg);
                State::Quarantined(self)
            }
            Event::Media { leg, fact } => self.on_sound(cx, leg, fact),
            Event::Command { id, .. } => {
                cx.refuse_command(id, Refusal::Quarantined);
                State::Quarantined(self)
            }
            Event::Timer(
                Timer::Hunt { .. }
                | Timer::Confirm
                | Timer::Unheard
                | Timer::TargetSilent
                | Timer::Goodbye(_)
                | Timer::Proof(_)
                | Timer::NextKey(_)
                | Timer::Consulted(_),
            )
            | Event::SeatFree
            | Event::Begin => self.ignore(cx),
        }
    }

    /// What the caller would not survive to be ignored: an announcement that ends, a party that falls silent.
    fn on_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact) -> State {
        let silent = matches!(fact, Fact::Silent { .. });
        let left = silence::on_fact(cx, leg, fact, None);
        match &self.0 {
            Kept::Joined(pair) if leg == pair.party && left == Left::OpenFailed => return pair.unheard(cx),
            Kept::Joined(pair) if leg == pair.party && silent => silence::ask(cx, leg),
            Kept::Joined(_) | Kept::Unserved { .. } => {}
            Kept::Alone { .. } if left == Left::PromptEnded => comfort::announced(cx, self.caller(), false),
            Kept::Alone { .. } => {}
        }
        self.stay(cx)
    }

    fn on_other(self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> State {
        let Kept::Joined(pair) = &self.0 else { return self.ignore(cx) };
        if leg != pair.party {
            return self.ignore(cx);
        }
        match fact {
            LegFact::HungUp { cause } => {
                cx.record.conclude(Ending::ServicePartyHungUp);
                cx.over(leg, LegEnd::HungUp(record::goodbye(cause)));
                Releasing::all(cx, &record::NORMAL)
            }
            LegFact::Lost { loss } => pair.lost(cx, loss),
            LegFact::Failed(_) | LegFact::Released => pair.lost(cx, Loss::DialogUnknown),
            LegFact::Offered { sdp } => {
                cx.on_offer(leg, sdp);
                self.stay(cx)
            }
            LegFact::Acked { sdp: Some(sdp) } | LegFact::AnswerReceived { sdp } => {
                cx.on_answer(leg, &sdp);
                self.stay(cx)
            }
            LegFact::Trying
            | LegFact::Progress { .. }
            | LegFact::Answered { .. }
            | LegFact::Acked { sdp: None }
            | LegFact::OfferRefused { .. }
            | LegFact::NotifyAnswered { .. }
            | LegFact::Digit { .. } => self.ignore(cx),
            LegFact::Referred(refer) => {
                cx.decline_refer(leg, refer.id);
                self.ignore(cx)
            }
        }
    }

    fn second_chance(self, cx: &mut Context<'_>) -> State {
        match self.0 {
            Kept::Unserved { offered, .. } => offered.begin(cx),
            Kept::Alone { caller, .. } => {
                let hunt = Hunt::for_caller(cx, None);
                if cx.record.answered.is_some() {
                    Recovering::begin(cx, caller, hunt)
                } else {
                    Ringing::begin(cx, caller, hunt)
                }
            }
            Kept::Joined(_) => self.ignore(cx),
        }
    }

    /// A re-INVITE may have held or resumed: who is joined still hears what the sessions allow.
    fn stay(self, cx: &mut Context<'_>) -> State {
        if let Kept::Joined(pair) = &self.0 {
            ears::join(cx, pair.caller, pair.party);
        }
        State::Quarantined(self)
    }

    fn ignore(self, cx: &mut Context<'_>) -> State {
        cx.ignore("a quarantined call serves BYE, CANCEL and re-INVITE only");
        State::Quarantined(self)
    }
}
