//! Caller and service party, joined: the same whether they talk or one of them holds (trap T18).

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, LegId};
use crate::call::caller::{self, Presence};
use crate::call::codes;
use crate::call::context::Context;
use crate::call::ears;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::leg::Word;
use crate::call::notice::{CallerLoss, What};
use crate::call::party::{self, Said};
use crate::call::proof;
use crate::call::record::{self, Ending, LegEnd, Who};
use crate::call::reopen;
use crate::call::silence::{self, Left};
use crate::call::sound::Sound;
use crate::call::state::{Held, Recovering, Releasing, State, Talking};
use crate::call::timer::Timer;
use crate::call::transfer::{self, Wish};
use crate::media::fact::Fact;
use crate::sip::fact::{Cause, Loss};

/// Two who are joined.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(super) caller: LegId,
    pub(super) party: LegId,
}

/// Whether one of two who are joined holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mood {
    /// Both spoke.
    Talking,
    /// One of them held.
    Held,
}

/// What an event leaves of two who are joined.
pub(super) enum After {
    /// They are still joined.
    Joined(Mood),
    /// The caller has gone.
    CallerGone,
    /// The party has hung up on purpose. Its leg is still in the books.
    PartyHungUp(Cause),
    /// The party is gone though it did not hang up. Its leg is still in the books.
    PartyLost(Loss),
    /// The party's sound could not be opened.
    PartyUnheard,
    /// A transfer is wanted, or wanted no more.
    Wanted(Wish),
}

impl Pair {
    /// Joins the caller with the party who has just answered: both directions at once.
    pub(super) fn join(cx: &mut Context<'_>, caller: LegId, party: LegId) -> State {
        #[cfg(feature = "faults")]
        assert!(!cx.strikes(super::fault::Fault::PanicOnAnswer), "a planted fault: the join panics");
        cx.accept(caller);
        cx.record.served(cx.now);
        if let Some(leg) = cx.legs.get(party) {
            let who = leg.who.clone();
            cx.publish(What::Answered { leg: party, who, waited: cx.now.since(cx.record.arrived) });
        }
        Self { caller, party }.joined(cx, Mood::Talking)
    }

    /// Joins or holds as the two sessions say.
    pub(super) fn joined(self, cx: &mut Context<'_>, before: Mood) -> State {
        let mood = self.settle(cx, before);
        self.stay(mood)
    }

    /// One event while they talk or hold, and nothing else is under way.
    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event, mood: Mood) -> State {
        match self.take(cx, event, mood) {
            After::Joined(mood) => self.stay(mood),
            After::CallerGone => Releasing::all(cx, &record::NORMAL),
            After::PartyHungUp(cause) => self.hung_up(cx, cause),
            After::PartyLost(loss) => self.lost(cx, loss),
            After::PartyUnheard => self.unheard(cx),
            After::Wanted(wish) => transfer::enter_upon(cx, self, mood, wish),
        }
    }

    /// One event, whatever else is under way: what it leaves to the state.
    pub(super) fn take(self, cx: &mut Context<'_>, event: Event, mood: Mood) -> After {
        match event {
            Event::Leg { leg, fact } if leg == self.caller => {
                match caller::on_fact(cx, self.caller, fact, Some(self.party)) {
                    Presence::Here => After::Joined(self.settle(cx, mood)),
                    Presence::Gone => After::CallerGone,
                }
            }
            Event::Leg { leg, fact } if leg == self.party => match party::on_fact(cx, leg, fact, self.caller) {
                Said::Nothing => After::Joined(self.settle(cx, mood)),
                Said::HungUp(cause) => After::PartyHungUp(cause),
                Said::Lost(loss) => After::PartyLost(loss),
                Said::Referred(refer) => After::Wanted(Wish::Refer(refer)),
            },
            Event::Leg { .. } => ignore(cx, mood, "a leg that this state does not know"),
            Event::Media { leg, fact } => self.on_sound(cx, leg, fact, mood),
            Event::Timer(timer) => After::Joined(on_timer(cx, timer, mood)),
            Event::Command { id, command } => After::Wanted(Wish::Command(id, command)),
            Event::Begin => ignore(cx, mood, "the call has long begun"),
            Event::SeatFree => ignore(cx, mood, "nobody is looked for"),
        }
    }

    /// A deliberate BYE of the last service party while they talk ends the call (I19). A hold changes nothing (T18). But
    /// who has not heard that its transfer has failed leaves the caller to a target, and is given it back (T1, T43); and
    /// who has not been released yet from a transfer is there still.
    fn hung_up(self, cx: &mut Context<'_>, cause: Cause) -> State {
        if let Some(state) = self.taken_back(cx) {
            cx.over(self.party, LegEnd::HungUp(cause));
            return state;
        }
        match cx.legs.get(self.party).map_or(Word::Heard, |leg| leg.word) {
            Word::OnItsWay => self.given_back(cx, cause),
            Word::NeverTold { until } if cx.now < until => self.given_back(cx, cause),
            Word::Heard | Word::NeverTold { .. } => {
                cx.record.conclude(Ending::ServicePartyHungUp);
                cx.over(self.party, LegEnd::HungUp(cause));
                Releasing::all(cx, &record::NORMAL)
            }
        }
    }

    fn given_back(self, cx: &mut Context<'_>, cause: Cause) -> State {
        let first = self.agent(cx).or_else(|| cx.record.first_agent());
        cx.over(self.party, LegEnd::HungUp(cause));
        let hunt = Hunt::for_caller(cx, first);
        Recovering::begin(cx, self.caller, hunt)
    }

    /// The party was lost, not hung up: the caller is kept, and whoever had the call is rung first (I19).
    pub(super) fn lost(self, cx: &mut Context<'_>, loss: Loss) -> State {
        if let Some(state) = self.taken_back(cx) {
            cx.publish(What::PartyLost { leg: self.party, loss });
            cx.over(self.party, LegEnd::Lost(loss));
            return state;
        }
        let first = self.agent(cx).or_else(|| cx.record.first_agent());
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
        if let Some(state) = self.taken_back(cx) {
            cx.release(self.party, record::UNAVAILABLE);
            return state;
        }
        let first = self.agent(cx).or_else(|| cx.record.first_agent());
        cx.release(self.party, record::UNAVAILABLE);
        let hunt = Hunt::for_caller(cx, first);
        Recovering::begin(cx, self.caller, hunt)
    }

    /// The party has gone, but whoever handed the caller over has not been released yet.
    fn taken_back(self, cx: &mut Context<'_>) -> Option<State> {
        let party = proof::take_back(cx)?;
        Some(Self { caller: self.caller, party }.joined(cx, Mood::Talking))
    }

    fn agent(self, cx: &Context<'_>) -> Option<AgentId> {
        match &cx.legs.get(self.party)?.who {
            Who::Agent(agent) => Some(agent.clone()),
            Who::Caller(_) | Who::Trunk { .. } => None,
        }
    }

    fn on_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact, mood: Mood) -> After {
        let counterpart = if leg == self.caller { self.party } else { self.caller };
        let silent = matches!(fact, Fact::Silent { .. });
        match silence::on_fact(cx, leg, fact, Some(counterpart)) {
            Left::OpenFailed if leg == self.caller => reopen::caller(cx, leg),
            Left::OpenFailed if leg == self.party => return After::PartyUnheard,
            Left::OpenFailed | Left::Nothing | Left::PromptEnded => {}
        }
        // A service leg that falls silent is asked at once: nobody else would notice for the caller that a softphone
        // has died (F34). To ask is not to hang up (F10). A caller who is silent may have its reasons.
        if silent && leg == self.party {
            silence::ask(cx, leg);
        }
        ears::join(cx, self.caller, self.party);
        After::Joined(mood)
    }

    /// Joins or holds as the two sessions say. An agent's hold is our music to the caller, and no re-INVITE on its trunk.
    fn settle(self, cx: &mut Context<'_>, before: Mood) -> Mood {
        let speaks = |leg| cx.legs.sound(leg).is_none_or(Sound::speaks);
        let after = if speaks(self.caller) && speaks(self.party) { Mood::Talking } else { Mood::Held };
        ears::join(cx, self.caller, self.party);
        codes::watch(cx, self.party);
        silence::watch_holders(cx, &[self.caller, self.party]);
        match (before, after) {
            (Mood::Talking, Mood::Held) => cx.publish(What::Held),
            (Mood::Held, Mood::Talking) => cx.publish(What::Resumed),
            (Mood::Talking, Mood::Talking) | (Mood::Held, Mood::Held) => {}
        }
        after
    }

    /// The state of two who are joined and about whom nothing else is under way.
    pub(super) const fn stay(self, mood: Mood) -> State {
        match mood {
            Mood::Talking => State::Talking(Talking(self)),
            Mood::Held => State::Held(Held(self)),
        }
    }
}

fn on_timer(cx: &mut Context<'_>, timer: Timer, mood: Mood) -> Mood {
    match timer {
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
    mood
}

fn ignore(cx: &mut Context<'_>, mood: Mood, why: &'static str) -> After {
    cx.ignore(why);
    After::Joined(mood)
}
