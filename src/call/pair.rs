//! Caller and service party, joined: the same whether they talk or one of them holds (trap T18).

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, LegId};
use crate::call::caller::{self, Presence};
use crate::call::comfort;
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::keys;
use crate::call::notice::{CallerLoss, What};
use crate::call::record::{self, Ending, LegEnd, Who};
use crate::call::reopen;
use crate::call::silence::{self, Left};
use crate::call::sound::{Sound, Voice};
use crate::call::state::{Held, Recovering, Releasing, State, Talking};
use crate::call::timer::{PROBE_AGAIN, Timer};
use crate::media::fact::Fact;
use crate::media::order::Source;
use crate::sip::fact::{LegFact, Loss};

/// Two who are joined.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(super) caller: LegId,
    pub(super) party: LegId,
}

/// Whether somebody held the call before an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Both spoke.
    Talking,
    /// One of them held.
    Held,
}

impl Pair {
    /// Joins the caller with the party who has just answered: both directions at once.
    pub(super) fn join(cx: &mut Context<'_>, caller: LegId, party: LegId) -> State {
        #[cfg(feature = "faults")]
        assert!(!cx.strikes(super::fault::Fault::PanicOnAnswer), "a planted fault: the join panics");
        cx.accept(caller);
        cx.record.answered.get_or_insert(cx.now);
        if let Some(leg) = cx.legs.get(party) {
            let who = leg.who.clone();
            cx.publish(What::Answered { leg: party, who, waited: cx.now.since(cx.record.arrived) });
        }
        Self { caller, party }.settle(cx, Mood::Talking)
    }

    /// One event.
    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event, mood: Mood) -> State {
        match event {
            Event::Leg { leg, fact } if leg == self.caller => {
                match caller::on_fact(cx, self.caller, fact, Some(self.party)) {
                    Presence::Here => self.settle(cx, mood),
                    Presence::Gone => Releasing::all(cx, &record::NORMAL),
                }
            }
            Event::Leg { leg, fact } if leg == self.party => self.on_party(cx, fact, mood),
            Event::Leg { .. } => self.ignore(cx, mood, "a leg that this state does not know"),
            Event::Media { leg, fact } => self.on_sound(cx, leg, fact, mood),
            Event::Timer(timer) => self.on_timer(cx, timer, mood),
            Event::Command { id, .. } => {
                cx.refuse_command(id, Refusal::ModeNotSupported);
                self.stay(mood)
            }
            Event::Begin => self.ignore(cx, mood, "the call has long begun"),
            Event::SeatFree => self.ignore(cx, mood, "nobody is looked for"),
        }
    }

    fn on_party(self, cx: &mut Context<'_>, fact: LegFact, mood: Mood) -> State {
        match fact {
            LegFact::HungUp { cause } => self.hung_up(cx, record::goodbye(cause)),
            LegFact::Lost { loss } => self.lost(cx, loss),
            // Neither can follow an answer; if one does, the leg is over all the same and the caller is kept.
            LegFact::Failed(_) | LegFact::Released => self.lost(cx, Loss::DialogUnknown),
            LegFact::Offered { sdp } => {
                cx.on_offer(self.party, sdp);
                self.settle(cx, mood)
            }
            LegFact::Acked { sdp: Some(sdp) }
            | LegFact::AnswerReceived { sdp }
            | LegFact::Answered { sdp: Some(sdp) } => {
                cx.on_answer(self.party, &sdp);
                self.settle(cx, mood)
            }
            LegFact::Digit { digit, duration } => {
                keys::on_info(cx, digit, duration, Some(self.caller));
                self.stay(mood)
            }
            LegFact::Referred(refer) => {
                cx.decline_refer(self.party, refer.id);
                self.stay(mood)
            }
            LegFact::NotifyAnswered { .. } => self.ignore(cx, mood, "no REFER of the party is reported on"),
            LegFact::Acked { sdp: None } => self.stay(mood),
            LegFact::OfferRefused { .. } => self.ignore(cx, mood, "the party refused our offer; the session stays"),
            LegFact::Trying | LegFact::Progress { .. } | LegFact::Answered { sdp: None } => {
                self.ignore(cx, mood, "the party has answered already")
            }
        }
    }

    /// A deliberate BYE of the last service party while they talk ends the call (I19). A hold changes nothing (T18).
    fn hung_up(self, cx: &mut Context<'_>, cause: crate::sip::fact::Cause) -> State {
        cx.record.conclude(Ending::ServicePartyHungUp);
        cx.over(self.party, LegEnd::HungUp(cause));
        Releasing::all(cx, &record::NORMAL)
    }

    /// The party was lost, not hung up: the caller is kept, and whoever had the call is rung first (I19).
    pub(super) fn lost(self, cx: &mut Context<'_>, loss: Loss) -> State {
        let first = self.agent(cx);
        cx.publish(What::PartyLost { leg: self.party, loss });
        cx.over(self.party, LegEnd::Lost(loss));
        #[cfg(feature = "faults")]
        if cx.strikes(super::fault::Fault::HangUpCallerOnLoss) {
            return Releasing::all(cx, &record::NORMAL);
        }
        let hunt = Hunt::for_caller(cx, first);
        Recovering::begin(cx, self.caller, hunt)
    }

    /// The party's sound could not be opened: nobody would ever hear it. It is let go, and the caller is kept.
    pub(super) fn unheard(self, cx: &mut Context<'_>) -> State {
        let first = self.agent(cx);
        cx.release(self.party, record::UNAVAILABLE);
        let hunt = Hunt::for_caller(cx, first);
        Recovering::begin(cx, self.caller, hunt)
    }

    fn agent(self, cx: &Context<'_>) -> Option<AgentId> {
        match &cx.legs.get(self.party)?.who {
            Who::Agent(agent) => Some(agent.clone()),
            Who::Caller(_) | Who::Trunk { .. } => None,
        }
    }

    fn on_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact, mood: Mood) -> State {
        let counterpart = if leg == self.caller { self.party } else { self.caller };
        let silent = matches!(fact, Fact::Silent { .. });
        match silence::on_fact(cx, leg, fact, Some(counterpart)) {
            Left::OpenFailed if leg == self.caller => reopen::caller(cx, leg),
            Left::OpenFailed if leg == self.party => return self.unheard(cx),
            Left::OpenFailed | Left::Nothing | Left::PromptEnded => {}
        }
        // A service leg that falls silent is asked at once: nobody else would notice for the caller that a softphone
        // has died (F34). To ask is not to hang up (F10). A caller who is silent may have its reasons.
        if silent && leg == self.party {
            silence::ask(cx, leg);
        }
        self.feed(cx);
        self.stay(mood)
    }

    fn on_timer(self, cx: &mut Context<'_>, timer: Timer, mood: Mood) -> State {
        match timer {
            Timer::Probe(leg) => silence::probe(cx, leg),
            Timer::DeadAir => cx.caller_lost(CallerLoss::DeadAir),
            Timer::Hunt { .. } | Timer::SecondChance => cx.ignore("nobody is looked for"),
        }
        self.stay(mood)
    }

    /// Joins or holds as the two sessions say. An agent's hold is our music to the caller, and no re-INVITE on its trunk.
    pub(super) fn settle(self, cx: &mut Context<'_>, before: Mood) -> State {
        let speaks = |leg| cx.legs.sound(leg).is_none_or(Sound::speaks);
        let after = if speaks(self.caller) && speaks(self.party) { Mood::Talking } else { Mood::Held };
        self.feed(cx);
        self.watch_holders(cx);
        match (before, after) {
            (Mood::Talking, Mood::Held) => cx.publish(What::Held),
            (Mood::Held, Mood::Talking) => cx.publish(What::Resumed),
            (Mood::Talking, Mood::Talking) | (Mood::Held, Mood::Held) => {}
        }
        self.stay(after)
    }

    /// Nothing comes from who holds, so that nobody would notice its death: it is asked now and then.
    fn watch_holders(self, cx: &mut Context<'_>) {
        for leg in [self.caller, self.party] {
            let holds = cx.legs.sound(leg).is_some_and(|sound| !sound.speaks());
            if holds && cx.timers.get(Timer::Probe(leg)).is_none() {
                cx.start(Timer::Probe(leg), PROBE_AGAIN);
            }
        }
    }

    /// Gives each what its own session and the other's allow.
    pub(super) fn feed(self, cx: &mut Context<'_>) {
        self.give(cx, self.caller, self.party);
        self.give(cx, self.party, self.caller);
    }

    fn give(self, cx: &mut Context<'_>, listener: LegId, speaker: LegId) {
        let (Some(ear), Some(mouth)) = (cx.legs.sound(listener), cx.legs.sound(speaker)) else { return };
        // A service leg from which nothing comes would be dead air to the caller. The agent, though, has to hear a
        // caller's silence as what it is.
        let dead = speaker == self.party && mouth.voice == Voice::Absent;
        let source = if !ear.listens() {
            Source::Nothing
        } else if mouth.speaks() && !dead {
            Source::Leg(speaker)
        } else {
            comfort::hold_music()
        };
        cx.hear(listener, source);
    }

    const fn stay(self, mood: Mood) -> State {
        match mood {
            Mood::Talking => State::Talking(Talking(self)),
            Mood::Held => State::Held(Held(self)),
        }
    }

    fn ignore(self, cx: &mut Context<'_>, mood: Mood, why: &'static str) -> State {
        cx.ignore(why);
        self.stay(mood)
    }
}
