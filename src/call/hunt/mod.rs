//! Who is rung next: a plan, step by step, always with a running deadline.
//!
//! Decides: who is rung next for one purpose - a caller who has nobody, or the target of a transfer beside two who talk.
//! Invariants: while somebody rings, `RingTimeout` runs; while nobody does, `NextRound` (a hunt for a caller) or the hunt
//! is [`Outcome::Exhausted`] (a hunt of one round). A hunt owns its plan and its legs, and its timers carry its number,
//! so that two hunts of a call never meet.
//! A callee who has said no is not rung again in the same round, over whatever trunk; a gateway that fails is followed by
//! the next one; of several who answer the first has the call (trap T36).
//! Does not do: what becomes of the caller or of those who talk. The owner hands in the facts of the legs that the hunt
//! `has`, and the timers that carry its `id`.
//!
//! Reading order: this file (the plan and its rounds), `seats` and `gateways` (how one callee is rung), `facts` (what the
//! rung ones say), `cause` (whose fault a failure is), `early` (what is heard before the answer).

mod cause;
mod early;
mod facts;
mod gateways;
mod seats;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{AgentId, LegId, ProfileId, TrunkId};
use crate::call::context::Context;
use crate::call::notice::What;
use crate::call::record;
use crate::call::supplies::Choice;
use crate::call::timer::{HuntId, ROUND_PAUSE, Timer, Wait};
use crate::routing::config::Step;
use crate::routing::profile::Profile;
use crate::routing::recipe::Showing;
use crate::routing::{self, Decision};
use crate::sip::fact::Cause;

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
    /// Which gateways are tried: a round that has rung nobody over the healthy ones tries the others too.
    choice: Choice,
    /// Agents who have been rung in this round.
    tried: Vec<AgentId>,
    /// Numbers that have said no in this round.
    refused: Vec<String>,
    /// Gateways that have been tried in this round, each for a number.
    asked: Vec<Way>,
    /// Steps that this round has done with.
    closed: Vec<usize>,
    /// Legs that ring now: one callee, on all of its devices.
    ringing: SmallVec<[Attempt; MAX_CONTACTS]>,
    /// Legs of gateways that have said nothing in time. The hunt has gone on, but may still be answered by them.
    silent: SmallVec<[Attempt; 1]>,
    /// Who answered last.
    taken: Option<Way>,
    /// Rounds made in vain.
    round: u32,
    /// The final status of the last callee who did not take the call.
    code: Option<u16>,
}

/// One leg of a hunt.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Attempt {
    leg: LegId,
    /// What has been heard of it.
    heard: Heard,
    /// The way that it takes; none to an agent's softphone.
    way: Option<Way>,
    /// Whose number it shows.
    showing: Showing,
}

/// A way to a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Way {
    /// The step of the plan that it belongs to.
    step: usize,
    trunk: TrunkId,
    gateway: SocketAddr,
    number: String,
}

/// What has been heard of a leg that is being rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Heard {
    /// Nothing at all.
    Nothing,
    /// 100: somebody is there.
    Trying,
    /// A provisional response above 100.
    Progress,
}

impl Attempt {
    const fn at_seat(leg: LegId) -> Self {
        Self { leg, heard: Heard::Nothing, way: None, showing: Showing::Citizen }
    }

    const fn over(leg: LegId, way: Way, showing: Showing) -> Self {
        Self { leg, heard: Heard::Nothing, way: Some(way), showing }
    }
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
    /// This leg has answered, with a session that can be used. Every other one has been let go. The hunt can go on should
    /// it turn out that the call was not taken after all ([`Hunt::not_taken`]).
    Found {
        /// Who has answered.
        leg: LegId,
        /// The hunt as it stands.
        hunt: Hunt,
    },
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

    /// The hunt, with nobody left.
    pub(super) const fn hunt(&self) -> &Hunt {
        &self.hunt
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
            choice: Choice::Healthy,
            tried: Vec::new(),
            refused: Vec::new(),
            asked: Vec::new(),
            closed: Vec::new(),
            ringing: SmallVec::new(),
            silent: SmallVec::new(),
            taken: None,
            round: 0,
            code: None,
        }
    }

    /// A hunt for the caller who has nobody, through the plan of the hotline that was dialled, until somebody answers.
    pub(super) fn for_caller(cx: &mut Context<'_>, first: Option<AgentId>) -> Self {
        let decision = Arc::clone(cx.decision);
        Self::new(cx, decision, first, Rounds::UntilTaken)
    }

    /// A hunt that has nobody left: whoever was reached was not found by it.
    pub(super) fn over_and_done(cx: &mut Context<'_>, decision: Arc<Decision>) -> Self {
        let hunt = Self::new(cx, decision, None, Rounds::Once);
        Self { step: hunt.decision.plan.len(), choice: Choice::Any, ..hunt }
    }

    /// The hunt of a consultation goes on in this call, once through what is left of its plan. Its legs have come over.
    pub(super) fn taken_over(self, cx: &mut Context<'_>, decision: Arc<Decision>) -> Turn {
        let fresh = Self::new(cx, decision, None, Rounds::Once);
        let hunt = Self { id: fresh.id, decision: fresh.decision, rounds: fresh.rounds, first: None, ..self };
        if !hunt.rings() {
            return hunt.advance(cx);
        }
        for attempt in hunt.ringing.iter().filter(|attempt| attempt.way.is_some() && attempt.heard == Heard::Nothing) {
            cx.start(hunt.timer(Wait::FirstWord(attempt.leg)), gateways::GATEWAY_PATIENCE);
        }
        cx.start(hunt.timer(Wait::RingTimeout), hunt.decision.ring_timeout);
        Turn::Searching(hunt)
    }

    /// Its legs: those that ring, and those that have said nothing in time.
    pub(super) fn legs(&self) -> impl Iterator<Item = LegId> + '_ {
        self.ringing.iter().chain(&self.silent).map(|attempt| attempt.leg)
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

    /// The legs that ring now.
    pub(super) fn ringing(&self) -> impl Iterator<Item = LegId> + '_ {
        self.ringing.iter().map(|attempt| attempt.leg)
    }

    /// Whether somebody is being rung.
    pub(super) fn rings(&self) -> bool {
        !self.ringing.is_empty()
    }

    /// Whether the leg is one of this hunt's.
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.ringing.iter().chain(&self.silent).any(|attempt| attempt.leg == leg)
    }

    // --- going on ---

    /// Rings the first or the next one in the plan. If there is none the round is over: a hunt for a caller rests until
    /// the next round.
    pub(super) fn advance(mut self, cx: &mut Context<'_>) -> Turn {
        assert!(self.ringing.is_empty(), "one callee rings at a time");
        self.stop_waiting(cx);
        if self.ring_first(cx) || self.ring_plan(cx) {
            cx.start(self.timer(Wait::RingTimeout), self.decision.ring_timeout);
            return Turn::Searching(self);
        }
        match self.rounds {
            Rounds::UntilTaken => Turn::Searching(self.end_round(cx).rest(cx)),
            // Nobody else can be rung: those who have said nothing yet are waited for after all.
            Rounds::Once if !self.silent.is_empty() => {
                self.ringing.extend(self.silent.drain(..));
                cx.start(self.timer(Wait::RingTimeout), gateways::LAST_PATIENCE);
                Turn::Searching(self)
            }
            Rounds::Once => Turn::Exhausted(self.end_round(cx)),
        }
    }

    fn end_round(mut self, cx: &mut Context<'_>) -> Spent {
        self.round = self.round.saturating_add(1);
        self.step = 0;
        self.choice = Choice::Healthy;
        self.tried.clear();
        self.refused.clear();
        self.asked.clear();
        self.closed.clear();
        cx.publish(What::NobodyFree { round: self.round });
        Spent { hunt: self }
    }

    /// Every turn goes a step on or rings somebody, so that a round is finite. Healthy gateways come first over the whole
    /// plan; one that seems dead is better than nobody.
    fn ring_plan(&mut self, cx: &mut Context<'_>) -> bool {
        let decision = Arc::clone(&self.decision);
        loop {
            while let Some(step) = decision.plan.get(self.step) {
                let rings = !self.closed.contains(&self.step)
                    && match step {
                        Step::Group { group, .. } => self.ring_group(cx, group),
                        Step::Trunk { trunk, number, .. } => self.ring_trunk(cx, trunk, number),
                    };
                if rings {
                    return true;
                }
                self.step += 1;
            }
            match self.choice {
                Choice::Healthy => (self.choice, self.step) = (Choice::Any, 0),
                Choice::Any => return false,
            }
        }
    }

    /// This round has done with a step.
    fn close(&mut self, step: usize) {
        if !self.closed.contains(&step) {
            self.closed.push(step);
        }
    }

    fn stop_waiting(&self, cx: &mut Context<'_>) {
        cx.timers.stop(self.timer(Wait::NextRound));
        cx.timers.stop(self.timer(Wait::RingTimeout));
    }

    // --- deadlines ---

    /// A deadline of this hunt has come.
    pub(super) fn on_wait(self, cx: &mut Context<'_>, wait: Wait) -> Turn {
        match wait {
            Wait::RingTimeout if self.rings() => self.on_ring_timeout(cx),
            Wait::NextRound if !self.rings() => self.next_round(cx),
            Wait::FirstWord(leg) => self.on_silence(cx, leg),
            Wait::RingTimeout | Wait::NextRound => {
                cx.ignore("a timer whose time has passed");
                Turn::Searching(self)
            }
        }
    }

    /// An agent of the plan has become free.
    pub(super) fn on_seat_free(self, cx: &mut Context<'_>) -> Turn {
        if self.rings() { Turn::Searching(self) } else { self.next_round(cx) }
    }

    /// Another round, by the plan as it is now: a caller who waits is not bound to the hours and to the configuration of
    /// the moment when the wait began.
    fn next_round(mut self, cx: &mut Context<'_>) -> Turn {
        let plan = routing::current_plan(&cx.site.routing, &self.decision, cx.site.wall.local_time());
        if let Some(plan) = plan.filter(|plan| *plan != self.decision.plan) {
            self.decision = Arc::new(Decision { plan, ..(*self.decision).clone() });
        }
        self.advance(cx)
    }

    /// Nobody has answered in time: the next one. A service that rings is left ringing while nobody else could be rung:
    /// to hang up and to call it again would put the caller at the end of its queue.
    fn on_ring_timeout(self, cx: &mut Context<'_>) -> Turn {
        let rang = self.ringing.iter().any(|attempt| attempt.heard == Heard::Progress);
        if rang && self.is_last_hope(cx) {
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

    // --- letting go ---

    /// Lets the callee go and tries the next one.
    pub(super) fn give_up_callee(mut self, cx: &mut Context<'_>) -> Turn {
        let step = self.ringing.iter().find_map(|attempt| attempt.way.as_ref().map(|way| way.step));
        for leg in self.let_ringing_go(cx, &record::NO_ANSWER) {
            cx.publish(What::NotTaken { leg, code: None });
        }
        if let Some(step) = step {
            self.close(step);
        }
        self.advance(cx)
    }

    /// Who answered has not taken the call after all: it hung up at once (DESIGN, section 4). It is not rung again in this
    /// round; the next one is.
    pub(super) fn not_taken(mut self, cx: &mut Context<'_>, code: Option<u16>) -> Turn {
        self.code = code.or(self.code);
        if let Some(way) = self.taken.take() {
            self.close(way.step);
            self.refused.push(way.number);
        }
        self.advance(cx)
    }

    /// Stops ringing: CANCEL to all, or BYE where the 200 crosses it.
    pub(super) fn let_go(&mut self, cx: &mut Context<'_>, cause: &Cause) {
        self.let_ringing_go(cx, cause);
        for attempt in self.silent.drain(..) {
            cx.release(attempt.leg, cause.clone());
        }
        self.stop_waiting(cx);
    }

    fn let_ringing_go(&mut self, cx: &mut Context<'_>, cause: &Cause) -> Vec<LegId> {
        let legs: Vec<LegId> = self.ringing.drain(..).map(|attempt| attempt.leg).collect();
        for leg in &legs {
            cx.timers.stop(self.timer(Wait::FirstWord(*leg)));
            cx.release(*leg, cause.clone());
        }
        legs
    }
}

fn profile(cx: &Context<'_>, id: &ProfileId) -> Profile {
    cx.site.routing.profile(id).cloned().unwrap_or_else(|| Profile::named(id.as_str()))
}
