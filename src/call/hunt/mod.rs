//! Who is rung next: a plan, step by step, always with a running deadline.
//!
//! Decides: who is rung next for one purpose - a caller who has nobody, or the target of a transfer beside two who talk.
//! Invariants: while somebody rings, `RingTimeout` runs; while nobody does, `NextRound` (a hunt for a caller) or the hunt
//! is [`Outcome::Exhausted`] (a hunt of one round). A hunt owns its plan and its legs, and its timers carry its number,
//! so that two hunts of a call never meet.
//! Does not do: what becomes of the caller or of those who talk. The owner hands in the facts of the legs that the hunt
//! `has`, and the timers that carry its `id`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{AgentId, GroupId, LegId, TrunkId};
use crate::call::context::{Callee, Context};
use crate::call::notice::What;
use crate::call::record::{self, LegEnd, Who};
use crate::call::sound::Rules;
use crate::call::supplies::Seat;
use crate::call::timer::{HuntId, ROUND_PAUSE, Timer, Wait};
use crate::media::order::Source;
use crate::routing::Decision;
use crate::routing::config::{self, Step};
use crate::routing::profile::Profile;
use crate::routing::recipe::Showing;
use crate::sip::fact::{Cause, ContactRoute, Failure, LegFact, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::order::LegOrder;

/// The most softphones of one agent that ring at the same time.
const MAX_CONTACTS: usize = 4;

/// Where a hunt stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hunt {
    /// Its number: whose timers are its own.
    id: HuntId,
    /// Who may be rung, in which order, and for how long.
    decision: Arc<Decision>,
    /// How often the plan is gone through.
    rounds: Rounds,
    /// Rung before the plan: the agent who had the call first.
    first: Option<AgentId>,
    /// The plan's step that is being tried.
    step: usize,
    /// Agents of this step who have been rung in this round.
    tried: Vec<AgentId>,
    /// The next hop to try of a trunk step.
    hop: usize,
    /// Legs that ring now: one callee, on all of its devices.
    ringing: SmallVec<[LegId; MAX_CONTACTS]>,
    /// Those of them that have said that they ring.
    rung: SmallVec<[LegId; MAX_CONTACTS]>,
    /// Rounds made in vain.
    round: u32,
    /// The final status of the last callee who did not take the call.
    code: Option<u16>,
}

/// How often a hunt goes through its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Rounds {
    /// Round after round, with a pause between: a caller who has nobody is never given up.
    UntilTaken,
    /// Once; then it is exhausted. Caller and agent go on talking when the target of their transfer cannot be had.
    Once,
}

/// What a fact has made of a hunt.
pub(super) enum Outcome {
    /// It goes on.
    Searching(Hunt),
    /// This leg has answered, with a session that can be used. Every other one has been let go.
    Found(LegId),
    /// Its one round is over, and nobody rings.
    Exhausted(Spent),
}

/// What a step of a hunt has made of it, where nobody can have answered.
#[must_use]
pub(super) enum Turn {
    /// It goes on.
    Searching(Hunt),
    /// Its one round is over, and nobody rings.
    Exhausted(Spent),
}

/// A hunt whose one round is over.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    hunt: Hunt,
}

impl From<Turn> for Outcome {
    fn from(turn: Turn) -> Self {
        match turn {
            Turn::Searching(hunt) => Self::Searching(hunt),
            Turn::Exhausted(spent) => Self::Exhausted(spent),
        }
    }
}

impl Turn {
    /// For whoever never gives up: the hunt goes on in any case, after a pause if it was exhausted.
    pub(super) fn carry_on(self, cx: &mut Context<'_>) -> Hunt {
        match self {
            Self::Searching(hunt) => hunt,
            Self::Exhausted(spent) => spent.rest(cx),
        }
    }
}

impl Spent {
    /// The final status to be told: that of the last callee, 480 when nobody could be rung at all.
    pub(super) fn code(&self) -> u16 {
        self.hunt.code.unwrap_or(480)
    }

    /// Makes a pause; another round follows.
    pub(super) fn rest(mut self, cx: &mut Context<'_>) -> Hunt {
        cx.start(self.hunt.timer(Wait::NextRound), ROUND_PAUSE);
        self.hunt.code = None;
        self.hunt
    }
}

impl Hunt {
    /// A hunt that has not begun. `first` is rung before the plan.
    pub(super) fn new(cx: &mut Context<'_>, decision: Arc<Decision>, first: Option<AgentId>, rounds: Rounds) -> Self {
        *cx.hunts += 1;
        Self {
            id: HuntId(*cx.hunts),
            decision,
            rounds,
            first,
            step: 0,
            tried: Vec::new(),
            hop: 0,
            ringing: SmallVec::new(),
            rung: SmallVec::new(),
            round: 0,
            code: None,
        }
    }

    /// A hunt for the caller who has nobody, through the plan of the hotline that was dialled, until somebody answers.
    pub(super) fn for_caller(cx: &mut Context<'_>, first: Option<AgentId>) -> Self {
        let decision = Arc::clone(cx.decision);
        Self::new(cx, decision, first, Rounds::UntilTaken)
    }

    /// Its number, which its timers carry.
    pub(super) const fn id(&self) -> HuntId {
        self.id
    }

    const fn timer(&self, wait: Wait) -> Timer {
        Timer::Hunt { hunt: self.id, wait }
    }

    /// The plan of those who are welcome at once, while nobody rings.
    pub(super) fn waits_for(&self) -> Option<&Decision> {
        if self.rings() { None } else { Some(&self.decision) }
    }

    /// Whether somebody is being rung.
    pub(super) fn rings(&self) -> bool {
        !self.ringing.is_empty()
    }

    /// Whether the leg is one of those being rung.
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.ringing.contains(&leg)
    }

    // --- going on ---

    /// Rings the first or the next one in the plan, or rests until the next round.
    pub(super) fn advance(mut self, cx: &mut Context<'_>) -> Turn {
        assert!(self.ringing.is_empty(), "one callee rings at a time");
        self.stop_waiting(cx);
        self.rung.clear();
        if self.ring_first(cx) || self.ring_plan(cx) {
            cx.start(self.timer(Wait::RingTimeout), self.decision.ring_timeout);
            return Turn::Searching(self);
        }
        self.round = self.round.saturating_add(1);
        (self.step, self.hop) = (0, 0);
        self.tried.clear();
        cx.publish(What::NobodyFree { round: self.round });
        let spent = Spent { hunt: self };
        match spent.hunt.rounds {
            Rounds::UntilTaken => Turn::Searching(spent.rest(cx)),
            Rounds::Once => Turn::Exhausted(spent),
        }
    }

    fn stop_waiting(&self, cx: &mut Context<'_>) {
        cx.timers.stop(self.timer(Wait::NextRound));
        cx.timers.stop(self.timer(Wait::RingTimeout));
    }

    /// A deadline of this hunt has come.
    pub(super) fn on_wait(self, cx: &mut Context<'_>, wait: Wait) -> Turn {
        match wait {
            Wait::RingTimeout if self.rings() => self.on_ring_timeout(cx),
            Wait::NextRound if !self.rings() => self.advance(cx),
            Wait::RingTimeout | Wait::NextRound => {
                cx.ignore("a timer whose time has passed");
                Turn::Searching(self)
            }
        }
    }

    /// An agent of the plan has become free.
    pub(super) fn on_seat_free(self, cx: &mut Context<'_>) -> Turn {
        if self.rings() { Turn::Searching(self) } else { self.advance(cx) }
    }

    fn ring_first(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(agent) = self.first.take() else { return false };
        let Some(seat) = cx.supplies.agent(&agent) else { return false };
        self.ring_seat(cx, seat)
    }

    /// Every turn goes a step on or rings somebody, so that a round is finite.
    fn ring_plan(&mut self, cx: &mut Context<'_>) -> bool {
        let decision = Arc::clone(&self.decision);
        while let Some(step) = decision.plan.get(self.step) {
            let rings = match step {
                Step::Group { group, .. } => self.ring_group(cx, group),
                Step::Trunk { trunk, number, .. } => self.ring_trunk(cx, trunk, number),
            };
            if rings {
                return true;
            }
            self.next_step();
        }
        false
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.hop = 0;
        self.tried.clear();
    }

    fn ring_group(&mut self, cx: &mut Context<'_>, group: &GroupId) -> bool {
        while let Some(seat) = cx.supplies.longest_idle(group, &self.tried) {
            self.tried.push(seat.agent.clone());
            if self.ring_seat(cx, seat) {
                return true;
            }
        }
        false
    }

    fn ring_seat(&mut self, cx: &mut Context<'_>, seat: Seat) -> bool {
        let rules = Rules::new(&profile(cx, &cx.site.routing.softphone_profile), &[]);
        for ContactRoute { uri, flow } in seat.contacts.into_iter().take(MAX_CONTACTS) {
            let callee = Callee {
                decision: Arc::clone(&self.decision),
                who: Who::Agent(seat.agent.clone()),
                peer: Peer::Softphone(seat.agent.clone()),
                flow,
                contact: Some(uri),
                showing: Showing::Citizen,
                rules: rules.clone(),
            };
            self.ringing.extend(cx.dial(callee));
        }
        self.rings()
    }

    fn ring_trunk(&mut self, cx: &mut Context<'_>, id: &TrunkId, number: &str) -> bool {
        let site = cx.site;
        let Some(trunk) = site.routing.trunk(id) else { return false };
        while let Some(remote) = trunk.next_hops.get(self.hop).copied() {
            self.hop += 1;
            let transport = match trunk.transport {
                config::Transport::Udp => Transport::Udp,
                config::Transport::Tcp => Transport::Tcp,
            };
            let Some(listener) = site.listener_for(transport, remote.ip()) else { continue };
            if !cx.supplies.trunk_admits(id) {
                return false;
            }
            let callee = Callee {
                decision: Arc::clone(&self.decision),
                who: Who::Trunk { trunk: id.clone(), number: number.to_owned() },
                peer: Peer::Trunk(id.clone()),
                flow: Flow { transport, local: listener.address, remote, connection: None },
                contact: None,
                showing: Showing::Citizen,
                rules: Rules::new(&profile(cx, &trunk.profile), &trunk.networks),
            };
            self.ringing.extend(cx.dial(callee));
            if self.rings() {
                return true;
            }
        }
        false
    }

    // --- what those say who are rung ---

    /// A fact of a leg that is being rung.
    pub(super) fn on_leg(mut self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> Outcome {
        match fact {
            LegFact::Progress { sdp, .. } => {
                self.on_progress(cx, leg, sdp);
                Outcome::Searching(self)
            }
            LegFact::Answered { sdp } => self.on_answered(cx, leg, sdp),
            LegFact::Failed(failure) => self.on_failed(cx, leg, &failure),
            LegFact::HungUp { cause } => {
                self.without(cx, leg, LegEnd::HungUp(record::goodbye(cause)), None, Further::SameStep)
            }
            LegFact::Lost { loss } => self.without(cx, leg, LegEnd::Lost(loss), None, Further::SameStep),
            LegFact::Released => self.without(cx, leg, LegEnd::Released(record::UNAVAILABLE), None, Further::SameStep),
            LegFact::Offered { sdp } => {
                cx.on_offer(leg, sdp);
                Outcome::Searching(self)
            }
            LegFact::Acked { .. }
            | LegFact::AnswerReceived { .. }
            | LegFact::OfferRefused { .. }
            | LegFact::Digit { .. }
            | LegFact::Referred(_)
            | LegFact::NotifyAnswered { .. } => {
                cx.ignore("a callee who has not answered has nothing to say but yes or no");
                Outcome::Searching(self)
            }
        }
    }

    fn on_progress(&mut self, cx: &mut Context<'_>, leg: LegId, sdp: Option<bytes::Bytes>) {
        cx.record.rang(cx.now, leg);
        if !self.rung.contains(&leg) {
            self.rung.push(leg);
            cx.publish(What::Ringing { leg, after: cx.now.since(cx.record.arrived) });
        }
        // Only a trunk's early media says something to the caller (announcements, 彩铃); it is never an answer.
        let from_trunk = cx.legs.get(leg).is_some_and(|leg| matches!(leg.who, Who::Trunk { .. }));
        // A 183 alone says nothing: many gateways send it and then no sound. The caller is switched by the first packet.
        if let Some(sdp) = sdp.filter(|_| from_trunk) {
            cx.on_answer(leg, &sdp);
        }
    }

    /// Sound comes from a leg that is being rung.
    pub(super) fn on_early_sound(&self, cx: &mut Context<'_>, caller: LegId, leg: LegId) {
        let from_trunk = cx.legs.get(leg).is_some_and(|leg| matches!(leg.who, Who::Trunk { .. }));
        if from_trunk && self.has(leg) {
            relay_early_media(cx, caller, leg);
        }
    }

    fn on_answered(mut self, cx: &mut Context<'_>, leg: LegId, sdp: Option<bytes::Bytes>) -> Outcome {
        // A 200 may repeat the 183's answer or leave it out; without any answer there is no session.
        let usable = match sdp {
            Some(sdp) => cx.on_answer(leg, &sdp),
            None => cx.legs.sound(leg).is_some_and(super::sound::Sound::is_agreed),
        };
        if !usable {
            cx.release(leg, record::INCOMPATIBLE);
            return self.gone(cx, leg, Some(488), Further::SameStep).into();
        }
        cx.connected(leg);
        self.ringing.retain(|ringing| *ringing != leg);
        self.let_go(cx, &record::ANSWERED_ELSEWHERE);
        Outcome::Found(leg)
    }

    fn on_failed(self, cx: &mut Context<'_>, leg: LegId, failure: &Failure) -> Outcome {
        let further = if is_congestion(failure) { Further::SameStep } else { Further::NextCallee };
        self.without(cx, leg, LegEnd::Failed(record::of_failure(failure)), Some(failure.code), further)
    }

    fn without(self, cx: &mut Context<'_>, leg: LegId, end: LegEnd, code: Option<u16>, further: Further) -> Outcome {
        cx.over(leg, end);
        self.gone(cx, leg, code, further).into()
    }

    fn gone(mut self, cx: &mut Context<'_>, leg: LegId, code: Option<u16>, further: Further) -> Turn {
        cx.publish(What::NotTaken { leg, code });
        self.code = code.or(self.code);
        self.ringing.retain(|ringing| *ringing != leg);
        if self.rings() {
            return Turn::Searching(self);
        }
        match further {
            Further::SameStep => {}
            // The callee said no: another way to the same callee would ring it again (trap T36).
            Further::NextCallee => self.hop = usize::MAX,
        }
        self.advance(cx)
    }

    /// Nobody has answered in time: the next one. A service that rings is left ringing while nobody else could be rung:
    /// to hang up and to call it again would put the caller at the end of its queue.
    fn on_ring_timeout(self, cx: &mut Context<'_>) -> Turn {
        if !self.rung.is_empty() && self.is_last_hope(cx) {
            cx.start(self.timer(Wait::RingTimeout), self.decision.ring_timeout);
            return Turn::Searching(self);
        }
        self.give_up_callee(cx)
    }

    /// Whether a trunk rings, and the plan has no other trunk and nobody free in any group.
    fn is_last_hope(&self, cx: &mut Context<'_>) -> bool {
        let plan = &self.decision.plan;
        let trunks = plan.iter().filter(|step| matches!(step, Step::Trunk { .. })).count();
        self.rounds == Rounds::UntilTaken
            && matches!(plan.get(self.step), Some(Step::Trunk { .. }))
            && trunks == 1
            && !cx.supplies.any_free(plan)
    }

    /// Lets the callee go and tries the next one.
    pub(super) fn give_up_callee(mut self, cx: &mut Context<'_>) -> Turn {
        for leg in self.ringing.clone() {
            cx.publish(What::NotTaken { leg, code: None });
        }
        self.let_go(cx, &record::NO_ANSWER);
        self.hop = usize::MAX;
        self.advance(cx)
    }

    /// Stops ringing: CANCEL to all, or BYE where the 200 crosses it.
    pub(super) fn let_go(&mut self, cx: &mut Context<'_>, cause: &Cause) {
        for leg in self.ringing.drain(..) {
            cx.release(leg, cause.clone());
        }
        self.stop_waiting(cx);
    }
}

/// Where a hunt goes on after a failure.
#[derive(Clone, Copy)]
enum Further {
    /// Another device, way or agent of the same step.
    SameStep,
    /// The callee has refused: of a trunk step no other way to it is tried.
    NextCallee,
}

/// Whether a failure is the network's and not the callee's: then another gateway is tried (trap T36, F8).
fn is_congestion(failure: &Failure) -> bool {
    matches!(failure.code, 408 | 500 | 502 | 503 | 504)
        || failure.cause.q850.is_some_and(|cause| matches!(cause, 34 | 38 | 41 | 42 | 44 | 47))
}

fn profile(cx: &Context<'_>, id: &crate::base::ids::ProfileId) -> Profile {
    cx.site.routing.profile(id).cloned().unwrap_or_else(|| Profile::named(id.as_str()))
}

/// The caller hears the target's early media. To a caller who is not answered yet it is a 183 with our SDP; without an
/// offer of its own there is nothing to answer, and it goes on with 180.
fn relay_early_media(cx: &mut Context<'_>, caller: LegId, leg: LegId) {
    let source = Source::Leg(leg);
    let Some(sound) = cx.legs.sound(caller) else { return };
    if sound.hears == source {
        return;
    }
    if !cx.legs.is_connected(caller) {
        let Some(sdp) = sound.owed_answer() else { return };
        cx.order(caller, LegOrder::Progress { code: 183, sdp: Some(sdp) });
        cx.agree(caller);
    }
    cx.hear(caller, source);
}
